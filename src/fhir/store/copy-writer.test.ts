import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CopyWriter, microsecondsOf } from './copy-writer.ts';

test('texts of any length and alphabet are written as their UTF-8, behind its length', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 120 }), { maxLength: 20 }), (texts) => {
      const writer = new CopyWriter(1);
      for (const text of texts) writer.text(text);
      const bytes = writer.finish();
      const expected = texts.map((text) => {
        const utf8 = Buffer.from(text);
        const length = Buffer.alloc(4);
        length.writeInt32BE(utf8.length);
        return Buffer.concat([length, utf8]);
      });
      expect(bytes.equals(Buffer.concat(expected))).toBe(true);
    }),
  );
});

test('half of a surrogate pair becomes U+FFFD, in short texts and in long ones', () => {
  for (const text of ['a\ud800b', `${'x'.repeat(200)}\udc00`]) {
    const writer = new CopyWriter(8);
    writer.text(text);
    expect(writer.finish().subarray(4)).toEqual(Buffer.from(text));
  }
});

test('an instant is microseconds from 2000 on, whatever its zone and however fine', () => {
  expect(microsecondsOf('2000-01-01T00:00:00Z')).toBe(0n);
  expect(microsecondsOf('2000-01-01T01:00:00.000001+01:00')).toBe(1n);
  expect(microsecondsOf('1999-12-31T23:59:59.9999999Z')).toBe(-1n);
  expect(microsecondsOf('0001-01-01T00:00:00.000Z')).toBe(-63_082_281_600_000_000n);
  expect(microsecondsOf('9999-12-31T23:59:59.999Z')).toBe(252_455_615_999_999_000n);
});
