import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '#/platform/http/free-port.ts';
import {
  download,
  finished,
  kickOff,
  matchBody,
  matchGroup,
  memberRecord,
  type Payer,
  payerOf,
} from '../../support/exchange.ts';
import { runProgram } from '../../support/program.ts';
import type { Victim } from './judge.ts';
import type { Known } from './requests.ts';
import type { FromTarget, Holdings } from './target.ts';

const TARGET = fileURLToPath(new URL('./target.ts', import.meta.url));
/** A sandbox plan with one member, whom only one payer may ask about. */
const VAULT = 'vault';
const JAY = {
  given: 'Jay',
  family: 'Young',
  birthDate: '2001-03-11',
  coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
};

export interface FuzzWorld {
  readonly port: number;
  readonly known: Known;
  readonly victim: Victim;
  readonly logFile: string;
  /** Texts that may stand in no log. */
  readonly secrets: readonly string[];
  /** New tokens, and new groups and exports of the hostile callers' own, in place of those that were used up. */
  refresh(): Promise<void>;
  holdings(): Promise<Holdings>;
  /** @throws Error when the victim's export is not as it was */
  checkVictim(): Promise<void>;
  stop(): Promise<void>;
}

interface Client {
  readonly id: string;
  readonly secret: string;
}

/** The program in a process of its own with its own PostgreSQL; payers that are hostile, and one that is not. */
export async function startFuzzWorld(logLevel: string): Promise<FuzzWorld> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-fuzz-'));
  chmodSync(folder, 0o755);
  const dataDir = path.join(folder, 'data');
  const logFile = path.join(folder, 'target.log');
  const port = await freePort('127.0.0.1');
  const env = { PORT: String(port), TRUSTED_PROXIES: '1', LOG_LEVEL: logLevel, EXPORT_CLIENT_JOBS: '50' };
  const child = startTarget({ ...env, DATA_DIR: dataDir }, logFile);
  const ready = await nextFrom(child, 'ready');
  const { baseUrl } = ready;
  const must = async (...argv: string[]): Promise<any> => {
    const { exitCode, stdout, stderr } = await runProgram([...argv, '--json'], { dataDir });
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };
  const makeClient = async (name: string): Promise<Client> => {
    const made = await must('client', 'create', '--access-type', 'payer-to-payer', '--name', name);
    return { id: made.client_id, secret: made.client_secret };
  };

  await must('tenant', 'create', VAULT, '--name', 'Vault', '--kind', 'sandbox');
  const record = memberRecord('hushworth', { years: 2 });
  const feed = path.join(folder, 'vault.ndjson');
  writeFileSync(feed, `${record.resources.map((resource) => JSON.stringify(resource)).join('\n')}\n`);
  await must('feed', 'load', VAULT, feed);
  const owner = await makeClient('Owner');
  const hostile = [await makeClient('Hostile A'), await makeClient('Hostile B')];
  const signIn = (client: Client, scope?: string): Promise<Payer> => payerOf(baseUrl, client.id, client.secret, scope);

  const ownerIn = await signIn(owner);
  const victimGroup = await matchGroup({ baseUrl }, VAULT, ownerIn, matchBody(record.described));
  const victimStatus = await kickOff({ baseUrl }, VAULT, ownerIn, victimGroup);
  const victimManifest = await finished(victimStatus, ownerIn, 60_000);
  const lastOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);
  const victim: Victim = {
    facts: [record.described.family, record.described.coverageId],
    ids: [victimGroup, lastOf(victimStatus), ...victimManifest.output.map(({ url }) => lastOf(url))],
  };

  const tokens: string[] = [];
  const ids: string[] = [];
  const refresh = async (): Promise<void> => {
    const fresh = await Promise.all([...hostile.map((client) => signIn(client)), signIn(hostile[0]!, 'read')]);
    const own: string[] = [];
    for (const payer of fresh.slice(0, hostile.length)) {
      const group = await matchGroup({ baseUrl }, 'bison', payer, { ...matchBody(JAY), id: randomUUID() });
      const status = await kickOff({ baseUrl }, 'bison', payer, group);
      const manifest = await finished(status, payer, 60_000);
      own.push(group, lastOf(status), ...manifest.output.map(({ url }) => lastOf(url)));
    }
    tokens.splice(0, tokens.length, ...fresh.map(({ token }) => token));
    ids.splice(0, ids.length, ...own, ...victim.ids, randomUUID(), 'Patient_00000000.ndjson', 'x');
  };
  await refresh();

  return {
    port,
    known: {
      routes: ready.routes,
      tenants: ['bison', VAULT, 'demo'],
      ids,
      tokens,
      clients: hostile,
      documents: documents(),
    },
    victim,
    logFile,
    secrets: [owner.secret, ...hostile.map(({ secret }) => secret), ...victim.facts],
    refresh,
    async holdings() {
      const answer = nextFrom(child, 'holdings');
      child.send('holdings');
      return (await answer).holdings;
    },
    async checkVictim() {
      const payer = await signIn(owner);
      const manifest = await finished(victimStatus, payer, 10_000);
      const resources = await download(manifest, payer);
      if (!resources.some(({ id }) => id === 'hushworth')) throw new Error('the victim’s export is not what it was');
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.connected) child.send('stop');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function startTarget(env: Record<string, string>, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  return spawn(process.execPath, ['--expose-gc', TARGET], {
    env: {
      ...(process.env.PATH === undefined ? {} : { PATH: process.env.PATH }),
      ...(process.env.HOME === undefined ? {} : { HOME: process.env.HOME }),
      ...env,
    },
    stdio: ['ignore', log, log, 'ipc'],
  });
}

function nextFrom<Kind extends FromTarget['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<FromTarget, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the program under fuzz ended'));
    const onMessage = (message: unknown): void => {
      if ((message as FromTarget).kind !== kind) return;
      child.off('message', onMessage).off('exit', onExit);
      resolve(message as Extract<FromTarget, { kind: Kind }>);
    };
    child.on('message', onMessage).on('exit', onExit);
  });
}

/** Bodies that would be accepted somewhere. */
function documents(): readonly unknown[] {
  const match = matchBody(JAY);
  return [
    match,
    match,
    {
      resourceType: 'Parameters',
      parameter: [
        { name: '_type', valueString: 'Patient,Observation' },
        { name: '_since', valueInstant: '2020-01-01T00:00:00Z' },
        { name: '_typeFilter', valueString: 'Observation?code=1' },
        { name: '_elements', valueString: 'id,meta' },
        { name: 'patient', valueReference: { reference: 'Patient/x' } },
        { name: '_outputFormat', valueString: 'application/fhir+ndjson' },
      ],
    },
    { resourceType: 'Bundle', type: 'batch', entry: [{ resource: match }] },
    { resourceType: 'Patient', name: [{ family: 'X' }] },
  ];
}
