import { describe, expect, test } from 'vitest';
import { validateResource } from './validate.ts';

const URL = 'http://example.org/x';
const text = { text: 'x' };
const who = { display: 'x' };
const resource = (type: string, fields: object) => (more: object) => ({ resourceType: type, ...fields, ...more });
const bundle = (type: string, entry: readonly object[], more: object = {}): object => ({
  resourceType: 'Bundle',
  type,
  entry,
  ...more,
});
const patient = { resourceType: 'Patient', id: 'p' };
const document = { identifier: { system: 'http://example.org', value: '1' }, timestamp: '2024-01-01T00:00:00Z' };
const composition = {
  resourceType: 'Composition',
  status: 'final',
  type: text,
  date: '2024',
  author: [who],
  title: 'x',
};
const item = (fields: object): object => ({
  resourceType: 'Questionnaire',
  status: 'active',
  item: [{ linkId: '1', type: 'string', ...fields }],
});
const include = (fields: object): object => ({
  resourceType: 'ValueSet',
  status: 'active',
  compose: { include: [fields] },
});

const asked = (question: string): object => ({ question, operator: '=', answerBoolean: true });
const expansion = (contains: object): object => ({
  resourceType: 'ValueSet',
  status: 'active',
  expansion: { timestamp: '2024', contains: [contains] },
});
const search = resource('SearchParameter', {
  url: URL,
  name: 'a',
  status: 'active',
  description: 'a',
  code: 'a',
  base: ['Patient'],
  type: 'token',
});

/** Key of the rule, what it lets through, what it refuses. */
const RULES: readonly [string, object, object][] = [
  [
    'bdl-1',
    bundle('searchset', [], { entry: undefined, total: 0 }),
    bundle('collection', [], { entry: undefined, total: 0 }),
  ],
  [
    'bdl-2',
    bundle('searchset', [{ resource: patient, search: { mode: 'match' } }]),
    bundle('collection', [{ resource: patient, search: { mode: 'match' } }]),
  ],
  [
    'bdl-3',
    bundle('batch', [{ request: { method: 'GET', url: 'Patient/1' } }]),
    bundle('batch', [{ resource: patient }]),
  ],
  [
    'bdl-3',
    bundle('collection', [{ resource: patient }]),
    bundle('collection', [{ resource: patient, request: { method: 'GET', url: 'Patient/1' } }]),
  ],
  [
    'bdl-4',
    bundle('batch-response', [{ response: { status: '200' } }]),
    bundle('collection', [{ resource: patient, response: { status: '200' } }]),
  ],
  [
    'bdl-5',
    bundle('collection', [{ resource: patient }]),
    bundle('collection', [{ fullUrl: 'http://example.org/Patient/p' }]),
  ],
  [
    'bdl-7',
    bundle('collection', [
      { fullUrl: 'http://example.org/Patient/p', resource: patient },
      { fullUrl: 'http://example.org/Patient/q', resource: patient },
    ]),
    bundle('collection', [
      { fullUrl: 'http://example.org/Patient/p', resource: patient },
      { fullUrl: 'http://example.org/Patient/p', resource: patient },
    ]),
  ],
  [
    'bdl-8',
    bundle('collection', [{ fullUrl: 'http://example.org/Patient/p', resource: patient }]),
    bundle('collection', [{ fullUrl: 'http://example.org/Patient/p/_history/1', resource: patient }]),
  ],
  [
    'fullUrl',
    bundle('collection', [{ fullUrl: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', resource: patient }]),
    bundle('collection', [{ fullUrl: 'Patient/p', resource: patient }]),
  ],
  [
    'bdl-9',
    bundle('document', [{ resource: composition }], document),
    bundle('document', [{ resource: composition }], { ...document, identifier: { value: '1' } }),
  ],
  [
    'bdl-10',
    bundle('document', [{ resource: composition }], document),
    bundle('document', [{ resource: composition }], { identifier: document.identifier }),
  ],
  [
    'bdl-11',
    bundle('document', [{ resource: composition }], document),
    bundle('document', [{ resource: patient }], document),
  ],
  [
    'bdl-12',
    bundle('message', [{ resource: { resourceType: 'MessageHeader', eventUri: URL, source: { endpoint: URL } } }]),
    bundle('message', [{ resource: patient }]),
  ],
  [
    'links',
    bundle('searchset', [{ resource: patient }], {
      link: [
        { relation: 'self', url: URL },
        { relation: 'next', url: URL },
      ],
    }),
    bundle('searchset', [{ resource: patient }], {
      link: [
        { relation: 'self', url: URL },
        { relation: 'self', url: URL },
      ],
    }),
  ],
  [
    'search result',
    bundle('searchset', [
      { resource: patient },
      { resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'processing' }] } },
    ]),
    bundle('searchset', [{ resource: { resourceType: 'Patient' } }]),
  ],
  [
    'inv-1',
    {
      resourceType: 'Parameters',
      parameter: [
        { name: 'a', resource: patient },
        { name: 'b', valueString: 'c' },
        { name: 'd', part: [{ name: 'e', valueDate: '2024' }] },
      ],
    },
    { resourceType: 'Parameters', parameter: [{ name: 'a', resource: patient, valueString: 'b' }] },
  ],
  [
    'inv-1',
    { resourceType: 'Parameters', parameter: [{ name: 'a', valueString: 'b' }] },
    { resourceType: 'Parameters', parameter: [{ name: 'a' }] },
  ],
  ['que-1', item({ type: 'group', item: [{ linkId: '2', type: 'string' }] }), item({ type: 'group' })],
  ['que-3', item({ type: 'display' }), item({ type: 'display', code: [{ code: 'a' }] })],
  [
    'que-4',
    item({ type: 'choice', answerValueSet: URL }),
    item({ type: 'choice', answerValueSet: URL, answerOption: [{ valueString: 'a' }] }),
  ],
  [
    'que-7',
    item({ enableWhen: [{ question: '1', operator: 'exists', answerBoolean: true }] }),
    item({ enableWhen: [{ question: '1', operator: 'exists', answerString: 'a' }] }),
  ],
  ['que-8', item({ initial: [{ valueString: 'a' }] }), item({ type: 'display', initial: [{ valueString: 'a' }] })],
  ['vsd-1', include({ system: URL }), include({ version: '1' })],
  ['vsd-2', include({ system: URL, concept: [{ code: 'a' }] }), include({ valueSet: [URL], concept: [{ code: 'a' }] })],
  [
    'vsd-3',
    include({ system: URL, concept: [{ code: 'a' }] }),
    include({ system: URL, concept: [{ code: 'a' }], filter: [{ property: 'a', op: '=', value: 'b' }] }),
  ],
  [
    'que-12',
    item({ enableBehavior: 'all', enableWhen: [asked('1'), asked('2'), asked('3')] }),
    item({ enableWhen: [asked('1'), asked('2'), asked('3')] }),
  ],
  ['vsd-6', expansion({ display: 'a', abstract: true }), expansion({ version: '1', abstract: true })],
  ['vsd-9', expansion({ display: 'a', abstract: true }), expansion({ display: 'a' })],
  ['vsd-10', expansion({ system: URL, code: 'a' }), expansion({ code: 'a' })],
  ['spd-1', search({ xpath: 'a', xpathUsage: 'normal' }), search({ xpath: 'a' })],
  ['spd-2', search({ type: 'reference', chain: ['a'] }), search({ chain: ['a'] })],
];

describe('invariants of Bundles, Parameters and definitions, from both sides', () => {
  test.each(RULES)('%s: the good one has no issue, the bad one is refused by this rule', (key, good, bad) => {
    expect(validateResource(JSON.parse(JSON.stringify(good)))).toEqual([]);
    const messages = validateResource(JSON.parse(JSON.stringify(bad))).map(({ code, message }) => `${code} ${message}`);
    expect(messages.filter((message) => message.startsWith('invariant') && message.includes(key))).toHaveLength(1);
  });
});
