import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSealer } from '#/platform/crypto/sealer.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.ts';
import { makeSigningKeys } from './keys.ts';
import { replaceSigningKeys } from './replace-keys.ts';

const DAY_MS = 86_400_000;
const sealer = makeSealer(randomBytes(32));
let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await db.tenant('demo');
});
afterAll(() => db.drop());

const signingKeys = () => makeSigningKeys(db.database, sealer);
const summary = async (tenantId: number, alg = 'ES256') =>
  (await signingKeys().of(tenantId)).filter((key) => key.alg === alg).map(({ kid, state }) => ({ kid, state }));

describe('signing keys (authorization.md 11)', () => {
  test('ten processes that need the first key at once all get the same one', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => signingKeys().of(tenant.id)));
    expect(new Set(all.map((keys) => keys.map(({ kid }) => kid).join())).size).toBe(1);
    expect(all[0]?.map(({ alg, state }) => `${alg} ${state}`).sort()).toEqual(['ES256 current', 'RS256 current']);
  });

  test('the platform signs access tokens only: ES256; and every issuer has keys of its own', async () => {
    const platform = await signingKeys().of(0);
    expect(platform.map(({ alg }) => alg)).toEqual(['ES256']);
    const kids = [...platform, ...(await signingKeys().of(tenant.id))].map(({ kid }) => kid);
    expect(new Set(kids).size).toBe(3);
  });

  test('what is stored and what is published holds nothing private', async () => {
    const [key] = await signingKeys().of(tenant.id);
    const stored = await db.database.tenant(tenant.id).query('select * from signing_key');
    const text = JSON.stringify(stored.rows.map((row) => ({ ...row, sealed: row.sealed.toString('latin1') })));
    expect(text).not.toContain(String(key?.privateJwk.d));
    expect(stored.rows.every((row) => row.key_id === sealer.keyId)).toBe(true);
    for (const { publicJwk } of await signingKeys().of(tenant.id))
      expect(Object.keys(publicJwk).sort()).not.toEqual(expect.arrayContaining(['d']));
  });

  test('under another master key they cannot be used', async () => {
    await signingKeys().of(tenant.id);
    await expect(makeSigningKeys(db.database, makeSealer(randomBytes(32))).of(tenant.id)).rejects.toThrow();
  });
});

describe('AUTH-24 keys are replaced on command', () => {
  const replace = (id: number, discard: boolean) =>
    db.database.tenant(id).transaction((tx) => replaceSigningKeys(tx, sealer, { discard, now: new Date() }));
  const kidsOf = async (keys: Promise<readonly { kid: string }[]>) => (await keys).map(({ kid }) => kid);

  test('the key that waits signs; without one a new one does; the old ones stay published', async () => {
    const { id } = await db.tenant('replaced');
    const [first] = await summary(id);
    await signingKeys().rotate(id, new Date(Date.now() + 89.5 * DAY_MS));
    const next = (await summary(id)).find(({ state }) => state === 'next')?.kid;
    const replaced = await replace(id, false);
    expect(replaced.signing).toContain(next);
    expect(replaced).toMatchObject({ retiring: expect.arrayContaining([first?.kid]), discarded: [] });
    expect(await summary(id)).toEqual([
      { kid: next, state: 'current' },
      { kid: first?.kid, state: 'retiring' },
    ]);
    const again = await replace(id, false);
    expect(again.retiring).toContain(next);
    expect((await summary(id)).map(({ state }) => state)).toEqual(['current', 'retiring', 'retiring']);
  });

  test.each<[string, (id: number) => Promise<unknown>]>([
    ['waiting', (id) => signingKeys().rotate(id, new Date(Date.now() + 89.5 * DAY_MS))],
    ['retiring', (id) => replace(id, false)],
  ])('discarded: the current and the %s one are gone, and only a new one is left', async (state, prepare) => {
    const { id } = await db.tenant(`discarded-${state}`);
    await summary(id);
    await prepare(id);
    const before = (await summary(id)).map(({ kid }) => kid);
    expect(before).toHaveLength(2);
    const { signing, retiring, discarded } = await replace(id, true);
    expect(retiring).toEqual([]);
    expect(discarded).toEqual(expect.arrayContaining(before));
    const [only, ...more] = await summary(id);
    expect(more).toEqual([]);
    expect(signing).toContain(only?.kid);
    expect(before).not.toContain(only?.kid);
  });

  test('a process that has not heard of it reads again for a kid that it lacks, for all who ask at once, and at most once a second', async () => {
    const { id } = await db.tenant('unheard');
    const process = signingKeys();
    const before = await process.of(id);
    const { signing } = await replace(id, false);
    expect(await process.of(id)).toBe(before);
    const found = await Promise.all(Array.from({ length: 20 }, () => kidsOf(process.with(id, signing[0]!))));
    for (const kids of found) expect(kids).toContain(signing[0]);
    const now = await process.of(id);
    await replace(id, false);
    for (let i = 0; i < 20; i++) expect(await process.with(id, `made-up-${i}`)).toBe(now);
    process.forget(id);
    expect(await process.of(id)).not.toBe(now);
  });

  test('read again without a change, the list is the same one: what was made of it is kept', async () => {
    const { id } = await db.tenant('unchanged');
    const process = signingKeys();
    const keys = await process.of(id);
    process.forget(id);
    expect(await process.of(id)).toBe(keys);
  });
});

test('over 91 days a key is published, signs after a day, and the old one stays published for another; also with two sweeps at once', async () => {
  const { id } = await db.tenant('rotating');
  const [first] = await summary(id);
  const start = Date.now();
  const rotate = (days: number) =>
    Promise.all([1, 2].map(() => signingKeys().rotate(id, new Date(start + days * DAY_MS))));

  await rotate(88.9);
  expect(await summary(id)).toEqual([{ kid: first?.kid, state: 'current' }]);
  await rotate(89.1);
  const published = await summary(id);
  expect(published).toEqual([
    { kid: first?.kid, state: 'current' },
    { kid: expect.any(String), state: 'next' },
  ]);
  const second = published[1]?.kid;
  await rotate(90.05);
  expect(await summary(id)).toEqual(published);
  await rotate(90.2);
  expect(await summary(id)).toEqual([
    { kid: second, state: 'current' },
    { kid: first?.kid, state: 'retiring' },
  ]);
  await rotate(91.1);
  expect((await summary(id)).map(({ kid }) => kid)).toHaveLength(2);
  await rotate(91.3);
  expect(await summary(id)).toEqual([{ kid: second, state: 'current' }]);
  expect(await summary(id, 'RS256')).toHaveLength(1);
});
