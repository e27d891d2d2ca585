import { describe, expect, test } from 'vitest';
import { validateResource } from './validate.ts';

const URL = 'http://example.org/x';
const UCUM = 'http://unitsofmeasure.org';
const text = { text: 'x' };
const valued = (type: string, value: unknown): object => ({
  resourceType: 'Basic',
  code: text,
  extension: [{ url: URL, [`value${type}`]: value }],
});
const timing = (repeat: object): object => valued('Timing', { repeat });

/** Key of the rule, what it lets through, what it refuses. */
const RULES: readonly [string, object, object][] = [
  [
    'ext-1',
    valued('String', 'a'),
    {
      ...valued('String', 'a'),
      extension: [{ url: URL, valueString: 'a', extension: [{ url: URL, valueString: 'b' }] }],
    },
  ],
  [
    'ext-1',
    { resourceType: 'Basic', code: text, extension: [{ url: URL, extension: [{ url: 'a', valueString: 'b' }] }] },
    { resourceType: 'Basic', code: text, extension: [{ url: URL }] },
  ],
  [
    'extensibility',
    valued('String', 'a'),
    { resourceType: 'Basic', code: text, extension: [{ url: `${URL}|4.0.1`, valueString: 'a' }] },
  ],
  ['qty-3', valued('Quantity', { value: 1, code: 'kg', system: UCUM }), valued('Quantity', { value: 1, code: 'kg' })],
  ['age-1', valued('Age', { value: 1, code: 'a', system: UCUM }), valued('Age', { value: 1 })],
  ['age-1', valued('Age', { value: 1, code: 'a', system: UCUM }), valued('Age', { value: 0, code: 'a', system: UCUM })],
  [
    'cnt-3',
    valued('Count', { value: 2, code: '1', system: UCUM }),
    valued('Count', { value: 2.5, code: '1', system: UCUM }),
  ],
  [
    'dis-1',
    valued('Distance', { value: 2, code: 'km', system: UCUM }),
    valued('Distance', { value: 2, code: 'km', system: URL }),
  ],
  ['drt-1', valued('Duration', { value: 2, code: 'h', system: UCUM }), valued('Duration', { code: 'h', system: UCUM })],
  ['att-1', valued('Attachment', { contentType: 'text/plain', data: 'YQ==' }), valued('Attachment', { data: 'YQ==' })],
  [
    'size',
    valued('Attachment', { contentType: 'text/plain', data: 'YQ==', size: 1 }),
    valued('Attachment', { contentType: 'text/plain', data: 'YQ==', size: 2 }),
  ],
  ['cpt-2', valued('ContactPoint', { system: 'phone', value: '1' }), valued('ContactPoint', { value: '1' })],
  [
    'per-1',
    valued('Period', { start: '2024-01-01', end: '2024-01-01' }),
    valued('Period', { start: '2024-01-02', end: '2024-01-01' }),
  ],
  [
    'per-1',
    valued('Period', { start: '2024-05-01', end: '2024' }),
    valued('Period', { start: '2025-05-01', end: '2024' }),
  ],
  [
    'rng-2',
    valued('Range', { low: { value: 1 }, high: { value: 2 } }),
    valued('Range', { low: { value: 3 }, high: { value: 2 } }),
  ],
  [
    'rat-1',
    valued('Ratio', { numerator: { value: 1 }, denominator: { value: 2 } }),
    valued('Ratio', { numerator: { value: 1 } }),
  ],
  [
    'exp-1',
    valued('Expression', { language: 'text/cql', expression: 'x' }),
    valued('Expression', { language: 'text/cql' }),
  ],
  ['tim-1', timing({ duration: 1, durationUnit: 'h' }), timing({ duration: 1 })],
  ['tim-2', timing({ period: 1, periodUnit: 'd' }), timing({ period: 1 })],
  ['tim-4', timing({ duration: 0, durationUnit: 'h' }), timing({ duration: -1, durationUnit: 'h' })],
  ['tim-5', timing({ period: 0, periodUnit: 'd' }), timing({ period: -1, periodUnit: 'd' })],
  ['tim-6', timing({ period: 1, periodMax: 2, periodUnit: 'd' }), timing({ periodMax: 2, periodUnit: 'd' })],
  ['tim-7', timing({ duration: 1, durationMax: 2, durationUnit: 'h' }), timing({ durationMax: 2, durationUnit: 'h' })],
  ['tim-8', timing({ count: 1, countMax: 2 }), timing({ countMax: 2 })],
  ['tim-9', timing({ offset: 1, when: ['HS'] }), timing({ offset: 1, when: ['CM'] })],
  ['tim-10', timing({ when: ['HS'] }), timing({ when: ['HS'], timeOfDay: ['10:00:00'] })],
  [
    'trd-1',
    valued('TriggerDefinition', { type: 'data-added', data: [{ type: 'Patient' }] }),
    valued('TriggerDefinition', { type: 'data-added', data: [{ type: 'Patient' }], timingDate: '2024' }),
  ],
  [
    'trd-2',
    valued('TriggerDefinition', {
      type: 'data-added',
      data: [{ type: 'Patient' }],
      condition: { language: 'a', expression: 'x' },
    }),
    valued('TriggerDefinition', { type: 'data-added', condition: { language: 'a', expression: 'x' } }),
  ],
  [
    'drq-1',
    valued('DataRequirement', { type: 'Patient', codeFilter: [{ path: 'a' }] }),
    valued('DataRequirement', { type: 'Patient', codeFilter: [{ path: 'a', searchParam: 'b' }] }),
  ],
  [
    'drq-2',
    valued('DataRequirement', { type: 'Patient', dateFilter: [{ searchParam: 'b' }] }),
    valued('DataRequirement', { type: 'Patient', dateFilter: [{ id: 'a', valueDateTime: '2024' }] }),
  ],
];

describe('invariants of data types, from both sides', () => {
  test.each(RULES)('%s: the good one has no issue, the bad one is refused by this rule', (key, good, bad) => {
    expect(validateResource(JSON.parse(JSON.stringify(good)))).toEqual([]);
    const messages = validateResource(JSON.parse(JSON.stringify(bad))).map(({ code, message }) => `${code} ${message}`);
    expect(messages.filter((message) => message.startsWith('invariant') && message.includes(key))).toHaveLength(1);
  });
});
