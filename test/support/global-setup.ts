import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { migrate } from '#/platform/db/migrate.ts';
import type { TestCluster } from './cluster.ts';

export const TEMPLATE_DATABASE = 'covered_bridge_template';

/** One real PostgreSQL for the run, with one migrated database that every test file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-test-'));
  await chmod(folder, 0o711);
  // Tests of durability start servers of their own; here a lost machine would only lose a test.
  const embedded = await startEmbedded(path.join(folder, 'data'), {
    database: TEMPLATE_DATABASE,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '128MB' },
  });
  await migrate(embedded.connection, 1);
  const { host, port, user, password } = embedded.connection;
  const cluster: TestCluster = {
    host: String(host),
    port: Number(port),
    user: String(user),
    password: String(password),
    template: TEMPLATE_DATABASE,
  };
  project.provide('cluster', cluster);
  return async () => {
    await embedded.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
