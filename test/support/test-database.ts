import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { type Database, openDatabase } from '#/platform/db/database.ts';
import { migrate } from '#/platform/db/migrate.ts';
import { insertTenant } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import './cluster.ts';

export interface TestDatabase {
  readonly database: Database;
  readonly connection: pg.ClientConfig;
  /** For DATABASE_URL. */
  readonly url: string;
  /** Makes a tenant; slugs are unique in the database. */
  tenant(slug: string, kind?: 'sandbox' | 'production', settings?: Record<string, unknown>): Promise<Tenant>;
  drop(): Promise<void>;
}

/**
 * A database of its own for one test file: a clone of the migrated template, or, with `partitions`, one migrated anew
 * (the number of hash partitions is fixed when the tables are made), or with `empty` one without any table.
 */
export async function createTestDatabase(
  options: { partitions?: number; empty?: boolean; poolSize?: number } = {},
): Promise<TestDatabase> {
  const { template, ...cluster } = inject('cluster');
  const name = `test_${randomBytes(8).toString('hex')}`;
  const admin = new pg.Client({ ...cluster, database: 'postgres' });
  await admin.connect();
  const fresh = options.empty === true || options.partitions !== undefined;
  await admin.query(`create database ${name}${fresh ? '' : ` template ${template}`}`);
  const connection: pg.ClientConfig = { ...cluster, database: name };
  if (options.partitions !== undefined) await migrate(connection, options.partitions);
  const database = openDatabase({ connection, poolSize: options.poolSize ?? 10 });
  return {
    database,
    connection,
    url: `postgres://${cluster.user}:${encodeURIComponent(cluster.password)}@${encodeURIComponent(cluster.host)}:${cluster.port}/${name}`,
    async tenant(slug, kind = 'sandbox', settings = {}) {
      const made = await insertTenant(database.platform, { slug, name: `Plan ${slug}`, kind, settings });
      if (!made) throw new Error(`the tenant ${slug} exists`);
      return made;
    },
    async drop() {
      await database.close();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
