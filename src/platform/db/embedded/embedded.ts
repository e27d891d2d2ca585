import type { ChildProcess } from 'node:child_process';
import { rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Cluster, openCluster, runningPid, SUPERUSER, spawnPostgres } from './cluster.ts';

const DATABASE = 'covered_bridge';
/** Every process that uses the cluster holds this lock shared; who gets it alone is the last and stops the server. */
const PRESENCE_LOCK = 4_711_000_001;
const START_TIMEOUT_MS = 60_000;
const CONNECT_RETRY_MS = 25;
const CONNECT_RETRY_MAX_MS = 200;
/** A server that ends as soon as it is started (its disk is full) is started again less and less often. */
const SPAWN_RETRY_MAX_MS = 2_000;
const REATTACH_TIMEOUT_MS = 3_000;
const STOP_TIMEOUT_MS = 10_000;

/** A real PostgreSQL that belongs to one data folder and is reachable by this user only. */
export interface EmbeddedPostgres {
  /** For `pg`: the socket's folder stands as host, the password is in it. Never log it. */
  readonly connection: pg.ClientConfig;
  /** Stops the server if no other process of this installation still uses it. */
  stop(): Promise<void>;
}

/**
 * Attaches to the PostgreSQL of `dataDir`, or makes and starts it. One left running by `kill -9` is taken over; two
 * processes (a server and a command) share one. Whenever it ends after that, whoever uses it starts it again.
 *
 * @throws Error in plain words when it does not come up; its own log is `postgres.log` in the data folder
 */
export async function startEmbedded(
  dataDir: string,
  options: {
    settings?: Readonly<Record<string, string>>;
    database?: string;
    /** Told when the server ended although nobody stopped it, and when it is back. */
    onRestart?: (event: 'gone' | 'back') => void;
  } = {},
): Promise<EmbeddedPostgres> {
  const cluster = await openCluster(dataDir);
  const connection: pg.ClientConfig = {
    host: cluster.socketFolder ?? '127.0.0.1',
    port: cluster.port,
    user: SUPERUSER,
    password: cluster.password,
    database: options.database ?? DATABASE,
  };
  const attach = (until: Date | undefined, stopping?: AbortSignal): Promise<pg.Client> =>
    attachOrStart(cluster, { ...connection, database: 'postgres' }, options.settings, { until, stopping });
  const first = await attach(new Date(Date.now() + START_TIMEOUT_MS));
  await makeDatabase(first, options.database ?? DATABASE);
  const keeper = keepRunning(first, (stopping) => attach(undefined, stopping), options.onRestart);
  const reattach = (): Promise<pg.Client> => attach(new Date(Date.now() + REATTACH_TIMEOUT_MS));
  return {
    connection,
    async stop() {
      const presence = await keeper.release();
      // It may be going on in the hands of another process: ask before it is stopped.
      const isGoingOn = presence === undefined && (await runningPid(cluster)) !== undefined;
      await stop(cluster, isGoingOn ? await reattach().catch(() => undefined) : presence);
    },
  };
}

/** Starts the server again, as often as it takes, until it is told that it may stop. */
function keepRunning(
  first: pg.Client,
  attach: (stopping: AbortSignal) => Promise<pg.Client>,
  onRestart: (event: 'gone' | 'back') => void = () => undefined,
): { release(): Promise<pg.Client | undefined> } {
  const stopping = new AbortController();
  let presence: pg.Client | undefined;
  let restarting: Promise<void> | undefined;
  const watch = (client: pg.Client): void => {
    presence = client;
    client.on('end', () => {
      presence = undefined;
      if (stopping.signal.aborted) return;
      onRestart('gone');
      // It ends without a client only when it is told to stop.
      restarting = attach(stopping.signal).then(
        (next) => {
          onRestart('back');
          watch(next);
        },
        () => undefined,
      );
    });
  };
  watch(first);
  return {
    async release() {
      stopping.abort();
      await restarting;
      return presence;
    },
  };
}

async function attachOrStart(
  cluster: Cluster,
  connection: pg.ClientConfig,
  settings: Readonly<Record<string, string>> | undefined,
  { until, stopping }: { readonly until: Date | undefined; readonly stopping: AbortSignal | undefined },
): Promise<pg.Client> {
  let server: ChildProcess | undefined;
  let spawnAgainAt = 0;
  let spawnPauseMs = CONNECT_RETRY_MS;
  let connectPauseMs = CONNECT_RETRY_MS;
  let lastError: unknown;
  while (!stopping?.aborted && (until === undefined || Date.now() < until.getTime())) {
    // A first try may end at once: backends of a killed server hold its memory until they notice, a moment later.
    const hasEnded = server === undefined || server.exitCode !== null || server.signalCode !== null;
    try {
      if (hasEnded && Date.now() >= spawnAgainAt && (await runningPid(cluster)) === undefined) {
        server = await spawnPostgres(cluster, settings);
        spawnAgainAt = Date.now() + spawnPauseMs;
        spawnPauseMs = Math.min(spawnPauseMs * 1.5, SPAWN_RETRY_MAX_MS);
      }
    } catch (error) {
      // Another process that stopped the server removed the socket's folder just after we made it, or the disk is full.
      lastError = error;
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && until !== undefined) throw error;
      await sleep(CONNECT_RETRY_MS);
      continue;
    }
    const client = new pg.Client({
      ...connection,
      application_name: 'covered-bridge presence',
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      // Waits while another process stops the server; the connection then breaks, and we start it anew.
      await client.query('select pg_advisory_lock_shared($1)', [PRESENCE_LOCK]);
      return client;
    } catch (error) {
      lastError = error;
      await client.end().catch(() => undefined);
      await sleep(connectPauseMs);
      connectPauseMs = Math.min(connectPauseMs * 1.2, CONNECT_RETRY_MAX_MS);
    }
  }
  throw new Error(`The embedded PostgreSQL did not start; see ${cluster.logFile}.`, { cause: lastError });
}

async function makeDatabase(presence: pg.Client, name: string): Promise<void> {
  for (;;) {
    const known = await presence.query('select 1 from pg_database where datname = $1', [name]);
    if (known.rowCount) return;
    try {
      await presence.query(`create database ${pg.escapeIdentifier(name)}`);
      return;
    } catch (error) {
      // 42P04, 23505: another start made it at the same moment; 55006: it is making it just now.
      if (!['42P04', '23505', '55006'].includes((error as { code?: string }).code ?? '')) throw error;
      await sleep(CONNECT_RETRY_MS);
    }
  }
}

async function stop(cluster: Cluster, presence: pg.Client | undefined): Promise<void> {
  try {
    await presence?.query('select pg_advisory_unlock_shared($1)', [PRESENCE_LOCK]);
    const alone = await presence?.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [
      PRESENCE_LOCK,
    ]);
    if (alone && !alone.rows[0]?.alone) {
      await presence?.end();
      return;
    }
  } catch {
    // The server is already gone, or going: make sure below.
  }
  const pid = await runningPid(cluster);
  if (pid !== undefined) {
    signal(pid, 'SIGINT'); // fast shutdown: ends sessions, writes a checkpoint
    const until = Date.now() + STOP_TIMEOUT_MS;
    while ((await runningPid(cluster)) !== undefined && Date.now() < until) await sleep(20);
    if ((await runningPid(cluster)) !== undefined) signal(pid, 'SIGQUIT');
  }
  await presence?.end().catch(() => undefined);
  if (cluster.socketFolder !== undefined) await rmdir(cluster.socketFolder).catch(() => undefined);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone in the meantime
  }
}
