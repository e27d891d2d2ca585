import type { CodeTable } from '../rules.ts';

/**
 * Who gave the treatment, by the Health Care Provider Taxonomy (National Uniform Claim Committee): bare codes. They stand in
 * the care team of a claim, in a PractitionerRole, a Practitioner, an Organization.
 */
export const NUCC: CodeTable = {
  // Addiction medicine, addiction counselling, methadone clinics, rehabilitation of substance use disorders.
  'part-2': words(`101YA0400X 207LA0401X 207QA0401X 207RA0401X 2083A0300X 2084A0401X 163WA0400X 261QM2800X 261QR0405X
    276400000X 324500000X 3245S0500X`),
  // Psychiatry, psychology, clinical social work, counselling, psychiatric nursing, clinics, hospitals, units.
  'mental-health': words(`2084P0800X 2084P0802X 2084P0804X 2084P0805X 2084F0202X 103T* 102L00000X 1041C0700X 101YM0800X
    101YP2500X 106H00000X 163WP0807X 163WP0808X 163WP0809X 363LP0808X 364SP0807X 364SP0808X 364SP0809X 364SP0810X
    364SP0811X 364SP0812X 364SP0813X 251S00000X 261QM0801X 261QM0850X 261QM0855X 273R00000X 283Q00000X 320800000X
    322D00000X 323P00000X`),
  reproductive: words('261QA0005X 261QF0050X'),
};

function words(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}
