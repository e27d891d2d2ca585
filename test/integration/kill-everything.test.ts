import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setStandingGroup } from '#/payer-to-payer/groups/standing-group.ts';
import { readConfig } from '#/platform/config/config.ts';
import { makeLog } from '#/platform/log/log.ts';
import { openServices } from '../../src/services.ts';
import { type Payer, payerOf } from '../support/exchange.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';

const MEMBERS = 400;

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-kill-'));
chmodSync(folder, 0o755);
const dataDir = path.join(folder, 'data');
let program: Program;
let client: { client_id: string; client_secret: string };
let expected = 0;

beforeAll(async () => {
  program = await startProgram({ dataDir });
  const must = async (...argv: string[]): Promise<any> => {
    const result = await runProgram([...argv, '--json'], { dataDir });
    if (result.exitCode !== 0) throw new Error(result.stderr);
    return JSON.parse(result.stdout);
  };
  await must('tenant', 'create', 'big', '--name', 'Big', '--kind', 'sandbox');
  await must(
    'population',
    'generate',
    '--members',
    String(MEMBERS),
    '--seed',
    'kill',
    '--out',
    path.join(folder, 'plan'),
  );
  expect((await must('feed', 'load', 'big', path.join(folder, 'plan'))).refused).toBe(0);
  client = await must('client', 'create', '--access-type', 'payer-to-payer', '--name', 'Killer');
  const members = readFileSync(path.join(folder, 'plan', 'Patient.ndjson'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).id as string);
  const services = await openServices(readConfig({ DATA_DIR: dataDir }), { log: makeLog('silent') });
  const tenant = await services.tenants.bySlug('big');
  await setStandingGroup(services.database, tenant!, members, new Date());
  await services.close();
  expected = (await exportAll(await payer())).resources;
}, 120_000);
afterAll(async () => {
  program.signalGroup('SIGTERM');
  await program.ended();
  rmSync(folder, { recursive: true, force: true });
});

const payer = (): Promise<Payer> => payerOf(program.baseUrl, client.client_id, client.client_secret);
const base = (): string => `${program.baseUrl}/v1/big/bulk-data/r4`;

async function kickOff({ headers }: Payer): Promise<string> {
  const answer = await fetch(`${base()}/Group/sandbox-members/$export`, { headers });
  expect(answer.status).toBe(202);
  return answer.headers.get('content-location')!.split('/').pop()!;
}
async function finished({ headers }: Payer, jobId: string): Promise<any> {
  for (let i = 0; i < 600; i++, await sleep(50)) {
    const answer = await fetch(`${base()}/$export/job/${jobId}`, { headers });
    const job = (await answer.json()) as any;
    if (answer.status === 200) return job;
    expect(answer.status).toBe(202);
  }
  throw new Error('the export did not end');
}
async function exportAll(who: Payer, jobId?: string): Promise<{ resources: number; names: string[] }> {
  const job = await finished(who, jobId ?? (await kickOff(who)));
  const names: string[] = [];
  for (const { url } of job.output as { url: string }[]) {
    const text = await (await fetch(`${base()}/$export/file/${url.split('/').pop()}`, { headers: who.headers })).text();
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const { resourceType, id } = JSON.parse(line);
      names.push(`${resourceType}/${id}`);
    }
  }
  expect(names.length).toBe(job.resourceCount);
  return { resources: job.resourceCount, names };
}
const exportFiles = (jobId: string): string[] => globSync(`exports/*/${jobId}/*.ndjson`, { cwd: dataDir });

test('P2P-38 kill -9 of the process and of PostgreSQL with it, in the middle of an export: after the restart it is finished, nothing lost, nothing twice', async () => {
  const jobId = await kickOff(await payer());
  while (exportFiles(jobId).length < 2) await sleep(2);
  const postmaster = Number(readFileSync(path.join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(postmaster, 'SIGKILL');
  program.signalGroup('SIGKILL');
  await program.ended();
  const left = new Map(exportFiles(jobId).map((file) => [file, statSync(path.join(dataDir, file))]));
  expect(left.size).toBeGreaterThan(0);

  program = await startProgram({ dataDir });
  const who = await payer();
  const { names, resources } = await exportAll(who, jobId);
  expect(resources).toBe(expected);
  expect(new Set(names).size).toBe(names.length);
  // A file that was there and still is, is the same file: nothing was written over what stood.
  for (const file of exportFiles(jobId)) {
    const before = left.get(file);
    if (before) expect(statSync(path.join(dataDir, file)).ino).toBe(before.ino);
  }
}, 90_000);
