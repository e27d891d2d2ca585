import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import type { Clock } from '#/platform/clock/clock.ts';
import { readConfig } from '#/platform/config/config.ts';
import { freePort } from '#/platform/http/free-port.ts';
import { makeLog } from '#/platform/log/log.ts';
import { makeSandboxes } from '#/sandbox/make-sandboxes.ts';
import { insertTenant } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { startServer } from '../../src/server.ts';
import { openServices, type Services } from '../../src/services.ts';
import { createTestDatabase } from './test-database.ts';

export interface TestPlatform {
  readonly baseUrl: string;
  readonly services: Services;
  readonly dataDir: string;
  /** Everything logged so far, at the most verbose level. */
  log(): string;
  /** Runs a command of the command line beside the server; `--json` is added. */
  cli(...argv: readonly string[]): Promise<{ exitCode: number; json: any; stdout: string; stderr: string }>;
  tenant(slug: string): Promise<Tenant>;
  stop(): Promise<void>;
}

export interface PlatformOptions {
  /** Made by `tenant create` and `tenant set`; default: sandbox tenants `demo` and `bison`, empty. */
  readonly tenants?: readonly { slug: string; kind: 'sandbox' | 'production'; settings?: Record<string, string> }[];
  /** Makes `demo` and `bison` as a first start does, filled; `tenants` come on top. */
  readonly sandbox?: boolean;
  readonly clock?: Clock;
  readonly env?: Record<string, string>;
}

/** The whole program in this process: real HTTP on a free port, a real database of its own. */
export async function startPlatform(options: PlatformOptions = {}): Promise<TestPlatform> {
  const db = await createTestDatabase();
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-platform-'));
  const port = await freePort('127.0.0.1');
  const config = readConfig({
    PORT: String(port),
    DATA_DIR: dataDir,
    DATABASE_URL: db.url,
    LOG_LEVEL: 'trace',
    ...options.env,
  });
  const chunks: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  const log = makeLog(config.logLevel, sink);
  const services = await openServices(config, { log, ...(options.clock ? { clock: options.clock } : {}) });
  const shared: Services = { ...services, close: async () => undefined };
  const io = {
    stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
    signal: new AbortController().signal,
    config,
  };

  const cli: TestPlatform['cli'] = async (...argv) => {
    const output = await runCommand([...argv, '--json'], async () => shared, io);
    return { ...output, json: output.stdout === '' ? undefined : JSON.parse(output.stdout) };
  };
  if (options.sandbox) await makeSandboxes(services, insertTenant);
  const wanted =
    options.tenants ??
    (options.sandbox
      ? []
      : [
          { slug: 'demo', kind: 'sandbox' as const },
          { slug: 'bison', kind: 'sandbox' as const },
        ]);
  for (const { slug, kind, settings } of wanted) {
    await must(cli('tenant', 'create', slug, '--name', `${slug} plan`, '--kind', kind));
    const pairs = Object.entries(settings ?? {}).map(([key, value]) => `${key}=${value}`);
    if (pairs.length > 0) await must(cli('tenant', 'set', slug, ...pairs));
  }
  const server = await startServer(services);
  return {
    baseUrl: config.publicUrl,
    services,
    dataDir,
    log: () => chunks.join(''),
    cli,
    async tenant(slug) {
      const tenant = await services.tenants.bySlug(slug);
      if (!tenant) throw new Error(`no tenant ${slug}`);
      return tenant;
    },
    async stop() {
      await server.stop();
      await services.close();
      await db.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function must(result: Promise<{ exitCode: number; stderr: string }>): Promise<void> {
  const { exitCode, stderr } = await result;
  if (exitCode !== 0) throw new Error(stderr);
}
