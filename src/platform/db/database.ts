import pg from 'pg';
import { takeWriterLock } from './horizon.ts';

/** PostgreSQL's role of the running program: it owns nothing, so row-level security binds it. */
export const APP_ROLE = 'covered_bridge_app';

/** A named statement: planned once for a connection. */
export interface NamedStatement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface Queryable {
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

/** One connection, bound to one tenant: `app.tenant_id` is set on it. `client` is for COPY streams. */
export interface TenantConnection extends Queryable {
  readonly tenantId: number;
  readonly client: pg.PoolClient;
}

/** The rows of one tenant. Every way to reach them sets `app.tenant_id`, so row-level security lets no other through. */
export interface TenantDatabase extends Queryable {
  readonly tenantId: number;
  /** A hot read: a named statement on the pool whose plans are generic (storage.md 2, measured there). */
  read<Row extends pg.QueryResultRow = pg.QueryResultRow>(statement: NamedStatement): Promise<pg.QueryResult<Row>>;
  /** Several statements, or a COPY, on one connection. */
  connection<T>(work: (connection: TenantConnection) => Promise<T>): Promise<T>;
  /** Commits what `work` did, or rolls all of it back when it throws. */
  transaction<T>(work: (transaction: TenantConnection) => Promise<T>): Promise<T>;
  /**
   * A transaction that writes resources. Its first statement takes the writer's lock of the horizon and only then
   * `changedAt` is read, so that nobody's `transactionTime` can be later than a write that is still open (storage.md 4).
   */
  writeTransaction<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<T>;
}

export interface WriteTransaction extends TenantConnection {
  /** The commit-consistent write time of everything this transaction writes. Microseconds matter: keep it as text. */
  readonly changedAt: string;
}

export interface Database {
  tenant(tenantId: number): TenantDatabase;
  /** Tables that belong to no tenant (tenants, organizations, clients); `app.tenant_id` is 0, the platform itself. */
  readonly platform: TenantDatabase;
  /** The role that owns the tables: migrations and the job library only. */
  readonly owner: pg.Pool;
  /** A pool of the owner's for one turn of the job library. It is the caller's to end. */
  jobPool(): pg.Pool;
  /** A connection of its own outside the pools, for a session's locks. It is the caller's to end. */
  listener(): Promise<pg.Client>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly connection: pg.ClientConfig;
  readonly poolSize: number;
  /** Told of connections that broke while idle; never contains row values. */
  readonly onError?: (error: Error) => void;
}

const OWNER_CONNECTIONS = 8;
/**
 * A machine that goes away says nothing: its transactions and locks would stay until TCP gives up after hours. With these
 * the server lets go after 15 s. Over a UNIX socket they mean nothing.
 */
const NOTICE_DEAD_PEERS = '-c tcp_keepalives_idle=6 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3';

/**
 * Opens the pools: one for hot reads (generic plans), one for everything else (plans by value), both as the role that
 * row-level security binds, and a small one for the owner.
 *
 * Poolers in transaction mode (pgbouncer) do not work: `app.tenant_id` lives in the session.
 */
export function openDatabase({ connection, poolSize, onError = () => undefined }: DatabaseOptions): Database {
  const pool = (max: number, options: string): pg.Pool => {
    const made = new pg.Pool({
      ...connection,
      max,
      application_name: 'covered-bridge',
      options: `${NOTICE_DEAD_PEERS} ${options}`.trimEnd(),
      keepAlive: true,
      idleTimeoutMillis: 30_000,
      connectionTimeoutMillis: 30_000,
    });
    made.on('error', onError);
    // A connection can break while it is checked out and nobody listens; the statement that it ran fails anyway.
    made.on('connect', (client) => client.on('error', () => undefined));
    return made;
  };
  const everyday = pool(poolSize, `-c role=${APP_ROLE}`);
  const hot = pool(poolSize, `-c role=${APP_ROLE} -c plan_cache_mode=force_generic_plan`);
  const owner = pool(OWNER_CONNECTIONS, '');
  const lastTenant = new WeakMap<pg.PoolClient, number>();

  async function checkout<T>(from: pg.Pool, tenantId: number, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await from.connect();
    let broken: Error | undefined;
    const onClientError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onClientError);
    try {
      if (lastTenant.get(client) !== tenantId) {
        await client.query("select set_config('app.tenant_id', $1, false)", [String(tenantId)]);
        lastTenant.set(client, tenantId);
      }
      return await work(client);
    } catch (error) {
      if (isConnectionLost(error)) broken = error as Error;
      throw error;
    } finally {
      client.removeListener('error', onClientError);
      client.release(broken);
    }
  }

  async function inTransaction<T>(client: pg.PoolClient, work: () => Promise<T>): Promise<T> {
    await client.query('begin');
    try {
      const result = await work();
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    }
  }

  function tenant(tenantId: number): TenantDatabase {
    if (!Number.isInteger(tenantId) || tenantId < 0) throw new TypeError('a tenant id is a whole number');
    const bind = (client: pg.PoolClient): TenantConnection => ({
      tenantId,
      client,
      query: (text, values) => client.query(text, values as unknown[]),
    });
    return {
      tenantId,
      query: (text, values) => checkout(everyday, tenantId, (client) => client.query(text, values as unknown[])),
      read: (statement) =>
        checkout(hot, tenantId, (client) => client.query({ ...statement, values: [...statement.values] })),
      connection: (work) => checkout(everyday, tenantId, (client) => work(bind(client))),
      transaction: (work) => checkout(everyday, tenantId, (client) => inTransaction(client, () => work(bind(client)))),
      writeTransaction: (work) =>
        checkout(everyday, tenantId, (client) =>
          inTransaction(client, async () => work({ ...bind(client), changedAt: await takeWriterLock(bind(client)) })),
        ),
    };
  }

  return {
    tenant,
    platform: tenant(0),
    owner,
    jobPool: () => pool(OWNER_CONNECTIONS, ''),
    async listener() {
      const client = new pg.Client({
        ...connection,
        application_name: 'covered-bridge listener',
        options: NOTICE_DEAD_PEERS,
        keepAlive: true,
        connectionTimeoutMillis: 30_000,
      });
      client.on('error', onError);
      await client.connect();
      return client;
    },
    async close() {
      await Promise.all([everyday.end(), hot.end(), owner.end()]);
    },
  };
}

/** Did the connection (not the statement) fail? Then the caller may try again later; the pool drops the client. */
export function isConnectionLost(error: unknown): boolean {
  const { code = '', syscall } = (error ?? {}) as { code?: string; syscall?: string };
  return (
    /^(08|57P0)/.test(code) ||
    /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT)$/.test(code) ||
    (code === 'ENOENT' && syscall === 'connect') ||
    (error instanceof Error &&
      /Connection terminated|is not queryable|Client was closed|timeout exceeded when trying to connect/.test(
        error.message,
      ))
  );
}

/**
 * Is it the database, and not what was asked of it? Its connection, its disk (class 53, also `too many connections`), an
 * input/output error, a server that only reads for now. The same request may work later.
 */
export function isUnavailable(error: unknown): boolean {
  const code = (error as { code?: string } | undefined)?.code ?? '';
  return isConnectionLost(error) || /^(53|57P|58030|25006)/.test(code);
}
