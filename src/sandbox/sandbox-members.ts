import type { Story } from './generate/story.ts';

export type SandboxTenant = 'demo' | 'bison';

/** A member that documentation and tests name. Who he or she is never changes; the dates of the record move. */
export interface SandboxMember {
  readonly tenant: SandboxTenant;
  readonly patientId: string;
  readonly given: string;
  readonly family: string;
  readonly formerFamily?: string;
  /** `yyyy-mm-dd` */
  readonly birthDate: string;
  readonly gender: 'female' | 'male';
  readonly memberId: string;
  readonly subscriberId: string;
  readonly dependent: string;
  readonly relationship: 'self' | 'spouse' | 'child';
  readonly subscriberName?: readonly [given: string, family: string];
  readonly postalCode: string;
  readonly story: keyof typeof STORIES;
  /** What the member is good for, for the reference page. */
  readonly about: string;
}

/** What happens to them, over the plain course of `PLAIN_STORY`. Chronic illnesses are keys of the catalogue. */
export const STORIES = {
  'jay-young': {},
  child: { chronic: ['asthma', 'rhinitis'], officeVisits: 3, fillsPerDrug: 2 },
  rich: {
    chronic: ['hypertension', 'diabetes', 'kneeArthrosis'],
    officeVisits: 3,
    emergencies: 1,
    hospitalStays: 1,
    isCoordinated: true,
    hasImplant: true,
    hadOtherProduct: true,
    eyeVisits: 1,
    fillsPerDrug: 4,
  },
  plain: {},
  'coverage-by-identifier': { chronic: ['lipids'], hasCoverageByIdentifier: true },
  'every-claim': { chronic: ['hypertension'], hasEveryClaim: true, isCoordinated: true },
  sensitive: { hasSensitiveCare: true },
  authorizations: {
    chronic: ['asthma'],
    authorizations: ['active', 'expired', 'denied', 'drug', 'overturned', 'pended'],
  },
  'old-data': { historyDays: 3100, chronic: ['hypertension'], officeVisits: 6, checkUps: 7, dentalVisits: 4 },
  concurrent: { chronic: ['coronary'], hasOtherPayer: true },
  former: { coverageEndedAgo: 120 },
  died: { coverageEndedAgo: 200, hasDied: true, chronic: ['hypertension'] },
} as const satisfies Record<string, Partial<Omit<Story, 'chronic'>> & { readonly chronic?: readonly string[] }>;

type Row = readonly [
  patientId: string,
  given: string,
  family: string,
  birthDate: string,
  gender: 'female' | 'male',
  memberId: string,
  postalCode: string,
  story: keyof typeof STORIES,
  about: string,
  rest?: Partial<SandboxMember>,
];

/** In both sandbox plans: the members that developers are told to type in. */
const GUIDE_MEMBERS: readonly Row[] = [
  [
    'g01',
    'Mayte822',
    'Venegas795',
    '2011-01-04',
    'female',
    '01-testmemid',
    '02116',
    'child',
    'A child: visits, allergies and prescriptions',
    { subscriberId: '01-testsubid', dependent: '02', relationship: 'child', subscriberName: ['Elvira', 'Venegas795'] },
  ],
  [
    'g02',
    'John',
    'Allen',
    '1950-10-19',
    'male',
    '123456789123',
    '02114',
    'rich',
    'Several illnesses; refers to organizations, practitioners and locations',
  ],
  ['g03', 'Ana', 'Delgado', '1988-07-22', 'female', '700100200301', '02139', 'plain', 'A quiet record'],
  [
    'g04',
    'Marcus',
    'Okafor',
    '1962-03-30',
    'male',
    '700100200401',
    '01608',
    'coverage-by-identifier',
    'One claim names its coverage by the member’s number only',
  ],
  [
    'g05',
    'Carin',
    'Wells',
    '1958-05-17',
    'female',
    '700100200501',
    '01103',
    'every-claim',
    'Claims of all five types, in every variant',
  ],
];

/** In `demo`: the cases that testers of payer-to-payer look for (payer-to-payer.md 12). */
const TESTER_MEMBERS: readonly Row[] = [
  [
    't01',
    'Rosa',
    'Lindqvist',
    '1979-02-11',
    'female',
    '800100200101',
    '02169',
    'plain',
    'Matches as exactly one member',
  ],
  [
    't02',
    'Alex',
    'Morgan',
    '1985-06-15',
    'male',
    '55500011101',
    '01852',
    'plain',
    'One of two that yield “multiple”',
    { subscriberId: '555000111', dependent: '01' },
  ],
  [
    't03',
    'Alex',
    'Morgan',
    '1985-06-15',
    'male',
    '55500011102',
    '01970',
    'plain',
    'The other one: same subscriber id, name and birth date',
    { subscriberId: '555000111', dependent: '02' },
  ],
  [
    't04',
    'Jordan',
    'Blake',
    '1990-09-09',
    'female',
    '800100200401',
    '02903',
    'sensitive',
    'Treatment with sensitive labels: leaves only with policy #sensitive',
  ],
  [
    't05',
    'Nadia',
    'Haddad',
    '1983-12-01',
    'female',
    '800100200501',
    '06103',
    'plain',
    'Has forbidden the exchange: every match is refused',
  ],
  [
    't06',
    'Priya',
    'Raman',
    '1971-08-14',
    'female',
    '800100200601',
    '03101',
    'authorizations',
    'Prior authorizations: active, expired, denied, for a drug, overturned, pending',
  ],
  [
    't07',
    'Walter',
    'Lindgren',
    '1947-04-02',
    'male',
    '800100200701',
    '04101',
    'old-data',
    'Data older than five years, which stay here',
  ],
  [
    't08',
    'David',
    'Castellano',
    '1984-10-27',
    'male',
    '80010020801',
    '02139',
    'plain',
    'The subscriber of a family',
    { subscriberId: '800100208' },
  ],
  [
    't09',
    'Laura',
    'Castellano',
    '1986-03-12',
    'female',
    '80010020802',
    '02139',
    'plain',
    'His spouse',
    { subscriberId: '800100208', dependent: '02', relationship: 'spouse', subscriberName: ['David', 'Castellano'] },
  ],
  [
    't10',
    'Maya',
    'Castellano',
    '2016-05-09',
    'female',
    '80010020803',
    '02139',
    'plain',
    'One of twins: same family, birth date and subscriber id',
    { subscriberId: '800100208', dependent: '03', relationship: 'child', subscriberName: ['David', 'Castellano'] },
  ],
  [
    't11',
    'Mila',
    'Castellano',
    '2016-05-09',
    'female',
    '80010020804',
    '02139',
    'plain',
    'The other twin',
    { subscriberId: '800100208', dependent: '04', relationship: 'child', subscriberName: ['David', 'Castellano'] },
  ],
  [
    't12',
    'Sofia',
    'Brandt',
    '1991-11-23',
    'female',
    '800100201201',
    '01103',
    'plain',
    'Has changed her name; is found by either',
    { formerFamily: 'Keller' },
  ],
  [
    't13',
    'Helen',
    'Park',
    '1956-01-08',
    'female',
    '800100201301',
    '02114',
    'concurrent',
    'Covered by another plan at the same time',
  ],
  [
    't14',
    'Omar',
    'Faris',
    '1975-07-19',
    'male',
    '800100201401',
    '02116',
    'former',
    'Coverage has ended: a former member',
  ],
  ['t15', 'Edith', 'Lindgren', '1938-06-25', 'female', '800100201501', '04101', 'died', 'Has died: a former member'],
];

const JAY_YOUNG: Row = [
  'j01',
  'Jay',
  'Young',
  '2001-03-11',
  'male',
  '17148123-47da-43a0-8401-8d5d1368db02',
  '02118',
  'jay-young',
  'The member of the payer-to-payer quick start: 31 resources in 6 files',
];

function member(tenant: SandboxTenant, row: Row): SandboxMember {
  const [id, given, family, birthDate, gender, memberId, postalCode, story, about, rest] = row;
  return {
    tenant,
    patientId: `${tenant}-${id}`,
    given,
    family,
    birthDate,
    gender,
    memberId,
    subscriberId: memberId,
    dependent: '01',
    relationship: 'self',
    postalCode,
    story,
    about,
    ...rest,
  };
}

export const SANDBOX_MEMBERS: readonly SandboxMember[] = [
  ...[...GUIDE_MEMBERS, ...TESTER_MEMBERS].map((row) => member('demo', row)),
  ...[JAY_YOUNG, ...GUIDE_MEMBERS].map((row) => member('bison', row)),
];

/** The members of the standing Group `sandbox-members`. */
export const GROUP_MEMBERS: readonly string[] = ['g02', 'g03', 'g05', 't01'];
/** Has forbidden the exchange with other payers. */
export const BLOCKED_MEMBERS: readonly string[] = ['t05'];

/** The named members of a sandbox plan; `ids` picks some by the end of their Patient id. */
export function sandboxMembers(tenant: SandboxTenant, ids?: readonly string[]): readonly SandboxMember[] {
  const ours = SANDBOX_MEMBERS.filter((each) => each.tenant === tenant);
  return ids === undefined ? ours : ours.filter((each) => ids.some((id) => each.patientId === `${tenant}-${id}`));
}
