import { describe, expect, test } from 'vitest';
import { compileSearch } from './compile-search.ts';
import { parseSearchQuery } from './parse-query.ts';

const NOW = new Date('2026-11-25T12:00:00Z');
const base = 'https://plan.example/v1/bison/r4';
const finds = (query: string, resource: Record<string, unknown>): boolean =>
  compileSearch(parseSearchQuery(`${resource.resourceType}?${query}`, { bases: [base] }), NOW)(resource);

/** Queries that find the resource, and queries that do not. */
function both(resource: Record<string, unknown>, found: readonly string[], notFound: readonly string[]): void {
  for (const query of found) expect([query, finds(query, resource)]).toEqual([query, true]);
  for (const query of notFound) expect([query, finds(query, resource)]).toEqual([query, false]);
}

describe('token', () => {
  const observation = {
    resourceType: 'Observation',
    id: 'O1',
    meta: {
      tag: [{ system: 'urn:t', code: 'x' }],
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }],
    },
    status: 'final',
    identifier: [{ system: 'urn:ids', value: 'A-1' }],
    category: [{ coding: [null, { system: 'urn:cat', code: 'lab' }] }],
    code: {
      coding: [{ system: 'http://loinc.org', code: '8480-6', display: 'Systolic pressure' }, { code: 'local' }],
      text: 'Élevé, systolic',
    },
  };
  test('system|code, code, |code, system|, lists, case', () => {
    both(
      observation,
      [
        'code=8480-6',
        'code=http://loinc.org|8480-6',
        'code=http://loinc.org|',
        'code=|local',
        'code=LOCAL',
        'code=nothing,8480-6',
        'category=lab',
        'identifier=urn:ids|a-1',
        '_id=o1',
        '_tag=urn:t|x',
        '_security=R',
        'code=8480-6&status=final',
      ],
      [
        'code=8480',
        'code=http://snomed.info/sct|8480-6',
        'code=|8480-6',
        'code=http://snomed.info/sct|',
        'category=urn:other|lab',
        '_tag=y',
        'code=8480-6&status=amended',
      ],
    );
  });
  test('a primitive code has the system of its binding', () => {
    both(
      observation,
      [
        'status=final',
        'status=|final',
        'status=http://hl7.org/fhir/observation-status|final',
        'status=http://hl7.org/fhir/observation-status|',
      ],
      ['status=http://hl7.org/fhir/administrative-gender|final', 'status=urn:x|final', 'status=urn:x|'],
    );
  });
  test(':not is true where no value is it, and where there is none', () => {
    both(observation, ['code:not=1234-5', 'method:not=x', 'code:not=a,b'], ['code:not=8480-6', 'code:not=1,8480-6']);
  });
  test(':text is the beginning of a text or display, without case and accents', () => {
    both(
      observation,
      ['code:text=systolic', 'code:text=eleve', 'code:text=x,SYS'],
      ['code:text=pressure', 'code:text=x', 'status:text=final'],
    );
  });
  test('booleans, contact points, what exists', () => {
    const patient = {
      resourceType: 'Patient',
      active: true,
      telecom: [
        { system: 'phone', value: '555-1' },
        { system: 'email', value: 'a@b.c' },
      ],
      deceasedDateTime: '2026-01-01',
    };
    both(
      patient,
      ['active=true', 'telecom=555-1', 'phone=555-1', 'email=A@B.C', 'deceased=true'],
      ['active=false', 'phone=a@b.c', 'email=555-1', 'deceased=false'],
    );
    both({ resourceType: 'Patient', deceasedBoolean: false }, ['deceased=false'], ['deceased=true']);
  });
});

describe('reference', () => {
  const encounter = {
    resourceType: 'Encounter',
    subject: { reference: 'Patient/p1/_history/3', identifier: { system: 'urn:m', value: '7' } },
    serviceProvider: { reference: 'https://elsewhere.example/Organization/o1' },
    participant: [{ individual: { reference: 'Practitioner/d1' } }, { individual: { reference: '#contained' } }],
  };
  test('Type/id, id, absolute, :Type, :identifier', () => {
    both(
      encounter,
      [
        'subject=Patient/p1',
        'subject=p1',
        'patient=p1',
        `subject=${base}/Patient/p1`,
        'subject:Patient=p1',
        'subject:identifier=urn:m|7',
        'subject:identifier=7',
        'service-provider=https://elsewhere.example/Organization/o1',
        'participant=Practitioner/x,Practitioner/d1',
        'practitioner=d1',
      ],
      [
        'subject=Patient/p2',
        'subject=Group/p1',
        'subject:Group=p1',
        'subject=P1',
        'service-provider=Organization/o1',
        'service-provider=o1',
        'subject=https://elsewhere.example/Patient/p1',
        'subject:identifier=urn:x|7',
        'participant=contained',
        'patient=d1',
      ],
    );
  });
  test('a canonical reference with and without its version', () => {
    const response = { resourceType: 'QuestionnaireResponse', questionnaire: 'https://q.example/Questionnaire/1|2' };
    both(
      response,
      ['questionnaire=https://q.example/Questionnaire/1', 'questionnaire=https://q.example/Questionnaire/1%7C2'],
      ['questionnaire=https://q.example/Questionnaire/2'],
    );
  });
});

describe('date', () => {
  const at = (date: string) => ({ resourceType: 'Patient', birthDate: date });
  test('a day against every prefix', () => {
    both(
      at('2013-01-14'),
      [
        'birthdate=2013-01-14',
        'birthdate=eq2013-01',
        'birthdate=2013',
        'birthdate=ne2013-01-15',
        'birthdate=gt2013-01-13',
        'birthdate=lt2013-01-15',
        'birthdate=ge2013-01-14',
        'birthdate=le2013-01-14',
        'birthdate=sa2013-01-13',
        'birthdate=eb2013-01-15',
        'birthdate=ap2013-06',
        // A part of the day is after, and a part before.
        'birthdate=gt2013-01-14T10:00',
        'birthdate=lt2013-01-14T10:00',
        'birthdate=ge2012&birthdate=lt2014',
        'birthdate=2010,2013',
      ],
      [
        'birthdate=2013-01-15',
        'birthdate=eq2013-01-14T10:00',
        'birthdate=ne2013-01-14',
        'birthdate=ne2013',
        'birthdate=gt2013-01-14',
        'birthdate=gt2013',
        'birthdate=lt2013-01-14',
        'birthdate=ge2013-01-15',
        'birthdate=le2013-01-13',
        'birthdate=sa2013-01-14',
        'birthdate=sa2013-01-14T10:00',
        'birthdate=eb2013-01-14',
        'birthdate=ap1990',
        'birthdate=ge2014&birthdate=lt2014',
      ],
    );
  });
  test('zones count; a plus that became a space is a plus; seconds and their parts', () => {
    const observation = { resourceType: 'Observation', effectiveDateTime: '2026-01-05T23:30:00-05:00' };
    both(
      observation,
      [
        'date=2026-01-06',
        'date=2026-01-06T04:30:00Z',
        'date=2026-01-06T06:30:00+02:00',
        'date=2026-01-06T06:30:00%2B02:00',
        'date=gt2026-01-06T04:29:59.999Z',
      ],
      ['date=2026-01-05', 'date=2026-01-06T04:30:01Z', 'date=gt2026-01-06T04:30:00Z'],
    );
  });
  test('a Period is its whole range, and an open side goes on', () => {
    const during = (period: object) => ({ resourceType: 'Encounter', period });
    both(
      during({ start: '2025-02-01', end: '2025-03-31' }),
      ['date=2025', 'date=ge2025-03-15', 'date=le2025-02-15', 'date=sa2025-01', 'date=eb2025-04'],
      ['date=2025-02', 'date=gt2025-03', 'date=sa2025-02-01', 'date=eb2025-03'],
    );
    both(during({ start: '2025-02-01' }), ['date=gt2099', 'date=ge2025'], ['date=2025', 'date=eb2099', 'date=lt2025']);
    both(during({ end: '2025-02-01' }), ['date=lt1900'], ['date=gt2025-02-01', 'date=sa1900']);
    both(during({}), ['date:missing=false'], ['date=2025', 'date=ne2025', 'date=gt1900']);
  });
  test('a Timing spans its events and bounds', () => {
    const plan = { resourceType: 'ServiceRequest', occurrenceTiming: { event: ['2025-01-05', '2025-02-05'] } };
    both(plan, ['occurrence=2025', 'occurrence=lt2025-01-06'], ['occurrence=2025-01', 'occurrence=gt2025-03']);
  });
  test('_lastUpdated is the time on the wire', () => {
    const patient = { resourceType: 'Patient', meta: { lastUpdated: '2026-05-01T10:00:00.123Z' } };
    both(
      patient,
      ['_lastUpdated=2026-05-01', '_lastUpdated=gt2026-05-01T10:00:00.122Z'],
      ['_lastUpdated=lt2026-05-01'],
    );
  });
});

describe('string', () => {
  const patient = {
    resourceType: 'Patient',
    name: [{ family: 'Ångström-Müller', given: ['Mary Ann', 'J'] }],
    address: [{ line: ['12 Main St'], city: 'Köln', postalCode: '50667' }],
  };
  test('the beginning without case and accents, :exact, :contains', () => {
    both(
      patient,
      [
        'family=ang',
        'family=ANGSTROM',
        'name=mary',
        'given=mary+ann',
        'family:contains=muller',
        'family:exact=Ångström-Müller',
        'address=koln',
        'address=12',
        'address-city:contains=ol',
        'name=x,j',
      ],
      [
        'family=muller',
        'family:exact=ångström-müller',
        'family:exact=Ångström',
        'given=ann',
        'family:contains=xyz',
        'address-city=50667',
      ],
    );
  });
  test('separators are escaped', () => {
    const odd = { resourceType: 'Organization', name: 'A, B | C $ D \\ E' };
    both(odd, ['name=A\\,+B', 'name:exact=A\\,+B+\\|+C+\\$+D+\\\\+E', 'name=x,A\\,'], ['name=B,x']);
  });
});

describe('number and quantity', () => {
  const observation = (quantity: object) => ({ resourceType: 'Observation', valueQuantity: quantity });
  const UCUM = 'http://unitsofmeasure.org';
  test('the digits of the query say how exact eq and ne are; other prefixes are exact', () => {
    both(
      observation({ value: 100.4 }),
      [
        'value-quantity=100',
        'value-quantity=ne100.0',
        'value-quantity=gt100',
        'value-quantity=ge100.4',
        'value-quantity=lt100.5',
        'value-quantity=ap109',
        'value-quantity=1e2',
        'value-quantity=1,100',
      ],
      [
        'value-quantity=100.0',
        'value-quantity=ne100',
        'value-quantity=gt100.4',
        'value-quantity=lt100.4',
        'value-quantity=ap120',
        'value-quantity=eb100',
        'value-quantity=-100',
      ],
    );
    both(
      observation({ value: 5.4 }),
      ['value-quantity=sa5.39', 'value-quantity=eb5.41', 'value-quantity=le5.4'],
      ['value-quantity=sa5.4'],
    );
  });
  test('system and code, a unit alone, and no conversion', () => {
    both(
      observation({ value: 5, unit: 'milligram', system: UCUM, code: 'mg' }),
      [
        `value-quantity=5|${UCUM}|mg`,
        'value-quantity=5||mg',
        'value-quantity=5||milligram',
        'value-quantity=5',
        `value-quantity=gt4|${UCUM}|mg`,
      ],
      [
        `value-quantity=5|${UCUM}|g`,
        'value-quantity=5|urn:x|mg',
        'value-quantity=0.005||g',
        `value-quantity=5|${UCUM}|milligram`,
      ],
    );
  });
  test('a comparator of the resource opens a side; a Range has two', () => {
    both(
      observation({ value: 5, comparator: '<' }),
      ['value-quantity=lt5', 'value-quantity=lt1'],
      ['value-quantity=gt5', 'value-quantity=5'],
    );
    both(observation({ value: 5, comparator: '>=' }), ['value-quantity=gt100'], ['value-quantity=lt5']);
    const condition = {
      resourceType: 'Condition',
      onsetRange: { low: { value: 20, unit: 'a' }, high: { value: 30, unit: 'a' } },
    };
    both(
      condition,
      ['onset-age=gt29', 'onset-age=lt21||a', 'onset-age=ge20'],
      ['onset-age=gt30', 'onset-age=25', 'onset-age=lt20'],
    );
  });
  test('a number', () => {
    const risk = { resourceType: 'RiskAssessment', prediction: [{ probabilityDecimal: 0.5 }] };
    both(risk, ['probability=0.5', 'probability=gt0.4'], ['probability=0.50001', 'probability=lt0.5']);
  });
});

test('uri: the whole of it, a canonical one also without its version', () => {
  const patient = { resourceType: 'Patient', meta: { profile: ['https://p.example/Patient|6.1.0'], source: 'urn:s' } };
  both(
    patient,
    ['_profile=https://p.example/Patient', '_profile=https://p.example/Patient%7C6.1.0', '_source=urn:s'],
    ['_profile=https://p.example', '_profile=https://p.example/Patient%7C7', '_source=urn', '_source=URN:S'],
  );
});

test('composite: the parts hold for one element together', () => {
  const pressure = {
    resourceType: 'Observation',
    code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
    component: [
      { code: { coding: [{ code: 'sys' }] }, valueQuantity: { value: 130 } },
      { code: { coding: [{ code: 'dia' }] }, valueQuantity: { value: 80 } },
    ],
  };
  both(
    pressure,
    [
      'component-code-value-quantity=sys$gt100',
      'combo-code-value-quantity=dia$80',
      'component-code-value-quantity=x$1,dia$lt90',
    ],
    ['component-code-value-quantity=dia$gt100', 'component-code-value-quantity=sys$80', 'code-value-quantity=sys$130'],
  );
  const simple = { resourceType: 'Observation', code: { coding: [{ code: 'c' }] }, valueDateTime: '2025-01-01' };
  both(
    simple,
    ['code-value-date=c$2025', 'code-value-date:missing=false'],
    ['code-value-date=c$2026', 'code-value-quantity:missing=false'],
  );
  const document = {
    resourceType: 'DocumentReference',
    relatesTo: [{ code: 'replaces', target: { reference: 'DocumentReference/1' } }],
  };
  both(document, ['relationship=DocumentReference/1$replaces', 'relationship=1$replaces'], ['relationship=appends$1']);
});

test('use of an ExplanationOfBenefit: a claim or a prior authorization', () => {
  const claim = { resourceType: 'ExplanationOfBenefit', use: 'claim' };
  both(claim, ['use=claim', 'use=claim,predetermination'], ['use=preauthorization', 'use:missing=true']);
});

test(':missing', () => {
  const patient = { resourceType: 'Patient', gender: 'female' };
  both(
    patient,
    ['gender:missing=false', 'birthdate:missing=true', 'organization:missing=true'],
    ['gender:missing=true', 'birthdate:missing=false'],
  );
});

test('a resource of another type is not found', () => {
  const search = compileSearch(parseSearchQuery('Patient?gender:missing=true'), NOW);
  expect([search({ resourceType: 'Patient' }), search({ resourceType: 'Person' })]).toEqual([true, false]);
});
