import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ExportFolder, makeExportFolder } from './folder-files.ts';
import { type FileLimits, makePartWriter } from './part-writer.ts';

const JOB = '44bb133a-2033-4ba1-a29d-f50abb99e538';
let directory: string;
let folder: ExportFolder;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'covered bridge export '));
  folder = makeExportFolder(directory);
  await folder.prepare(1, JOB);
});
afterEach(() => rm(directory, { recursive: true }));

const writer = (limits: Partial<FileLimits> = {}) =>
  makePartWriter({
    files: folder,
    tenantId: 1,
    jobId: JOB,
    type: 'Observation',
    kind: 'output',
    limits: { resourcesMax: 100_000, sizeBytesMax: 1e9, ...limits },
  });
const content = (name: string) => readFile(folder.pathOf({ tenantId: 1, jobId: JOB, name }), 'utf8');

test('a file is closed at its number of resources: 100,000 by default (payer-to-payer.md 3.4)', async () => {
  const part = writer({ resourcesMax: 3 });
  for (let i = 0; i < 7; i++) await part.write(Buffer.from(`{"i":${i}}`));
  const files = await part.close();
  expect(files.map(({ resources }) => resources)).toEqual([3, 3, 1]);
  expect((await Promise.all(files.map(({ name }) => content(name)))).join('')).toBe(
    '{"i":0}\n{"i":1}\n{"i":2}\n{"i":3}\n{"i":4}\n{"i":5}\n{"i":6}\n',
  );
});

test('a file is closed before it would pass its size; a line larger than that has a file of its own', async () => {
  const part = writer({ sizeBytesMax: 20 });
  for (const line of ['123456789', '123456789', 'x', 'y'.repeat(50), 'z']) await part.write(Buffer.from(line));
  const files = await part.close();
  expect(files.map(({ sizeBytes }) => sizeBytes)).toEqual([20, 2, 51, 2]);
  for (const file of files)
    expect((await stat(folder.pathOf({ tenantId: 1, jobId: JOB, name: file.name }))).size).toBe(file.sizeBytes);
});

test('lines larger than the write buffer, and many small ones, arrive unchanged', async () => {
  const part = writer();
  const lines = [...Array(5000).keys()].map((i) => 'é'.repeat(i % 700) + i);
  lines.splice(100, 0, 'L'.repeat(3 * 1024 * 1024));
  for (const line of lines) await part.write(Buffer.from(line));
  const [file] = await part.close();
  expect(await content(file!.name)).toBe(`${lines.join('\n')}\n`);
});

test('a file is readable by its owner only, and its name is Type_hex.ndjson', async () => {
  const part = writer();
  await part.write(Buffer.from('{}'));
  const [file] = await part.close();
  expect(file!.name).toMatch(/^Observation_[0-9a-f]{16}\.ndjson$/);
  expect((await stat(folder.pathOf({ tenantId: 1, jobId: JOB, name: file!.name }))).mode & 0o777).toBe(0o600);
  expect((await stat(path.join(directory, '1', JOB))).mode & 0o777).toBe(0o700);
});

test('a part without lines has no file, and a discarded one leaves none', async () => {
  expect(await writer().close()).toEqual([]);
  const part = writer({ resourcesMax: 1 });
  await part.write(Buffer.from('{}'));
  await part.write(Buffer.from('{}'));
  await part.discard();
  expect(await readdir(path.join(directory, '1', JOB))).toEqual([]);
});

test('no name climbs out of the folder', () => {
  for (const name of [
    '../Patient_00000000.ndjson',
    'Patient_00000000.ndjson/..',
    'Patient_0000000g.ndjson',
    '.ndjson',
    '',
  ])
    expect(() => folder.pathOf({ tenantId: 1, jobId: JOB, name })).toThrow(TypeError);
  expect(() => folder.pathOf({ tenantId: 1, jobId: '../44bb133a', name: 'Patient_00000000.ndjson' })).toThrow(
    TypeError,
  );
});
