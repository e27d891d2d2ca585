import { mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planFeed } from './plan.ts';

const patient = '{"resourceType":"Patient","id":"1"}\n';
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-plan-'));
  await mkdir(path.join(folder, 'feed', 'b'), { recursive: true });
  await mkdir(path.join(folder, 'empty'));
  const files: Record<string, string | Buffer> = {
    'feed/README.md': '# not ours',
    'feed/.hidden.json': patient,
    'feed/a.ndjson': patient,
    'feed/b/c.json': patient,
    'feed/b/log.ndjson': '{"eventId":"kickoff"}\n',
    'feed/d.ndjson.gz': gzipSync(patient.repeat(3)),
    'feed/none.ndjson': '',
    'picture.png': Buffer.from('89504e470d0a1a0a0000000d4948445200', 'hex'),
    'cut.ndjson.gz': gzipSync(patient.repeat(1000)).subarray(0, 60),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
  await symlink(folder, path.join(folder, 'feed', 'b', 'loop'));
  await rm(path.join(folder, 'feed', 'b', 'loop'));
  await symlink(path.join(folder, 'feed'), path.join(folder, 'feed', 'b', 'loop'));
});
afterAll(() => rm(folder, { recursive: true }));
const at = (...parts: string[]) => ({ kind: 'path' as const, path: path.join(folder, ...parts) });

test('a folder gives its FHIR files in the order of their names, and those below it; a link that leads back is not followed', async () => {
  const plan = await planFeed([at('feed')]);
  expect(plan.files.map((file) => [path.relative(folder, file.name), file.form, file.bytes])).toEqual([
    ['feed/a.ndjson', 'ndjson', 36],
    ['feed/b/c.json', 'document', 36],
    ['feed/d.ndjson.gz', 'ndjson', 108],
  ]);
  expect(plan.skipped.map((each) => [path.relative(folder, each.file), each.reason])).toEqual([
    ['feed/b/log.ndjson', 'not-fhir'],
    ['feed/none.ndjson', 'empty'],
  ]);
  expect(plan.bytesTotal).toBe(180);
});

test('the same files are the same feed; another size, time or set of files is another', async () => {
  const name = path.join(folder, 'feed', 'a.ndjson');
  const first = await planFeed([at('feed')]);
  expect((await planFeed([at('feed')])).fingerprint).toBe(first.fingerprint);
  expect((await planFeed([at('feed', 'a.ndjson')])).fingerprint).not.toBe(first.fingerprint);
  await utimes(name, 1, 1);
  expect((await planFeed([at('feed')])).fingerprint).not.toBe(first.fingerprint);
});

test('the wrong thing is refused before anything is stored', async () => {
  await expect(planFeed([at('picture.png')])).rejects.toMatchObject({ code: 'no-fhir' });
  await expect(planFeed([at('cut.ndjson.gz')])).rejects.toMatchObject({ code: 'archive-broken' });
  await expect(planFeed([at('feed'), at('missing')])).rejects.toMatchObject({
    code: 'unreadable',
    facts: { why: 'ENOENT' },
  });
  await expect(planFeed([{ kind: 'path', path: '/dev/null' }])).rejects.toMatchObject({ facts: { why: 'not-a-file' } });
  await expect(planFeed([at('empty')])).rejects.toMatchObject({ code: 'nothing-to-read' });
  await expect(planFeed([at('feed', 'none.ndjson')])).rejects.toMatchObject({ code: 'nothing-to-read' });
});

test('a file of 5 GB of nothing is no FHIR, and costs only its first bytes', async () => {
  const name = path.join(folder, 'sparse.ndjson');
  await writeFile(name, '');
  await truncate(name, 5 * 1024 ** 3);
  await expect(planFeed([at('sparse.ndjson')])).rejects.toMatchObject({ code: 'no-fhir' });
});
