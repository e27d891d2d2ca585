import { CHRONIC } from './catalogue/conditions.ts';
import { billedDiagnosis } from './conditions.ts';
import type { MemberContext } from './context.ts';
import { note } from './documents.ts';
import { type Resource, reference } from './fhir.ts';
import { clinicianParties } from './parties.ts';
import { priorAuthorization } from './prior-authorizations.ts';
import type { Story } from './story.ts';

/** The prior authorizations of the story, the active ones with the letter that the doctor sent along. */
export function authorizations(context: MemberContext, story: Story): Resource[] {
  const { clinician, facility } = context.home;
  return story.authorizations.flatMap((each) => {
    const letter =
      each === 'active' || each === 'overturned'
        ? note(context, 'consult', context.asOf - 205, reference(clinician.practitioner))
        : undefined;
    const authorization = priorAuthorization(context, {
      story: each,
      parties: clinicianParties(context, clinician, facility),
      facility: reference(facility.location),
      diagnosis: billedDiagnosis(story.chronic[0] ?? CHRONIC[0]!),
      ...(letter ? { document: reference(letter) } : {}),
    });
    return letter ? [letter, authorization] : [authorization];
  });
}
