import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RefusedFile } from './refused-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-refused-'));
});
afterAll(() => rm(folder, { recursive: true }));
const line = (n: number) => ({ file: 'a.ndjson', line: n, reason: 'not-json' });

test('a refused line goes to a file that only this user can read; without refusals there is no file', async () => {
  const file = new RefusedFile(path.join(folder, 'feeds', 'one.ndjson'));
  await file.append([]);
  await expect(stat(file.path)).rejects.toThrow('ENOENT');
  await file.append([line(1), { ...line(2), entry: '3.0', path: 'Patient.name' }]);
  await file.append([line(3)]);
  await file.close();
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  const text = await readFile(file.path, 'utf8');
  expect(Buffer.byteLength(text)).toBe(file.bytes);
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each)),
  ).toEqual([
    { file: 'a.ndjson', line: 1, reason: 'not-json' },
    { file: 'a.ndjson', line: 2, reason: 'not-json', entry: '3.0', path: 'Patient.name' },
    { file: 'a.ndjson', line: 3, reason: 'not-json' },
  ]);
});

test('what a broken run wrote behind its checkpoint is cut off, so that no line stands twice', async () => {
  const first = new RefusedFile(path.join(folder, 'two.ndjson'));
  await first.append([line(1)]);
  const checkpoint = first.bytes;
  await first.append([line(2)]);
  await first.close();
  const second = new RefusedFile(first.path, checkpoint);
  await second.append([line(2)]);
  await second.close();
  expect(
    (await readFile(first.path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each).line),
  ).toEqual([1, 2]);
});

test.runIf(process.platform === 'linux')('a full disk is a refusal that says so', async () => {
  const file = new RefusedFile('/dev/full');
  await expect(file.append([line(1)])).rejects.toMatchObject({ code: 'refused-file-failed', facts: { why: 'ENOSPC' } });
});
