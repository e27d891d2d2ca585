import { setTimeout as sleep } from 'node:timers/promises';
import { Rng } from '../../src/sandbox/generate/rng.ts';
import { checkRound } from './checks.ts';
import {
  type Death,
  drawTarget,
  type FinishedFile,
  finishedFiles,
  strike,
  type Target,
  watchRecovery,
} from './killer.ts';
import type { Ledger } from './ledger.ts';
import { makePayers, type Payers } from './payers.ts';
import { type Plan, TENANT } from './plan.ts';
import type { Rig } from './rig.ts';

/** What is under way while processes die. */
export type Load = 'feed' | 'match' | 'export' | 'all';

export interface Round {
  readonly deaths: readonly Death[];
  readonly load: Load;
  /** Resumed attempts of the feed. */
  readonly attempts: number;
  readonly matches: number;
  readonly exports: number;
  readonly filesKept: number;
}

const PAUSE_MAX_MS = 500;
const STANDING_EXPORTS = 2;
const LOAD_TIMEOUT_MS = 120_000;

/**
 * One round: work begins, `kills` deaths come at random times, everything is let end, and all of it is checked. The seed
 * decides what is killed, when, and what is under way; how far the work is at that moment is the machine's.
 *
 * @throws Error that says what was wrong
 */
export async function runRound(about: {
  rig: Rig;
  plan: Plan;
  ledger: Ledger;
  seed: string;
  kills: number;
}): Promise<Round> {
  const { rig, plan, ledger, kills } = about;
  const rng = new Rng(about.seed);
  const load = rng.pick<Load>(['feed', 'match', 'export', 'export', 'all', 'all']);
  const payers = makePayers(rig, plan, ledger, new Rng(`${about.seed}/payers`));
  const firstExport = ledger.exports.length;
  const firstMatch = ledger.matches.length;
  const over = new AbortController();
  const kept: FinishedFile[] = [];
  const deaths: Death[] = [];

  const feed = load === 'feed' || load === 'all' ? startFeed(rig, plan, ledger) : undefined;
  const matching =
    load === 'match' || load === 'all'
      ? goOnMatching(payers, plan, new Rng(`${about.seed}/match`), over.signal)
      : undefined;
  const exporting =
    load === 'export' || load === 'all'
      ? goOnExporting(payers, plan, new Rng(`${about.seed}/export`), over.signal)
      : undefined;

  const background = Promise.all([feed?.done, matching, exporting]);
  background.catch(() => undefined);
  for (let i = 0; i < kills; i++) {
    await sleep(rng.int(0, PAUSE_MAX_MS));
    const alive = new Set<Target>(['server', 'postmaster', 'postgres', 'backend', 'everything']);
    if (feed?.current()) alive.add('loader');
    const death: Death = { target: drawTarget(rng, alive) };
    const settles = i === kills - 1 || rng.chance(0.4);
    const open = (
      (await rig.glance<{ id: string }>(`select id from export_job where state in ('queued', 'running')`)) ?? []
    ).map(({ id }) => id);
    kept.push(...(await finishedFiles(rig)));
    const killedAt = new Date();
    await strike(rig, death.target, rng, feed?.current());
    deaths.push(death);
    if (settles && death.target !== 'loader') await watchRecovery(rig, death, open, killedAt);
  }
  over.abort();
  await background;
  await checkRound({
    rig,
    plan,
    ledger,
    payers,
    exports: ledger.exports.slice(firstExport),
    matches: ledger.matches.slice(firstMatch),
    kept,
  });
  return {
    deaths,
    load,
    attempts: feed?.attempts() ?? 0,
    matches: ledger.matches.length - firstMatch,
    exports: ledger.exports.length - firstExport,
    filesKept: kept.length,
  };
}

/** Loads the next generation, the same command again and again until it says that it is done. */
function startFeed(rig: Rig, plan: Plan, ledger: Ledger) {
  let current: { pid?: number | undefined } | undefined;
  let attempts = 0;
  const file = plan.writeFeed(ledger.generation + 1);
  ledger.newest = ledger.generation + 1;
  const run = async (): Promise<void> => {
    for (const until = Date.now() + LOAD_TIMEOUT_MS; Date.now() < until; ) {
      const child = rig.command(['feed', 'load', TENANT, file]);
      current = child;
      attempts += 1;
      const { code, signal, stdout, stderr } = await child.output;
      current = undefined;
      if (code === 0) {
        const report = JSON.parse(stdout);
        if (report.read !== plan.feedLines)
          throw new Error(`the load says it read ${report.read} of ${plan.feedLines} lines`);
        ledger.generation = ledger.newest;
        return;
      }
      ledger.silentLoads += 1;
      // Killed, or told that the database went away: the operator types the same command again.
      if (signal === null && !/database|connect/i.test(stdout + stderr))
        throw new Error(`feed load: code ${code} ${stdout} ${stderr}`);
    }
    throw new Error('the load did not end');
  };
  return { done: run(), current: () => current, attempts: () => attempts };
}

async function goOnMatching(payers: Payers, plan: Plan, rng: Rng, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await Promise.all([
      payers.match(rng.int(0, 3), rng.pick(plan.members)),
      payers.match(rng.int(0, 3), rng.pick(plan.members)),
    ]);
    await sleep(rng.int(0, 30));
  }
}

async function goOnExporting(payers: Payers, plan: Plan, rng: Rng, over: AbortSignal): Promise<void> {
  let standing = 0;
  while (!over.aborted) {
    if (standing < STANDING_EXPORTS && (await payers.kickOff(standing, 'sandbox-members', undefined))) standing += 1;
    const member = rng.pick(plan.portable);
    const client = rng.int(0, 3);
    const group = await payers.match(client, member);
    if (group !== undefined) await payers.kickOff(client, group, member);
    await sleep(rng.int(50, 250));
  }
}
