import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rng } from '../../src/sandbox/generate/rng.ts';
import { killNow, type Rig } from './rig.ts';

/**
 * What is killed: a server, the postmaster alone, all of PostgreSQL, one of its backends (it then restarts itself), the
 * command that loads, everything at once.
 */
export type Target = 'server' | 'postmaster' | 'postgres' | 'backend' | 'loader' | 'everything';

/** What was seen of one death. */
export interface Death {
  readonly target: Target;
  /** Milliseconds from the kill to `/readyz` on every server; absent when the next kill came before. */
  readyMs?: number;
  /** To the first job that was taken up again, of the exports open at the kill. */
  resumedMs?: number;
  /** To the end of the last of them. */
  finishedMs?: number;
}

/** A file of a part that was recorded as finished before a kill. */
export interface FinishedFile {
  readonly file: string;
  readonly inode: number;
  readonly modifiedMs: number;
  readonly sizeBytes: number;
}

const WEIGHTS: readonly (readonly [Target, number])[] = [
  ['server', 8],
  ['postmaster', 3],
  ['postgres', 2],
  ['backend', 3],
  ['loader', 4],
  ['everything', 3],
];

/** Draws what to kill among what lives. */
export function drawTarget(rng: Rng, alive: ReadonlySet<Target>): Target {
  const list = WEIGHTS.filter(([target]) => alive.has(target)).flatMap(([target, weight]) =>
    Array<Target>(weight).fill(target),
  );
  return rng.pick(list);
}

/** @returns how many processes were killed, each by SIGKILL */
export async function strike(
  rig: Rig,
  target: Target,
  rng: Rng,
  loader: { pid?: number | undefined } | undefined,
): Promise<number> {
  const { postmaster, backends } = await rig.postgresPids();
  const servers = rig.servers.filter((server) => server.pid() !== undefined);
  let killed = 0;
  const pids = (...list: (number | undefined)[]): void => {
    for (const pid of list) if (pid !== undefined && killNow(pid)) killed += 1;
  };
  const kill = (server: Rig['servers'][number] | undefined): void => {
    if (server === undefined) return;
    server.kill();
    killed += 1;
  };
  switch (target) {
    case 'server':
      kill(servers.length > 0 ? rng.pick(servers) : undefined);
      break;
    case 'postmaster':
      pids(postmaster);
      break;
    case 'postgres':
      pids(postmaster, ...backends);
      break;
    case 'backend':
      pids(backends.length > 0 ? rng.pick(backends) : undefined);
      break;
    case 'loader':
      pids(loader?.pid);
      break;
    case 'everything':
      for (const server of servers) kill(server);
      pids(loader?.pid, postmaster, ...backends);
      break;
    default:
      target satisfies never;
  }
  return killed;
}

/** The finished files of exports that still run, as they lie on the disk. */
export async function finishedFiles(rig: Rig): Promise<FinishedFile[]> {
  const rows = await rig.glance<{ tenant_id: number; job_id: string; name: string }>(
    `select f.tenant_id, f.job_id, f.name from export_file f join export_job j on j.tenant_id = f.tenant_id and j.id = f.job_id
      where j.state = 'running'`,
  );
  return (rows ?? []).flatMap(({ tenant_id, job_id, name }) => {
    const file = path.join(rig.dataDir, 'exports', String(tenant_id), job_id, name);
    const info = statSync(file, { throwIfNoEntry: false });
    return info ? [{ file, inode: info.ino, modifiedMs: info.mtimeMs, sizeBytes: info.size }] : [];
  });
}

/** Waits until work goes on, and says when. */
export async function watchRecovery(rig: Rig, death: Death, open: readonly string[], killedAt: Date): Promise<void> {
  const since = (): number => Date.now() - killedAt.getTime();
  const ready = Promise.all(rig.servers.map((server) => server.ready())).then(() => {
    death.readyMs = since();
  });
  for (let left = open.length; left > 0; ) {
    const [row] = await rig.query<{ open: number; taken: boolean }>(
      `select (select count(*)::int from export_job where id = any($1) and state in ('queued', 'running')) as open,
              exists (select from graphile_worker._private_jobs where locked_at > $2) as taken`,
      [open, killedAt],
    );
    left = row!.open;
    if (row!.taken || left < open.length) death.resumedMs ??= since();
    if (left > 0) {
      if (since() > 120_000)
        throw new Error(`exports did not go on after the death of ${death.target}: ${open.join(' ')}`);
      await sleep(25);
    }
  }
  if (open.length > 0) death.finishedMs = since();
  await ready;
}
