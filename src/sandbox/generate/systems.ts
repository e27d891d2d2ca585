/** Canonical URLs that the generated resources name. Facts of the guides; see patient-access.md 0.2 and 5.2. */
export const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
const CARIN = 'http://hl7.org/fhir/us/carin-bb';
const US_CORE = 'http://hl7.org/fhir/us/core';
export const PDEX = 'http://hl7.org/fhir/us/davinci-pdex';
export const PAS = 'http://hl7.org/fhir/us/davinci-pas';

/** CARIN BB code systems by their last path segment. */
export const c4bb = (name: string): string => `${CARIN}/CodeSystem/${name}`;

export const LOINC = 'http://loinc.org';
export const SNOMED = 'http://snomed.info/sct';
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const CVX = 'http://hl7.org/fhir/sid/cvx';
export const NDC = 'http://hl7.org/fhir/sid/ndc';
export const ICD10CM = 'http://hl7.org/fhir/sid/icd-10-cm';
export const ICD10PCS = 'http://www.cms.gov/Medicare/Coding/ICD10';
export const CPT = 'http://www.ama-assn.org/go/cpt';
export const HCPCS = 'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets';
export const CDT = 'http://www.ada.org/cdt';
export const MS_DRG =
  'https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software';
export const PLACE_OF_SERVICE = 'https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set';
export const NUBC = 'https://www.nubc.org/CodeSystem';
export const CARC = 'https://x12.org/codes/claim-adjustment-reason-codes';
export const NUCC = 'http://nucc.org/provider-taxonomy';
export const NPI_SYSTEM = 'http://hl7.org/fhir/sid/us-npi';
export const TAX_SYSTEM = 'urn:oid:2.16.840.1.113883.4.4';
export const NAIC_SYSTEM = 'urn:oid:2.16.840.1.113883.6.300';
export const IDENTIFIER_TYPE = `${TERMINOLOGY}/v2-0203`;
export const PAYER_TYPOLOGY = 'https://nahdo.org/sopt';

/** US Core 6.1.0, the version adopted by regulation. */
export const usCore = (id: string): string => `${US_CORE}/StructureDefinition/us-core-${id}|6.1.0`;
export const usCoreCode = (name: string): string => `${US_CORE}/CodeSystem/${name}`;
export const usCoreExtension = (name: string): string => `${US_CORE}/StructureDefinition/us-core-${name}`;
export const pdex = (id: string): string => `${PDEX}/StructureDefinition/${id}`;
export const pas = (id: string): string => `${PAS}/StructureDefinition/${id}`;

/**
 * Both versions of a CARIN BB profile: 2.0.0 has an error-level rule that `meta.profile` names it with its version,
 * 2.1.0 the same as a warning (patient-access.md 0.2).
 */
export const carin = (id: string): readonly string[] => [
  `${CARIN}/StructureDefinition/C4BB-${id}|2.1.0`,
  `${CARIN}/StructureDefinition/C4BB-${id}|2.0.0`,
];
export const carin200 = (id: string): readonly string[] => [`${CARIN}/StructureDefinition/C4BB-${id}|2.0.0`];
