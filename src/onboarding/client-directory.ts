import type { Database } from '#/platform/db/database.ts';
import { selectClient } from './client-store.ts';
import type { Client } from './clients.ts';

/** What was read of a client is kept this long; a suspension acts within it everywhere, at once where it is announced. */
const CACHE_MS = 5_000;
const CACHE_MAX = 10_000;
const CLIENT_ID = /^[A-Za-z0-9]{22}$/;

/** Looks clients up for the token endpoint and for every request. */
export interface ClientDirectory {
  find(clientId: string): Promise<Client | undefined>;
  forget(clientId: string): void;
}

export function makeClientDirectory(database: Database): ClientDirectory {
  const known = new Map<string, { readonly at: number; readonly client: Promise<Client | undefined> }>();
  return {
    async find(clientId) {
      if (!CLIENT_ID.test(clientId)) return undefined;
      const entry = known.get(clientId);
      if (entry && Date.now() - entry.at < CACHE_MS) return entry.client;
      if (known.size >= CACHE_MAX) known.clear();
      const client = selectClient(database.platform, clientId);
      known.set(clientId, { at: Date.now(), client });
      client.catch(() => known.delete(clientId));
      return client;
    },
    forget(clientId) {
      known.delete(clientId);
    },
  };
}
