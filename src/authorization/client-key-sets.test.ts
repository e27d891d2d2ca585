import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '#/onboarding/clients.ts';
import { makeGuardedFetch } from '#/platform/http/guarded-fetch.ts';
import { type ClientKey, makeKey } from '../../test/support/assertions.ts';
import { type KeyServer, startKeyServer } from '../../test/support/key-server.ts';
import { type ClientKeySets, FETCHES_PER_MINUTE_MAX, KeysUnavailable, makeClientKeySets } from './client-key-sets.ts';

const MINUTE_MS = 60_000;
let one: ClientKey;
let two: ClientKey;
let server: KeyServer;
let sets: ClientKeySets;
let time: number;
beforeAll(async () => {
  [one, two] = await Promise.all([makeKey('ES384', 'one'), makeKey('ES384', 'two')]);
  server = await startKeyServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  time = 0;
  server.serve([one]);
  sets = makeClientKeySets(makeGuardedFetch({ allowLoopback: true, timeoutMs: 500 }), () => time);
});

const client = (keys: Client['keys'], clientId = 'client'): Client => ({ clientId, keys }) as Client;
const byUrl = (url = server.url, clientId?: string) =>
  client({ kind: 'url', url, environments: ['sandbox'] }, clientId);
const kids = async (kid = 'one', of = byUrl()) => (await sets.of(of, kid)).map((key) => key.kid);
const why = (kid?: string, of?: Client) =>
  kids(kid, of).then(
    () => 'had',
    (error) => (error instanceof KeysUnavailable ? error.why : Promise.reject(error)),
  );
/** How often the server is asked meanwhile. */
async function fetches(work: () => Promise<unknown>): Promise<number> {
  const before = server.asked();
  await work();
  return server.asked() - before;
}

test('keys registered inline are those, and nothing is fetched; without any there are none', async () => {
  const inline = client({ kind: 'inline', keys: [{ kty: 'EC', kid: 'x' }], environments: ['sandbox'] });
  expect(await fetches(async () => expect(await kids('y', inline)).toEqual(['x']))).toBe(0);
  expect(await why('x', client(undefined))).toBe('none-registered');
});

describe('P2P-71 fetched keys are kept as long as Cache-Control says, 1 to 60 minutes', () => {
  test.each<[string, Record<string, string>, number]>([
    ['nothing said', {}, 300],
    ['max-age=600', { 'cache-control': 'public, max-age=600' }, 600],
    ['max-age less the age', { 'cache-control': 'max-age=600', age: '500' }, 100],
    ['max-age=0', { 'cache-control': 'max-age=0' }, 60],
    ['max-age=1 and an age beyond it', { 'cache-control': 'max-age=1', age: '1000' }, 60],
    ['no-store', { 'cache-control': 'no-store, max-age=600' }, 60],
    ['no-cache', { 'cache-control': 'no-cache' }, 60],
    ['a day', { 'cache-control': 'max-age=86400' }, 3_600],
    ['nonsense', { 'cache-control': 'max-age=soon', age: 'x' }, 300],
  ])('%s', async (_what, headers, seconds) => {
    server.serve([one], headers);
    expect(await fetches(() => kids())).toBe(1);
    time = seconds * 1_000 - 1;
    expect(await fetches(() => kids())).toBe(0);
    time = seconds * 1_000;
    expect(await fetches(() => kids())).toBe(1);
  });
});

describe('the client rotates its keys', () => {
  test('an unknown kid has the keys fetched again at once; what is no longer published is gone with that', async () => {
    expect(await kids()).toEqual(['one']);
    server.serve([two]);
    expect(await kids('one')).toEqual(['one']);
    expect(await kids('two')).toEqual(['two']);
    expect(await kids('one')).toEqual(['two']);
  });

  test('unknown kids cannot make us ask more often than the bound, for a client; another client is not held up', async () => {
    await kids();
    const asks = await fetches(async () => {
      for (let i = 0; i < 50; i++) expect(await kids(`unknown-${i}`)).toEqual(['one']);
    });
    expect(asks).toBe(FETCHES_PER_MINUTE_MAX - 1);
    expect(await fetches(() => kids('one', byUrl(server.url, 'another')))).toBe(1);
    time = MINUTE_MS;
    server.serve([two]);
    expect(await kids('two')).toEqual(['two']);
  });

  test('those who ask at once wait for one answer', async () => {
    expect(await fetches(() => Promise.all(Array.from({ length: 50 }, () => kids())))).toBe(1);
  });

  test('another address, or a word that the client changed, and they are fetched anew', async () => {
    await kids();
    const other = await startKeyServer(two);
    expect(await kids('two', byUrl(other.url))).toEqual(['two']);
    await other.stop();
    server.serve([two]);
    sets.forget('client');
    expect(await kids('one')).toEqual(['two']);
  });
});

describe('a server that does not answer as it should', () => {
  test('while it is away the keys that are kept are good to their end, and no longer', async () => {
    server.serve([one], { 'cache-control': 'max-age=120' });
    await kids();
    server.behave((response) => response.destroy());
    expect(await kids('unknown')).toEqual(['one']);
    time = 119_000;
    expect(await kids()).toEqual(['one']);
    time = 120_000;
    expect(await why()).toBe('unreachable');
    server.serve([one]);
    expect(await kids()).toEqual(['one']);
  });

  test.each<[string, (server: KeyServer) => void, string]>([
    ['hangs', (at) => at.behave(() => undefined), 'timeout'],
    ['begins and hangs', (at) => at.behave((response) => void response.writeHead(200).write('{"keys":[')), 'timeout'],
    ['answers more than 64 KiB', (at) => at.behave((response) => response.end('x'.repeat(65_537))), 'too-large'],
    [
      'answers without end',
      (at) =>
        at.behave((response) => {
          const more = (): void => {
            if (!response.destroyed) response.write('x'.repeat(10_000), more);
          };
          more();
        }),
      'too-large',
    ],
    ['answers 500', (at) => at.behave((response) => response.writeHead(500).end('{"keys":[]}')), 'status-500'],
    ['answers 404', (at) => at.behave((response) => response.writeHead(404).end()), 'status-404'],
    ['answers HTML', (at) => at.behave((response) => response.end('<html>')), 'not-a-key-set'],
    ['answers a list', (at) => at.behave((response) => response.end('[]')), 'not-a-key-set'],
    [
      'redirects to a private address',
      (at) => at.behave((response) => response.writeHead(302, { location: 'https://10.0.0.1/jwks' }).end()),
      'private-address',
    ],
    [
      'redirects to the address of cloud metadata',
      (at) => at.behave((response) => response.writeHead(307, { location: 'https://169.254.169.254/latest' }).end()),
      'private-address',
    ],
    [
      'redirects to http elsewhere',
      (at) => at.behave((response) => response.writeHead(302, { location: 'http://192.0.2.1/jwks' }).end()),
      'not-https',
    ],
    [
      'redirects to itself for ever',
      (at) => at.behave((response) => response.writeHead(302, { location: at.url }).end()),
      'too-many-redirects',
    ],
    [
      'redirects to a file',
      (at) => at.behave((response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end()),
      'address-malformed',
    ],
  ])('AUTH-21 %s: there are no keys, and the reason is known', async (_what, behave, reason) => {
    behave(server);
    expect(await why()).toBe(reason);
    server.serve([one]);
    expect(await kids()).toEqual(['one']);
  });

  test('keys that cannot be used are passed over: the private, the symmetric, the weak', async () => {
    server.behave((response) =>
      response.end(
        JSON.stringify({
          keys: [
            { kty: 'oct', k: 'eA', kid: 'one' },
            { ...two.publicJwk, d: 'x' },
            null,
            7,
            { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'weak' },
            one.publicJwk,
          ],
        }),
      ),
    );
    expect(await kids()).toEqual(['one']);
  });

  test('one that is never there is not asked more often than the bound', async () => {
    server.behave((response) => response.writeHead(503).end());
    const asks = await fetches(async () => {
      for (let i = 0; i < 30; i++) expect(await why()).toBe('status-503');
    });
    expect(asks).toBe(FETCHES_PER_MINUTE_MAX);
  });
});
