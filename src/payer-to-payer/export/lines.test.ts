import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from './lines.ts';

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (let i = 0; from < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

test('however a stream is cut, its lines are the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\n/g, '')),
        { maxLength: 20 },
      ),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (lines, sizes, endsWithNewline) => {
        const bytes = Buffer.from(lines.join('\n') + (endsWithNewline ? '\n' : ''));
        const read: string[] = [];
        for await (const block of linesOf(chunksOf(bytes, sizes))) read.push(...block.map(String));
        expect(read).toEqual(lines.filter((line) => line !== ''));
      },
    ),
  );
});
