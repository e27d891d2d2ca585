import { setTimeout as sleep } from 'node:timers/promises';
import { foreignMasterKeys } from '#/authorization/rewrap-keys.ts';
import { type Config, ConfigError } from '#/platform/config/config.ts';
import { isLoopback } from '#/platform/config/loopback.ts';
import { isConnectionLost } from '#/platform/db/database.ts';
import { freePort } from '#/platform/http/free-port.ts';
import { makeSandboxes } from '#/sandbox/make-sandboxes.ts';
import { insertTenant } from '#/tenants/tenant-store.ts';
import { startServer } from '../server.ts';
import { openServices, type Services } from '../services.ts';
import { openExports, startWork } from '../work.ts';

/** Told to stop, the program must be gone after 15 s (product.md); what hangs is left behind a little earlier. */
const STOP_DEADLINE_MS = 14_000;
/** A database that is started beside us, or again just now, may need a moment more. */
const DATABASE_WAIT_MS = 10_000;
const DATABASE_RETRY_MS = 250;

/**
 * `covered-bridge serve`: runs until SIGTERM or SIGINT, then stops cleanly. Resolves with the exit code.
 *
 * Standard output carries the ready line and a short list of what to try; everything else goes to the log.
 *
 * @param options `works: false` is `--no-work`: background jobs are left to `covered-bridge work`
 */
export async function serve(given: Config, options: { readonly works: boolean }): Promise<number> {
  const config = await withPort(given);
  return runUntilStopped(config, async (services) => {
    if (!config.production) await makeSandboxes(services, insertTenant);
    const server = await startServer(services, options);
    process.stdout.write(readyText(config));
    return server;
  });
}

/** `covered-bridge work`: the background jobs alone, for a process beside or without a server. */
export function work(config: Config): Promise<number> {
  return runUntilStopped(config, async (services) => {
    const workers = await startWork(services, await openExports(services));
    process.stdout.write('Covered Bridge is working\n');
    return workers;
  });
}

type Start = (services: Services) => Promise<{ stop(): Promise<void> }>;

async function runUntilStopped(config: Config, start: Start): Promise<number> {
  const stopped = stopSignal();
  const running = await startWhenReachable(config, start, stopped);
  if (running) {
    await stopped.promise;
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    await running.stop();
  }
  return 0;
}

/**
 * Starts as soon as the database can be reached.
 *
 * @returns undefined when it was told to stop before that
 * @throws ConfigError, DatabaseUnusable; the error of the connection when the database did not come
 */
async function startWhenReachable(
  config: Config,
  start: Start,
  stopped: StopSignal,
): Promise<{ stop(): Promise<void> } | undefined> {
  let failedAt: number | undefined;
  while (!stopped.isStopped()) {
    try {
      return await startOnce(config, start);
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      if (failedAt === undefined) process.stderr.write('The database cannot be reached yet; trying again.\n');
      // Counted from the first failure: a start that was far when the database went away has its time, too.
      failedAt ??= Date.now();
      if (Date.now() - failedAt >= DATABASE_WAIT_MS) throw error;
      await Promise.race([sleep(DATABASE_RETRY_MS), stopped.promise]);
    }
  }
  return undefined;
}

async function startOnce(config: Config, start: Start): Promise<{ stop(): Promise<void> }> {
  const services = await openServices(config);
  try {
    await requireMasterKey(services);
    const running = await start(services);
    return {
      async stop() {
        try {
          await running.stop();
        } finally {
          await services.close();
        }
      },
    };
  } catch (error) {
    await services.close();
    throw error;
  }
}

/**
 * With another master key than the one that sealed the signing keys, every token would fail later and one by one.
 *
 * @throws ConfigError
 */
async function requireMasterKey({ database, tenants, sealer }: Services): Promise<void> {
  const tenantIds = [0, ...(await tenants.list()).map(({ id }) => id)];
  const [other] = await foreignMasterKeys(database, tenantIds, sealer);
  if (other !== undefined)
    throw new ConfigError([
      `The signing keys of this database were sealed under the master key ${other}, and the one given is ${sealer.keyId}. Give the right one (COVERED_BRIDGE_MASTER_KEY, COVERED_BRIDGE_MASTER_KEY_FILE, or master.key in DATA_DIR), or seal them anew with \`covered-bridge keys rewrap\`.`,
    ]);
}

async function withPort(config: Config): Promise<Config> {
  if (config.port !== 0) return config;
  const port = await freePort(config.host);
  return {
    ...config,
    port,
    publicUrl: config.publicUrl === 'http://localhost:0' ? `http://localhost:${port}` : config.publicUrl,
  };
}

interface StopSignal {
  /** Resolves at the first signal. */
  readonly promise: Promise<void>;
  isStopped(): boolean;
}

/** A terminal sends SIGINT to the whole group, so it may come twice: that is no hurry. */
function stopSignal(): StopSignal {
  let isStopped = false;
  const promise = new Promise<void>((resolve) => {
    const stop = (): void => {
      isStopped = true;
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  return { promise, isStopped: () => isStopped };
}

function readyText(config: Config): string {
  const base = config.publicUrl;
  const lines = [`Covered Bridge is ready at ${base}`];
  if (!config.production && isLoopback(config.host))
    lines.push(
      '',
      'Try, in another terminal of this folder:',
      '  npx --no-install covered-bridge client create --access-type payer-to-payer --name "My plan"',
      '      a client for the payer-to-payer exchange; then follow docs/tutorials/01-payer-to-payer.md',
      `  curl ${base}/v1/bison/bulk-data/r4/metadata`,
      '      what the sandbox plan `bison` offers',
      '  npx --no-install covered-bridge help',
      '      everything else the command line can do',
    );
  return `${lines.join('\n')}\n`;
}
