import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readConfig } from '#/platform/config/config.ts';
import { freePort } from '#/platform/http/free-port.ts';
import { makeLog } from '#/platform/log/log.ts';
import { insertTenant } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { startServer } from '../src/server.ts';
import { openServices, type Services } from '../src/services.ts';

export interface BenchPlatform {
  readonly services: Services;
  /** An empty plan `bench`. */
  readonly tenant: Tenant;
  readonly dataDir: string;
  readonly baseUrl: string;
  stop(): Promise<void>;
}

/** A folder of its own for one measurement. */
export async function benchFolder(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-bench-'));
  // Run by root, the database's own user must pass through it.
  await chmod(folder, 0o711);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * The program with its embedded database, as a newcomer starts it, with one empty plan.
 *
 * @param options `serves: false`: without its HTTP server
 */
export async function startBenchPlatform(options: { readonly serves?: boolean } = {}): Promise<BenchPlatform> {
  const { folder, remove } = await benchFolder();
  const dataDir = path.join(folder, 'data');
  const port = await freePort('127.0.0.1');
  const config = readConfig({ PORT: String(port), DATA_DIR: dataDir });
  const services = await openServices(config, { log: makeLog('silent') });
  await rememberPostgres(services);
  const server = options.serves === false ? undefined : await startServer(services);
  const tenant = await insertTenant(services.database.platform, { slug: 'bench', name: 'Bench', kind: 'sandbox' });
  if (!tenant) throw new Error('the plan is there already');
  services.tenants.forget();
  return {
    services,
    tenant,
    dataDir,
    baseUrl: config.publicUrl,
    async stop() {
      await server?.stop();
      await services.close();
      await remove();
    },
  };
}

type Postgres = { readonly version: string; readonly settings: Readonly<Record<string, string>> };
let postgres: Postgres | undefined;

/** The server that was measured: its version, and the settings on which speed depends. */
export const postgresMeasured = (): Postgres | undefined => postgres;

const TOLD = [
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'wal_compression',
  'data_checksums',
];

async function rememberPostgres({ database }: Services): Promise<void> {
  if (postgres) return;
  const result = await database.owner.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from unnest($1::text[]) with ordinality as wanted (name, place) order by place`,
    [['server_version', ...TOLD]],
  );
  const [version, ...settings] = result.rows;
  postgres = {
    version: version!.value,
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
  };
}
