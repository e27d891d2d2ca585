/** How often everything is measured; the median is told, and JSON keeps all of it. `--once` is for a quick look. */
export const RUNS = process.argv.includes('--once') ? 1 : 3;

/** What `npm run bench -- NAME` runs. */
export interface Measurement {
  /** One lower-case word. */
  readonly name: string;
  readonly about: string;
  run(): Promise<readonly Figure[]>;
}

/** One thing measured: what we reach, beside a limit that was measured in the same run where there is one. */
export interface Figure {
  readonly name: string;
  /** What the numbers count, for example `resources/s`. */
  readonly unit: string;
  /** One number for each run. */
  readonly ours: readonly number[];
  readonly limit?: {
    /** What the limit is, in words. */
    readonly against: string;
    /** One number for each run, in the same unit; run by run they make the ratios. */
    readonly runs: readonly number[];
  };
  /** What we aim at, of the ratio or of our number itself. Only told, never a pass or fail. */
  readonly goal: { readonly ratio: number } | { readonly atLeast: number } | { readonly atMost: number };
  /** Data, sizes, how many at a time: all that someone needs to measure it again. */
  readonly conditions: string;
  /** Further numbers of the median run, for example how the CPU time was split. */
  readonly details?: Readonly<Record<string, number | string>>;
}

export function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Ours over the limit, run by run, and the median of that: what slows the machine for a while slows both. */
export function ratioOf({ ours, limit }: Figure): number | undefined {
  return limit && medianOf(ours.map((number, i) => number / limit.runs[i]!));
}

/** Measures again and again, `RUNS` times, one after the other. */
export async function repeat<T>(measure: (run: number) => Promise<T> | T): Promise<T[]> {
  const results: T[] = [];
  for (let run = 0; run < RUNS; run++) results.push(await measure(run));
  return results;
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

/** Seconds that `work` takes. */
export async function secondsOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}
