import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tarEnd, tarHeader, tarPadding } from '#/platform/archive/tar.ts';
import { readConfig } from '#/platform/config/config.ts';
import { makeLog } from '#/platform/log/log.ts';
import { writeBackup } from '../../src/cli/backup/backup.ts';
import { openServices } from '../../src/services.ts';
import { restoreHere } from '../support/restore-here.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-restore-'));
chmodSync(folder, 0o755);
const at = (...names: string[]): string => path.join(folder, ...names);
const dataDir = at('data');
const backupFile = at('backup.tar.zst');
const io = {
  stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
  signal: new AbortController().signal,
};

async function backUp(file: string, withoutMasterKey = false) {
  const services = await openServices(readConfig({ DATA_DIR: dataDir }), { log: makeLog('silent') });
  try {
    await services.authorization.routeDeps.keys.of(0);
    return await writeBackup(services, file, { withoutMasterKey }, io);
  } finally {
    await services.close();
  }
}
beforeAll(() => backUp(backupFile), 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a backup that was changed, cut off or is something else is refused, and the folder holds nothing of it', async () => {
  const tar = zstdDecompressSync(readFileSync(backupFile));
  const changed = Buffer.from(tar);
  changed[Math.floor(tar.length / 2)]! ^= 1;
  const packed = readFileSync(backupFile);
  const broken = Buffer.from(packed);
  broken[Math.floor(packed.length / 2)]! ^= 0xff;
  const cases: [string, Buffer, string][] = [
    ['one bit', changed, 'damaged'],
    ['one byte, compressed', broken, 'damaged'],
    ['cut off', packed.subarray(0, packed.length - 1_000), 'damaged'],
    ['cut off, unpacked', tar.subarray(0, tar.length - 4_096), 'damaged'],
    ['something else', Buffer.from('PK\x03\x04 is not one'), 'not-a-backup'],
    ['empty', Buffer.alloc(0), 'not-a-backup'],
  ];
  for (const [what, bytes, code] of cases) {
    writeFileSync(at('bad'), bytes);
    const refused = await restoreHere({ DATA_DIR: at('from-bad') }, at('bad'));
    expect([what, refused.exitCode, refused.json.error.code]).toEqual([what, 1, code]);
    for (const name of ['postgres', 'postgres.restoring', 'exports', 'master.key', 'restore.unfinished'])
      expect(existsSync(at('from-bad', name)), `${what}: ${name}`).toBe(false);
  }
}, 60_000);

test.each([
  ['a newer program', { migration: 99_999 }, 'newer-backup'],
  ['another PostgreSQL', { postgresql: '17.2' }, 'other-postgresql'],
  ['another form', { format: 2 }, 'other-format'],
  ['another kind of machine', { machine: 'plan9-mips' }, 'other-machine'],
])('a backup of %s is refused with a clear text', async (_what, change, code) => {
  const tar = zstdDecompressSync(readFileSync(backupFile));
  const description = JSON.parse(tar.subarray(512, tar.indexOf('}\n') + 1).toString());
  const text = Buffer.from(JSON.stringify({ ...description, ...change }));
  const header = tarHeader('covered-bridge-backup.json', 'file', text.length);
  writeFileSync(at('other'), Buffer.concat([header, text, tarPadding(text.length), tarEnd()]));
  const refused = await restoreHere({ DATA_DIR: at('from-other') }, at('other'));
  expect([refused.exitCode, refused.json.error.code]).toEqual([1, code]);
});

test('without its master key a backup is restored beside that key only', async () => {
  const file = at('keyless.tar.zst');
  const report = await backUp(file, true);
  expect(report.master_key_included).toBe(false);
  const key = readFileSync(path.join(dataDir, 'master.key'), 'utf8').trim();
  expect(zstdDecompressSync(readFileSync(file)).includes(key)).toBe(false);

  const dir = at('keyless');
  const missing = await restoreHere({ DATA_DIR: dir }, file);
  expect([missing.exitCode, missing.json.error.code]).toEqual([1, 'master-key-missing']);
  expect(missing.stderr).toContain(report.master_key_id);
  const other = await restoreHere({ DATA_DIR: dir, COVERED_BRIDGE_MASTER_KEY: '0'.repeat(64) }, file);
  expect([other.exitCode, other.json.error.code]).toEqual([1, 'master-key-missing']);
  expect(existsSync(path.join(dir, 'postgres'))).toBe(false);
  cpSync(path.join(dataDir, 'master.key'), path.join(dir, 'master.key'));
  expect((await restoreHere({ DATA_DIR: dir }, file)).exitCode).toBe(0);
}, 60_000);

test('the database of DATABASE_URL is not ours to back up or to restore', async () => {
  const DATABASE_URL = 'postgres://nobody@127.0.0.1:1/x';
  expect((await restoreHere({ DATA_DIR: at('external'), DATABASE_URL }, backupFile)).json.error.code).toBe(
    'external-database',
  );
  const services = { embedded: undefined } as unknown as Parameters<typeof writeBackup>[0];
  await expect(writeBackup(services, at('x'), { withoutMasterKey: false }, io)).rejects.toMatchObject({
    code: 'external-database',
  });
});
