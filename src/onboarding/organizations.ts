/** A legal entity to which payer clients belong: who may be the recipient of a Consent. */
export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly npis: readonly string[];
  readonly naics: readonly string[];
  readonly payerIds: readonly string[];
  readonly eins: readonly string[];
}

/** Ten digits, the last a Luhn check digit over 80840 and the other nine (CMS NPI standard). */
export function isNpi(text: string): boolean {
  if (!/^[12]\d{9}$/.test(text)) return false;
  // 80840 adds 24 to the sum.
  let sum = 24;
  for (let i = 0; i < 10; i++) {
    const digit = Number(text[i]);
    const doubled = i % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
