import { foreignMasterKeys } from '#/authorization/rewrap-keys.ts';
import { type Config, ConfigError } from '#/platform/config/config.ts';
import { isLoopback } from '#/platform/config/loopback.ts';
import { freePort } from '#/platform/http/free-port.ts';
import { makeSandboxes } from '#/sandbox/make-sandboxes.ts';
import { insertTenant } from '#/tenants/tenant-store.ts';
import { startServer } from '../server.ts';
import { openServices, type Services } from '../services.ts';
import { openExports, startWork } from '../work.ts';

/** Told to stop, the program must be gone after 15 s (product.md); what hangs is left behind a little earlier. */
const STOP_DEADLINE_MS = 14_000;

/**
 * `covered-bridge serve`: runs until SIGTERM or SIGINT, then stops cleanly. Resolves with the exit code.
 *
 * Standard output carries the ready line and a short list of what to try; everything else goes to the log.
 *
 * @param options `works: false` is `--no-work`: background jobs are left to `covered-bridge work`
 */
export async function serve(given: Config, options: { readonly works: boolean }): Promise<number> {
  const stopped = stopSignal();
  const config = await withPort(given);
  const services = await openServices(config);
  try {
    await requireMasterKey(services);
    if (!config.production) await makeSandboxes(services, insertTenant);
    const server = await startServer(services, options);
    process.stdout.write(readyText(config));
    await stopped;
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    await server.stop();
  } finally {
    await services.close();
  }
  return 0;
}

/** `covered-bridge work`: the background jobs alone, for a process beside or without a server. */
export async function work(config: Config): Promise<number> {
  const stopped = stopSignal();
  const services = await openServices(config);
  try {
    await requireMasterKey(services);
    const workers = await startWork(services, await openExports(services));
    process.stdout.write('Covered Bridge is working\n');
    await stopped;
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    await workers.stop();
  } finally {
    await services.close();
  }
  return 0;
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

/** Resolves at the first signal. A terminal sends SIGINT to the whole group, so it may come twice: that is no hurry. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => resolve());
  });
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
