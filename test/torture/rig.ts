import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { openCluster, runningPid } from '#/platform/db/embedded/cluster.ts';
import { type EmbeddedPostgres, startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { freePort } from '#/platform/http/free-port.ts';

const ENTRY = fileURLToPath(new URL('../../bin/covered-bridge.mjs', import.meta.url));
const READY_TIMEOUT_MS = 60_000;

/**
 * How the program runs: `one` is the default of one machine (a server with its embedded PostgreSQL), `two` has two servers
 * over it, `external` one server and a PostgreSQL that somebody else starts and restarts.
 */
export type Shape = 'one' | 'two' | 'external';

/** One `covered-bridge serve`, started again at once whenever it was killed. */
export interface Server {
  readonly baseUrl: string;
  /** The process of this moment, or undefined between a death and the next start. */
  pid(): number | undefined;
  kill(): void;
  /** Resolves when `/readyz` says so. */
  ready(): Promise<void>;
}

/** The program on a data folder, with means to kill each of its processes and to look into its database. */
export interface Rig {
  readonly shape: Shape;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly servers: readonly Server[];
  /** Ends of servers that nobody caused. */
  readonly unexpectedEnds: string[];
  /** Waits while the database is down. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** One try; undefined while the database is down. */
  glance<Row extends pg.QueryResultRow = pg.QueryResultRow>(text: string): Promise<Row[] | undefined>;
  /** The postmaster and its children. Empty while it is down. */
  postgresPids(): Promise<{ postmaster: number | undefined; backends: readonly number[] }>;
  /** Only for `external`: as an operator does it. After a kill it is started again by itself. */
  restartPostgres(): Promise<void>;
  command(argv: readonly string[]): ChildProcess & { readonly output: Promise<CommandOutput> };
  stop(): Promise<void>;
}

export interface CommandOutput {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the program on a folder (made before) in one of the shapes. */
export async function startRig(shape: Shape, folder: string): Promise<Rig> {
  const dataDir = path.join(folder, 'data');
  const postgresDir = shape === 'external' ? path.join(folder, 'elsewhere') : dataDir;
  let embedded: EmbeddedPostgres = await startEmbedded(postgresDir);
  const cluster = await openCluster(postgresDir);
  const { connection } = embedded;
  const url = `postgres://${connection.user}:${encodeURIComponent(cluster.password)}@${encodeURIComponent(String(connection.host))}:${connection.port}/${connection.database}`;
  const env: Record<string, string> = {
    ...(process.env.PATH === undefined ? {} : { PATH: process.env.PATH }),
    ...(process.env.HOME === undefined ? {} : { HOME: process.env.HOME }),
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    EXPORT_CLIENT_JOBS: '100',
    ...(shape === 'external' ? { DATABASE_URL: url } : {}),
  };
  // Whoever started it must not be the one who keeps it alive: the programs under test do.
  const detach = async (): Promise<void> => {
    if (shape !== 'external') await embedded.stop();
  };
  const unexpectedEnds: string[] = [];
  const servers: (Server & { stop(): Promise<void> })[] = [];
  // Two servers behind one address are one issuer.
  const ports = await Promise.all((shape === 'two' ? ['a', 'b'] : ['a']).map(() => freePort('127.0.0.1')));
  env.PUBLIC_URL = `http://localhost:${ports[0]}`;
  for (const [i, port] of ports.entries())
    servers.push(startServer('ab'[i]!, { folder, env: { ...env, PORT: String(port) }, port, unexpectedEnds }));
  await Promise.all(servers.map((server) => server.ready()));
  await detach();

  let client: pg.Client | undefined;
  const connected = async (): Promise<pg.Client> => {
    if (client) return client;
    const fresh = new pg.Client({ ...connection, application_name: 'torture', connectionTimeoutMillis: 2_000 });
    fresh.on('error', () => undefined);
    fresh.on('end', () => {
      if (client === fresh) client = undefined;
    });
    await fresh.connect();
    client = fresh;
    return fresh;
  };
  return {
    shape,
    dataDir,
    env,
    servers,
    unexpectedEnds,
    async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      const until = Date.now() + READY_TIMEOUT_MS;
      for (;;) {
        try {
          return (await (await connected()).query<Row>(text, values as unknown[])).rows;
        } catch (error) {
          if ((error as { severity?: string }).severity === 'ERROR' || Date.now() > until) throw error;
          await client?.end().catch(() => undefined);
          client = undefined;
          await sleep(20);
        }
      }
    },
    async glance<Row extends pg.QueryResultRow>(text: string) {
      try {
        return (await (await connected()).query<Row>(text)).rows;
      } catch (error) {
        if ((error as { severity?: string }).severity === 'ERROR') throw error;
        return undefined;
      }
    },
    async postgresPids() {
      const postmaster = await runningPid(cluster);
      return { postmaster, backends: postmaster === undefined ? [] : childrenOf(postmaster) };
    },
    async restartPostgres() {
      await embedded.stop();
      embedded = await startEmbedded(postgresDir);
    },
    command(argv) {
      const child = spawn(process.execPath, [ENTRY, ...argv, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const output = new Promise<CommandOutput>((resolve) =>
        child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
      );
      return Object.assign(child, { output });
    },
    async stop() {
      await client?.end().catch(() => undefined);
      await Promise.all(servers.map((server) => server.stop()));
      if (shape === 'external') await embedded.stop();
    },
  };
}

function startServer(
  name: string,
  about: { folder: string; env: Record<string, string>; port: number; unexpectedEnds: string[] },
): Server & { stop(): Promise<void> } {
  const baseUrl = `http://localhost:${about.port}`;
  const log = openSync(path.join(about.folder, `server-${name}.log`), 'a');
  let child: ChildProcess | undefined;
  let killed = false;
  let stopping = false;
  let ended: Promise<void> = Promise.resolve();
  const start = (): void => {
    killed = false;
    const started = spawn(process.execPath, [ENTRY, 'serve'], {
      env: about.env,
      stdio: ['ignore', 'ignore', log],
    });
    child = started;
    ended = new Promise((resolve) => {
      started.on('exit', (code, signal) => {
        child = undefined;
        resolve();
        if (stopping) return;
        if (!killed) about.unexpectedEnds.push(`server ${name} ended by itself: ${signal ?? `code ${code}`}`);
        start();
      });
    });
  };
  start();
  return {
    baseUrl,
    pid: () => child?.pid,
    kill() {
      killed = true;
      child?.kill('SIGKILL');
    },
    async ready() {
      const until = Date.now() + READY_TIMEOUT_MS;
      while (Date.now() < until) {
        const answer = await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
        await answer?.body?.cancel();
        if (answer?.status === 200) return;
        await sleep(10);
      }
      throw new Error(`server ${name} did not become ready within ${READY_TIMEOUT_MS / 1000} s`);
    },
    async stop() {
      stopping = true;
      child?.kill('SIGTERM');
      await ended;
    },
  };
}

/** Processes whose parent is this one; only Linux tells. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** `kill -9`; a process that is gone already is none. */
export function killNow(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
