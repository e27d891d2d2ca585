import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readConfig } from '#/platform/config/config.ts';
import { freePort } from '#/platform/http/free-port.ts';
import { makeLog } from '#/platform/log/log.ts';
import { insertTenant } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type RunningServer, startServer } from '../src/server.ts';
import { openServices, type Services } from '../src/services.ts';

export interface BenchPlatform {
  readonly services: Services;
  readonly server: RunningServer;
  readonly tenant: Tenant;
  readonly baseUrl: string;
  stop(): Promise<void>;
}

/** The program with its embedded database, as a newcomer starts it, with one empty plan `bench`. */
export async function startBenchPlatform(): Promise<BenchPlatform> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-bench-'));
  // Run by root, the database's own user must pass through it.
  await chmod(dataDir, 0o711);
  const port = await freePort('127.0.0.1');
  const config = readConfig({ PORT: String(port), DATA_DIR: path.join(dataDir, 'data') });
  const services = await openServices(config, { log: makeLog('silent') });
  const server = await startServer(services);
  const tenant = await insertTenant(services.database.platform, { slug: 'bench', name: 'Bench', kind: 'sandbox' });
  if (!tenant) throw new Error('the plan is there already');
  services.tenants.forget();
  return {
    services,
    server,
    tenant,
    baseUrl: config.publicUrl,
    async stop() {
      await server.stop();
      await services.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
