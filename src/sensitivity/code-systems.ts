/** The code systems that rules speak of, by the short names that settings use. */
export const CODE_SYSTEMS = {
  icd10cm: ['http://hl7.org/fhir/sid/icd-10-cm', 'http://hl7.org/fhir/sid/icd-10', 'urn:oid:2.16.840.1.113883.6.90'],
  icd10pcs: [
    'http://www.cms.gov/Medicare/Coding/ICD10',
    'http://hl7.org/fhir/sid/icd-10-pcs',
    'urn:oid:2.16.840.1.113883.6.4',
  ],
  hcpcs: [
    'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
    'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
    'https://bluebutton.cms.gov/resources/codesystem/hcpcs',
    'urn:oid:2.16.840.1.113883.6.285',
  ],
  cpt: ['http://www.ama-assn.org/go/cpt', 'urn:oid:2.16.840.1.113883.6.12'],
  rxnorm: ['http://www.nlm.nih.gov/research/umls/rxnorm', 'urn:oid:2.16.840.1.113883.6.88'],
  ndc: ['http://hl7.org/fhir/sid/ndc', 'urn:oid:2.16.840.1.113883.6.69'],
  nucc: ['http://nucc.org/provider-taxonomy', 'urn:oid:2.16.840.1.113883.6.101'],
  pos: ['https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set'],
  msdrg: [
    'https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software',
    'http://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software',
  ],
  snomed: ['http://snomed.info/sct', 'urn:oid:2.16.840.1.113883.6.96'],
  loinc: ['http://loinc.org', 'urn:oid:2.16.840.1.113883.6.1'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type CodeSystem = keyof typeof CODE_SYSTEMS;

export const isCodeSystem = (word: string): word is CodeSystem => Object.hasOwn(CODE_SYSTEMS, word);

/** Codes as they are compared: `f11.20` and `F1120` are one, and so are `61958-2501-1` and `619582501`. */
export function normalCode(code: string): string {
  return code.replace(/[.\-\s]/g, '').toUpperCase();
}
