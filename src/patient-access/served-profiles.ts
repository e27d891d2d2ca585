const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-';
const CARIN = 'http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-';
const PDEX = 'http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/pdex-';

const usCore = (...ids: readonly string[]): readonly string[] => ids.map((id) => US_CORE + id);
const carin = (...ids: readonly string[]): readonly string[] => ids.map((id) => CARIN + id);

/**
 * By type, the profiles that resources of a plan may claim. CARIN for Blue Button, US Core 6.1 and PDex.
 *
 * Source: patient-access.md 4.2, 5.3 to 5.6.
 */
export const SERVED_PROFILES: Readonly<Record<string, readonly string[]>> = {
  AllergyIntolerance: usCore('allergyintolerance'),
  CarePlan: usCore('careplan'),
  CareTeam: usCore('careteam'),
  Condition: usCore('condition-problems-health-concerns', 'condition-encounter-diagnosis'),
  Coverage: [...carin('Coverage'), ...usCore('coverage')],
  Device: [...usCore('implantable-device'), `${PDEX}device`],
  DiagnosticReport: usCore('diagnosticreport-lab', 'diagnosticreport-note'),
  DocumentReference: usCore('documentreference'),
  Encounter: usCore('encounter'),
  ExplanationOfBenefit: [
    ...carin(
      ...['Inpatient-Institutional', 'Outpatient-Institutional', 'Professional-NonClinician', 'Pharmacy', 'Oral'].map(
        (kind) => `ExplanationOfBenefit-${kind}`,
      ),
    ),
    `${PDEX}priorauthorization`,
  ],
  Goal: usCore('goal'),
  Immunization: usCore('immunization'),
  Location: usCore('location'),
  Medication: usCore('medication'),
  MedicationDispense: [...usCore('medicationdispense'), `${PDEX}medicationdispense`],
  MedicationRequest: usCore('medicationrequest'),
  Observation: usCore(
    ...['observation-lab', 'observation-clinical-result', 'observation-screening-assessment', 'simple-observation'],
    ...['observation-pregnancystatus', 'observation-pregnancyintent', 'observation-occupation', 'smokingstatus'],
    ...['observation-sexual-orientation', 'vital-signs', 'blood-pressure', 'bmi', 'body-height', 'body-weight'],
    ...['body-temperature', 'heart-rate', 'respiratory-rate', 'pulse-oximetry', 'head-circumference'],
  ),
  Organization: [...carin('Organization'), ...usCore('organization')],
  Patient: [...carin('Patient'), ...usCore('patient')],
  Practitioner: [...carin('Practitioner'), ...usCore('practitioner')],
  PractitionerRole: usCore('practitionerrole'),
  Procedure: usCore('procedure'),
  Provenance: [...usCore('provenance'), `${PDEX}provenance`],
  QuestionnaireResponse: usCore('questionnaireresponse'),
  RelatedPerson: [...carin('RelatedPerson'), ...usCore('relatedperson')],
  ServiceRequest: usCore('servicerequest'),
  Specimen: usCore('specimen'),
};
