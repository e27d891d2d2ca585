import type { Database } from '#/platform/db/database.ts';
import { updateSecretUse } from './client-secret-store.ts';
import { selectLiveClient } from './client-store.ts';
import { type Client, type ClientSecret, isClientId } from './clients.ts';

/** What was read of a client is kept this long; a suspension acts within it everywhere, at once where it is announced. */
const CACHE_MS = 5_000;
const CACHE_MAX = 10_000;
/** Between two notes that a secret was used. */
const SECRET_USE_INTERVAL_MS = 3_600_000;

/** Looks clients up for the token endpoint and for every request. */
export interface ClientDirectory {
  find(clientId: string): Promise<Client | undefined>;
  forget(clientId: string): void;
  /** Notes that a secret was used, once an hour. */
  noteUse(client: Client, secret: ClientSecret): Promise<void>;
}

export function makeClientDirectory(database: Database, now: () => number = Date.now): ClientDirectory {
  const known = new Map<string, { readonly at: number; readonly client: Promise<Client | undefined> }>();
  return {
    async find(clientId) {
      if (!isClientId(clientId)) return undefined;
      const entry = known.get(clientId);
      if (entry && now() - entry.at < CACHE_MS) return entry.client;
      if (known.size >= CACHE_MAX) known.delete(known.keys().next().value as string);
      const client = selectLiveClient(database.platform, clientId);
      known.delete(clientId);
      known.set(clientId, { at: now(), client });
      client.catch(() => known.delete(clientId));
      return client;
    },
    forget(clientId) {
      known.delete(clientId);
    },
    async noteUse(client, secret) {
      const last = secret.lastUsedAt?.getTime() ?? 0;
      if (now() - last < SECRET_USE_INTERVAL_MS) return;
      known.delete(client.clientId);
      await updateSecretUse(database.platform, secret.id, SECRET_USE_INTERVAL_MS / 1_000);
    },
  };
}
