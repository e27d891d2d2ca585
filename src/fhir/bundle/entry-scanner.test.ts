import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntryScanner } from './entry-scanner.ts';

function scan(text: string, chunkBytes: number, entryBytesMax = 1_000_000) {
  const bytes = Buffer.from(text);
  const scanner = new EntryScanner(entryBytesMax);
  const entries = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    entries.push(...scanner.push(bytes.subarray(at, at + chunkBytes)));
  scanner.finish();
  return { entries, resourceType: scanner.resourceType };
}

test('cuts the entries out of a Bundle as it streams by, wherever the chunks end', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false }))),
      fc.jsonValue(),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 1, '\t'),
      (entry, extra, chunkBytes, indent) => {
        const text = JSON.stringify(
          { meta: extra, entry, link: [{ entry: [{}] }], resourceType: 'Bundle' },
          undefined,
          indent,
        );
        const { entries, resourceType } = scan(text, chunkBytes);
        expect(resourceType).toBe('Bundle');
        expect(entries.map((found) => (found.kind === 'entry' ? JSON.parse(found.bytes.toString()) : found))).toEqual(
          JSON.parse(JSON.stringify(entry)),
        );
        const bytes = Buffer.from(text);
        for (const found of entries) {
          expect(bytes[found.offset]).toBe(0x7b);
          expect(bytes.subarray(0, found.offset).filter((byte) => byte === 10).length + 1).toBe(found.line);
        }
      },
    ),
  );
});

test('an entry over the bound is passed over and named; the ones after it come', () => {
  const text = JSON.stringify({ entry: [{ a: 'x'.repeat(500) }, { b: 1 }], resourceType: 'Bundle' });
  const { entries } = scan(text, 64, 100);
  expect(entries.map((found) => found.kind)).toEqual(['too-long', 'entry']);
});

test('a Bundle that is cut off, has brackets that do not match, or is followed by something is an error', () => {
  expect(() => scan('{"entry":[{}', 7)).toThrow('cut off');
  expect(() => scan('{"entry":[{]}', 7)).toThrow('match');
  expect(() => scan('{"entry":[]} x', 7)).toThrow('follows');
  expect(() => scan('[]', 7)).toThrow('begins');
  expect(() => scan(`{"a":${'['.repeat(2000)}`, 7)).toThrow('deep');
});
