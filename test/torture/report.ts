import type { Death, Target } from './killer.ts';
import type { Shape } from './rig.ts';
import type { TortureReport } from './torture.ts';

const SHAPES: readonly Shape[] = ['one', 'two', 'external'];
const TARGETS: readonly Target[] = ['server', 'postmaster', 'postgres', 'backend', 'loader', 'everything'];

/** Kills by target, and per shape how long it took until work went on. */
export function renderReport(report: TortureReport): string {
  const by = TARGETS.map((target) => `${target} ${report.deaths.filter((death) => death.target === target).length}`);
  const lines = [
    `${report.kills} kills in ${report.rounds} rounds: ${by.join(', ')}`,
    `${report.exports} exports, ${report.matches} matches, ${report.feedAttempts} attempts at loads, ${report.filesKept} finished files found as they were`,
  ];
  for (const shape of SHAPES) {
    const deaths = report.deaths.filter((death) => death.shape === shape);
    for (const [name, of] of [
      ['ready again', ({ readyMs }: Death) => readyMs],
      ['exports taken up', ({ resumedMs }: Death) => resumedMs],
      ['exports finished', ({ finishedMs }: Death) => finishedMs],
    ] as const) {
      const times = deaths.flatMap((death) => of(death) ?? []).sort((a, b) => a - b);
      if (times.length > 0)
        lines.push(
          `${shape}, ${name}: median ${seconds(times[Math.floor(times.length / 2)]!)}, largest ${seconds(times.at(-1)!)} of ${times.length}`,
        );
    }
  }
  return lines.join('\n');
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
