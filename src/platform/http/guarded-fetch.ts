import { lookup as lookUpName } from 'node:dns/promises';
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

/** From the name to the last byte, redirects included. */
export const GUARDED_FETCH_MS_MAX = 3_000;
export const GUARDED_FETCH_BYTES_MAX = 64 * 1024;
const REDIRECTS_MAX = 3;
const HEADER_BYTES_MAX = 16 * 1024;

/** Why nothing was fetched; `status` is followed by what the other side answered. */
export type FetchProblem =
  | 'address-malformed'
  | 'not-https'
  | 'private-address'
  | 'too-many-redirects'
  | 'too-large'
  | 'timeout'
  | 'unreachable'
  | `status-${number}`;

export class FetchRefused extends Error {
  override readonly name = 'FetchRefused';
  readonly why: FetchProblem;
  constructor(why: FetchProblem, options?: ErrorOptions) {
    super(`nothing was fetched (${why})`, options);
    this.why = why;
  }
}

export interface Fetched {
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

/** GETs a small document from an address that somebody else chose. @throws FetchRefused */
export type GuardedFetch = (url: string) => Promise<Fetched>;

interface Address {
  readonly address: string;
  readonly family: number;
}

export interface GuardedFetchOptions {
  /** Loopback, with http too: for a sandbox on one machine. Never in production mode. */
  readonly allowLoopback: boolean;
  /** Replaced by tests only. */
  readonly resolve?: (host: string) => Promise<readonly Address[]>;
  readonly timeoutMs?: number;
}

/**
 * A fetch that cannot be turned against our own network (SSRF): https to public addresses only. A name is resolved once, all
 * of its addresses must pass, and the connection goes to one of those, so a name that changes in between gains nothing. Every
 * redirect is checked in the same way. No cookie, credential or proxy is used.
 *
 * Source: authorization.md 5 (registered keys), AUTH-21.
 */
export function makeGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { allowLoopback, timeoutMs = GUARDED_FETCH_MS_MAX } = options;
  const resolve = options.resolve ?? ((host) => lookUpName(host, { all: true }));

  async function addressesOf(url: URL): Promise<readonly Address[]> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const family = isIP(host);
    const addresses = family === 0 ? await resolve(host) : [{ address: host, family }];
    const isLocal = addresses.length > 0 && addresses.every(({ address }) => isLoopbackAddress(address));
    if (isLocal && allowLoopback) return addresses;
    if (url.protocol !== 'https:') throw new FetchRefused('not-https');
    if (addresses.length === 0) throw new FetchRefused('unreachable');
    if (!addresses.every(({ address }) => isPublicAddress(address))) throw new FetchRefused('private-address');
    return addresses;
  }

  async function follow(start: string, signal: AbortSignal): Promise<Fetched> {
    let url = start;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      const target = parse(url);
      const response = await get(target, await unlessAborted(addressesOf(target), signal), signal);
      const location = isRedirect(response) ? response.headers.location : undefined;
      if (location === undefined) return read(response);
      response.destroy();
      if (!URL.canParse(location, target.href)) throw new FetchRefused('address-malformed');
      url = new URL(location, target).href;
    }
    throw new FetchRefused('too-many-redirects');
  }

  return async (url) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      return await follow(url, signal);
    } catch (error) {
      if (error instanceof FetchRefused) throw error;
      throw new FetchRefused(signal.aborted ? 'timeout' : 'unreachable', { cause: error });
    }
  };
}

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new FetchRefused('address-malformed');
  return url;
}

function get(url: URL, addresses: readonly Address[], signal: AbortSignal): Promise<IncomingMessage> {
  // The socket asks this instead of the name server: it can go nowhere else.
  const lookup: LookupFunction = (_host, { all }, done) => {
    const [first] = addresses;
    if (all) done(null, [...addresses]);
    else done(null, first?.address ?? '', first?.family);
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).get(url, {
      signal,
      lookup,
      agent: false,
      maxHeaderSize: HEADER_BYTES_MAX,
      minVersion: 'TLSv1.2',
      headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' },
    });
    request.on('response', resolve).on('error', reject);
  });
}

async function read(response: IncomingMessage): Promise<Fetched> {
  if (response.statusCode !== 200) {
    response.destroy();
    throw new FetchRefused(`status-${response.statusCode ?? 0}`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the response.
    if (bytes > GUARDED_FETCH_BYTES_MAX) throw new FetchRefused('too-large');
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString('utf8'), headers: response.headers };
}

function isRedirect({ statusCode = 0 }: IncomingMessage): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode);
}

/** A name server that does not answer must not hold a request longer than the rest may. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
