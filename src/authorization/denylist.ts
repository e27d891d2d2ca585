import type { Database } from '#/platform/db/database.ts';
import type { Log } from '#/platform/log/log.ts';
import { type DenyEntry, insertDenied, selectDenied } from './denylist-store.ts';

/** A lost notification is made up for within this time (authorization.md 8). */
const REFRESH_MS = 5_000;

/** What was taken back before it ended, known in every process; and the news of it. */
export interface Denylist {
  /** `jti:...` or `grant:...` */
  has(key: string): boolean;
  /** Refuses a JWT, or all of a grant, until it would have ended: at once here, and in every process that is told. */
  add(entry: DenyEntry): Promise<void>;
  stop(): Promise<void>;
}

export interface ChangeListeners {
  client(clientId: string): void;
  keys(tenantId: number): void;
}

/**
 * Keeps the denylist in memory. A `NOTIFY auth_revoked` from any process acts at once; reading all of it again every 5 s
 * covers a notification that was lost.
 *
 * @param listeners told what else changed: a client, or the signing keys of a tenant
 */
export async function startDenylist(database: Database, listeners: ChangeListeners, log: Log): Promise<Denylist> {
  let keys = new Set<string>();
  // What was heard of while the list was being read again must not be lost with the old list.
  let heard = new Map<string, number>();
  let listener: { end(): Promise<void> } | undefined;
  let stopped = false;

  function deny(key: string): void {
    keys.add(key);
    heard.set(key, Date.now());
  }
  async function read(): Promise<void> {
    const rows = await selectDenied(database.platform);
    heard = new Map([...heard].filter(([, at]) => Date.now() - at < 2 * REFRESH_MS));
    keys = new Set([...rows, ...heard.keys()]);
  }
  async function listen(): Promise<void> {
    const client = await database.listener();
    client.on('end', () => {
      if (listener === client) listener = undefined;
    });
    client.on('notification', ({ payload }) => {
      const news = parseNews(payload);
      if (news.key !== undefined) deny(news.key);
      if (news.client !== undefined) listeners.client(news.client);
      if (news.keys !== undefined) listeners.keys(news.keys);
    });
    await client.query('listen auth_revoked');
    if (stopped) await client.end();
    else listener = client;
  }

  await listen();
  await read();
  let refreshing: Promise<void> | undefined;
  const refresh = setInterval(() => {
    refreshing ??= (async () => {
      if (!listener) await listen();
      await read();
    })()
      .catch((error) => log.warn({ err: error }, 'reading the denylist failed'))
      .finally(() => {
        refreshing = undefined;
      });
  }, REFRESH_MS);
  refresh.unref();

  return {
    has: (key) => keys.has(key),
    async add(entry) {
      await insertDenied(database.platform, entry);
      deny(entry.key);
    },
    async stop() {
      stopped = true;
      clearInterval(refresh);
      await refreshing;
      await listener?.end().catch(() => undefined);
    },
  };
}

function parseNews(payload: string | undefined): {
  readonly key?: string;
  readonly client?: string;
  readonly keys?: number;
} {
  try {
    return JSON.parse(payload ?? '{}');
  } catch {
    return {};
  }
}
