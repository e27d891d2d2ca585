import type { IncomingHttpHeaders } from 'node:http';
import type { Client } from '#/onboarding/clients.ts';
import { type PublicKey, usableKeys } from '#/onboarding/public-keys.ts';
import { FetchRefused, type GuardedFetch } from '#/platform/http/guarded-fetch.ts';

/** Keys that were fetched are kept as long as their Cache-Control says, within these bounds (authorization.md 5). */
const KEPT_SECONDS_MIN = 60;
const KEPT_SECONDS_MAX = 3_600;
const KEPT_SECONDS_DEFAULT = 300;
/** Who sends unknown kids, or whose server is away, cannot make us ask more often than this, for each client and process. */
export const FETCHES_PER_MINUTE_MAX = 6;
const MINUTE_MS = 60_000;
const CLIENTS_MAX = 2_000;

/** The keys cannot be had; `why` is for the record. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
  readonly why: string;
  constructor(why: string) {
    super(`the keys of a client cannot be had (${why})`);
    this.why = why;
  }
}

/** Registered public keys of clients, from the registration or from the address that the client gave. */
export interface ClientKeySets {
  /**
   * @param kid when it is not among the keys that are kept, they are fetched again at once
   * @throws KeysUnavailable
   */
  of(client: Client, kid: string): Promise<readonly PublicKey[]>;
  forget(clientId: string): void;
}

interface Kept {
  readonly url: string;
  /** When it was asked for, in the last minute. */
  asked: readonly number[];
  keys: readonly PublicKey[];
  /** 0: never had, or what was had is over. */
  freshUntil: number;
  problem: string;
  asking: Promise<void> | undefined;
}

export function makeClientKeySets(fetch: GuardedFetch, now: () => number = Date.now): ClientKeySets {
  const kept = new Map<string, Kept>();

  async function ask(entry: Kept): Promise<void> {
    try {
      const { text, headers } = await fetch(entry.url);
      const keys = usableKeys(text);
      if (!keys) throw new KeysUnavailable('not-a-key-set');
      entry.keys = keys;
      entry.freshUntil = now() + keptSeconds(headers) * 1_000;
    } catch (error) {
      if (!(error instanceof FetchRefused || error instanceof KeysUnavailable)) throw error;
      // What is still fresh goes on being good: a server that is away for a moment locks nobody out.
      entry.problem = error.why;
    }
  }

  function entryOf(clientId: string, url: string): Kept {
    const known = kept.get(clientId);
    if (known?.url === url) return known;
    if (kept.size >= CLIENTS_MAX) kept.delete(kept.keys().next().value as string);
    const entry: Kept = { url, asked: [], keys: [], freshUntil: 0, problem: 'asked-too-often', asking: undefined };
    kept.set(clientId, entry);
    return entry;
  }

  return {
    async of(client, kid) {
      if (!client.keys) throw new KeysUnavailable('none-registered');
      if (client.keys.kind === 'inline') return client.keys.keys;
      const entry = entryOf(client.clientId, client.keys.url);
      const isEnough = (): boolean => now() < entry.freshUntil && entry.keys.some((key) => key.kid === kid);
      if (!isEnough()) {
        entry.asked = entry.asked.filter((at) => now() - at < MINUTE_MS);
        if (!entry.asking && entry.asked.length < FETCHES_PER_MINUTE_MAX) {
          entry.asked = [...entry.asked, now()];
          entry.asking = ask(entry).finally(() => {
            entry.asking = undefined;
          });
        }
        await entry.asking;
      }
      if (now() >= entry.freshUntil) throw new KeysUnavailable(entry.problem);
      return entry.keys;
    },
    forget(clientId) {
      kept.delete(clientId);
    },
  };
}

/** RFC 9111: `max-age` less the time that a cache in between has had it. */
function keptSeconds(headers: IncomingHttpHeaders): number {
  const control = headers['cache-control'] ?? '';
  if (/\bno-(store|cache)\b/i.test(control)) return KEPT_SECONDS_MIN;
  const maxAge = /\bmax-age="?(\d{1,9})/i.exec(control)?.[1];
  if (maxAge === undefined) return KEPT_SECONDS_DEFAULT;
  const age = /^\d{1,9}$/.test(headers.age ?? '') ? Number(headers.age) : 0;
  return Math.min(Math.max(Number(maxAge) - age, KEPT_SECONDS_MIN), KEPT_SECONDS_MAX);
}
