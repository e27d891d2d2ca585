import type { Json } from './generated.ts';

/** Breaks a rule in a good resource; false when the resource has nothing to break it with. */
type Break = (resource: any) => boolean | undefined;

const CARIN = 'http://hl7.org/fhir/us/carin-bb/CodeSystem/';
const TERMS = 'http://terminology.hl7.org/CodeSystem/';
const coded = (system: string, code: string): Json => ({ coding: [{ system, code }] });
const inTeam =
  (role: string, type: string): Break =>
  (eob) => {
    eob.careTeam = [
      { sequence: 1, provider: { reference: `${type}/x` }, role: coded(`${CARIN}C4BBClaimCareTeamRole`, role) },
    ];
  };
const isAmount = ({ category }: Json): boolean =>
  category.coding.some(
    ({ system, code }: Json) => /\/adjudication$|C4BBAdjudication$/.test(system) && code !== undefined,
  );
const amountOf = (lists: any[]): Json | undefined => lists.flatMap((list) => list ?? []).find(isAmount);
const without =
  (...keys: string[]): Break =>
  (resource) => {
    for (const key of keys) {
      delete resource[key];
      delete resource[`_${key}`];
    }
  };
const identifier =
  (system: RegExp, value: string): Break =>
  (resource) => {
    const one = resource.identifier?.find((each: Json) => system.test(each.system));
    if (!one) return false;
    one.value = value;
    return true;
  };
const otherVersion: Break = (resource) => {
  resource.meta.profile = resource.meta.profile.map((each: string) => `${each.split('|')[0]}|0.0.1`);
};

function vaccine(system: string, code: string): Break {
  return (immunization) => {
    immunization.vaccineCode = coded(system, code);
    return true;
  };
}

/** How each invariant of the guides is broken: by the type of the profile and its key. One of several ways must do. */
export const BROKEN: Readonly<Record<string, Break | readonly Break[]>> = {
  'Coverage coverage-meta-profile-version': otherVersion,
  'ExplanationOfBenefit EOB-institutional-inpatient-meta-profile-version': otherVersion,
  'ExplanationOfBenefit EOB-institutional-outpatient-meta-profile-version': otherVersion,
  'ExplanationOfBenefit EOB-oral-meta-profile-version': otherVersion,
  'ExplanationOfBenefit EOB-pharmacy-meta-profile-version': otherVersion,
  'ExplanationOfBenefit EOB-professional-nonclinician-meta-profile-version': otherVersion,
  'Organization organization-meta-profile-version': otherVersion,
  'Patient patient-meta-profile-version': otherVersion,
  'Practitioner practitioner-meta-profile-version': otherVersion,
  'RelatedPerson relatedperson-meta-profile-version': otherVersion,

  'ExplanationOfBenefit EOB-inst-pointoforigin': (eob) => {
    const admission = coded('https://www.nubc.org/CodeSystem/PriorityTypeOfAdmitOrVisit', '3');
    const newborn = coded('https://www.nubc.org/CodeSystem/PointOfOriginNewborn', '5');
    eob.supportingInfo = eob.supportingInfo.filter(({ code }: Json) => !/nubc/.test(code?.coding[0].system));
    for (const code of [admission, newborn])
      eob.supportingInfo.push({ sequence: 90 + eob.supportingInfo.length, category: { text: 'x' }, code });
  },
  'ExplanationOfBenefit EOB-institutional-item-or-header-adjudication': (eob) => {
    const amount = amountOf([eob.adjudication, ...eob.item.map((item: Json) => item.adjudication)]);
    if (!amount) return false;
    eob.adjudication = [...(eob.adjudication ?? []).filter((each: Json) => !isAmount(each)), amount];
    eob.item[0].adjudication = [amount];
    return true;
  },
  'ExplanationOfBenefit adjudication-has-amount-type-slice': (eob) => {
    const [first, ...more] = eob.item;
    if (!first?.adjudication || more.length === 0) return false;
    first.adjudication = [{ category: coded(`${CARIN}C4BBAdjudicationDiscriminator`, 'allowedunits'), value: 1 }];
    return true;
  },
  'ExplanationOfBenefit EOB-payee-other-type-requires-party': (eob) => {
    eob.payee = { type: coded(`${TERMS}payeetype`, 'other') };
  },
  'ExplanationOfBenefit EOB-inst-careTeam-practitioner': inTeam('attending', 'Organization'),
  'ExplanationOfBenefit EOB-inst-careTeam-organization': inTeam('rendering', 'Practitioner'),
  'ExplanationOfBenefit EOB-prof-careTeam-practitioner': inTeam('rendering', 'Organization'),
  'ExplanationOfBenefit EOB-pharm-careTeam-organization': inTeam('rendering', 'Practitioner'),
  // 2.1.0 demands an Organization, 2.2.0 a Practitioner: a Location is neither.
  'ExplanationOfBenefit EOB-pharm-careTeam-practitioner': inTeam('prescribing', 'Location'),
  'ExplanationOfBenefit EOB-careteam-qualification': inTeam('rendering', 'Organization'),
  'ExplanationOfBenefit EOB-insurance-focal': (eob) => {
    eob.insurance.push(structuredClone(eob.insurance[0]));
  },
  'ExplanationOfBenefit EOB-prof-all-transportation-supportinginfo-linked-to-line': (eob) => {
    eob.supportingInfo = [
      ...(eob.supportingInfo ?? []),
      { sequence: 99, category: coded(`${CARIN}C4BBSupportingInfoType`, 'pickuplocation'), valueString: 'x' },
    ];
  },
  'ExplanationOfBenefit EOB-vision-item-productorservice': (eob) => {
    eob.item[0].productOrService = coded(`${TERMS}data-absent-reason`, 'not-applicable');
  },
  'ExplanationOfBenefit Oral-EOB-supportinginfo-additionalbodysite-requires-line-item': (eob) => {
    eob.supportingInfo = [
      ...(eob.supportingInfo ?? []),
      {
        sequence: 99,
        category: coded(`${CARIN}C4BBSupportingInfoType`, 'additionalbodysite'),
        code: coded(`${TERMS}ADAUniversalToothDesignationSystem`, '1'),
      },
    ];
  },
  'ExplanationOfBenefit Oral-line-item-with-linked-additionalbody-site-requires-bodysite': (eob) => {
    const info = eob.supportingInfo.find(({ category }: Json) => category.coding[0].code === 'additionalbodysite');
    const item = eob.item.find(({ informationSequence }: Json) => informationSequence?.includes(info?.sequence));
    if (!item) return false;
    delete item.bodySite;
    delete item.subSite;
    return true;
  },
  'ExplanationOfBenefit Oral-EOB-surface-subsite-requires-tooth-number': (eob) => {
    const [item] = eob.item;
    // Without a tooth, and without anything linked that could name one.
    delete item.bodySite;
    delete item.informationSequence;
    item.subSite = [coded(`${TERMS}ADAToothSurfaceCodes`, 'M')];
  },
  'Organization uncontained-requires-lastUpdated': (organization) => {
    if (organization.meta?.lastUpdated === undefined) return false;
    delete organization.meta.lastUpdated;
    return true;
  },
  'Practitioner Practitioner-identifier': (practitioner) => {
    for (const each of practitioner.identifier) {
      each.type = coded(`${TERMS}v2-0203`, 'EN');
      each.system = 'urn:other';
    }
  },
  'RelatedPerson relatedperson-name-or-relationship': without('name', 'relationship'),
  'RelatedPerson us-core-14': without('name', 'relationship'),
  'Patient us-core-6': (patient) => {
    patient.name = [{ text: 'x' }];
  },
  'Patient us-core-8': (patient) => {
    patient.name = [{ text: 'x' }];
  },
  'Patient hrex-pat-1': without('gender'),
  'Coverage hrex-cov-1': without('identifier', 'subscriberId'),
  'Coverage us-core-15': without('identifier', 'subscriberId'),
  'DiagnosticReport us-core-8': without('effectiveDateTime', 'effectivePeriod'),
  'DiagnosticReport us-core-9': without('issued'),
  'DiagnosticReport us-core-10': without('effectiveDateTime', 'effectivePeriod'),
  'DocumentReference us-core-6': (document) => without('url', 'data')(document.content[0].attachment),
  // 6.1.0 warns of NDC at all, 7.0.0 of CVX without NDC.
  'Immunization us-core-5': [
    vaccine('http://hl7.org/fhir/sid/ndc', '00000000000'),
    vaccine('http://hl7.org/fhir/sid/cvx', '140'),
  ],
  'MedicationDispense us-core-20': (dispense) => {
    dispense.status = 'completed';
    delete dispense.whenHandedOver;
  },
  'MedicationRequest us-core-21': without('requester'),
  'Observation us-core-1': (observation) => {
    without('effectivePeriod')(observation);
    observation.effectiveDateTime = '2020-01';
  },
  'Observation vs-1': (observation) => {
    without('effectivePeriod')(observation);
    observation.effectiveDateTime = '2020-01';
  },
  'Observation us-core-2': (observation) => nothingSaid(observation),
  'Observation vs-2': (observation) => nothingSaid(observation),
  'Observation us-core-3': (observation) => {
    if (!observation.valueQuantity) return false;
    observation.valueQuantity.system = 'urn:other';
    return true;
  },
  'Observation us-core-4': (observation) => {
    if (!observation.valueCodeableConcept) return false;
    observation.valueCodeableConcept = coded('urn:other', 'x');
    return true;
  },
  'Observation us-core-22': (observation) => {
    observation.referenceRange = [{ low: { value: 1, system: 'urn:other', code: 'x' } }];
  },
  'Observation us-core-24': (observation) => {
    observation.code.coding.push({ system: 'http://loinc.org', code: '72166-2' });
    delete observation.valueCodeableConcept;
    observation.valueQuantity = { value: 1 };
  },
  'Observation us-core-25': (observation) => {
    observation.code.coding.push({ system: 'http://loinc.org', code: '401201003' });
    delete observation.valueQuantity;
    observation.valueCodeableConcept = { text: 'x' };
  },
  'Observation us-core-26': (observation) => withoutComponentValue(observation),
  'Observation vs-3': (observation) => withoutComponentValue(observation),
  'Observation obs-3': (observation) => {
    observation.referenceRange = [{ appliesTo: [{ text: 'x' }] }];
  },
  'Organization us-core-16': identifier(/us-npi/, '123456789'),
  'Organization us-core-17': identifier(/us-npi/, '1234567890'),
  'Organization us-core-18': identifier(/2\.16\.840\.1\.113883\.4\.7$/, '12D34'),
  'Organization us-core-19': identifier(/2\.16\.840\.1\.113883\.6\.300/, '1234'),
  'Practitioner us-core-16': identifier(/us-npi/, '123456789'),
  'Practitioner us-core-17': identifier(/us-npi/, '1234567890'),
  'PractitionerRole pd-1': without('telecom', 'endpoint'),
  'PractitionerRole us-core-13': without('practitioner', 'organization', 'healthcareService', 'location'),
  'Procedure us-core-7': without('performedDateTime', 'performedPeriod'),
  'Provenance provenance-1': (provenance) => {
    provenance.agent[0].who = { reference: 'Practitioner/x' };
    delete provenance.agent[0].onBehalfOf;
  },
  'QuestionnaireResponse sdcqr-1': without('subject'),
  'QuestionnaireResponse sdcqr-2': (response) => {
    const list = response.item.find(({ item }: Json) => item)?.item ?? response.item;
    const answered = list.find(({ answer }: Json) => answer);
    if (!answered) return false;
    list.push(structuredClone(answered));
    return true;
  },
  'Consent ppc-1': without('policy', 'policyRule'),
  ...Object.fromEntries(
    Object.entries({ 'ppc-2': 'patient-privacy', 'ppc-3': 'research', 'ppc-4': 'adr', 'ppc-5': 'treatment' }).map(
      ([key, code]) => [
        `Consent ${key}`,
        ((consent) => {
          delete consent.patient;
          consent.scope = coded('something', code);
        }) satisfies Break,
      ],
    ),
  ),
  'Parameters inv-1': (parameters) => {
    parameters.parameter.push({ name: 'x' });
  },
  'Patient pat-1': (patient) => {
    patient.contact = [{ gender: 'female' }];
  },
  'Task inv-1': (task) => {
    task.authoredOn = '2020-01-02T00:00:00Z';
    task.lastModified = '2020-01-01T00:00:00Z';
  },
  'Task tdr-1': (task) => {
    task.input.push(structuredClone(task.input[0]));
  },
  'Task tdr-2': (task) => {
    task.status = 'failed';
    delete task.statusReason;
  },
  'Task tdr-3': (task) => {
    task.status = 'completed';
    delete task.output;
  },
};

function nothingSaid(observation: Json): boolean {
  for (const key of Object.keys(observation))
    if (/^(value[A-Z]|component|hasMember|dataAbsentReason)/.test(key)) delete observation[key];
  return true;
}

function withoutComponentValue(observation: Json): boolean {
  const [first] = observation.component ?? [];
  if (!first) return false;
  for (const key of Object.keys(first)) if (/^(value[A-Z]|dataAbsentReason)/.test(key)) delete first[key];
  return true;
}
