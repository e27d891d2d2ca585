import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download, finished, kickOff, matchBody, matchGroup, type Payer, payerOf } from '../support/exchange.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';

const JAY = {
  given: 'Jay',
  family: 'Young',
  birthDate: '2001-03-11',
  coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
};
const TOKEN = '/auth/realms/dev-portal/protocol/openid-connect/token';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-restart-'));
// As root the database runs as another user, who has to get in.
chmodSync(folder, 0o755);
const dataDir = path.join(folder, 'data');
const control = path.join(dataDir, 'postgres', 'global', 'pg_control');
let program: Program;
let client: { client_id: string; client_secret: string };
let payer: Payer;

beforeAll(async () => {
  program = await startProgram({ dataDir });
  const made = await runProgram(
    ['client', 'create', '--access-type', 'payer-to-payer', '--name', 'Restart', '--json'],
    { dataDir },
  );
  client = JSON.parse(made.stdout);
  payer = await payerOf(program.baseUrl, client.client_id, client.client_secret);
}, 120_000);
afterAll(async () => {
  program.signalGroup('SIGTERM');
  await program.ended();
  rmSync(folder, { recursive: true, force: true });
});

function killPostgres(): void {
  const pid = Number(readFileSync(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGKILL');
}
const ready = async (): Promise<boolean> => (await fetch(`${program.baseUrl}/readyz`)).status === 200;

test('P2P-38 PostgreSQL killed under the running program is started again: nobody has to start anything, and an export asked for before goes on', async () => {
  const group = await matchGroup(program, 'bison', payer, matchBody(JAY));
  const status = await kickOff(program, 'bison', payer, group);
  killPostgres();
  await expect.poll(ready, { timeout: 30_000 }).toBe(true);
  const manifest = await finished(status, payer, 30_000);
  expect(await download(manifest, payer)).toHaveLength(31);
  expect(program.child.exitCode).toBeNull();
});

test('while the database is away every address says 503 and when to try again, in the words of its kind; the program stays', async () => {
  const group = await matchGroup(program, 'bison', payer, matchBody(JAY));
  // It cannot start without this file, as with a full disk.
  renameSync(control, `${control}.away`);
  try {
    killPostgres();
    await expect.poll(ready, { timeout: 10_000 }).toBe(false);
    await sleep(500);
    const json = { 'content-type': 'application/json', ...payer.headers };
    const fhir: [string, RequestInit][] = [
      [`/v1/bison/member-match/$member-match`, { method: 'POST', headers: json, body: JSON.stringify(matchBody(JAY)) }],
      [`/v1/bison/r4/Patient/$member-match`, { method: 'POST', headers: json, body: JSON.stringify(matchBody(JAY)) }],
      [`/v1/bison/bulk-data/r4/Group/${group}/$export`, { headers: payer.headers }],
      ['/v1/bison/bulk-data/r4/$export/job/9b2f8a8c-5b0e-4c9a-8a51-0d8a3e6b1c11', { headers: payer.headers }],
      ['/v1/bison/bulk-data/r4/$export/file/Patient_00000000.ndjson', { headers: payer.headers }],
      ['/v1/bison/r4/Patient?identifier=x', { headers: payer.headers }],
    ];
    for (const [address, init] of fhir) {
      const answer = await fetch(program.baseUrl + address, init);
      expect([address, answer.status]).toEqual([address, 503]);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'transient' }] });
    }
    const token = await fetch(program.baseUrl + TOKEN, {
      method: 'POST',
      body: new URLSearchParams({ ...client, grant_type: 'client_credentials', scope: 'read' }),
    });
    expect([token.status, Number(token.headers.get('retry-after')) > 0]).toEqual([503, true]);
    expect(await token.json()).toMatchObject({ error: 'temporarily_unavailable' });
    expect((await fetch(`${program.baseUrl}/healthz`)).status).toBe(200);
  } finally {
    renameSync(`${control}.away`, control);
  }
  await expect.poll(ready, { timeout: 30_000 }).toBe(true);
  expect(program.child.exitCode).toBeNull();
  expect((await fetch(`${program.baseUrl}/v1/bison/r4/Patient?identifier=x`, { headers: payer.headers })).status).toBe(
    200,
  );
});
