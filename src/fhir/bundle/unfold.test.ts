import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementsOf, membersOf } from './json-text.ts';
import { rewriteReferences } from './references.ts';
import { resourceIdOf, spliceId } from './resource-id.ts';
import { unfoldBundle } from './unfold.ts';

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const actions = (bundle: unknown) => {
  const text = JSON.stringify(bundle);
  return [...unfoldBundle(text, JSON.parse(text))];
};

describe('an entry keeps resource.id, else the uuid of its urn:uuid, else a hash of type and first business identifier, else it is refused', () => {
  test('resource.id wins over the urn:uuid', () => {
    expect(resourceIdOf({ resourceType: 'Patient', id: 'p1' }, `urn:uuid:${uuid(1)}`)).toBe('p1');
  });
  test('the uuid of the urn:uuid', () => {
    expect(resourceIdOf({ resourceType: 'Patient' }, `urn:uuid:${uuid(1)}`)).toBe(uuid(1));
    expect(resourceIdOf({ resourceType: 'Patient' }, 'urn:oid:1.2.3')).toBeUndefined();
    expect(resourceIdOf({ resourceType: 'Patient' }, 'https://example.org/Patient/7')).toBeUndefined();
  });
  test('the hash takes type, system and value of the first identifier that has a value', () => {
    const a = resourceIdOf({ resourceType: 'Claim', identifier: [{ system: 's' }, { system: 's', value: '1' }] });
    expect(a).toMatch(/^[0-9a-f]{40}$/);
    expect(resourceIdOf({ resourceType: 'Claim', identifier: [{ system: 's', value: '1' }] })).toBe(a);
    expect(resourceIdOf({ resourceType: 'Coverage', identifier: [{ system: 's', value: '1' }] })).not.toBe(a);
    expect(resourceIdOf({ resourceType: 'Claim', identifier: [{ system: 't', value: '1' }] })).not.toBe(a);
    expect(resourceIdOf({ resourceType: 'Claim', identifier: { system: 's', value: '1' } })).toBe(a);
  });
  test('nothing to name it by, or an id that is no text: none', () => {
    expect(resourceIdOf({ resourceType: 'Claim' })).toBeUndefined();
    expect(resourceIdOf({ resourceType: 'Claim', id: 7, identifier: [{ value: '1' }] })).toBeUndefined();
    expect(resourceIdOf({ resourceType: 'Claim', identifier: [null, { value: '' }, 3] })).toBeUndefined();
  });
  test('the id is written behind resourceType, or first', () => {
    expect(spliceId('{"resourceType":"Claim","a":1.50}', 'x')).toBe('{"resourceType":"Claim","id":"x","a":1.50}');
    expect(spliceId('{"a":1.50,"resourceType":"Claim"}', 'x')).toBe('{"id":"x","a":1.50,"resourceType":"Claim"}');
  });
});

describe('urn:uuid references are rewritten to Type/id within a Bundle', () => {
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl: `urn:uuid:${uuid(2)}`,
        resource: {
          resourceType: 'Observation',
          subject: { reference: `urn:uuid:${uuid(1)}` },
          note: [{ text: `urn:uuid:${uuid(1)}` }],
        },
        request: { method: 'POST', url: 'Observation' },
      },
      {
        fullUrl: `urn:uuid:${uuid(1)}`,
        resource: { resourceType: 'Patient', id: 'jay' },
        request: { method: 'POST', url: 'Patient' },
      },
    ],
  };

  test('also forward, by the id the target is kept under; other strings and unknown targets stay', () => {
    const [observation] = actions(bundle);
    expect(observation).toMatchObject({
      kind: 'resource',
      entry: '0',
      resource: { subject: { reference: 'Patient/jay' }, note: [{ text: `urn:uuid:${uuid(1)}` }] },
    });
    const links = new Map([[`urn:uuid:${uuid(1)}`, 'Patient/jay']]);
    const foreign = `{"subject":{"reference":"urn:uuid:${uuid(9)}"}}`;
    expect(rewriteReferences(foreign, links)).toBe(foreign);
  });

  test('number lexemes and everything else keep their bytes', () => {
    const text = `{"a":1.500,"b":1E+2,"subject":{"reference":"urn:uuid:${uuid(1)}"},"c":12345678901234567890}`;
    expect(rewriteReferences(text, new Map([[`urn:uuid:${uuid(1)}`, 'Patient/jay']]))).toBe(
      '{"a":1.500,"b":1E+2,"subject":{"reference":"Patient/jay"},"c":12345678901234567890}',
    );
  });

  test('a string that looks like a reference is left alone', () => {
    const hostile = JSON.stringify({
      text: `"reference":"urn:uuid:${uuid(1)}"`,
      more: `\\"reference":"urn:uuid:${uuid(1)}`,
    });
    expect(rewriteReferences(hostile, new Map([[`urn:uuid:${uuid(1)}`, 'Patient/jay']]))).toBe(hostile);
  });

  test('any JSON: only values of reference members that name an entry change', () => {
    const links = new Map([['urn:uuid:a"\\b', 'Patient/x']]);
    const value = fc.jsonValue({ noUnicodeString: false });
    fc.assert(
      fc.property(value, value, (before, after) => {
        const make = (reference: string) => JSON.stringify({ before, who: { reference }, after });
        expect(rewriteReferences(make('urn:uuid:a"\\b'), links)).toBe(make('Patient/x'));
        expect(rewriteReferences(make('urn:uuid:other'), links)).toBe(make('urn:uuid:other'));
      }),
    );
  });
});

describe('POST and PUT upsert, DELETE deletes', () => {
  const entry = (method: string, url: string, resource?: unknown) => ({
    request: { method, url },
    ...(resource ? { resource } : {}),
  });
  const of = (...entries: unknown[]) => actions({ resourceType: 'Bundle', type: 'batch', entry: entries });

  test('by request', () => {
    const patient = { resourceType: 'Patient', id: '1' };
    expect(of(entry('POST', 'Patient', patient), entry('PUT', 'Patient/1', patient)).map((a) => a.kind)).toEqual([
      'resource',
      'resource',
    ]);
    expect(of(entry('DELETE', 'Patient/1'), entry('DELETE', 'https://other.example/r4/Claim/a.b-c'))).toEqual([
      { kind: 'delete', entry: '0', type: 'Patient', id: '1' },
      { kind: 'delete', entry: '1', type: 'Claim', id: 'a.b-c' },
    ]);
  });

  test('what cannot be done is refused with its reason, never dropped', () => {
    expect(
      of(
        entry('DELETE', 'Patient?identifier=1'),
        entry('PATCH', 'Patient/1', { resourceType: 'Binary' }),
        entry('GET', 'Patient/1'),
        'x',
        { resource: [] },
      ),
    ).toEqual([
      { kind: 'refused', entry: '0', reason: 'delete-without-type-and-id' },
      { kind: 'refused', entry: '1', reason: 'method-not-supported' },
      { kind: 'refused', entry: '2', reason: 'entry-without-resource' },
      { kind: 'refused', entry: '3', reason: 'bundle-not-a-bundle' },
      { kind: 'refused', entry: '4', reason: 'entry-without-resource' },
    ]);
    expect(actions({ resourceType: 'Bundle', entry: {} })).toEqual([
      { kind: 'refused', entry: '0', reason: 'bundle-not-a-bundle' },
    ]);
  });

  test('an entry that carries only a response is no resource', () => {
    expect(of({ response: { status: '204' } })).toEqual([]);
  });
});

describe('Bundles in Bundles unfold', () => {
  test('with the place of each entry, and with references into the outer Bundle', () => {
    const inner = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: { resourceType: 'Observation', id: 'o', subject: { reference: `urn:uuid:${uuid(1)}` } } }],
    };
    const found = actions({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: { resourceType: 'Patient', id: 'a' }, fullUrl: `urn:uuid:${uuid(1)}` }, { resource: inner }],
    });
    expect(found.map((action) => action.entry)).toEqual(['0', '1.0']);
    expect(found[1]).toMatchObject({ resource: { subject: { reference: 'Patient/a' } } });
  });

  test('up to eight deep, then the inner one is refused', () => {
    const nest = (depth: number): unknown =>
      depth === 0
        ? { resourceType: 'Patient', id: 'p' }
        : { resourceType: 'Bundle', type: 'collection', entry: [{ resource: nest(depth - 1) }] };
    expect(actions(nest(8)).map((action) => action.kind)).toEqual(['resource']);
    expect(actions(nest(9))).toMatchObject([{ kind: 'refused', reason: 'bundle-too-deep' }]);
  });
});

test('members and elements are found by their ranges in any canonical JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), (object, array) => {
      const text = JSON.stringify(object);
      // Keys that need escapes do not occur in FHIR; the canonicaliser refuses or unescapes them.
      fc.pre(Object.keys(object).every((key) => JSON.stringify(key) === `"${key}"`));
      const members = membersOf(text, 0);
      expect([...members].map(([key, range]) => [key, text.slice(range.start, range.end)])).toEqual(
        Object.entries(JSON.parse(text)).map(([key, value]) => [key, JSON.stringify(value)]),
      );
      const list = JSON.stringify(array);
      expect(elementsOf(list, 0).map((range) => list.slice(range.start, range.end))).toEqual(
        array.map((value) => JSON.stringify(value)),
      );
    }),
  );
});
