import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { blockMember } from '#/consent/consents.ts';
import { memberKey } from '#/fhir/store/prepare.ts';
import { setStandingGroup } from '#/payer-to-payer/groups/standing-group.ts';
import { readConfig } from '#/platform/config/config.ts';
import { makeLog } from '#/platform/log/log.ts';
import { Rng } from '../../src/sandbox/generate/rng.ts';
import { openServices, type Services } from '../../src/services.ts';
import {
  kickOff,
  lines,
  type Manifest,
  memberRecord,
  type Payer,
  payerOf,
  type Resource,
} from '../support/exchange.ts';
import { runProgram, startProgram } from '../support/program.ts';

export interface ConsentRaceOptions {
  readonly seed: string;
  readonly members: number;
  /** While the export runs. Some more come between its end and the downloads. */
  readonly revocations: number;
  readonly say: (line: string) => void;
}

export interface ConsentRaceReport {
  readonly members: number;
  readonly revokedWhileRunning: number;
  readonly revokedAfter: number;
  readonly suppressed: number;
  /** Lines of revoked members that were never written, and that were written before and not handed out. */
  readonly linesKeptOut: number;
  readonly linesNotHandedOut: number;
}

const SLUG = 'race';
const REVOKED_AFTER = 5;
/** A revocation that commits in the last moment of an export may miss its error file; never the download. */
const LAST_MOMENT_MS = 1_000;
const MEMBER_IDS = /m\d{5}(?!\d)/g;
const idOf = (number: number): string => `m${String(number).padStart(5, '0')}`;

/**
 * Members withdraw at random moments of one export. Nothing of theirs is handed out afterwards, the error file names each once
 * and gives no reason, and the others' records are whole (P2P-41, ROW-20).
 *
 * @throws Error that says what was wrong
 */
export async function consentRace(options: ConsentRaceOptions): Promise<ConsentRaceReport> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-race-'));
  chmodSync(folder, 0o755);
  const dataDir = path.join(folder, 'data');
  const program = await startProgram({ dataDir, env: { LOG_LEVEL: 'warn' } });
  const services = await openServices(readConfig({ DATA_DIR: dataDir }), { log: makeLog('silent') });
  try {
    return await race(options, { baseUrl: program.baseUrl, dataDir, folder, services });
  } finally {
    await services.close();
    program.signalGroup('SIGTERM');
    await program.ended();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly baseUrl: string;
  readonly dataDir: string;
  readonly folder: string;
  readonly services: Services;
}

async function race(options: ConsentRaceOptions, place: Place): Promise<ConsentRaceReport> {
  const { baseUrl, dataDir, services } = place;
  const { say, members } = options;
  const must = async (...argv: string[]): Promise<any> => {
    const { exitCode, stdout, stderr } = await runProgram([...argv, '--json'], { dataDir });
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };
  await must('tenant', 'create', SLUG, '--name', 'Race', '--kind', 'sandbox');
  const ids = Array.from({ length: members }, (_, i) => idOf(i));
  const expected = new Map<string, number>();
  const feed = path.join(place.folder, 'feed.ndjson');
  const text = ids.map((id) => {
    const { resources } = memberRecord(id, { years: 1 });
    expected.set(id, resources.length);
    return resources.map((resource) => JSON.stringify(resource)).join('\n');
  });
  writeFileSync(feed, `${text.join('\n')}\n`);
  await must('feed', 'load', SLUG, feed);
  say(`${members} members are in`);
  const client = await must('client', 'create', '--access-type', 'payer-to-payer', '--name', 'Race');
  const payer = await payerOf(baseUrl, client.client_id, client.client_secret);
  const tenant = (await services.tenants.bySlug(SLUG))!;
  await setStandingGroup(services.database, tenant, ids, new Date());

  const rng = new Rng(options.seed);
  const revokedAt = new Map<string, number>();
  const revoke = async (): Promise<void> => {
    const memberId = rng.pick(ids);
    const record = { mk: String(memberKey(tenant.id, memberId)), memberId };
    await services.database.tenant(tenant.id).transaction((tx) => blockMember(tx, [record], new Date()));
    if (!revokedAt.has(memberId)) revokedAt.set(memberId, Date.now());
  };
  const statusUrl = await kickOff({ baseUrl }, SLUG, payer, 'sandbox-members', {
    headers: { prefer: 'respond-async' },
  });
  let manifest: Manifest | undefined;
  while (!manifest) {
    if (revokedAt.size < options.revocations) await revoke();
    await sleep(rng.int(1, 40));
    if (rng.chance(0.2)) manifest = await manifestOf(statusUrl, payer);
  }
  const revokedWhileRunning = revokedAt.size;
  for (let i = 0; i < REVOKED_AFTER; i++) await revoke();
  const { rows } = await services.database
    .tenant(tenant.id)
    .query<{ changed_at: Date }>('select changed_at from export_job where tenant_id = $1', [tenant.id]);
  const inTime = [...revokedAt].filter(([, at]) => at < rows[0]!.changed_at.getTime() - LAST_MOMENT_MS);

  const handedOut = await memberLines(manifest, payer);
  for (const id of revokedAt.keys()) if (handedOut.has(id)) throw new Error(`${id} withdrew and was handed out`);
  for (const id of ids)
    if (!revokedAt.has(id) && handedOut.get(id) !== expected.get(id))
      throw new Error(`${id} has ${handedOut.get(id)} of ${expected.get(id)} lines`);
  const suppressed = await suppressedMembers(manifest, payer);
  for (const [id] of inTime) if (!suppressed.has(id)) throw new Error(`${id} withdrew and no line says so`);
  for (const id of suppressed)
    if (!revokedAt.has(id)) throw new Error(`${id} did not withdraw and is said to be left out`);

  const onDisk = new Map<string, number>();
  for (const file of globSync(`exports/*/${statusUrl.slice(statusUrl.lastIndexOf('/') + 1)}/*.ndjson`, {
    cwd: dataDir,
  }))
    if (!/\/(Provenance|OperationOutcome)_/.test(file))
      for (const line of readFileSync(path.join(dataDir, file), 'utf8').split('\n'))
        for (const id of new Set(line.match(MEMBER_IDS))) onDisk.set(id, (onDisk.get(id) ?? 0) + 1);
  const sum = (of: (id: string) => number): number => [...revokedAt.keys()].reduce((total, id) => total + of(id), 0);
  return {
    members,
    revokedWhileRunning,
    revokedAfter: revokedAt.size - revokedWhileRunning,
    suppressed: suppressed.size,
    linesKeptOut: sum((id) => expected.get(id)! - (onDisk.get(id) ?? 0)),
    linesNotHandedOut: sum((id) => onDisk.get(id) ?? 0),
  };
}

async function manifestOf(statusUrl: string, payer: Payer): Promise<Manifest | undefined> {
  const answer = await fetch(statusUrl, { headers: payer.headers });
  const body = await answer.text();
  if (answer.status !== 200 && answer.status !== 202) throw new Error(`status: ${answer.status} ${body}`);
  return answer.status === 200 ? (JSON.parse(body) as Manifest) : undefined;
}

/** How many lines of each member the downloads have, besides the plan's own record of the exchange, which may name nobody else. */
async function memberLines(manifest: Manifest, payer: Payer): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { type, url } of manifest.output) {
    const answer = await fetch(url, { headers: payer.headers });
    if (answer.status !== 200) throw new Error(`${type}: ${answer.status}`);
    for (const line of (await answer.text()).split('\n'))
      for (const id of new Set(line.match(MEMBER_IDS)))
        counts.set(id, (counts.get(id) ?? 0) + (type === 'Provenance' ? 0 : 1));
  }
  return counts;
}

async function suppressedMembers(manifest: Manifest, payer: Payer): Promise<ReadonlySet<string>> {
  const outcomes = await Promise.all(manifest.error.map(({ url }) => lines(url, payer)));
  const found = new Set<string>();
  for (const outcome of outcomes.flat() as (Resource & { issue: any[] })[]) {
    const id = String(outcome.issue[0].diagnostics).replace('Patient/', '');
    const plain = {
      severity: 'warning',
      code: 'suppressed',
      details: { text: 'A member of the group was left out of this export.' },
      diagnostics: `Patient/${id}`,
    };
    if (JSON.stringify(outcome.issue) !== JSON.stringify([plain]))
      throw new Error(`not plain: ${JSON.stringify(outcome)}`);
    if (found.has(id)) throw new Error(`${id} is said to be left out twice`);
    found.add(id);
  }
  return found;
}
