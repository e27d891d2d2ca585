import type { AuditSink } from '#/audit/audit-sink.ts';
import { makeAuditSink } from '#/audit/audit-sink.ts';
import { type Authorization, startAuthorization } from '#/authorization/authorization.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import { systemClock } from '#/platform/clock/clock.ts';
import type { Config } from '#/platform/config/config.ts';
import { readMasterKey } from '#/platform/config/master-key.ts';
import { makeSealer, type Sealer } from '#/platform/crypto/sealer.ts';
import { type Database, openDatabase } from '#/platform/db/database.ts';
import { type EmbeddedPostgres, startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { migrate } from '#/platform/db/migrate.ts';
import { type Log, makeLog } from '#/platform/log/log.ts';
import { type Mailer, makeMailer } from '#/platform/mail/mailer.ts';
import { makeTenants } from '#/tenants/tenant-store.ts';
import type { Tenants } from '#/tenants/tenants.ts';

/** Partitions of the resource table, fixed when it is made: one machine's default, or room to grow (storage.md 2). */
const PARTITIONS_EMBEDDED = 1;
const PARTITIONS_EXTERNAL = 16;

/** What every part of the program is given, and nothing else: no part reads the environment or opens a connection. */
export interface Services {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly database: Database;
  readonly sealer: Sealer;
  readonly tenants: Tenants;
  readonly audit: AuditSink;
  readonly mailer: Mailer;
  readonly authorization: Authorization;
  /** Undefined: the database is the one of DATABASE_URL. */
  readonly embedded: EmbeddedPostgres | undefined;
  /** Closes connections, then stops the embedded database if nobody else uses it. */
  close(): Promise<void>;
}

/**
 * Opens the database (embedded, or the one of DATABASE_URL), brings it to this program's schema and builds the domains.
 *
 * @throws DatabaseUnusable, ConfigError with words for the operator
 */
export async function openServices(config: Config, options: { log?: Log; clock?: Clock } = {}): Promise<Services> {
  const log = options.log ?? makeLog(config.logLevel);
  const clock = options.clock ?? systemClock;
  const onRestart = (event: 'gone' | 'back'): void =>
    event === 'gone'
      ? log.error('the embedded PostgreSQL ended; starting it again (its own log is postgres.log in DATA_DIR)')
      : log.warn('the embedded PostgreSQL is back');
  const embedded = config.databaseUrl === undefined ? await startEmbedded(config.dataDir, { onRestart }) : undefined;
  try {
    const connection = embedded?.connection ?? { connectionString: config.databaseUrl as string };
    await migrate(connection, embedded ? PARTITIONS_EMBEDDED : PARTITIONS_EXTERNAL);
    const sealer = makeSealer(await readMasterKey(config));
    const database = openDatabase({
      connection,
      poolSize: config.databasePoolSize,
      onError: (error) => log.warn({ err: error }, 'a database connection broke'),
    });
    const tenants = makeTenants(database, config.publicUrl);
    const audit = makeAuditSink(database);
    const authorization = await startAuthorization({
      database,
      sealer,
      tenants,
      audit,
      log,
      publicUrl: config.publicUrl,
      jwksAllowLoopback: config.jwksAllowLoopback,
    });
    return {
      config,
      log,
      clock,
      database,
      sealer,
      tenants,
      audit,
      mailer: makeMailer({ database, log, smtp: config.smtp }),
      authorization,
      embedded,
      async close() {
        await authorization.stop();
        await database.close();
        await embedded?.stop();
      },
    };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}
