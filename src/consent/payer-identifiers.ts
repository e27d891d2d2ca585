/** An identifier of an organization as it stands in a request. */
export interface PayerIdentifier {
  readonly system: string | undefined;
  readonly value: string;
}

/** The numbers that a health plan or payer organization is known by. */
export interface PayerNumbers {
  readonly npis: readonly string[];
  readonly naics: readonly string[];
  readonly payerIds: readonly string[];
  readonly eins: readonly string[];
}

const NPI = 'http://hl7.org/fhir/sid/us-npi';
const EIN = 'urn:oid:2.16.840.1.113883.4.4';
const NAIC = [
  'http://hl7.org/fhir/sid/us-naic',
  'urn:oid:2.16.840.1.113883.6.300',
  'http://terminology.hl7.org/NamingSystem/naic',
];

const compact = (value: string): string => value.replace(/[\s-]/g, '').toUpperCase();

/**
 * Is this the organization? `unknown` when the identifier is of a kind we have no number of, so that it says neither yes
 * nor no. Payer ids come under many systems, so an identifier of another system is compared with all of them.
 */
export function compareWith(identifier: PayerIdentifier, numbers: PayerNumbers): 'same' | 'other' | 'unknown' {
  const against = (own: readonly string[]): 'same' | 'other' | 'unknown' => {
    if (own.length === 0) return 'unknown';
    return own.some((number) => compact(number) === compact(identifier.value)) ? 'same' : 'other';
  };
  const { system } = identifier;
  if (system === NPI) return against(numbers.npis);
  if (system === EIN) return against(numbers.eins);
  if (system !== undefined && NAIC.includes(system)) return against(numbers.naics);
  const any = against([
    ...numbers.payerIds,
    ...numbers.naics,
    ...(system === undefined ? [...numbers.npis, ...numbers.eins] : []),
  ]);
  return any === 'same' ? 'same' : 'unknown';
}

/** Has the organization any number to compare with? */
export function hasNumbers(numbers: PayerNumbers): boolean {
  return [numbers.npis, numbers.naics, numbers.payerIds, numbers.eins].some((list) => list.length > 0);
}
