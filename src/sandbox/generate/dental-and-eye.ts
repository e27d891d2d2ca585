import type { Day } from './calendar.ts';
import { drawSharing, notCovered, splitAmounts } from './claims/amounts.ts';
import { oralClaim } from './claims/oral.ts';
import { professionalClaim } from './claims/professional.ts';
import { type MemberContext, pickClinician, pickFacility } from './context.ts';
import { concept, type Resource } from './fhir.ts';
import { clinicianParties } from './parties.ts';
import { HCPCS, ICD10CM } from './systems.ts';

export function dentalVisit(context: MemberContext, day: Day, visit: 'check' | 'filling'): Resource[] {
  const parties = clinicianParties(context, pickClinician(context, 'dentistry'), pickFacility(context, 'dental'));
  const diagnosis =
    visit === 'check' ? concept(ICD10CM, 'Z01.20', 'Check of the teeth') : concept(ICD10CM, 'K02.9', 'Tooth decay');
  return [oralClaim(context, { start: day, end: day, parties, diagnoses: [diagnosis], visit })];
}

/** A vision claim: an eye examination and lenses; frames above the allowance are not covered. */
export function eyeVisit(context: MemberContext, day: Day): Resource[] {
  const parties = clinicianParties(context, pickClinician(context, 'optometry'), pickFacility(context, 'optical'));
  return [
    professionalClaim(context, {
      type: 'vision',
      start: day,
      end: day,
      parties,
      diagnoses: [concept(ICD10CM, 'H52.13', 'Short sight of both eyes')],
      placeOfService: '11',
      status: 'partiallypaid',
      lines: [
        {
          service: concept(HCPCS, 'S0620', 'Eye examination'),
          units: 1,
          amounts: splitAmounts(9500, drawSharing(context.rng, 1000)),
        },
        {
          service: concept(HCPCS, 'V2103', 'Lenses'),
          units: 2,
          amounts: splitAmounts(14000, drawSharing(context.rng, 0)),
        },
        { service: concept(HCPCS, 'V2020', 'Frame'), units: 1, amounts: notCovered(12000) },
      ],
    }),
  ];
}
