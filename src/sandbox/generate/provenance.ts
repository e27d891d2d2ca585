import { type Day, isoTime } from './calendar.ts';
import type { MemberContext } from './context.ts';
import { concept, meta, type Resource, reference } from './fhir.ts';
import { PDEX, pdex, TERMINOLOGY, usCore, usCoreCode } from './systems.ts';

const PROFILES = [usCore('provenance'), pdex('pdex-provenance')];

/** Who wrote what and how the plan got it: the clinic as author, the plan as transmitter, from a FHIR server. */
export function provenance(context: MemberContext, targets: readonly Resource[], day: Day): Resource {
  const clinic = context.home.facility.organization;
  return {
    resourceType: 'Provenance',
    id: context.nextId('prov'),
    meta: meta(PROFILES, day, context.asOf),
    target: targets.map(reference),
    recorded: isoTime(Math.min(day, context.asOf - 1), 1200),
    agent: [
      {
        type: concept(`${TERMINOLOGY}/provenance-participant-type`, 'author'),
        who: reference(context.home.clinician.practitioner),
        onBehalfOf: reference(clinic),
      },
      {
        type: concept(usCoreCode('us-core-provenance-participant-type'), 'transmitter'),
        who: reference(context.plan.payer),
      },
    ],
    entity: [
      {
        extension: [
          {
            url: pdex('ProvenanceSourceFrom'),
            valueCodeableConcept: concept(`${PDEX}/CodeSystem/ProvenancePayerDataSource`, 'hl7fhirr4'),
          },
        ],
        role: 'source',
        what: { display: 'FHIR server of the clinic' },
      },
    ],
  };
}
