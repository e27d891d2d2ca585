import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FETCHES_PER_MINUTE_MAX } from '#/authorization/client-key-sets.ts';
import {
  type AssertionWish,
  askTokenWithKey,
  type ClientKey,
  jwksFile,
  makeKey,
  makeKeyClient,
} from '../support/assertions.ts';
import { type KeyServer, startKeyServer } from '../support/key-server.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { type MadeClient, makeClient } from '../support/tokens.ts';

let platform: TestPlatform;
let old: ClientKey;
let fresh: ClientKey;
let server: KeyServer;
beforeAll(async () => {
  platform = await startPlatform({ env: { JWKS_ALLOW_LOOPBACK: 'true' } });
  [old, fresh] = await Promise.all([makeKey('RS384'), makeKey('ES384')]);
  server = await startKeyServer();
});
afterAll(async () => {
  await server.stop();
  await platform.stop();
});

const makeUrlClient = (url = server.url) => makeClient(platform, '--jwks-uri', url);
const ask = async (client: MadeClient, key: ClientKey, wish: AssertionWish = {}, at = platform) =>
  (await askTokenWithKey(at, client, key, wish)).status;
async function reasons(client: MadeClient): Promise<string[]> {
  const { rows } = await platform.services.database.owner.query(
    `select facts->>'reason' as reason from audit_event where client = $1 and action = 'token.refuse' order by id`,
    [client.client_id],
  );
  return rows.map(({ reason }) => reason);
}

describe('P2P-71 keys by URL', () => {
  test('client create --jwks-uri, and the client signs in at each issuer; the keys are fetched once', async () => {
    server.serve([old, fresh]);
    const client = await makeUrlClient();
    expect(Object.keys(client).sort()).toEqual(['access_type', 'client_id', 'redirect_uris', 'tenants']);
    const before = server.asked();
    for (const key of [old, fresh])
      for (const tenant of [undefined, 'demo', 'bison'])
        expect(await askTokenWithKey(platform, client, key, tenant ? { tenant } : {})).toMatchObject({
          status: 200,
          body: { expires_in: 300 },
        });
    expect(server.asked() - before).toBe(1);
  });

  test('jku is taken when it is the registered address, and no other is ever asked', async () => {
    server.serve([old]);
    const other = await startKeyServer(old);
    const client = await makeUrlClient();
    expect(await ask(client, old, { header: { jku: server.url } })).toBe(200);
    for (const jku of [other.url, `${server.url}?x`, server.url.toUpperCase(), '', 7])
      expect(await ask(client, old, { header: { jku } })).toBe(401);
    expect(other.asked()).toBe(0);
    await other.stop();
    expect(new Set(await reasons(client))).toEqual(new Set(['assertion-jku']));
  });

  test('rotation at the client’s side: the new key works at once, the old one ends when it is no longer published', async () => {
    server.serve([old]);
    const client = await makeUrlClient();
    expect([await ask(client, old), await ask(client, fresh)]).toEqual([200, 401]);
    server.serve([old, fresh]);
    expect([await ask(client, fresh), await ask(client, old)]).toEqual([200, 200]);
    server.serve([fresh]);
    // What is kept is good until its Cache-Control ends; an unknown kid has the keys fetched again.
    expect(await ask(client, old, { header: { kid: 'unknown' } })).toBe(401);
    expect([await ask(client, old), await ask(client, fresh)]).toEqual([401, 200]);
  });

  test('unknown kids do not make us a hammer', async () => {
    server.serve([old]);
    const client = await makeUrlClient();
    const before = server.asked();
    for (let i = 0; i < 15; i++) expect(await ask(client, old, { header: { kid: `unknown-${i}` } })).toBe(401);
    expect(server.asked() - before).toBe(FETCHES_PER_MINUTE_MAX);
    expect(await ask(client, old)).toBe(200);
  });

  test('a server that goes away locks nobody out while its keys are kept; one that never was there is 401', async () => {
    const mortal = await startKeyServer(old);
    const [client, late] = [await makeUrlClient(mortal.url), await makeUrlClient(mortal.url)];
    expect(await ask(client, old)).toBe(200);
    await mortal.stop();
    expect([await ask(client, old), await ask(client, fresh), await ask(client, old)]).toEqual([200, 401, 200]);
    expect(await ask(late, old)).toBe(401);
    expect(await reasons(late)).toEqual(['assertion-keys-unreachable']);
  });

  test('AUTH-21 a server that hangs, floods or redirects into our network: 401 in bounded time, the reason in the record only', async () => {
    const client = await makeUrlClient();
    const answers = [];
    server.behave(() => undefined);
    answers.push(await askTokenWithKey(platform, client, old));
    server.behave((response) => response.end(' '.repeat(65 * 1_024)));
    answers.push(await askTokenWithKey(platform, client, old));
    server.behave((response) => response.writeHead(302, { location: 'https://10.1.2.3/jwks' }).end());
    answers.push(await askTokenWithKey(platform, client, old));
    for (const answer of answers)
      expect(answer).toMatchObject({
        status: 401,
        body: { error: 'invalid_client', error_description: expect.not.stringMatching(/timeout|large|private|10\.1/) },
      });
    expect(await reasons(client)).toEqual([
      'assertion-keys-timeout',
      'assertion-keys-too-large',
      'assertion-keys-private-address',
    ]);
    server.serve([old]);
    expect(await ask(client, old)).toBe(200);
  });

  test('AUTH-21 without the setting for a sandbox on one machine, an address on it is not asked, however it was stored', async () => {
    const strict = await startPlatform();
    try {
      expect(
        (
          await strict.cli(
            'client',
            'create',
            '--name',
            'X',
            '--access-type',
            'payer-to-payer',
            '--jwks-uri',
            server.url,
          )
        ).exitCode,
      ).toBe(2);
      const client = await makeKeyClient(strict, [old]);
      const before = server.asked();
      for (const url of [
        server.url,
        server.url.replace('http:', 'https:'),
        server.url.replace('127.0.0.1', 'localhost'),
      ]) {
        await strict.services.database.owner.query(
          'update client set jwks = null, jwks_uri = $2 where client_id = $1',
          [client.client_id, url],
        );
        strict.services.authorization.routeDeps.clients.forget(client.client_id);
        expect(await ask(client, old, {}, strict)).toBe(401);
      }
      expect(server.asked()).toBe(before);
    } finally {
      await strict.stop();
    }
  });

  test('from an address to a file and back: the change acts at once', async () => {
    server.serve([old]);
    const client = await makeUrlClient();
    expect([await ask(client, old), await ask(client, fresh)]).toEqual([200, 401]);
    const register = async (...options: string[]) =>
      expect((await platform.cli('client', 'keys', client.client_id, ...options)).exitCode).toBe(0);
    await register('--jwks-file', await jwksFile(platform, fresh));
    await expect.poll(() => ask(client, fresh), { timeout: 5_000 }).toBe(200);
    expect(await ask(client, old)).toBe(401);
    await register('--jwks-uri', server.url);
    await expect.poll(() => ask(client, old), { timeout: 5_000 }).toBe(200);
    expect(await ask(client, fresh)).toBe(401);
  });
});
