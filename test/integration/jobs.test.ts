import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enqueueJob } from '#/platform/jobs/jobs.ts';
import { startWorkers } from '#/platform/jobs/workers.ts';
import { makeLog } from '#/platform/log/log.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

let db: TestDatabase;
const children: ChildProcess[] = [];
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await db.drop();
});

async function until(condition: () => boolean | Promise<boolean>, milliseconds: number): Promise<number> {
  const began = Date.now();
  while (!(await condition())) {
    if (Date.now() - began > milliseconds) throw new Error('it did not happen in time');
    await sleep(10);
  }
  return Date.now() - began;
}

function jobProcess(name: string): { child: ChildProcess; output(): string } {
  const script = fileURLToPath(new URL('../support/job-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(db.connection), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  return { child, output: () => output };
}

test('a job exists exactly when the transaction that asked for it commits', async () => {
  const done: unknown[] = [];
  const workers = await startWorkers({
    database: db.database,
    concurrency: 2,
    log: makeLog('silent'),
    handlers: {
      note: async ({ id }) => {
        done.push(id);
      },
    },
  });
  await expect(
    db.database.tenant(1).transaction(async (tx) => {
      await enqueueJob(tx, { name: 'note', payload: { id: 'rolled back' } });
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  await db.database.tenant(1).transaction((tx) => enqueueJob(tx, { name: 'note', payload: { id: 'committed' } }));
  await until(() => done.length > 0, 5_000);
  await sleep(100);
  expect(done).toEqual(['committed']);
  await workers.stop();
});

test('a job that fails is tried again, and a key keeps one waiting job', async () => {
  const tries: number[] = [];
  await db.database.platform.transaction(async (tx) => {
    const runAt = new Date(Date.now() + 200);
    await enqueueJob(tx, { name: 'flaky', payload: { n: 1 }, key: 'one', runAt });
    await enqueueJob(tx, { name: 'flaky', payload: { n: 2 }, key: 'one', runAt });
  });
  const workers = await startWorkers({
    database: db.database,
    concurrency: 2,
    log: makeLog('silent'),
    handlers: {
      flaky: async ({ n }, { attempt }) => {
        tries.push(Number(n));
        if (attempt === 1) throw new Error('the first try fails');
      },
    },
  });
  await until(() => tries.length === 2, 10_000);
  expect(tries).toEqual([2, 2]);
  await workers.stop();
});

test('the program’s role may add jobs but not read or change the job library’s tables', async () => {
  await expect(db.database.platform.query('select * from graphile_worker._private_jobs')).rejects.toMatchObject({
    code: '42501',
  });
});

test('a job of a process killed by kill -9 is taken over by another within 5 s', async () => {
  const slow = jobProcess('slow');
  await until(() => slow.output().includes('slow ready'), 10_000);
  await db.database.platform.transaction((tx) => enqueueJob(tx, { name: 'long-job', payload: { id: 7 } }));
  await until(() => slow.output().includes('slow began 7'), 5_000);
  const other = jobProcess('other');
  await until(() => other.output().includes('other ready'), 10_000);
  await sleep(1_200);
  expect(other.output(), 'while the first lives, its job is its own').not.toContain('began');
  slow.child.kill('SIGKILL');
  expect(await until(() => other.output().includes('other finished 7'), 10_000)).toBeLessThan(5_000);
});

/** Ends every other connection to the test's database, as a restart of PostgreSQL does. */
const CUT = `select pg_terminate_backend(pid) from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`;

async function cutConnections(): Promise<void> {
  const admin = new pg.Client(db.connection);
  await admin.connect();
  await admin.query(CUT);
  await admin.end();
}

test('storage.md 9: jobs whose database went away under them, before and after their work was done, run again within 5 s; nothing stays locked', async () => {
  const seen: string[] = [];
  const workers = await startWorkers({
    database: db.database,
    concurrency: 3,
    log: makeLog('silent'),
    handlers: {
      cut: async ({ id }, { attempt }) => {
        seen.push(`${String(id)} ${attempt}`);
        if (attempt > 1) return;
        // Done, but nobody can be told any more.
        if (id === 'ends') await cutConnections();
        else await db.database.platform.query('select pg_sleep(60)');
      },
    },
  });
  await db.database.platform.transaction((tx) =>
    enqueueJob(tx, { name: 'cut', payload: { id: 'waits' }, queue: 'cut' }),
  );
  await until(() => seen.includes('waits 1'), 5_000);
  await db.database.platform.transaction((tx) => enqueueJob(tx, { name: 'cut', payload: { id: 'ends' } }));
  expect(await until(() => seen.length >= 4, 10_000)).toBeLessThan(5_000);
  expect([...seen].sort()).toEqual(['ends 1', 'ends 2', 'waits 1', 'waits 2']);
  const left = `select count(*)::int as n from graphile_worker._private_jobs`;
  await until(async () => (await db.database.owner.query(left)).rows[0].n === 0, 5_000);
  // What is asked for afterwards runs too, also in the queue that was locked.
  await db.database.platform.transaction((tx) =>
    enqueueJob(tx, { name: 'cut', payload: { id: 'ends' }, queue: 'cut' }),
  );
  await until(() => seen.filter((entry) => entry === 'ends 2').length === 2, 10_000);
  await workers.stop();
  // The other process of the test before lives on.
  const instances = 'select count(distinct instance)::int as n from job_instance';
  await until(async () => (await db.database.owner.query(instances)).rows[0].n <= 1, 5_000);
});

test('storage.md 9: a job that dies with its process more often than it may fail is still taken up; one that fails by itself is not tried more often', async () => {
  let seen = 0;
  const own: number[] = [];
  const workers = await startWorkers({
    database: db.database,
    concurrency: 2,
    log: makeLog('silent'),
    handlers: {
      dies: async () => {
        seen += 1;
        if (seen > 4) return;
        await cutConnections();
        await sleep(100);
      },
      fails: async (_payload, { lastAttempt }) => {
        own.push(lastAttempt ? 1 : 0);
        throw new Error('by itself');
      },
    },
  });
  const ask = (name: string): Promise<void> =>
    db.database.platform.transaction((tx) => enqueueJob(tx, { name, payload: {}, maxAttempts: 2 }));
  await ask('dies');
  await until(() => seen === 5, 20_000);
  await ask('fails');
  await until(() => own.length === 2, 15_000);
  expect(own).toEqual([0, 1]);
  await workers.stop();
  const left = await db.database.owner.query(
    `select attempts, max_attempts from graphile_worker._private_jobs where attempts >= max_attempts`,
  );
  expect(left.rows).toEqual([{ attempts: 2, max_attempts: 2 }]);
}, 60_000);
