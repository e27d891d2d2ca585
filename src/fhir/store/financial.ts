const ALWAYS: ReadonlySet<string> = new Set(['ExplanationOfBenefit', 'Coverage', 'Claim', 'ClaimResponse']);

/**
 * May this resource hold an amount? Claims and coverages always pass the redactor; anything else does when a name that
 * only amounts have stands in its text. Too many are harmless, one too few is not.
 */
export function isFinancial(type: string, text: string): boolean {
  return (
    ALWAYS.has(type) ||
    text.includes('"currency"') ||
    text.includes('"valueMoney"') ||
    text.includes('urn:iso:std:iso:4217') ||
    text.includes('"resourceType":"ExplanationOfBenefit"') ||
    text.includes('"resourceType":"Coverage"')
  );
}
