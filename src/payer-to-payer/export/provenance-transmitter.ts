import { sha256 } from '#/platform/crypto/hash.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { ExportJob } from './export-job.ts';

/** Targets of one Provenance; a member with more has a chain of them (payer-to-payer.md 7). */
export const TARGETS_MAX = 1_000;

const PDEX = 'http://hl7.org/fhir/us/davinci-pdex';
const PROFILE = `${PDEX}/StructureDefinition/pdex-provenance`;
const PARTICIPANT = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type';
const NPI = 'http://hl7.org/fhir/sid/us-npi';
const NAIC = 'urn:oid:2.16.840.1.113883.6.300';
/** Characters of a hash: enough that two of a plan never meet, few enough for a FHIR id. */
const ID_LENGTH = 32;

/**
 * What the plan says about an exchange: these resources were sent by us. One chain for each member, and one for what
 * belongs to nobody. The plan is a contained Organization, so that the reference leads somewhere whatever was asked for.
 *
 * The same export makes the same lines, however often a part of it is tried.
 *
 * @param chain id of the Patient, or '' for shared resources
 * @param targets `Type/id`, in the order they were sent
 *
 * Source: PDex §127, profile pdex-provenance; payer-to-payer.md 7 (P2P-66).
 */
export function* transmitterProvenance(
  tenant: Tenant,
  job: Pick<ExportJob, 'id' | 'transactionTime'>,
  chain: string,
  targets: Iterable<string>,
): Generator<object> {
  const recorded = job.transactionTime!.toISOString();
  let link = 0;
  for (const chunk of chunksOf(targets)) {
    yield {
      resourceType: 'Provenance',
      id: sha256(`${job.id}|${chain}|${link++}`).toString('hex').slice(0, ID_LENGTH),
      meta: { versionId: '1', lastUpdated: recorded, profile: [PROFILE] },
      contained: [organizationOf(tenant)],
      target: chunk.map((reference) => ({ reference })),
      recorded,
      agent: [
        {
          type: { coding: [{ system: PARTICIPANT, code: 'transmitter' }] },
          who: { reference: '#transmitter', display: tenant.name },
        },
      ],
      entity: [
        {
          extension: [
            {
              url: `${PDEX}/StructureDefinition/ProvenanceSourceFrom`,
              valueCodeableConcept: {
                coding: [{ system: `${PDEX}/CodeSystem/ProvenancePayerDataSource`, code: 'hl7fhirr4' }],
              },
            },
          ],
          role: 'source',
          what: { display: tenant.name },
        },
      ],
    };
  }
}

function* chunksOf(targets: Iterable<string>): Generator<string[]> {
  let chunk: string[] = [];
  for (const target of targets) {
    chunk.push(target);
    if (chunk.length < TARGETS_MAX) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function organizationOf({ name, settings }: Tenant): object {
  const identifier = [
    ...(settings.npi === undefined ? [] : [{ system: NPI, value: settings.npi }]),
    ...(settings.naic === undefined ? [] : [{ system: NAIC, value: settings.naic }]),
    ...settings.payerIds.map((value) => ({ value })),
  ];
  return {
    resourceType: 'Organization',
    id: 'transmitter',
    ...(identifier.length === 0 ? {} : { identifier }),
    active: true,
    name,
  };
}
