/** Code systems and codes that tell what an adjudication entry is (payer-to-payer.md 6.1). */
export const DISCRIMINATOR = 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator';
export const PDEX_DISCRIMINATOR = 'http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PDexAdjudicationDiscriminator';

/** Kept in a claim: they say how it was judged, not what was paid. */
export const KEPT_CATEGORIES = [
  'benefitpaymentstatus',
  'billingnetworkstatus',
  'renderingnetworkstatus',
  'allowedunits',
  'adjustmentreason',
  'rejectreason',
] as const;
export type KeptCategory = (typeof KEPT_CATEGORIES)[number];

/** Reason codes that some count as remittance information; a tenant may leave them out (6.3, step 8). */
export const isReasonCategory = (category: KeptCategory): boolean =>
  category === 'adjustmentreason' || category === 'rejectreason';

/** The one category whose `value` is a number of units and stays. */
export const UNITS_CATEGORY = 'allowedunits' satisfies KeptCategory;

const C4BB = 'http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-';

/** Which claim types have a Basis profile: the same claim without amounts (6.2). */
export const BASIS_TYPES = [
  'Inpatient-Institutional',
  'Outpatient-Institutional',
  'Professional-NonClinician',
  'Oral',
  'Pharmacy',
] as const;
export type BasisType = (typeof BASIS_TYPES)[number];

const basisTypes = new Map<string, BasisType>(
  BASIS_TYPES.flatMap((type) => [
    [`${C4BB}${type}`, type],
    [`${C4BB}${type}-Basis`, type],
  ]),
);

/** The Basis type that a canonical of a full or Basis profile names, with or without a version. */
export function basisTypeOf(canonical: string): BasisType | undefined {
  const version = canonical.indexOf('|');
  return basisTypes.get(version < 0 ? canonical : canonical.slice(0, version));
}

export const basisProfile = (type: BasisType): string => `${C4BB}${type}-Basis`;

export const REDACTED_LABEL =
  '{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}';

/** An amount that is not told: what stands for a Money that R4 demands. */
export const MASKED =
  '{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}';

/** Words that look like an amount of money: a currency sign or code, or a number with two decimals. */
export const AMOUNT_TEXT = /\$|\bUSD\b|\bdollars?\b|(?:^|[^\d.])\d{1,3}(?:,?\d{3})*\.\d\d(?![\d.])/i;
