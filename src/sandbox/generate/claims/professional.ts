import { isoDay } from '../calendar.ts';
import type { MemberContext } from '../context.ts';
import { type CodeableConcept, concept, type Resource } from '../fhir.ts';
import { CARC, c4bb, carin, NUCC, PLACE_OF_SERVICE, TERMINOLOGY } from '../systems.ts';
import { type Amounts, amountEntries } from './amounts.ts';
import {
  type ClaimFacts,
  claimDays,
  claimHead,
  claimTail,
  diagnosisEntry,
  diagnosisType,
  info,
  insurance,
  numbered,
  PRINCIPAL,
  reasonEntry,
  statusEntry,
  unitsEntry,
} from './claim.ts';

export interface ServiceLine {
  readonly service: CodeableConcept;
  readonly units: number;
  readonly amounts: Amounts;
  readonly modifier?: CodeableConcept;
}

export interface ProfessionalFacts extends ClaimFacts {
  readonly type?: 'professional' | 'vision';
  /** A two-digit code of CMS: 11 office, 21 hospital, 23 emergency room, 41 ambulance. */
  readonly placeOfService: string;
  readonly lines: readonly ServiceLine[];
  /** Entries about a ride; every one is linked from the first line, as the guide demands. */
  readonly transport?: readonly object[];
}

const PROFILE = carin('ExplanationOfBenefit-Professional-NonClinician');

/** A bill of a clinician, an optician, an ambulance. Source: C4BB-ExplanationOfBenefit-Professional-NonClinician. */
export function professionalClaim(context: MemberContext, facts: ProfessionalFacts): Resource {
  const id = context.nextId('eob');
  const days = claimDays(context, facts.end);
  const network = facts.network ?? 'innetwork';
  const { clinician, clinicianTaxonomy, facility } = facts.parties;
  const shared = [
    { ...info('clmrecvddate'), timingDate: isoDay(days.received) },
    ...(facility ? [{ ...info('servicefacility'), valueReference: facility }] : []),
    { ...info('medicalrecordnumber'), valueString: `MR-${context.person.memberId}` },
    { ...info('patientaccountnumber'), valueString: `ACC-${id}` },
  ];
  const transport = facts.transport ?? [];
  return {
    ...claimHead(context, facts, days, id, PROFILE, facts.type ?? 'professional'),
    ...(clinician ? { careTeam: careTeam(facts, clinicianTaxonomy!) } : {}),
    supportingInfo: numbered([...shared, ...transport]),
    diagnosis: facts.diagnoses.map((diagnosis, index) =>
      diagnosisEntry(index + 1, diagnosis, index === 0 ? PRINCIPAL : diagnosisType('secondary')),
    ),
    insurance: insurance(context, facts),
    item: facts.lines.map((line, index) => ({
      sequence: index + 1,
      ...(clinician ? { careTeamSequence: [1] } : {}),
      diagnosisSequence: [1],
      ...(index === 0 && transport.length > 0
        ? { informationSequence: transport.map((_, at) => shared.length + at + 1) }
        : {}),
      productOrService: line.service,
      ...(line.modifier ? { modifier: [line.modifier] } : {}),
      servicedDate: isoDay(facts.start),
      locationCodeableConcept: concept(PLACE_OF_SERVICE, facts.placeOfService),
      quantity: { value: line.units },
      ...(facts.encounter ? { encounter: [facts.encounter] } : {}),
      ...(line.amounts.noncovered > 0 ? { noteNumber: [1] } : {}),
      adjudication: lineAdjudication(line, facts, network),
    })),
    adjudication: [statusEntry('billingnetworkstatus', network), statusEntry('renderingnetworkstatus', network)],
    ...claimTail(
      facts,
      days,
      facts.lines.map((line) => line.amounts),
    ),
  } as Resource;
}

function lineAdjudication(line: ServiceLine, facts: ProfessionalFacts, network: string) {
  return [
    statusEntry('benefitpaymentstatus', network),
    ...amountEntries(line.amounts, facts.paidTo ?? 'provider'),
    unitsEntry(line.amounts.noncovered > 0 ? 0 : line.units),
    reasonEntry('adjustmentreason', CARC, line.amounts.noncovered > 0 ? '96' : '45'),
  ];
}

/** Every role here demands a Practitioner. */
function careTeam(facts: ProfessionalFacts, taxonomy: string) {
  return [
    {
      sequence: 1,
      provider: facts.parties.clinician,
      responsible: true,
      role: concept(c4bb('C4BBClaimCareTeamRole'), 'rendering'),
      qualification: concept(NUCC, taxonomy),
    },
    { sequence: 2, provider: facts.parties.clinician, role: concept(`${TERMINOLOGY}/claimcareteamrole`, 'primary') },
  ];
}
