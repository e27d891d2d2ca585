import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Rng } from '../../src/sandbox/generate/rng.ts';
import type { Death } from './killer.ts';
import { newLedger } from './ledger.ts';
import { makePlan } from './plan.ts';
import { type Shape, startRig } from './rig.ts';
import { runRound } from './round.ts';

export interface TortureOptions {
  readonly seed: string;
  readonly kills: number;
  /** No new round begins after this time. */
  readonly minutes: number;
  readonly members: number;
  /** Only this round, to look at a failure again. */
  readonly round?: number | undefined;
  readonly shapes: readonly Shape[];
  readonly say: (line: string) => void;
  /** Leave the data folder of a failed round. */
  readonly keep: boolean;
}

export interface TortureReport {
  readonly kills: number;
  readonly rounds: number;
  readonly deaths: readonly (Death & { readonly shape: Shape })[];
  readonly matches: number;
  readonly exports: number;
  readonly feedAttempts: number;
  readonly filesKept: number;
}

/** Rounds on one data folder: its history grows with each load. */
const ROUNDS_PER_FOLDER = 20;
/** What is promised on one machine; a machine that has other things to do may take longer, so it decides nothing. */
const SLOW_MS = 5_000;
const KILLS_PER_ROUND = [4, 16] as const;

/** @throws Error that names the seed and the round, when something was not as it has to be */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { seed, say } = options;
  const until = Date.now() + options.minutes * 60_000;
  const report = {
    kills: 0,
    rounds: 0,
    deaths: [] as (Death & { shape: Shape })[],
    matches: 0,
    exports: 0,
    feedAttempts: 0,
    filesKept: 0,
  };
  let number = options.round ?? 0;
  while (report.kills < options.kills && Date.now() < until) {
    const shape = new Rng(`${seed}/folder ${Math.floor(number / ROUNDS_PER_FOLDER)}`).pick(options.shapes);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-torture-'));
    // As root the database runs as another user, who has to get in.
    chmodSync(folder, 0o755);
    const rig = await startRig(shape, folder);
    let failed = true;
    try {
      const plan = await makePlan(rig, folder, options.members);
      const ledger = newLedger();
      do {
        const began = performance.now();
        const rng = new Rng(`${seed}/round ${number}`);
        const kills = Math.min(rng.int(...KILLS_PER_ROUND), options.kills - report.kills);
        const round = await runRound({ rig, plan, ledger, seed: `${seed}/round ${number}`, kills }).catch((error) => {
          throw new Error(
            `seed ${seed}, round ${number} (${shape}): ${error.message}\nAgain: npm run torture -- --seed ${seed} --round ${number}`,
            { cause: error },
          );
        });
        report.kills += round.deaths.length;
        report.rounds += 1;
        report.deaths.push(...round.deaths.map((death) => ({ ...death, shape })));
        report.matches += round.matches;
        report.exports += round.exports;
        report.feedAttempts += round.attempts;
        report.filesKept += round.filesKept;
        say(
          `round ${number} ${shape} ${round.load}: ${round.deaths.map((death) => death.target).join(' ')}; ${round.exports} exports, ${round.matches} matches, ${round.attempts} loads; ${((performance.now() - began) / 1000).toFixed(1)} s; ${report.kills} kills`,
        );
        for (const { target, readyMs = 0, resumedMs = 0 } of round.deaths)
          if (Math.max(readyMs, resumedMs) > SLOW_MS)
            say(`    slow after the death of ${target}: ready in ${readyMs} ms, exports taken up in ${resumedMs} ms`);
        number += 1;
      } while (
        number % ROUNDS_PER_FOLDER !== 0 &&
        options.round === undefined &&
        report.kills < options.kills &&
        Date.now() < until
      );
      failed = false;
    } finally {
      await rig.stop();
      if (failed && options.keep) say(`The data folder is kept: ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    }
    if (options.round !== undefined) break;
  }
  return report;
}
