import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

/** One measured ratio: how fast we are against a limit that was measured in the same run. */
export interface Figure {
  readonly name: string;
  /** What both numbers count, for example `resources/s`. Higher is better in both. */
  readonly unit: string;
  readonly ours: number;
  readonly limit: number;
  /** What the limit is, in words. */
  readonly against: string;
  /** The ratio we aim at; only told, never a pass or fail. */
  readonly goal: number;
  readonly conditions: string;
}

/** The median of three runs, each `measure` giving a rate. */
export async function medianOfThree(measure: () => Promise<number>): Promise<number> {
  const rates = [await measure(), await measure(), await measure()].sort((a, b) => a - b);
  return rates[1] ?? 0;
}

/** Runs `work` again and again for at least `seconds` and gives calls per second. `parallel` calls are under way at a time. */
export async function rateOf(work: () => Promise<unknown>, seconds: number, parallel = 1): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  const began = performance.now();
  let calls = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (performance.now() < until) {
        await work();
        calls++;
      }
    }),
  );
  return calls / ((performance.now() - began) / 1_000);
}

/** Prints the figures and keeps them as JSON under bench/results/. */
export function report(figures: readonly Figure[]): void {
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const machine = {
    cpu: os.cpus()[0]?.model ?? '',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
  };
  const at = new Date().toISOString();
  writeFileSync(
    `${folder}/${at.replaceAll(':', '-')}.json`,
    `${JSON.stringify({ at, machine, figures }, undefined, 2)}\n`,
  );
  for (const figure of figures)
    console.log(
      `${figure.name}: ${(figure.ours / figure.limit).toFixed(2)} of ${figure.against} (${Math.round(figure.ours)} against ${Math.round(figure.limit)} ${figure.unit}; goal ${figure.goal}). ${figure.conditions}`,
    );
}
