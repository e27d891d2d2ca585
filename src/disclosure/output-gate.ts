/**
 * The last look at a line before it is written to another payer: is there an amount in it after all? This file shares
 * no code with the redactor, reads the bytes that will leave, and knows only what an amount looks like
 * (payer-to-payer.md 6.4, P2P-62).
 */

/** Names that mean money in a claim or a coverage (elsewhere `amount` is a ratio, `net` a weight). */
const MONEY_KEYS = [
  'amount',
  'unitPrice',
  'net',
  'factor',
  'adjustment',
  'allowedMoney',
  'usedMoney',
  'costToBeneficiary',
  'benefitBalance',
];
const CLAIM_TYPES = ['ExplanationOfBenefit', 'Coverage'];
const MASK = JSON.stringify({
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
});
/** Categories of adjudication that name an amount, by code system. */
const AMOUNT_CODES: Readonly<Record<string, readonly string[]>> = {
  'http://terminology.hl7.org/CodeSystem/adjudication': [
    'submitted',
    'copay',
    'eligible',
    'deductible',
    'unallocdeduct',
    'eligpercent',
    'tax',
    'benefit',
  ],
  'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication': [
    ...['coinsurance', 'noncovered', 'priorpayerpaid', 'paidbypatient', 'paidbypatientcash', 'paidbypatientother'],
    ...['paidbypatienthealthaccount', 'paidtoprovider', 'paidtopatient', 'memberliability', 'discount', 'drugcost'],
  ],
};
const CURRENCY_SYSTEM = 'urn:iso:std:iso:4217';
const CURRENCY_UNITS = [
  '$',
  'US$',
  'USD',
  'US Dollar',
  'US Dollars',
  'dollar',
  'dollars',
  'cent',
  'cents',
  'EUR',
  'GBP',
  'CAD',
  'MXN',
  'AUD',
  'CHF',
  'CNY',
  'JPY',
];
const UNITS_LOWER = new Set(CURRENCY_UNITS.map((unit) => unit.toLowerCase()));

const inEitherCase = (unit: string): string =>
  unit.replace(/[A-Za-z]/g, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`).replace('$', '\\$');

/**
 * One of these stands in every line that holds an amount, however it is written: a name of money, a system or a unit of
 * currency, or an escape behind which one could hide. A line without them need not be parsed. Names and units with their
 * quotes: `net` alone stands in every `innetwork`. One search takes a twelfth of the time of parsing every claim.
 */
const TRACES = new RegExp(
  [
    `"(?:currency|valueMoney|${MONEY_KEYS.join('|')})"`,
    `"(?:unit|code)"\\s*:\\s*"[^"A-Za-z0-9$\\\\]*(?:\\\\|${CURRENCY_UNITS.map(inEitherCase).join('|')})`,
    '4217',
    '\\\\[u/]',
    ...Object.keys(AMOUNT_CODES).map((system) => `${system.slice(system.lastIndexOf('CodeSystem/'))}"`),
  ].join('|'),
);

/** What was found, without any content: which rule, and under which element names. */
export interface GateFinding {
  readonly finding: 'money-element' | 'amount-category' | 'currency' | 'not-json';
  readonly path: string;
}

/**
 * Looks at one line of output.
 *
 * @returns undefined when nothing in it is an amount
 */
export function gateLine(line: Buffer | string): GateFinding | undefined {
  // Traces are ASCII, so it does not matter how the other bytes read.
  if (!TRACES.test(typeof line === 'string' ? line : line.toString('latin1'))) return undefined;
  let resource: unknown;
  try {
    resource = JSON.parse(typeof line === 'string' ? line : line.toString('utf8'));
  } catch {
    return { finding: 'not-json', path: '' };
  }
  return lookAt(resource, '', { isClaim: false, isAuthorization: false });
}

interface Surroundings {
  /** Inside an ExplanationOfBenefit or a Coverage, contained ones too. */
  readonly isClaim: boolean;
  /** Inside a prior authorization, whose entries may keep their category when the amount is masked. */
  readonly isAuthorization: boolean;
}

function lookAt(value: unknown, path: string, around: Surroundings): GateFinding | undefined {
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = lookAt(item, path, around);
      if (found) return found;
    }
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const object = value as Readonly<Record<string, unknown>>;
  const inside = typeof object.resourceType === 'string' ? surroundingsOf(object) : around;
  if (isCurrency(object)) return { finding: 'currency', path };
  if (inside.isClaim && !inside.isAuthorization && isAmountCategory(object))
    return { finding: 'amount-category', path };
  for (const [key, member] of Object.entries(object)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (key === 'valueMoney' || key === 'currency') return { finding: 'currency', path: at };
    if (inside.isClaim && MONEY_KEYS.includes(key) && JSON.stringify(member) !== MASK)
      return { finding: 'money-element', path: at };
    const found = lookAt(member, at, inside);
    if (found) return found;
  }
  return undefined;
}

function surroundingsOf(resource: Readonly<Record<string, unknown>>): Surroundings {
  return {
    isClaim: CLAIM_TYPES.includes(String(resource.resourceType)),
    isAuthorization: resource.use === 'preauthorization',
  };
}

function isCurrency(object: Readonly<Record<string, unknown>>): boolean {
  if (object.system === CURRENCY_SYSTEM) return true;
  if (!('value' in object)) return false;
  return [object.unit, object.code].some(
    (unit) => typeof unit === 'string' && UNITS_LOWER.has(unit.trim().toLowerCase()),
  );
}

function isAmountCategory(coding: Readonly<Record<string, unknown>>): boolean {
  return (
    typeof coding.system === 'string' &&
    typeof coding.code === 'string' &&
    AMOUNT_CODES[coding.system]?.includes(coding.code) === true
  );
}
