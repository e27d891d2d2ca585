import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ArchiveDamaged, readTar, tarEnd, tarHeader, tarPadding } from './tar.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-tar-'));
afterAll(() => rmSync(folder, { recursive: true }));

const entry = (name: string, content: Buffer): Buffer =>
  Buffer.concat([tarHeader(name, 'file', content.length), content, tarPadding(content.length)]);
async function* inPieces(bytes: Buffer, piece: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}
async function read(bytes: Buffer, piece = 700, options = {}): Promise<[string, string, Buffer][]> {
  const found: [string, string, Buffer][] = [];
  for await (const { path: name, kind, content } of readTar(inPieces(bytes, piece), options)) {
    const pieces: Buffer[] = [];
    for await (const part of content) pieces.push(part);
    found.push([name, kind, Buffer.concat(pieces)]);
  }
  return found;
}

const long = `exports/${'a'.repeat(90)}/${'b'.repeat(60)}/Patient_0.ndjson`;
const contents: [string, Buffer][] = [
  ['empty', Buffer.alloc(0)],
  ['one/block', randomBytes(512)],
  [long, randomBytes(5_000)],
];
const archive = Buffer.concat([
  tarHeader('one', 'folder', 0),
  ...contents.map(([name, content]) => entry(name, content)),
  tarEnd(),
]);

describe('archives', () => {
  test.each([1, 511, 512, 513, 100_000])('come back as they were written, in pieces of %i bytes', async (piece) => {
    expect(await read(archive, piece)).toEqual([
      ['one', 'folder', Buffer.alloc(0)],
      ...contents.map(([name, content]) => [name, 'file', content]),
    ]);
  });

  test('are what the tar of the system reads and writes', async () => {
    const file = path.join(folder, 'ours.tar');
    writeFileSync(file, archive);
    mkdirSync(path.join(folder, 'out'));
    execFileSync('tar', ['-xf', file, '-C', path.join(folder, 'out')]);
    for (const [name, content] of contents)
      expect(readFileSync(path.join(folder, 'out', name)).equals(content)).toBe(true);
    const theirs = execFileSync('tar', ['-c', '--format=ustar', '-C', path.join(folder, 'out'), '.'], {
      maxBuffer: 1e8,
    });
    expect((await read(theirs)).map(([name]) => name)).toEqual(
      expect.arrayContaining(['one', 'one/block', 'empty', long]),
    );
  });

  test('what a reader leaves of one entry is skipped', async () => {
    const names: string[] = [];
    for await (const { path: name } of readTar(inPieces(archive, 1_000))) names.push(name);
    expect(names).toHaveLength(4);
  });
});

describe('damaged archives are refused', () => {
  test.each([
    ['cut off in a file', archive.subarray(0, 2_000)],
    ['cut off before its end', archive.subarray(0, archive.length - 1_024)],
    ['with a changed header', Buffer.concat([archive.subarray(0, 20), Buffer.from('x'), archive.subarray(21)])],
    ['something else', randomBytes(4_096)],
  ])('%s', async (_what, bytes) => {
    await expect(read(bytes)).rejects.toThrow(ArchiveDamaged);
  });

  test('only where it is allowed may the empty blocks at the end be missing', async () => {
    expect(await read(archive.subarray(0, archive.length - 1_024), 700, { mayLackEnd: true })).toHaveLength(4);
  });

  test.each(['../up', '/etc/passwd', 'a/../../b', 'a//b', 'a\\b', 'c:d'])('a path that leads out: %s', async (name) => {
    await expect(read(Buffer.concat([entry(name, Buffer.alloc(3)), tarEnd()]))).rejects.toThrow(ArchiveDamaged);
  });

  test('a link', async () => {
    const header = tarHeader('link', 'file', 0);
    header.write('2', 156);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    await expect(read(Buffer.concat([header, tarEnd()]))).rejects.toThrow('no file or folder');
  });

  test('what does not fit is never written', () => {
    expect(() => tarHeader('x'.repeat(101), 'file', 0)).toThrow(RangeError);
    expect(() => tarHeader('x', 'file', 9 * 2 ** 30)).toThrow(RangeError);
  });
});

describe('names that the header has no room for', () => {
  const name = `package/${'a'.repeat(300)}.json`;
  const content = Buffer.from('{}');
  const note = (type: string, about: string): Buffer => {
    const header = tarHeader('note', 'file', Buffer.byteLength(about));
    header.write(type, 156);
    let sum = 8 * 0x20;
    for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += header[i] as number;
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return Buffer.concat([header, Buffer.from(about), tarPadding(Buffer.byteLength(about))]);
  };
  const next = entry('package/short.json', content);
  const pax = Buffer.concat([
    note('g', '11 mtime=1\n'),
    note('x', `11 mtime=1\n${name.length + 9} path=${name}\n`),
    next,
    next,
    tarEnd(),
  ]);
  const gnu = Buffer.concat([note('L', `${name}\0`), next, next, tarEnd()]);

  test.each([
    ['pax', pax],
    ['GNU', gnu],
  ])('%s: the name is for the next entry alone, where it is asked for; otherwise refused', async (_form, bytes) => {
    const found = await read(bytes, 700, { longNames: true });
    expect(found.map(([path]) => path)).toEqual([name, 'package/short.json']);
    await expect(read(bytes)).rejects.toThrow(ArchiveDamaged);
  });

  test('such a name may not lead out of the archive, nor be endless', async () => {
    const away = Buffer.concat([note('L', '../../etc/x\0'), next, tarEnd()]);
    await expect(read(away, 700, { longNames: true })).rejects.toThrow('leads out of it');
    const endless = Buffer.concat([note('L', 'a'.repeat(70_000)), next, tarEnd()]);
    await expect(read(endless, 700, { longNames: true })).rejects.toThrow('too long');
  });
});
