import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '#/platform/db/database.ts';
import { type EmbeddedPostgres, startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { runProgram } from '../support/program.ts';

const ENTRY = fileURLToPath(new URL('../../bin/covered-bridge.mjs', import.meta.url));
const MEMBERS = 600;
const OBSERVATIONS_EACH = 40;
/** Each member has one bad line too. */
const READ = MEMBERS * (OBSERVATIONS_EACH + 3);

let folder = '';
let dataDir = '';
let feed = '';
let embedded: EmbeddedPostgres | undefined;
let database: Database | undefined;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-resume-'));
  // As root the database runs as another user, who has to get in.
  await chmod(folder, 0o755);
  dataDir = path.join(folder, 'data');
  feed = path.join(folder, 'feed.ndjson');
  await writeFeed(feed);
  for (const slug of ['whole', 'broken', 'lost'])
    await cli('tenant', 'create', slug, '--name', slug, '--kind', 'sandbox');
  expect((await cli('feed', 'load', 'whole', feed)).json).toMatchObject({
    read: READ,
    refused: MEMBERS,
    resumed: false,
  });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await detach();
  await rm(folder, { recursive: true, force: true });
});

/** A Provenance of something at the end of the feed, members, their observations, and lines that are refused. */
async function writeFeed(name: string): Promise<void> {
  const file = await open(name, 'w');
  for (let m = 0; m < MEMBERS; m++) {
    const lines: unknown[] = [
      {
        resourceType: 'Provenance',
        id: `v${m}`,
        target: [{ reference: `Observation/o${MEMBERS - 1 - m}-0` }],
        recorded: '2026-01-01T00:00:00Z',
        agent: [{ who: { display: 'Plan' } }],
      },
      {
        resourceType: 'Patient',
        id: `m${m}`,
        name: [{ family: `Family${m}`, given: ['Ana'] }],
        birthDate: '1980-02-03',
      },
      { resourceType: 'Patient', id: `bad${m}`, birthDate: 'someday' },
    ];
    for (let o = 0; o < OBSERVATIONS_EACH; o++)
      lines.push({
        resourceType: 'Observation',
        id: `o${m}-${o}`,
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }], text: 'Heart rate '.repeat(20) },
        subject: { reference: `Patient/m${m}` },
        effectiveDateTime: `2025-03-${String((o % 28) + 1).padStart(2, '0')}`,
        valueQuantity: { value: 60 + o, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
      });
    await file.write(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  }
  await file.close();
}

async function cli(...argv: string[]): Promise<{ exitCode: number; json: any; stderr: string }> {
  const { exitCode, stdout, stderr } = await runProgram([...argv, '--json'], { dataDir });
  return { exitCode, json: stdout === '' ? undefined : JSON.parse(stdout), stderr };
}

async function attach(): Promise<Database> {
  embedded = await startEmbedded(dataDir);
  database = openDatabase({ connection: embedded.connection, poolSize: 2 });
  return database;
}

async function detach(): Promise<void> {
  await database?.close().catch(() => undefined);
  await embedded?.stop().catch(() => undefined);
  database = undefined;
  embedded = undefined;
}

/** Starts a load and returns once it has committed something, long before its end. */
async function startLoad(
  slug: string,
): Promise<{ child: ChildProcess; ended: Promise<{ code: number | null; stdout: string }> }> {
  const db = await attach();
  const tenant = await db.platform.query<{ id: number }>('select id from tenant where slug = $1', [slug]);
  const child = spawn(process.execPath, [ENTRY, 'feed', 'load', slug, feed, '--json'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  let stdout = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout })),
  );
  for (;;) {
    const run = await db
      .tenant(tenant.rows[0]?.id ?? 0)
      .query<{ state: string; stored: number }>(`select state, (counts->>'stored')::int as stored from feed_run`);
    if (run.rows.some((row) => row.stored > 0)) {
      expect(run.rows.map((row) => row.state)).toEqual(['running']);
      return { child, ended };
    }
    await sleep(5);
  }
}

function killDatabase(): void {
  process.kill(
    Number(readFileSync(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]),
    'SIGKILL',
  );
}

/** What a tenant holds, with versions: a resource that was stored twice would show. */
async function contentOf(slug: string): Promise<string[]> {
  const db = await attach();
  const tenant = await db.platform.query<{ id: number }>('select id from tenant where slug = $1', [slug]);
  const tenantId = tenant.rows[0]?.id ?? 0;
  const rows = await db
    .tenant(tenantId)
    .query(
      `select rt, id, member_id, version, encode(hash, 'hex') as hash from resource where tenant_id = $1 and not deleted`,
      [tenantId],
    );
  await detach();
  return rows.rows.map((row) => `${row.rt}/${row.id} ${row.member_id} ${row.version} ${row.hash}`).sort();
}

async function sameAsWhole(slug: string, json: any): Promise<void> {
  const whole = await contentOf('whole');
  expect(whole.length).toBe(MEMBERS * (OBSERVATIONS_EACH + 2));
  expect(await contentOf(slug)).toEqual(whole);
  expect(json).toMatchObject({ read: READ, refused: MEMBERS, stored: READ - MEMBERS, unchanged: 0, resumed: true });
  const refused = (await readFile(json.refused_file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).line);
  expect(refused).toEqual(Array.from({ length: MEMBERS }, (_, m) => m * (OBSERVATIONS_EACH + 3) + 3));
}

test('kill -9 of the process and of PostgreSQL with it, in the middle of a load: the same command finishes it, nothing lost, nothing twice', async () => {
  const { child, ended } = await startLoad('broken');
  killDatabase();
  child.kill('SIGKILL');
  await ended;
  await detach();
  const { exitCode, json } = await cli('feed', 'load', 'broken', feed);
  expect(exitCode).toBe(0);
  await sameAsWhole('broken', json);
  expect((await cli('feed', 'load', 'broken', feed)).json).toMatchObject({
    resumed: false,
    unchanged: READ - MEMBERS,
    stored: 0,
  });
});

test('the database gone half-way: a clear error, and the same command goes on', async () => {
  const { ended } = await startLoad('lost');
  killDatabase();
  const { code, stdout } = await ended;
  expect(code).toBe(1);
  const { error } = JSON.parse(stdout);
  expect(error).toMatchObject({ code: 'database-gone' });
  expect(error.message).toContain('Run the same command again');
  await detach();
  const { json } = await cli('feed', 'load', 'lost', feed);
  await sameAsWhole('lost', json);
});
