import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { getToken, type MadeClient, makeClient, matchWith, partsOf } from '../support/tokens.ts';

const DAY_MS = 86_400_000;
let platform: TestPlatform;
let client: MadeClient;
beforeAll(async () => {
  platform = await startPlatform();
  client = await makeClient(platform);
});
afterAll(() => platform.stop());

test('AUTH-24 the rotation of every 90 days: the next key is published before it signs, tokens of the old key stay good, both are published, then it is gone', async () => {
  const { keys } = platform.services.authorization.routeDeps;
  const { id } = await platform.tenant('demo');
  const start = Date.now();
  const day = (days: number) => keys.rotate(id, new Date(start + days * DAY_MS));
  const issuer = `${platform.baseUrl}/v1/demo`;
  const published = async (): Promise<string[]> => {
    const { keys: all } = (await (await fetch(`${issuer}/oauth2/jwks`)).json()) as {
      keys: { kid: string; alg: string }[];
    };
    return all.filter(({ alg }) => alg === 'ES256').map(({ kid }) => kid);
  };
  const signed = async (): Promise<{ token: string; kid: string }> => {
    const token = await getToken(platform, client, { tenant: 'demo' });
    return { token, kid: partsOf(token).header.kid };
  };
  const isIn = async (token: string): Promise<boolean> => (await matchWith(platform, 'demo', token)).status !== 401;
  /** As another server that knows our address verifies it: with the keys that it fetched, and again for a kid it lacks. */
  const known = createRemoteJWKSet(new URL(`${issuer}/oauth2/jwks`), { cooldownDuration: 0 });
  const isGoodElsewhere = (token: string) =>
    jwtVerify(token, known, { issuer, audience: `${issuer}/r4`, algorithms: ['ES256'] });

  const old = await signed();
  expect(await published()).toEqual([old.kid]);
  await day(89.5);
  const [, next] = await published();
  expect(next).toBeDefined();
  expect((await signed()).kid).toBe(old.kid);
  await isGoodElsewhere(old.token);

  await day(91);
  const fresh = await signed();
  expect(fresh.kid).toBe(next);
  expect(await published()).toEqual([next, old.kid]);
  expect([await isIn(fresh.token), await isIn(old.token)]).toEqual([true, true]);
  await isGoodElsewhere(fresh.token);
  await isGoodElsewhere(old.token);

  await day(92.5);
  expect(await published()).toEqual([next]);
  expect([await isIn(fresh.token), await isIn(old.token)]).toEqual([true, false]);
});
