import type { Database } from '#/platform/db/database.ts';
import type { Log } from '#/platform/log/log.ts';

/** A lost notification is made up for within this time (authorization.md 8). */
const REFRESH_MS = 5_000;

/** What was taken back before it ended, known in every process; and the news of it. */
export interface Denylist {
  has(key: string): boolean;
  /** Refuses a JWT, or all of a grant, until it would have ended. */
  add(tenantId: number, key: string, until: Date): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Keeps the denylist in memory. A `NOTIFY auth_revoked` from any process acts at once; reading it again every 5 s covers a
 * notification that was lost.
 *
 * @param onClient told which client changed
 */
export async function startDenylist(
  database: Database,
  onClient: (clientId: string) => void,
  log: Log,
): Promise<Denylist> {
  let keys = new Set<string>();
  let listening = false;
  let stopped = false;

  async function read(): Promise<void> {
    const result = await database.platform.query<{ key: string }>('select key from token_denylist where until > now()');
    keys = new Set(result.rows.map(({ key }) => key));
  }
  async function listen(): Promise<void> {
    const client = await database.listener();
    listening = true;
    client.on('end', () => {
      listening = false;
    });
    client.on('notification', ({ payload }) => {
      const news = JSON.parse(payload ?? '{}') as { key?: string; client?: string };
      if (news.key !== undefined) keys.add(news.key);
      if (news.client !== undefined) onClient(news.client);
    });
    await client.query('listen auth_revoked');
    ended = () => client.end();
  }
  let ended: () => Promise<void> = async () => undefined;

  await listen();
  await read();
  const refresh = setInterval(() => {
    const work = async (): Promise<void> => {
      if (!listening && !stopped) await listen();
      await read();
    };
    work().catch((error) => log.warn({ err: error }, 'reading the denylist failed'));
  }, REFRESH_MS);
  refresh.unref();

  return {
    has: (key) => keys.has(key),
    async add(tenantId, key, until) {
      keys.add(key);
      await database.platform.query(
        `insert into token_denylist (tenant_id, key, until) values ($1, $2, $3) on conflict (tenant_id, key) do nothing`,
        [tenantId, key, until],
      );
      await database.platform.query(`select pg_notify('auth_revoked', $1)`, [
        JSON.stringify({ tenant: tenantId, key }),
      ]);
    },
    async stop() {
      stopped = true;
      clearInterval(refresh);
      await ended().catch(() => undefined);
    },
  };
}
