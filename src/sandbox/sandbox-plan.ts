import { type Day, parseDay } from './generate/calendar.ts';
import { requireIllness } from './generate/catalogue/conditions.ts';
import { PLACES } from './generate/catalogue/names.ts';
import type { Resource } from './generate/fhir.ts';
import { npi } from './generate/identifiers.ts';
import { jayYoung } from './generate/jay-young.ts';
import { memberResources } from './generate/member.ts';
import { memberIdSystem, type Person } from './generate/person.ts';
import { makePlan, type PlanFacts, sharedResources } from './generate/plan.ts';
import { drawnMembers } from './generate/population.ts';
import { PLAIN_STORY, type Story } from './generate/story.ts';
import { type SandboxMember, type SandboxTenant, STORIES, sandboxMembers } from './sandbox-members.ts';

export const SANDBOX_PLANS: Readonly<Record<SandboxTenant, PlanFacts>> = {
  demo: {
    name: 'Demo Health Plan',
    npi: npi('199999004'),
    naic: '99904',
    payerId: 'DEMO1',
    taxId: '00-9999904',
    idBase: 'https://demo.example.org/ids',
  },
  bison: {
    name: 'Bison Health Plan',
    npi: npi('199999005'),
    naic: '99905',
    payerId: 'BISON1',
    taxId: '00-9999905',
    idBase: 'https://bison.example.org/ids',
  },
};

/** Tenant settings by which the plan knows its own numbers again. */
export function settingsOfPlan({ npi: planNpi, naic, payerId, idBase }: PlanFacts): Readonly<Record<string, unknown>> {
  return { npi: planNpi, naic, payerIds: [payerId], memberIdSystems: [memberIdSystem(idBase)] };
}

/** Members of a sandbox plan, the named ones included: few enough for a first start of some seconds. */
const MEMBER_COUNT = 40;
/** Ages of the unnamed members are counted from here, so that a reset never changes who they are. */
const AGES_AS_OF = parseDay('2026-01-01') as Day;

/** Everything a sandbox plan holds, as of a day; the ids do not depend on the day. */
export function* sandboxResources(tenant: SandboxTenant, asOf: Day): Generator<Resource> {
  const seed = `sandbox/${tenant}`;
  const plan = makePlan(SANDBOX_PLANS[tenant], seed, tenant, asOf, MEMBER_COUNT);
  yield* sharedResources(plan);
  const named = sandboxMembers(tenant);
  for (const member of named) {
    const person = personOf(member);
    yield* member.story === 'jay-young'
      ? jayYoung(seed, plan, person, asOf)
      : memberResources(seed, plan, person, storyOf(member), asOf);
  }
  yield* drawnMembers(plan, seed, tenant, MEMBER_COUNT - named.length, asOf, AGES_AS_OF);
}

function personOf(member: SandboxMember): Person {
  const [city, state] = PLACES.find(([, , postalCode]) => postalCode === member.postalCode) ?? PLACES[0];
  return {
    id: member.patientId,
    given: [member.given],
    family: member.family,
    ...(member.formerFamily ? { formerFamily: member.formerFamily } : {}),
    birth: parseDay(member.birthDate) as Day,
    gender: member.gender,
    race: ['2131-1', 'Other Race'],
    ethnicity: ['2186-5', 'Not Hispanic or Latino'],
    address: { line: ['12 Bridge Street'], city, state, postalCode: member.postalCode, country: 'US' },
    phone: '617-555-0199',
    memberId: member.memberId,
    subscriberId: member.subscriberId,
    relationship: member.relationship,
    dependent: member.dependent,
    subscriberName: member.subscriberName
      ? { given: [member.subscriberName[0]], family: member.subscriberName[1] }
      : { given: [member.given], family: member.family },
  };
}

function storyOf({ story }: SandboxMember): Story {
  const told: Partial<Omit<Story, 'chronic'>> & { chronic?: readonly string[] } = STORIES[story];
  return { ...PLAIN_STORY, ...told, chronic: (told.chronic ?? []).map(requireIllness) };
}
