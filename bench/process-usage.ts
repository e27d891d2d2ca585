import { readdirSync, readFileSync } from 'node:fs';

/** What a process and all below it used, by Linux's own accounts. Elsewhere nothing is known, and all of it is 0. */
export interface Usage {
  /** User and system time, threads and ended children included. */
  readonly cpuSeconds: number;
  /** The largest sum of resident memory seen, threads included. */
  readonly memoryBytes: number;
}

/** Ticks per second in /proc, the same on every Linux. */
const TICKS = 100;
const SAMPLE_MS = 50;

/** Watches a process and all below it until `stop`. What they used before is left out. */
export function watchUsage(root: number): { stop(): Usage } {
  const before = cpuByProcess(root);
  const seen = new Map(before);
  let memoryBytes = 0;
  const sample = (): void => {
    let sum = 0;
    for (const [pid, cpu] of cpuByProcess(root)) {
      seen.set(pid, cpu);
      sum += residentBytes(pid);
    }
    memoryBytes = Math.max(memoryBytes, sum);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      sample();
      // What a child used goes to its parent's account when it ends.
      const alive = cpuByProcess(root);
      const cpuSeconds = sumOf(alive.size > 0 ? alive : seen) - sumOf(before);
      return { cpuSeconds, memoryBytes };
    },
  };
}

const sumOf = (cpu: ReadonlyMap<number, number>): number => [...cpu.values()].reduce((sum, each) => sum + each, 0);

function cpuByProcess(root: number): Map<number, number> {
  const all = accounts();
  const tree = all.filter(({ pid }) => pid === root);
  for (const known of tree) tree.push(...all.filter(({ parent }) => parent === known.pid));
  return new Map(tree.map(({ pid, cpuSeconds }) => [pid, cpuSeconds]));
}

function accounts(): { pid: number; parent: number; cpuSeconds: number }[] {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const text = readOr(`/proc/${name}/stat`);
    // The second field is the program's name in brackets, and may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields.length < 15) return [];
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return [{ pid: Number(name), parent: Number(fields[1]), cpuSeconds: ticks / TICKS }];
  });
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended in the meantime
  }
}
