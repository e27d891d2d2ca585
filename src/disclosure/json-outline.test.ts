import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeRandom, randomResource } from '../../test/support/random-resources.ts';
import { dayOf } from '../sandbox/generate/calendar.ts';
import { population } from '../sandbox/generate/population.ts';
import { settingsOf } from '../tenants/settings.ts';
import { NotCanonical, Outline } from './json-outline.ts';
import { decideRelease, type PolicyRequest } from './policy.ts';
import { viewOf } from './resource-view.ts';

const read = (text: string): Outline => new Outline().read(Buffer.from(text));
const viewed = (text: string): unknown => JSON.parse(JSON.stringify(viewOf(read(text))));

describe('an outline reads what JSON.parse reads', { timeout: 120_000 }, () => {
  const key = fc.string({ unit: 'grapheme-ascii', maxLength: 8 }).filter((text) => !/["\\]|^\d+$|__proto__/.test(text));
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
      fc.constantFrom(null, true, false),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
    ),
  })).value;

  test('of any object', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (object) => {
        const text = JSON.stringify(object);
        expect(viewed(text)).toEqual(JSON.parse(text));
        for (const [name, member] of Object.entries(object))
          expect(name in viewOf(read(text))).toBe(member !== undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  test('and refuses it with one byte put in, taken away or changed, unless that is JSON in the stored form, too', () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { noNullPrototype: true }),
        fc.nat(),
        fc.constantFrom(...' ",:{}[]\\x0-e.'),
        fc.nat({ max: 2 }),
        (object, seed, char, kind) => {
          const text = JSON.stringify(object);
          const at = seed % text.length;
          const changed = text.slice(0, at) + (kind === 1 ? '' : char) + text.slice(kind === 0 ? at : at + 1);
          const before = changed.isWellFormed() ? outcomeOf(changed) : 'refused';
          if (before !== 'refused') expect(JSON.stringify(before)).toBe(JSON.stringify(JSON.parse(changed)));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  const outcomeOf = (text: string): unknown => {
    try {
      return viewed(text);
    } catch (error) {
      if (error instanceof NotCanonical) return 'refused';
      throw error;
    }
  };

  test('once grown by a huge line, it reads small ones again', () => {
    const outline = new Outline();
    const huge = `{"a":[${Array.from({ length: 400_000 }, (_, i) => i).join(',')}]}`;
    expect(outline.read(Buffer.from(huge)).count).toBe(400_002);
    expect(outline.read(Buffer.from('{"a":[1,2]}')).count).toBe(4);
    expect(outline.key.length).toBeLessThan(400_000);
  });
});

test.each([
  '{"a": 1}',
  '{ "a":1}',
  '{"a":1} ',
  '{"a":1}{}',
  '{"a":01}',
  '{"a":1.}',
  '{"a":tru}',
  '{"a":[1,]}',
  '{"a":[,1]}',
  '{"a":{,}}',
  '{"a":1,}',
  '{"a"}',
  '{"a":}',
  '{"a":"x}',
  '{"a":"\\x"}',
  '{"\\u0061":1}',
  '{"a\\"":1}',
  '{a:1}',
  '{"a":1]',
  '{"a":[1}}',
  '[]',
  '"a"',
  '',
  `{"a":${'['.repeat(200)}${']'.repeat(200)}}`,
])('%s is not in the stored form', (text) => {
  expect(() => read(text)).toThrow(NotCanonical);
});

describe('P2P-65 the policy decides on what it reads by position as on the parsed resource', {
  timeout: 120_000,
}, () => {
  const tenant = settingsOf('production', {});
  const requests: PolicyRequest[] = (
    ['payer-to-payer', 'payer-to-payer-member', 'provider-access', 'patient-access'] as const
  ).flatMap((accessType) =>
    (['regular', 'sensitive'] as const).flatMap((consentPolicy) =>
      ['2021-06-01', '2026-01-01', '2031-06-01'].map((now) => ({
        accessType,
        consentPolicy,
        now: new Date(now),
        tenant,
      })),
    ),
  );
  const decisions = new Set<string>();
  const same = (resource: object): void => {
    const text = JSON.stringify(resource);
    const parsed = JSON.parse(text);
    const view = viewOf(read(text));
    for (const request of requests) {
      const decision = decideRelease(view, request);
      expect(decision, text).toEqual(decideRelease(parsed, request));
      decisions.add(decision.release ? `release ${decision.redact}` : decision.reason);
    }
  };

  test('of a generated plan, some of it labelled as sensitive', () => {
    let i = 0;
    for (const resource of population({ members: 40, seed: 'policy', asOf: dayOf(2026, 1, 1) })) {
      same(resource);
      const security = [
        { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' },
        null,
        { code: 'R' },
      ];
      if (i++ % 10 === 0) same({ ...resource, meta: { ...(resource as { meta?: object }).meta, security } });
    }
    for (const reason of ['release true', 'release false', 'window', 'sensitive', 'type'])
      expect(decisions).toContain(reason);
  });

  test('of random resources of every exportable type and beyond', () => {
    const random = makeRandom(11);
    const types = [
      'ExplanationOfBenefit',
      'ExplanationOfBenefit',
      'Encounter',
      'CarePlan',
      'Goal',
      'Observation',
      'Procedure',
      'Condition',
      'Device',
      'DocumentReference',
      'Specimen',
      'Claim',
    ];
    for (let i = 0; i < 1_500; i++) {
      const resource = randomResource(types[i % types.length]!, random, new Map());
      if (random.chance(0.5)) resource.use = 'preauthorization';
      same(resource);
    }
  });
});
