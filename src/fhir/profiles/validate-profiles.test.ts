import { describe, expect, test } from 'vitest';
import { definitionsOf, element, profile } from '../../../test/support/fhir-package.ts';
import type { ProfileQuestion } from './validate-profiles.ts';
import { ProfileValidator } from './validate-profiles.ts';

type Json = Record<string, unknown>;

/** `rule element` of each finding on a resource that claims `http://t/p`. */
async function check(definitions: readonly Json[], resource: Json, question?: ProfileQuestion): Promise<string[]> {
  return (await answer(definitions, resource, question)).findings.map((each) =>
    [each.rule, each.key, each.element].filter((part) => part !== undefined).join(' '),
  );
}
async function answer(definitions: readonly Json[], resource: Json, question?: ProfileQuestion) {
  const validator = new ProfileValidator(await definitionsOf(...definitions));
  return validator.validate({ ...resource, meta: { profile: ['http://t/p'] } }, question);
}
const patient = (more: Json = {}): Json => ({ resourceType: 'Patient', ...more });
const observation = (more: Json = {}): Json => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  ...more,
});
const codeSystem = (more: Json = {}): Json => ({
  resourceType: 'CodeSystem',
  url: 'http://t/cs',
  content: 'complete',
  concept: [{ code: 'a', concept: [{ code: 'a1' }] }, { code: 'b' }],
  ...more,
});
const valueSet = (include: unknown, more: Json = {}): Json => ({
  resourceType: 'ValueSet',
  url: 'http://t/vs',
  compose: { include: [include].flat() },
  ...more,
});

describe('cardinality', () => {
  const definitions = [
    profile('p', 'Patient', [
      element('Patient.birthDate', { min: 1 }),
      element('Patient.name', { min: 1, max: '2' }),
      element('Patient.name.family', { min: 1 }),
      element('Patient.photo', { max: '0' }),
    ]),
  ];
  const good = patient({ birthDate: '2000-01-01', name: [{ family: 'x' }] });
  test('what is there as often as it may be passes', async () => {
    expect(await check(definitions, good)).toEqual([]);
    expect(await check(definitions, { ...good, name: [{ family: 'x' }, { family: 'y' }] })).toEqual([]);
  });
  test('missing, too many, forbidden, missing inside one that is there', async () => {
    expect(await check(definitions, { ...good, birthDate: undefined })).toEqual(['cardinality Patient.birthDate']);
    expect(await check(definitions, { ...good, name: Array(3).fill({ family: 'x' }) })).toEqual([
      'cardinality Patient.name',
    ]);
    expect(await check(definitions, { ...good, name: [{ family: 'x' }, { text: 'y' }] })).toEqual([
      'cardinality Patient.name.family',
    ]);
    expect(await check(definitions, { ...good, photo: [{ title: 'x' }] })).toEqual(['cardinality Patient.photo']);
  });
  test('PA-95 an element whose value is unknown is there by its data-absent-reason', async () => {
    const absent = {
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
    };
    expect(await check(definitions, { ...good, birthDate: undefined, _birthDate: absent })).toEqual([]);
    expect(await check(definitions, { ...good, name: [{ _family: absent }] })).toEqual([]);
  });
});

describe('values', () => {
  test('fixed is the same and whole, pattern may have more', async () => {
    const coding = { system: 'http://t/cs', code: 'a' };
    const fixed = [
      profile('p', 'Observation', [element('Observation.code', { fixedCodeableConcept: { coding: [coding] } })]),
    ];
    const pattern = [
      profile('p', 'Observation', [element('Observation.code', { patternCodeableConcept: { coding: [coding] } })]),
    ];
    expect(await check(fixed, observation({ code: { coding: [coding] } }))).toEqual([]);
    expect(await check(fixed, observation({ code: { coding: [coding], text: 'x' } }))).toEqual([
      'fixed Observation.code',
    ]);
    expect(
      await check(pattern, observation({ code: { coding: [{ code: 'z' }, { ...coding, display: 'A' }], text: 'x' } })),
    ).toEqual([]);
    expect(await check(pattern, observation({ code: { coding: [{ ...coding, code: 'b' }] } }))).toEqual([
      'pattern Observation.code',
    ]);
  });
  test('a choice has a type of the profile; a shorthand of a differential speaks of that type only', async () => {
    const narrow = [profile('p', 'Observation', [element('Observation.value[x]', { type: [{ code: 'Quantity' }] })])];
    expect(await check(narrow, observation({ valueQuantity: { value: 1 } }))).toEqual([]);
    expect(await check(narrow, observation({ valueString: 'x' }))).toEqual(['type Observation.value[x]']);
    const short = [profile('p', 'Observation', [element('Observation.valueQuantity.unit', { min: 1 })])];
    expect(await check(short, observation({ valueString: 'x' }))).toEqual([]);
    expect(await check(short, observation({ valueQuantity: { value: 1 } }))).toEqual([
      'cardinality Observation.value[x]:valueQuantity.unit',
    ]);
  });
  test('length and range', async () => {
    const definitions = [
      profile('p', 'Patient', [
        element('Patient.name.text', { maxLength: 3 }),
        element('Patient.multipleBirth[x]', { minValueInteger: 2, maxValueInteger: 4 }),
      ]),
    ];
    expect(await check(definitions, patient({ name: [{ text: 'abc' }], multipleBirthInteger: 2 }))).toEqual([]);
    expect(await check(definitions, patient({ name: [{ text: 'abcd' }], multipleBirthInteger: 5 }))).toEqual([
      'value-range Patient.name.text',
      'value-range Patient.multipleBirth[x]',
    ]);
  });
  test('a reference leads to a type that the profile allows: by its text, its contained resource, its Bundle, its type', async () => {
    const definitions = [
      profile('p', 'Observation', [
        element('Observation.subject', { type: [{ code: 'Reference', targetProfile: ['http://t/patient'] }] }),
      ]),
      profile('patient', 'Patient', []),
    ];
    const about = (subject: Json, more: Json = {}, question?: ProfileQuestion): Promise<string[]> =>
      check(definitions, observation({ subject, ...more }), question);
    const wrong = ['target Observation.subject'];
    expect(await about({ reference: 'Patient/1' })).toEqual([]);
    expect(await about({ reference: 'https://x.test/r4/Patient/1/_history/2' })).toEqual([]);
    expect(await about({ reference: 'Group/1' })).toEqual(wrong);
    expect(await about({ reference: '#g' }, { contained: [{ resourceType: 'Group', id: 'g' }] })).toEqual(wrong);
    const entries = new Map([['urn:uuid:1', { resourceType: 'Group' }]]);
    expect(await about({ reference: 'urn:uuid:1' }, {}, { entries })).toEqual(wrong);
    expect(await about({ reference: 'urn:uuid:2' })).toEqual([]);
    expect(await about({ reference: 'urn:uuid:2', type: 'Group' })).toEqual(wrong);
    expect(await about({ display: 'x' })).toEqual([]);
  });
});

describe('bindings', () => {
  const bound = profile('p', 'Observation', [
    element('Observation.code', { binding: { strength: 'required', valueSet: 'http://t/vs' } }),
  ]);
  const coded = (code: string, system = 'http://t/cs'): Json => observation({ code: { coding: [{ system, code }] } });
  const wrong = ['binding Observation.code'];
  test('a whole code system, listed codes, a set of sets, what descends from a code, and what is left out', async () => {
    const whole = [bound, codeSystem(), valueSet({ system: 'http://t/cs' })];
    expect(await check(whole, coded('a1'))).toEqual([]);
    expect(await check(whole, coded('c'))).toEqual(wrong);
    expect(await check(whole, coded('a', 'http://t/other'))).toEqual(wrong);
    expect(await check(whole, observation())).toEqual(wrong);
    const listed = [bound, valueSet({ system: 'http://t/cs', concept: [{ code: 'a' }] })];
    expect(await check(listed, coded('a'))).toEqual([]);
    expect(await check(listed, coded('b'))).toEqual(wrong);
    const nested = [
      bound,
      valueSet({ valueSet: ['http://t/inner'] }),
      { ...valueSet({ system: 'http://t/cs', concept: [{ code: 'a' }] }), url: 'http://t/inner' },
    ];
    expect(await check(nested, coded('a'))).toEqual([]);
    expect(await check(nested, coded('b'))).toEqual(wrong);
    const below = [
      bound,
      codeSystem(),
      valueSet({ system: 'http://t/cs', filter: [{ property: 'concept', op: 'is-a', value: 'a' }] }),
    ];
    expect(await check(below, coded('a1'))).toEqual([]);
    expect(await check(below, coded('b'))).toEqual(wrong);
    const without = [
      bound,
      codeSystem(),
      valueSet([], {
        compose: {
          include: [{ system: 'http://t/cs' }],
          exclude: [{ system: 'http://t/cs', concept: [{ code: 'b' }] }],
        },
      }),
    ];
    expect(await check(without, coded('a'))).toEqual([]);
    expect(await check(without, coded('b'))).toEqual(wrong);
  });
  test('what cannot be enumerated is told, and is no finding: no code system, a part of one, no value set', async () => {
    const open: readonly Json[][] = [
      [bound, valueSet({ system: 'http://t/cs' })],
      [bound, codeSystem({ content: 'fragment' }), valueSet({ system: 'http://t/cs' })],
      [bound],
    ];
    for (const definitions of open) {
      const { findings, unchecked } = await answer(definitions, coded('zzz'));
      expect(findings).toEqual([]);
      expect(unchecked).toEqual([
        { profile: 'http://t/p|1.0.0', reason: 'codes-not-given', element: 'Observation.code', about: 'http://t/vs' },
      ]);
    }
    // Of another system it is known even so.
    expect(await check(open[0] as Json[], coded('a', 'http://t/other'))).toEqual(wrong);
  });
  test('value sets of R4 itself are known without a package; sets in a circle end', async () => {
    const core = profile('p', 'Patient', [
      element('Patient.gender', {
        binding: { strength: 'required', valueSet: 'http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1' },
      }),
    ]);
    expect(await check([core], patient({ gender: 'female' }))).toEqual([]);
    expect(await check([core], patient({ gender: 'none' }))).toEqual(['binding Patient.gender']);
    expect(await check([bound, valueSet({ valueSet: ['http://t/vs'] })], coded('a'))).toEqual([]);
  });
});

describe('slices', () => {
  const sliced = (slicing: object, ...slices: object[]): Json =>
    profile('p', 'Patient', [
      element('Patient.identifier', {
        slicing: { rules: 'open', discriminator: [{ type: 'value', path: 'system' }], ...slicing },
      }),
      ...slices,
    ]);
  const a = [
    element('Patient.identifier:a', { min: 1, max: '1' }),
    element('Patient.identifier:a.system', { min: 1, fixedUri: 'urn:a' }),
    element('Patient.identifier:a.value', { min: 1 }),
  ];
  const b = [
    element('Patient.identifier:b', { min: 0, max: '1' }),
    element('Patient.identifier:b.system', { min: 1, fixedUri: 'urn:b' }),
  ];
  const ids = (...systems: string[]): Json =>
    patient({ identifier: systems.map((system) => ({ system: `urn:${system}`, value: '1' })) });

  test('value: how many are in a slice, and what it says of them', async () => {
    const definitions = [sliced({}, ...a, ...b)];
    expect(await check(definitions, ids('a', 'z', 'b'))).toEqual([]);
    expect(await check(definitions, ids('z'))).toEqual(['cardinality Patient.identifier:a']);
    expect(await check(definitions, patient())).toEqual(['cardinality Patient.identifier:a']);
    expect(await check(definitions, ids('a', 'b', 'b'))).toEqual(['cardinality Patient.identifier:b']);
    expect(await check(definitions, patient({ identifier: [{ system: 'urn:a' }] }))).toEqual([
      'cardinality Patient.identifier:a.value',
    ]);
  });
  test('closed, ordered, and open at the end', async () => {
    expect(await check([sliced({ rules: 'closed' }, ...a, ...b)], ids('a', 'z'))).toEqual([
      'slicing Patient.identifier',
    ]);
    expect(await check([sliced({ ordered: true }, ...a, ...b)], ids('a', 'b'))).toEqual([]);
    expect(await check([sliced({ ordered: true }, ...a, ...b)], ids('b', 'a'))).toEqual(['slicing Patient.identifier']);
    expect(await check([sliced({ rules: 'openAtEnd' }, ...a)], ids('a', 'z'))).toEqual([]);
    expect(await check([sliced({ rules: 'openAtEnd' }, ...a)], ids('z', 'a'))).toEqual(['slicing Patient.identifier']);
  });
  test('a slice of a slice, and the slice for the rest', async () => {
    const inner = [
      element('Patient.identifier:a', {
        min: 0,
        max: '*',
        slicing: { rules: 'open', discriminator: [{ type: 'value', path: 'use' }] },
      }),
      element('Patient.identifier:a.system', { min: 1, fixedUri: 'urn:a' }),
      element('Patient.identifier:a/usual', { min: 1, max: '1' }),
      element('Patient.identifier:a/usual.use', { min: 1, fixedCode: 'usual' }),
      element('Patient.identifier:@default', { max: '1' }),
    ];
    const definitions = [sliced({}, ...inner)];
    const given = (...uses: string[]): Json => patient({ identifier: uses.map((use) => ({ system: 'urn:a', use })) });
    expect(await check(definitions, given('usual', 'old'))).toEqual([]);
    expect(await check(definitions, given('old'))).toEqual(['cardinality Patient.identifier:a/usual']);
    expect(
      await check(definitions, {
        ...given('usual'),
        identifier: [{ system: 'urn:a', use: 'usual' }, {}, {}].map((each) => ({ value: '1', ...each })),
      }),
    ).toEqual(['cardinality Patient.identifier:@default']);
  });
  test('pattern, exists and type', async () => {
    const pattern = sliced(
      { discriminator: [{ type: 'pattern', path: 'type' }] },
      element('Patient.identifier:a', { min: 1 }),
      element('Patient.identifier:a.type', { min: 1, patternCodeableConcept: { coding: [{ code: 'MB' }] } }),
    );
    expect(
      await check(
        [pattern],
        patient({ identifier: [{ type: { coding: [{ code: 'X' }, { code: 'MB', system: 's' }] } }] }),
      ),
    ).toEqual([]);
    expect(await check([pattern], patient({ identifier: [{ type: { coding: [{ code: 'X' }] } }] }))).toEqual([
      'cardinality Patient.identifier:a',
    ]);
    const exists = sliced(
      { discriminator: [{ type: 'exists', path: 'period' }] },
      element('Patient.identifier:with', { max: '1' }),
      element('Patient.identifier:with.period', { min: 1 }),
      element('Patient.identifier:without', { max: '1' }),
      element('Patient.identifier:without.period', { max: '0' }),
    );
    const period = { start: '2020' };
    expect(await check([exists], patient({ identifier: [{ period }, { value: '1' }] }))).toEqual([]);
    expect(await check([exists], patient({ identifier: [{ period }, { period }] }))).toEqual([
      'cardinality Patient.identifier:with',
    ]);
    expect(await check([exists], patient({ identifier: [{ value: '1' }, { value: '2' }] }))).toEqual([
      'cardinality Patient.identifier:without',
    ]);
    const type = profile('p', 'Observation', [
      element('Observation.value[x]', {
        slicing: { rules: 'closed', discriminator: [{ type: 'type', path: '$this' }] },
      }),
      element('Observation.value[x]:valueQuantity', { min: 0, type: [{ code: 'Quantity' }] }),
      element('Observation.value[x]:valueQuantity.code', { min: 1 }),
    ]);
    expect(await check([type], observation({ valueQuantity: { code: 'x' } }))).toEqual([]);
    expect(await check([type], observation({ valueQuantity: { value: 1 } }))).toEqual([
      'cardinality Observation.value[x]:valueQuantity.code',
    ]);
    expect(await check([type], observation({ valueString: 'x' }))).toEqual(['slicing Observation.value[x]']);
  });
  test('profile, type of a resource, and what a reference leads to, in a Bundle', async () => {
    const named = profile('named', 'Patient', [element('Patient.name', { min: 1 })]);
    const bundle = (path: string, kind: string, slice: object): Json =>
      profile('p', 'Bundle', [
        element('Bundle.entry', { slicing: { rules: 'closed', discriminator: [{ type: kind, path }] } }),
        element('Bundle.entry:it', { min: 1, max: '1' }),
        element('Bundle.entry:it.resource', { min: 1, type: [slice] }),
      ]);
    const holding = (...resources: Json[]): Json => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: resources.map((resource) => ({ resource })),
    });
    const byProfile = [named, bundle('resource', 'profile', { code: 'Patient', profile: ['http://t/named'] })];
    expect(await check(byProfile, holding(patient({ name: [{ text: 'x' }] })))).toEqual([]);
    expect(await check(byProfile, holding(patient()))).toEqual(['cardinality Bundle.entry:it', 'slicing Bundle.entry']);
    const byType = [named, bundle('resource', 'type', { code: 'Patient', profile: ['http://t/named'] })];
    expect(await check(byType, holding(observation()))).toEqual([
      'cardinality Bundle.entry:it',
      'slicing Bundle.entry',
    ]);
    expect(await check(byType, holding(patient()))).toEqual(['cardinality Patient.name']);
    const byTarget = profile('p', 'Observation', [
      element('Observation.performer', {
        slicing: { rules: 'open', discriminator: [{ type: 'type', path: 'resolve()' }] },
      }),
      element('Observation.performer:org', {
        min: 1,
        type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Organization'] }],
      }),
    ]);
    expect(await check([byTarget], observation({ performer: [{ reference: 'Organization/1' }] }))).toEqual([]);
    expect(await check([byTarget], observation({ performer: [{ reference: 'Practitioner/1' }] }))).toEqual([
      'cardinality Observation.performer:org',
    ]);
    expect(await check([byTarget], observation({ performer: [{ reference: 'urn:uuid:1' }] }))).toEqual([]);
  });
  test('an extension is checked by its own profile; one that is not given is told', async () => {
    const uses = profile('p', 'Patient', [
      element('Patient.extension:level', {
        min: 0,
        max: '1',
        type: [{ code: 'Extension', profile: ['http://t/level'] }],
      }),
    ]);
    const level = profile('level', 'Extension', [
      element('Extension.url', { min: 1, fixedUri: 'http://t/level' }),
      element('Extension.value[x]', { min: 1, type: [{ code: 'code' }] }),
    ]);
    const has = (...extension: Json[]): Json => patient({ extension });
    expect(await check([uses, level], has({ url: 'http://t/level', valueCode: 'x' }, { url: 'urn:other' }))).toEqual(
      [],
    );
    expect(await check([uses, level], has({ url: 'http://t/level', valueString: 'x' }))).toEqual([
      'type Extension.value[x]',
    ]);
    expect(await check([uses, level], has({ url: 'http://t/level' }))).toEqual(['cardinality Extension.value[x]']);
    const { findings, unchecked } = await answer([uses], has({ url: 'http://t/level' }));
    expect(findings).toEqual([]);
    expect(unchecked).toMatchObject([{ reason: 'definition-not-given', about: 'http://t/level' }]);
  });
  test('slices that nothing tells apart are told, and are no finding', async () => {
    const { findings, unchecked } = await answer([sliced({}, element('Patient.identifier:a', { min: 1 }))], ids('x'));
    expect(findings).toEqual([]);
    expect(unchecked).toMatchObject([{ reason: 'slices-not-told-apart', element: 'Patient.identifier:a' }]);
  });
});

describe('invariants', () => {
  const rule = (expression: string, severity = 'error', path = 'Patient'): Json =>
    profile(
      'p',
      'Patient',
      [
        element(
          path === 'Patient' ? 'Patient.active' : path,
          path === 'Patient' ? {} : { constraint: [{ key: 't-1', severity, expression }] },
        ),
      ],
      {
        ...(path === 'Patient' && {
          differential: {
            element: [{ id: 'Patient', path: 'Patient', constraint: [{ key: 't-1', severity, expression }] }],
          },
        }),
      },
    );
  test('an expression holds or does not; an empty answer is none; a warning stays one', async () => {
    expect(await check([rule('name.exists()')], patient({ name: [{ text: 'x' }] }))).toEqual([]);
    expect(await check([rule('name.exists()')], patient())).toEqual(['invariant t-1 Patient']);
    expect(await check([rule('active')], patient())).toEqual(['invariant t-1 Patient']);
    const warned = await answer([rule('name.exists()', 'warning')], patient());
    expect(warned.findings).toMatchObject([{ severity: 'warning', rule: 'invariant', key: 't-1', path: 'Patient' }]);
  });
  test('on each value of an element, with %resource', async () => {
    const definitions = [rule('family.exists() or %resource.active', 'error', 'Patient.name')];
    expect(await check(definitions, patient({ active: true, name: [{ text: 'x' }] }))).toEqual([]);
    expect(await check(definitions, patient({ name: [{ family: 'x' }, { text: 'y' }] }))).toEqual([
      'invariant t-1 Patient.name',
    ]);
  });
  test('resolve() knows contained resources, and of others the type; without it the invariant is told as not checked', async () => {
    const definitions = [rule('generalPractitioner.all(resolve() is Practitioner)')];
    const cared = (reference: string): Json =>
      patient({ generalPractitioner: [{ reference }], contained: [{ resourceType: 'Organization', id: 'o' }] });
    expect(await check(definitions, cared('Practitioner/1'))).toEqual([]);
    expect(await check(definitions, cared('#o'))).toEqual(['invariant t-1 Patient']);
    expect((await answer(definitions, cared('urn:uuid:1'))).unchecked).toMatchObject([
      { reason: 'reference-not-at-hand', about: 't-1' },
    ]);
  });
  test('memberOf() knows what the packages enumerate', async () => {
    const definitions = [
      rule("maritalStatus.memberOf('http://t/vs')"),
      codeSystem(),
      valueSet({ system: 'http://t/cs' }),
    ];
    const status = (code: string): Json => patient({ maritalStatus: { coding: [{ system: 'http://t/cs', code }] } });
    expect(await check(definitions, status('a'))).toEqual([]);
    expect(await check(definitions, status('c'))).toEqual(['invariant t-1 Patient']);
    expect((await answer([rule("maritalStatus.memberOf('http://t/vs')")], status('c'))).unchecked).toMatchObject([
      { reason: 'codes-not-given' },
    ]);
  });
  test('what cannot be evaluated is told: bad grammar, a function nobody knows, several values where one may be', async () => {
    for (const expression of ['name..', 'name.nothing()', 'name.given.substring(1) = 1', 'a'.repeat(20_001)]) {
      const { findings, unchecked } = await answer([rule(expression)], patient({ name: [{ given: ['a', 'b'] }] }));
      expect(findings).toEqual([]);
      expect(unchecked).toMatchObject([{ reason: 'invariant-not-evaluable', about: 't-1' }]);
    }
  });
});

describe('profiles', () => {
  test('a differential lies over its base, which may be a profile too', async () => {
    const base = profile('base', 'Patient', [
      element('Patient.name', { min: 1 }),
      element('Patient.gender', { min: 1 }),
    ]);
    const own = profile(
      'p',
      'Patient',
      [element('Patient.name', { max: '1' }), element('Patient.gender', { min: 0 })],
      { baseDefinition: 'http://t/base' },
    );
    expect(await check([base, own], patient({ name: [{ text: 'x' }] }))).toEqual([]);
    expect(await check([base, own], patient())).toEqual(['cardinality Patient.name']);
    expect(await check([base, own], patient({ name: [{ text: 'x' }, { text: 'y' }] }))).toEqual([
      'cardinality Patient.name',
    ]);
  });
  test('a base in a circle, one that is not given, and a profile that is not given are told', async () => {
    const circle = [
      profile('p', 'Patient', [], { baseDefinition: 'http://t/q' }),
      profile('q', 'Patient', [], { baseDefinition: 'http://t/p' }),
    ];
    expect((await answer(circle, patient())).unchecked).toEqual([
      { profile: 'http://t/p', reason: 'definition-cycle' },
    ]);
    const alone = [profile('p', 'Patient', [], { baseDefinition: 'http://t/q' })];
    expect((await answer(alone, patient())).unchecked).toEqual([{ profile: 'http://t/p', reason: 'base-not-given' }]);
    expect((await answer([profile('q', 'Patient', [])], patient())).unchecked).toEqual([
      { profile: 'http://t/p', reason: 'profile-not-given' },
    ]);
  });
  test('a profile of another type that is claimed is a finding; one that is only asked for is passed over', async () => {
    const definitions = [profile('p', 'Observation', []), profile('q', 'Observation', [])];
    expect(await check(definitions, patient(), { profiles: ['http://t/q'] })).toEqual(['type Observation']);
  });
  test('resources inside are checked by what they claim, and so is what is asked for, but not on contained ones', async () => {
    const definitions = [
      profile('p', 'Patient', [element('Patient.name', { min: 1 })]),
      profile('q', 'Patient', [element('Patient.gender', { min: 1 })]),
    ];
    const validator = new ProfileValidator(await definitionsOf(...definitions));
    const inner = { resourceType: 'Patient', meta: { profile: ['http://t/p|1.0'] } };
    const bundle = { resourceType: 'Bundle', entry: [{ resource: { ...inner, contained: [inner] } }] };
    const { findings, checked } = validator.validate(bundle, { profiles: ['http://t/q'] });
    expect(findings.map(({ element, path }) => `${element} ${path}`)).toEqual([
      'Patient.name Bundle.entry[0].resource.name',
      'Patient.gender Bundle.entry[0].resource.gender',
      'Patient.name Bundle.entry[0].resource.contained[0].name',
    ]);
    expect(checked).toEqual(['http://t/p|1.0.0', 'http://t/q|1.0.0', 'http://t/p|1.0.0']);
    expect(validator.validate({ resourceType: 'Patient', meta: { profile: ['http://t/p|2.0.0'] } }).unchecked).toEqual([
      { profile: 'http://t/p|2.0.0', reason: 'profile-not-given' },
    ]);
  });
  test('a profile that asks for itself inside, and one that makes endless work, end', async () => {
    const self = profile('p', 'Extension', [
      element('Extension.extension', { type: [{ code: 'Extension', profile: ['http://t/p'] }] }),
    ]);
    const uses = profile('q', 'Patient', [
      element('Patient.extension', { type: [{ code: 'Extension', profile: ['http://t/p'] }] }),
    ]);
    let extension: Json = { url: 'urn:x' };
    for (let i = 0; i < 40; i++) extension = { url: 'urn:x', extension: [extension] };
    const validator = new ProfileValidator(await definitionsOf(self, uses));
    const { unchecked } = validator.validate(
      { resourceType: 'Patient', extension: [extension] },
      { profiles: ['http://t/q'] },
    );
    expect(unchecked).toEqual([{ profile: 'http://t/q|1.0.0', reason: 'too-much-work' }]);
  });
  test('no message holds content of the resource', async () => {
    const definitions = [
      profile('p', 'Patient', [
        element('Patient.gender', { fixedCode: 'female' }),
        element('Patient.name.family', { maxLength: 2 }),
      ]),
    ];
    const { findings } = await answer(definitions, patient({ gender: 'secret', name: [{ family: 'secret' }] }));
    expect(findings).toHaveLength(2);
    expect(JSON.stringify(findings)).not.toContain('secret');
  });
});
