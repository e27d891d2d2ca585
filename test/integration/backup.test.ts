import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { freePort } from '#/platform/http/free-port.ts';
import {
  download,
  exportAll,
  finished,
  kickOff,
  type Manifest,
  matchBody,
  matchGroup,
  type Payer,
  payerOf,
} from '../support/exchange.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { restoreHere } from '../support/restore-here.ts';

const ENTRY = fileURLToPath(new URL('../../bin/covered-bridge.mjs', import.meta.url));
const JAY = {
  given: 'Jay',
  family: 'Young',
  birthDate: '2001-03-11',
  coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-backup-'));
chmodSync(folder, 0o755);
const at = (...names: string[]): string => path.join(folder, ...names);
const dataDir = at('data');
const backupFile = at('backup.tar.zst');
let env: Record<string, string>;
let program: Program;
let payer: Payer;
let client: { client_id: string; client_secret: string };
let finishedBefore: Manifest;
let resourcesBefore: string[];
let runningExport: string;
let membersAtBackup: { before: number; after: number };

const cli = (dir: string, ...argv: string[]) =>
  runProgram([...argv, '--json'], { dataDir: dir, env }).then((result) => ({
    ...result,
    json: result.stdout === '' ? undefined : JSON.parse(result.stdout),
  }));
async function must(dir: string, ...argv: string[]): Promise<any> {
  const result = await cli(dir, ...argv);
  if (result.exitCode !== 0) throw new Error(result.stderr);
  return result.json;
}
const names = (resources: readonly { resourceType: string; id: string }[]): string[] =>
  resources.map(({ resourceType, id }) => `${resourceType}/${id}`).sort();
async function withDatabase<T>(dir: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const embedded = await startEmbedded(dir);
  const connection = new pg.Client(embedded.connection);
  await connection.connect();
  try {
    return await work(connection);
  } finally {
    await connection.end();
    await embedded.stop();
  }
}
const countResources = (connection: pg.Client): Promise<number> =>
  connection.query('select count(*)::int as n from resource').then(({ rows }) => rows[0].n);

beforeAll(async () => {
  const port = await freePort('127.0.0.1');
  env = { PORT: String(port), PUBLIC_URL: `http://localhost:${port}`, EXPORT_ENCRYPTION: 'true' };
  program = await startProgram({ dataDir, env });
  program = { ...program, baseUrl: env.PUBLIC_URL! };
  client = await must(dataDir, 'client', 'create', '--access-type', 'payer-to-payer', '--name', 'Kept');
  payer = await payerOf(program.baseUrl, client.client_id, client.client_secret);
  await must(dataDir, 'tenant', 'create', 'big', '--name', 'Big', '--kind', 'sandbox');
  await must(dataDir, 'population', 'generate', '--members', '60', '--seed', 'backup', '--out', at('plan'));
  const group = await matchGroup(program, 'bison', payer, matchBody(JAY));
  const exported = await exportAll(program, 'bison', payer, group);
  finishedBefore = exported.manifest;
  resourcesBefore = names(exported.resources);
  await backUpUnderWrites();
}, 90_000);
afterAll(async () => {
  if (program.child.exitCode === null && program.child.signalCode === null) program.signalGroup('SIGTERM');
  await program.ended();
  rmSync(folder, { recursive: true, force: true });
});

/** A feed is loading, and an export stands in its middle, while the backup is made. */
async function backUpUnderWrites(): Promise<void> {
  await withDatabase(dataDir, async (connection) => {
    await connection.query('begin');
    await connection.query('lock table export_file in exclusive mode');
    runningExport = await kickOff(program, 'bison', payer, await matchGroup(program, 'bison', payer, matchBody(JAY)));
    const waiting = `select 1 from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'export_file' and not l.granted`;
    while ((await connection.query(waiting)).rowCount === 0) await sleep(10);
    const loading = must(dataDir, 'feed', 'load', 'big', at('plan'));
    const other = await startEmbedded(dataDir);
    const watcher = new pg.Client(other.connection);
    await watcher.connect();
    const atFirst = await countResources(watcher);
    let before = atFirst;
    while (before < atFirst + 200) before = await countResources(watcher);
    const report = await must(dataDir, 'backup', backupFile);
    membersAtBackup = { before, after: await countResources(watcher) };
    await watcher.end();
    await other.stop();
    expect(report).toMatchObject({
      file: backupFile,
      export_files: 6,
      export_files_missing: 0,
      master_key_included: true,
    });
    await connection.query('rollback');
    await loading;
  });
}

test('a backup is one file, readable by its owner only, and no other backup or file is written over', async () => {
  expect(statSync(backupFile).mode & 0o777).toBe(0o600);
  expect(existsSync(`${backupFile}.partial`)).toBe(false);
  const again = await cli(dataDir, 'backup', backupFile);
  expect([again.exitCode, again.json.error.code]).toEqual([1, 'file-exists']);
  expect((await cli(dataDir, 'backup', at('nowhere', 'x'))).json.error.code).toBe('no-folder');
});

test('while a backup runs the files of a deleted export stay, and go afterwards', async () => {
  const { unlessHeld, holdRemovals } = await import('../../src/payer-to-payer/export/stored-files.ts');
  const { openDatabase } = await import('#/platform/db/database.ts');
  const embedded = await startEmbedded(dataDir);
  const database = openDatabase({ connection: embedded.connection, poolSize: 2 });
  const tenant = database.tenant(1);
  const hold = await holdRemovals(database);
  expect(await unlessHeld(tenant, async () => undefined)).toBe(false);
  await hold!.release();
  await expect.poll(() => unlessHeld(tenant, async () => undefined)).toBe(true);
  await database.close();
  await embedded.stop();
});

test('kill -9 in the middle of a backup leaves no file that a restore takes, nothing held in the database, and the next backup works', async () => {
  const file = at('killed.tar.zst');
  const child = backupChild(file);
  while (!existsSync(`${file}.partial`) || statSync(`${file}.partial`).size < 100_000) await sleep(2);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(existsSync(file)).toBe(false);
  const refused = await restoreHere({ ...env, DATA_DIR: at('from-killed') }, `${file}.partial`);
  expect([refused.exitCode, refused.json.error.code]).toEqual([1, 'damaged']);
  expect(existsSync(at('from-killed', 'postgres'))).toBe(false);
  expect((await fetch(`${program.baseUrl}/readyz`)).status).toBe(200);
  await must(dataDir, 'backup', file);
  const held = await withDatabase(dataDir, (connection) => connection.query('select 1 from pg_replication_slots'));
  expect(held.rowCount).toBe(0);
  expect(existsSync(`${file}.partial`)).toBe(false);
  rmSync(file);
}, 60_000);

function backupChild(file: string): ChildProcess {
  return spawn(process.execPath, [ENTRY, 'backup', file], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: dataDir, ...env },
    stdio: 'ignore',
  });
}

test('the whole drill: everything is destroyed, restored and started; members, clients, tokens and files are there, and the export that was running ends', async () => {
  process.kill(
    Number(readFileSync(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]),
    'SIGKILL',
  );
  program.signalGroup('SIGKILL');
  await program.ended();
  rmSync(dataDir, { recursive: true });

  const report = await must(dataDir, 'restore', backupFile);
  expect(report).toMatchObject({ export_files: 6 });
  expect(existsSync(path.join(dataDir, 'restore.unfinished'))).toBe(false);
  for (const name of ['master.key', 'postgres.password'])
    expect(statSync(path.join(dataDir, name)).mode & 0o077).toBe(0);
  for (const name of ['postgres', 'exports']) expect(statSync(path.join(dataDir, name)).mode & 0o077).toBe(0);

  program = { ...(await startProgram({ dataDir, env })), baseUrl: env.PUBLIC_URL! };
  // As of the end of the copy: all that was committed before it began, nothing from after it ended.
  const restored = await withDatabase(dataDir, countResources);
  expect(restored).toBeGreaterThanOrEqual(membersAtBackup.before);
  expect(restored).toBeLessThanOrEqual(membersAtBackup.after);

  // The token of before is good, the files of before are downloaded with it, and the client gets new ones.
  expect(names(await download(finishedBefore, payer))).toEqual(resourcesBefore);
  const fresh = await payerOf(program.baseUrl, client.client_id, client.client_secret);
  const manifest = await finished(runningExport, fresh, 20_000);
  expect(names(await download(manifest, fresh))).toEqual(resourcesBefore);
  const loaded = await must(dataDir, 'feed', 'load', 'big', at('plan'));
  expect(loaded).toMatchObject({ refused: 0 });
  expect(loaded.stored + loaded.unchanged).toBe(loaded.read);
}, 90_000);

test('a folder that holds an installation is refused and left as it is; other files in it do not matter', async () => {
  const refused = await restoreHere({ ...env, DATA_DIR: dataDir }, backupFile);
  expect([refused.exitCode, refused.json.error.code]).toEqual([1, 'not-empty']);
  expect((await fetch(`${program.baseUrl}/readyz`)).status).toBe(200);
});

test('a restore that was killed: nothing starts on the folder until the same command has ended it', async () => {
  const dir = at('killed restore');
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'notes.txt'), 'mine');
  const child = spawn(process.execPath, [ENTRY, 'restore', backupFile], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: dir, ...env },
    stdio: 'ignore',
  });
  while (!existsSync(path.join(dir, 'postgres.restoring', 'base'))) await sleep(2);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const refused = await cli(dir, 'tenant', 'list');
  expect([refused.exitCode, refused.json.error.code]).toEqual([1, 'database']);
  expect(refused.stderr).toContain('restore');
  await must(dir, 'restore', backupFile);
  expect((await must(dir, 'tenant', 'list')).map(({ slug }: { slug: string }) => slug)).toContain('big');
  expect(readFileSync(path.join(dir, 'notes.txt'), 'utf8')).toBe('mine');
}, 60_000);
