import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runMigrations as migrateJobLibrary } from 'graphile-worker';
import pg from 'pg';
import { silentJobLog } from '../jobs/job-log.ts';
import { APP_ROLE } from './database.ts';
import { DatabaseUnusable } from './database-unusable.ts';

const MIGRATIONS = fileURLToPath(new URL('../../../migrations/', import.meta.url));
const MIGRATION_LOCK = 4_711_000_002;
/** `returning old.*` of the store needs it. */
const OLDEST_POSTGRESQL = 180_000;

/**
 * Brings the database to this program's schema: numbered SQL files, forward only, each in a transaction of its own
 * that first writes its row. A lock lets one process at a time migrate; a second one that starts waits and finds
 * nothing to do.
 *
 * @param partitions how many hash partitions the resource table gets when it is made (storage.md 2)
 * @throws DatabaseUnusable when the server is older than PostgreSQL 18, the database was made by a newer program, or
 *   the role may not do what is needed
 */
export async function migrate(connection: pg.ClientConfig, partitions: number): Promise<{ applied: number }> {
  const client = new pg.Client({ ...connection, application_name: 'covered-bridge migrations' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await requirePostgresql18(client);
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(`select set_config('covered_bridge.partitions', $1, false)`, [String(partitions)]);
    await client.query(`create table if not exists migration (
      number int primary key, name text not null, applied_at timestamptz not null default now())`);
    const known = await client.query<{ number: number }>('select number from migration');
    const files = await migrationFiles();
    const newest = await newestMigration();
    const unknown = known.rows.map((row) => row.number).filter((number) => number > newest);
    if (unknown.length > 0)
      throw new DatabaseUnusable(
        `This database was made by a newer Covered Bridge (it has migration ${Math.max(...unknown)}; this program knows up to ${newest}). Start the newer program, or restore a backup made by this one.`,
      );
    const missing = files.filter((file) => !known.rows.some((row) => row.number === file.number));
    if (missing.length > 0) {
      await makeAppRole(client);
      const pool = new pg.Pool({ ...connection, max: 2 });
      pool.on('error', () => undefined);
      pool.on('connect', (lease) => {
        lease.on('error', () => undefined);
      });
      try {
        await migrateJobLibrary({ pgPool: pool, logger: silentJobLog });
      } finally {
        await pool.end();
      }
    }
    for (const file of missing) await apply(client, file);
    if (missing.length > 0) await grantToAppRole(client);
    return { applied: missing.length };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The number of this program's last migration. */
export async function newestMigration(): Promise<number> {
  return Math.max(...(await migrationFiles()).map(({ number }) => number));
}

interface MigrationFile {
  readonly number: number;
  readonly name: string;
}

async function migrationFiles(): Promise<MigrationFile[]> {
  const names = (await readdir(MIGRATIONS)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).sort();
  return names.map((name) => ({ number: Number(name.slice(0, 4)), name }));
}

async function apply(client: pg.Client, file: MigrationFile): Promise<void> {
  await client.query('begin');
  try {
    await client.query('insert into migration (number, name) values ($1, $2)', [file.number, file.name]);
    await client.query(await readFile(`${MIGRATIONS}/${file.name}`, 'utf8'));
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new Error(`The migration ${file.name} failed; the database is as it was before it.`, { cause });
  }
}

async function requirePostgresql18(client: pg.Client): Promise<void> {
  const result = await client.query<{ number: string; version: string }>(
    `select current_setting('server_version_num') as number, current_setting('server_version') as version`,
  );
  const server = result.rows[0]!;
  refuseOldServer(Number(server.number), server.version);
}

/**
 * @param number PostgreSQL's server_version_num, for example 180004
 * @throws DatabaseUnusable
 */
export function refuseOldServer(number: number, version: string): void {
  if (number < OLDEST_POSTGRESQL)
    throw new DatabaseUnusable(
      `The database server is PostgreSQL ${version}; Covered Bridge needs PostgreSQL 18 or newer. Upgrade it, or unset DATABASE_URL to use the embedded one.`,
    );
}

/** Roles belong to the whole server: two databases of one server share it, and two migrations may make it at once. */
async function makeAppRole(client: pg.Client): Promise<void> {
  try {
    await client.query(`do $$ begin
      if not exists (select from pg_roles where rolname = '${APP_ROLE}') then create role ${APP_ROLE} nologin; end if;
      exception when duplicate_object or unique_violation then null; end $$`);
    const member = await client.query<{ ok: boolean }>(`select pg_has_role(current_user, '${APP_ROLE}', 'set') as ok`);
    if (!member.rows[0]?.ok) await client.query(`grant ${APP_ROLE} to current_user with set true`);
  } catch (cause) {
    throw new DatabaseUnusable(
      `The program runs as the role ${APP_ROLE}, which owns no table. The user of DATABASE_URL can neither make it nor use it. Run once as an administrator: create role ${APP_ROLE} nologin; grant ${APP_ROLE} to "<that user>";`,
      { cause },
    );
  }
}

async function grantToAppRole(client: pg.Client): Promise<void> {
  await client.query(`
    grant usage on schema public to ${APP_ROLE};
    grant usage, create on schema staging to ${APP_ROLE};
    grant select, insert, update, delete on all tables in schema public to ${APP_ROLE};
    grant usage, select on all sequences in schema public to ${APP_ROLE};
    revoke insert, update, delete on migration from ${APP_ROLE};
    revoke update, delete on audit_event from ${APP_ROLE};
    grant temporary on database ${pg.escapeIdentifier(client.database ?? 'postgres')} to ${APP_ROLE};`);
}
