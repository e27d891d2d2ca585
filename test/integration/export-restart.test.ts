import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download, finished, kickOff, memberRecord, type Resource, sharedResources } from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

const CHILD = fileURLToPath(new URL('../support/export-process.ts', import.meta.url));
/** After `kill -9` work goes on within 5 s (storage.md 9). */
const RESUME_MS = 5_000;
const MEMBERS = 120;

const payer = caller('bison', 'payer-one');
let world: ExportWorld;
let expected: string[];

beforeAll(async () => {
  world = await startExportWorld({ works: false });
  const ids = Array.from({ length: MEMBERS }, (_, i) => `k${i}`);
  const resources = [...sharedResources(), ...ids.flatMap((id) => memberRecord(id, { years: 6 }).resources)];
  for (let from = 0; from < resources.length; from += 1_000)
    await world.store('bison', resources.slice(from, from + 1_000));
  await world.standingGroup('bison', ids);
  expected = names(resources.filter(({ id }) => id !== 'org-nobody'));
});
afterAll(() => world.stop());

const names = (resources: readonly Resource[]): string[] =>
  resources.map(({ resourceType, id }) => `${resourceType}/${id}`).sort();
const folder = (): string =>
  path.resolve(
    world.deps.files.pathOf({
      tenantId: 1,
      jobId: '00000000-0000-4000-8000-000000000000',
      name: 'Patient_00000000.ndjson',
    }),
    '../../..',
  );

async function startChild(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(world.db.connection), folder()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

interface Part {
  readonly name: string;
  readonly inode: number;
  readonly modifiedMs: number;
  readonly content: string;
}

/** The files of the parts that are recorded as finished, as they lie on the disk. */
async function finishedParts(jobId: string): Promise<Part[]> {
  const rows = await world.db.database.owner.query<{ name: string }>(
    'select name from export_file where job_id = $1 order by name',
    [jobId],
  );
  return Promise.all(
    rows.rows.map(async ({ name }) => {
      const file = world.deps.files.pathOf({ tenantId: world.tenant('bison').id, jobId, name });
      const { ino, mtimeMs } = await stat(file);
      return { name, inode: ino, modifiedMs: mtimeMs, content: await readFile(file, 'utf8') };
    }),
  );
}

/** Lets a child work until it has recorded some parts and waits to record more, then kills it. */
async function killInTheMiddle(jobId: string): Promise<void> {
  const child = await startChild();
  const hold = await world.db.database.owner.connect();
  try {
    const done = () =>
      world.db.database.owner.query('select 1 from export_part where job_id = $1 and done limit 1', [jobId]);
    await expect.poll(async () => (await done()).rowCount, { timeout: 20_000, interval: 1 }).toBe(1);
    await hold.query('begin');
    await hold.query('lock table export_file in exclusive mode');
    const waiting = `select 1 from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'export_file' and not l.granted`;
    await expect
      .poll(async () => (await hold.query(waiting)).rowCount, { timeout: 20_000, interval: 5 })
      .toBeGreaterThan(0);
    child.kill('SIGKILL');
    await once(child, 'exit');
  } finally {
    await hold.query('rollback');
    hold.release();
  }
}

test('P2P-38 P2P-66 after kill -9 in the middle of an export it is finished within 5 s of the restart: nothing lost, nothing twice, finished parts untouched', async () => {
  const statusUrl = await kickOff(world, 'bison', payer, 'sandbox-members', { headers: { prefer: 'respond-async' } });
  const jobId = statusUrl.slice(statusUrl.lastIndexOf('/') + 1);
  await killInTheMiddle(jobId);
  const before = await finishedParts(jobId);
  expect(before.length).toBeGreaterThan(0);
  const halfDone = `select 1 from export_slice_work w where job_id = $1 and not done
                       and exists (select from export_part p where p.job_id = w.job_id and p.slice = w.slice and p.done)`;
  expect((await world.db.database.owner.query(halfDone, [jobId])).rowCount).toBeGreaterThan(0);
  const files = await world.deps.files.list(world.tenant('bison').id, jobId);
  expect(files.length).toBeGreaterThan(before.length);

  const restartedAt = performance.now();
  await world.work();
  const manifest = await finished(statusUrl, payer, 20_000);
  expect(performance.now() - restartedAt).toBeLessThan(RESUME_MS);

  const after = await finishedParts(jobId);
  expect(after.filter(({ name }) => before.some((part) => part.name === name))).toEqual(before);
  const all = await download(manifest, payer);
  expect(names(all.filter(({ resourceType }) => resourceType !== 'Provenance'))).toEqual(expected);
  // What the process that died had sent is in the Provenance of the one that went on.
  const targets = all.flatMap(({ target }) => (target ?? []) as { reference: string }[]);
  expect(targets.map(({ reference }) => reference).sort()).toEqual(expected);
  await expect.poll(() => world.deps.files.list(world.tenant('bison').id, jobId)).toHaveLength(after.length);
});

test('P2P-35 a running export that is deleted stops within 10 s, writes nothing more and leaves nothing behind', async () => {
  const hold = await world.db.database.owner.connect();
  let jobId = '';
  try {
    await hold.query('begin');
    await hold.query('lock table export_file in exclusive mode');
    const statusUrl = await kickOff(world, 'bison', payer, 'sandbox-members');
    jobId = statusUrl.slice(statusUrl.lastIndexOf('/') + 1);
    await expect
      .poll(async () => (await world.deps.files.list(world.tenant('bison').id, jobId)).length, { timeout: 10_000 })
      .toBeGreaterThan(0);
    const deleting = fetch(statusUrl, { method: 'DELETE', headers: payer.headers });
    await hold.query('rollback');
    expect((await deleting).status).toBe(202);
    expect((await fetch(statusUrl, { headers: payer.headers })).status).toBe(404);
  } finally {
    await hold.query('rollback');
    hold.release();
  }
  const deletedAt = performance.now();
  await expect.poll(() => world.deps.files.list(world.tenant('bison').id, jobId), { timeout: 10_000 }).toEqual([]);
  const working = `select count(*)::int as n from graphile_worker._private_jobs where locked_at is not null`;
  await expect.poll(async () => (await world.db.database.owner.query(working)).rows[0].n, { timeout: 10_000 }).toBe(0);
  expect(performance.now() - deletedAt).toBeLessThan(10_000);
  expect(await world.deps.files.list(world.tenant('bison').id, jobId)).toEqual([]);
  expect((await world.db.database.owner.query('select 1 from export_slice where job_id = $1', [jobId])).rowCount).toBe(
    0,
  );
});

test('fencing: an attempt that another has followed cannot record anything any more', async () => {
  const { claimSlice, finishParts } = await import('../../src/payer-to-payer/export/work-store.ts');
  const { insertPlan } = await import('../../src/payer-to-payer/export/plan-store.ts');
  const { Superseded } = await import('../../src/payer-to-payer/export/slices.ts');
  const statusUrl = await kickOff(world, 'bison', payer, 'sandbox-members');
  const jobId = statusUrl.slice(statusUrl.lastIndexOf('/') + 1);
  await finished(statusUrl, payer, 20_000);
  const db = world.db.database.tenant(world.tenant('bison').id);
  await world.db.database.owner.query(`update export_job set state = 'running' where id = $1`, [jobId]);
  await world.db.database.owner.query(`update export_slice_work set done = false where job_id = $1 and slice = 1`, [
    jobId,
  ]);
  const old = (await claimSlice(db, jobId, 1))!;
  const successor = (await claimSlice(db, jobId, 1))!;
  const result = { type: 'Patient', position: 0, files: [], notes: [], references: [], withheld: {} };
  await expect(db.transaction((tx) => finishParts(tx, old, [result], new Date()))).rejects.toThrow(Superseded);
  await db.transaction((tx) => finishParts(tx, successor, [result], new Date()));
  const again = { transactionTime: new Date(), now: new Date(), slices: [], parts: [], notes: [] };
  expect(await db.transaction((tx) => insertPlan(tx, jobId, again))).toBe(false);
});
