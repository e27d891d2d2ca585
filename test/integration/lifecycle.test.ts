import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { mayEnter } from '#/platform/db/embedded/system-user.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';

const isRoot = process.getuid?.() === 0;
const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-lifecycle-'));
chmodSync(folder, 0o755);
const NOBODY = { name: 'nobody', uid: 65_534, gid: 65_534 };
/** Not so for a clone under /root. */
const everybodyMayEnter = await mayEnter(fileURLToPath(new URL('../../', import.meta.url)), NOBODY);
const programs: Program[] = [];
async function start(options: Parameters<typeof startProgram>[0]): Promise<Program> {
  const program = await startProgram(options);
  programs.push(program);
  return program;
}
function databasePid(dataDir: string): number {
  return Number(readFileSync(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}
function isAlive(pid: number): boolean {
  // One that has ended stays a zombie until its parent asks.
  return existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
afterAll(async () => {
  for (const program of programs) {
    if (program.child.exitCode === null && program.child.signalCode === null) program.signalGroup('SIGTERM');
    await program.ended();
  }
  rmSync(folder, { recursive: true, force: true });
});

test('it starts on an empty folder with a long path and spaces, says so, and Ctrl-C for the whole group ends it cleanly', async () => {
  const dataDir = path.join(folder, 'a folder with spaces', 'x'.repeat(120), 'data');
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(path.join(dataDir, 'notes.txt'), 'mine');
  const program = await start({ dataDir });
  expect(program.stdout()).toContain(`Covered Bridge is ready at ${program.baseUrl}\n`);
  expect((await fetch(`${program.baseUrl}/readyz`)).status).toBe(200);
  const pid = databasePid(dataDir);
  program.signalGroup('SIGINT');
  program.signalGroup('SIGINT');
  expect(await program.ended()).toBe(0);
  expect(isAlive(pid)).toBe(false);
  expect(readFileSync(path.join(dataDir, 'notes.txt'), 'utf8')).toBe('mine');
});

test('what a command made beside the running server is there after a stop and a start, and after kill -9 of everything', async () => {
  const dataDir = path.join(folder, 'kept');
  const first = await start({ dataDir });
  const made = await runProgram(['tenant', 'create', 'acme', '--name', 'Acme', '--kind', 'sandbox', '--json'], {
    dataDir,
  });
  expect(made.exitCode).toBe(0);
  expect(JSON.parse(made.stdout)).toMatchObject({ slug: 'acme' });
  expect(isAlive(databasePid(dataDir))).toBe(true);
  process.kill(databasePid(dataDir), 'SIGKILL');
  first.signalGroup('SIGKILL');
  await first.ended();

  const second = await start({ dataDir });
  const listed = await runProgram(['tenant', 'list', '--json'], { dataDir });
  expect(JSON.parse(listed.stdout).map((tenant: { slug: string }) => tenant.slug)).toContain('acme');
  second.signalGroup('SIGTERM');
  expect(await second.ended()).toBe(0);
});

test('a database left running by kill -9 of the program is taken over', async () => {
  const dataDir = path.join(folder, 'orphan');
  const first = await start({ dataDir });
  const pid = databasePid(dataDir);
  first.signalGroup('SIGKILL');
  await first.ended();
  expect(isAlive(pid)).toBe(true);
  const second = await start({ dataDir });
  expect(databasePid(dataDir)).toBe(pid);
  second.signalGroup('SIGTERM');
  expect(await second.ended()).toBe(0);
  expect(isAlive(pid)).toBe(false);
});

test('a command without a running server starts the database for itself and stops it again', async () => {
  const dataDir = path.join(folder, 'alone');
  const listed = await runProgram(['tenant', 'list', '--json'], { dataDir });
  expect(listed.exitCode).toBe(0);
  expect(existsSync(path.join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
});

test('several processes that start at once on one empty folder share one database and migrate it once', async () => {
  const dataDir = path.join(folder, 'race');
  const results = await Promise.all(
    Array.from({ length: 3 }, () => runProgram(['tenant', 'list', '--json'], { dataDir })),
  );
  expect(results.map((result) => result.stderr + result.exitCode)).toEqual(['0', '0', '0']);
});

test('two installations side by side never meet', async () => {
  const [one, two] = await Promise.all([
    start({ dataDir: path.join(folder, 'one') }),
    start({ dataDir: path.join(folder, 'two') }),
  ]);
  await runProgram(['tenant', 'create', 'only-in-one', '--name', 'One', '--kind', 'sandbox'], {
    dataDir: path.join(folder, 'one'),
  });
  const listed = await runProgram(['tenant', 'list', '--json'], { dataDir: path.join(folder, 'two') });
  expect(listed.stdout).not.toContain('only-in-one');
  one.signalGroup('SIGTERM');
  expect(await one.ended()).toBe(0);
  expect((await fetch(`${two.baseUrl}/readyz`)).status).toBe(200);
  two.signalGroup('SIGTERM');
  expect(await two.ended()).toBe(0);
});

test('wrong settings stop the start with all problems at once', async () => {
  const result = await runProgram(['serve'], {
    dataDir: path.join(folder, 'wrong'),
    env: { PORT: 'high', PUBLIC_URL: 'nowhere', DATABASE_URL: 'mysql://x', NODE_ENV: 'production' },
  });
  expect(result.exitCode).toBe(1);
  for (const name of [
    'PORT must be',
    'PUBLIC_URL must be',
    'DATABASE_URL must begin',
    'Production mode needs COVERED_BRIDGE_MASTER_KEY',
  ])
    expect(result.stderr).toContain(name);
});

test('a port that is taken, and a database that cannot be reached, are told in one sentence', async () => {
  const dataDir = path.join(folder, 'taken');
  const running = await start({ dataDir });
  const port = new URL(running.baseUrl).port;
  const second = await runProgram(['serve'], { dataDir: path.join(folder, 'taken-2'), env: { PORT: port } });
  expect(second).toMatchObject({ exitCode: 1 });
  expect(second.stderr).toContain(`Port ${port} is taken`);
  const unreachable = await runProgram(['tenant', 'list'], {
    dataDir,
    env: { DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/x' },
  });
  expect(unreachable.exitCode).toBe(1);
  expect(unreachable.stderr).toContain('The database cannot be reached');
  expect(unreachable.stderr).not.toContain('secret');
});

describe.runIf(isRoot)('run by root', () => {
  test('a data folder that the database’s user may not enter gets its cluster elsewhere', async () => {
    const closed = path.join(folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const dataDir = path.join(closed, 'data');
    const program = await start({ dataDir });
    expect(existsSync(path.join(dataDir, 'postgres'))).toBe(false);
    const elsewhere = readFileSync(path.join(dataDir, 'postgres.location'), 'utf8').trim();
    expect(existsSync(path.join(elsewhere, 'postgres', 'PG_VERSION'))).toBe(true);
    program.signalGroup('SIGTERM');
    expect(await program.ended()).toBe(0);
    rmSync(elsewhere, { recursive: true });
  });

  test('the password and the key are readable by nobody else', async () => {
    const dataDir = path.join(folder, 'modes');
    await runProgram(['tenant', 'list'], { dataDir });
    for (const file of ['postgres.password', 'master.key', 'postgres.log'])
      expect(statSync(path.join(dataDir, file)).mode & 0o077).toBe(0);
    expect(statSync(path.join(dataDir, 'postgres')).mode & 0o077).toBe(0);
  });

  test.runIf(everybodyMayEnter)('an ordinary user runs it as himself', async () => {
    const dataDir = path.join(folder, 'ordinary');
    mkdirSync(dataDir, { mode: 0o700 });
    chownSync(dataDir, NOBODY.uid, NOBODY.gid);
    const options = { dataDir, uid: NOBODY.uid, gid: NOBODY.gid };
    const program = await start(options);
    expect(statSync(path.join(dataDir, 'postgres')).uid).toBe(NOBODY.uid);
    program.signalGroup('SIGTERM');
    expect(await program.ended()).toBe(0);
  });
});
