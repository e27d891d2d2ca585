import { OUR_CANONICAL } from '#/fhir/our-canonicals.ts';

/** What kinds of data federal or state law treats as sensitive, as far as codes tell (payer-to-payer.md 6.5). */
export const CATEGORIES = [
  'substance-use',
  'part-2',
  'hiv',
  'std',
  'mental-health',
  'psychotherapy',
  'reproductive',
  'assault',
] as const;
export type Category = (typeof CATEGORIES)[number];

export const isCategory = (word: string): word is Category => (CATEGORIES as readonly string[]).includes(word);

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

export interface SecurityLabel {
  readonly system: string;
  readonly code: string;
}

/** The sensitivity code that a resource of a category carries, of HL7's v3-ActCode. */
const SENSITIVITY: Readonly<Record<Category, string>> = {
  'substance-use': 'SUD',
  // Data of a programme that 42 CFR Part 2 binds, told by who gave the treatment.
  'part-2': '42CFRPart2',
  hiv: 'HIV',
  std: 'STD',
  'mental-health': 'MH',
  psychotherapy: 'PSYTHPN',
  reproductive: 'SEX',
  assault: 'SDV',
};

/** Every labelled resource is restricted, and says in which respect. */
export const RESTRICTED: SecurityLabel = { system: CONFIDENTIALITY, code: 'R' };
export const labelOf = (category: Category): SecurityLabel => ({ system: ACT_CODE, code: SENSITIVITY[category] });

/** On a label that a rule of ours gave: its category. Labels without it came with the resource and are never taken away. */
export const LABEL_RULE = `${OUR_CANONICAL}/StructureDefinition/label-rule`;

/** Labels that mark data which federal or state law treats as sensitive, whoever gave them. */
const SENSITIVE: Readonly<Record<string, ReadonlySet<string>>> = {
  [CONFIDENTIALITY]: new Set(['R', 'V']),
  [ACT_CODE]: new Set([
    ...Object.values(SENSITIVITY),
    ...['ETH', 'ETHUD', 'OPIOIDUD', 'PSY', 'BH', 'EMOTDIS', 'SUICIDE', 'COGN', 'DVD'],
    ...['VIO', 'MST', 'SCA', 'SICKLE', 'GDIS', 'PREGNANT', 'SPI', 'TBOO'],
  ]),
};

/** Those labels, for what asks the store by its keys. */
export const SENSITIVE_LABELS: readonly SecurityLabel[] = Object.entries(SENSITIVE).flatMap(([system, codes]) =>
  [...codes].map((code) => ({ system, code })),
);

/** Is a resource labelled as sensitive? */
export function isSensitive(resource: Readonly<Record<string, unknown>>): boolean {
  const security = (resource.meta as { security?: unknown } | undefined)?.security;
  return (
    Array.isArray(security) &&
    security.some((label: { system?: unknown; code?: unknown } | null) => {
      const codes = typeof label?.system === 'string' ? SENSITIVE[label.system] : undefined;
      return codes?.has(String(label?.code)) === true;
    })
  );
}
