import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LineBlock, type LongLine, lineBlocks } from './line-blocks.ts';

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function blocksOf(
  chunks: AsyncIterable<Uint8Array>,
  limits: { offset?: number; blockBytes: number; lineBytesMax: number },
) {
  const blocks: (LineBlock | LongLine)[] = [];
  for await (const block of lineBlocks(chunks, limits)) blocks.push(block);
  return blocks;
}

test('blocks end at newlines, follow each other without a gap, and hold every byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 30, unit: fc.constantFrom('a', '\n', 'é') })),
      fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 40 }),
      async (parts, sizes, blockBytes) => {
        const bytes = Buffer.from(parts.join('\n'));
        const blocks = await blocksOf(chunked(bytes, sizes), { offset: 7, blockBytes, lineBytesMax: 10_000 });
        let at = 7;
        for (const [i, block] of blocks.entries()) {
          expect(block.offset).toBe(at);
          at = block.end;
          if (i < blocks.length - 1) expect((block as LineBlock).bytes.at(-1)).toBe(10);
        }
        expect(Buffer.concat(blocks.map((block) => (block as LineBlock).bytes))).toEqual(bytes);
      },
    ),
  );
});

test('a line over the bound is passed over and reported; the lines before and after it are there', async () => {
  const bytes = Buffer.from(`one\n${'x'.repeat(500)}\ntwo\n${'y'.repeat(300)}`);
  for (const size of [1, 7, 64, 1000]) {
    const blocks = await blocksOf(chunked(bytes, [size]), { blockBytes: 8, lineBytesMax: 100 });
    const kept = blocks
      .flatMap((block) => (block.kind === 'lines' ? [Buffer.from(block.bytes).toString()] : ['!']))
      .join('');
    // A chunk that brings the whole line with its end is a block like any other; the thread that reads it refuses it.
    expect(kept.replace(/x{500}\n/, '!').replace(/y{300}/, '!')).toBe('one\n!two\n!');
  }
});

test('a line of 3 GB holds no more than its bound', async () => {
  const chunk = Buffer.alloc(1024 * 1024);
  let bytes = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (let i = 0; i < 3 * 1024; i++) {
      bytes += chunk.length;
      yield chunk;
    }
    yield Buffer.from('\n{}\n');
  }
  const before = process.memoryUsage().rss;
  const blocks = await blocksOf(endless(), { blockBytes: 4 << 20, lineBytesMax: 8 << 20 });
  expect(blocks.map((block) => block.kind)).toEqual(['too-long', 'lines']);
  expect(blocks[0]?.end).toBe(bytes + 1);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
});
