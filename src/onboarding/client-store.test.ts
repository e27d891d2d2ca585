import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '#/platform/crypto/hash.ts';
import { randomIdentifier, randomToken } from '#/platform/crypto/random.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.ts';
import { makeClientDirectory } from './client-directory.ts';
import { insertSecret } from './client-secret-store.ts';
import { insertClient, selectClient, updateStatus } from './client-store.ts';
import { type Environment, isActiveAt, secretOf } from './clients.ts';

let db: TestDatabase;
let sandbox: Tenant;
let production: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  sandbox = await db.tenant('demo');
  production = await db.tenant('plan', 'production');
});
afterAll(() => db.drop());

async function aClient(tenantIds?: readonly number[]): Promise<string> {
  const clientId = randomIdentifier(22);
  await insertClient(db.database.platform, {
    clientId,
    name: 'Test',
    accessType: 'payer-to-payer',
    kind: 'secret',
    organizationId: undefined,
    redirectUris: [],
    keys: undefined,
    tenantIds,
  });
  return clientId;
}
const addSecret = (clientId: string, environments: readonly Environment[], secret = randomToken(32)) =>
  db.database.platform.transaction((tx) =>
    insertSecret(tx, { clientId, sha256: sha256(secret), hint: secret.slice(-4), environments }),
  );
const read = async (clientId: string) => (await selectClient(db.database.platform, clientId))!;

describe('AUTH-09 at most two live secrets per client and environment', () => {
  test('a third is refused, one for another environment is not', async () => {
    const id = await aClient();
    expect(await addSecret(id, ['sandbox'])).toBe(true);
    expect(await addSecret(id, ['sandbox', 'production'])).toBe(true);
    expect(await addSecret(id, ['sandbox'])).toBe(false);
    expect(await addSecret(id, ['sandbox', 'production'])).toBe(false);
    expect(await addSecret(id, ['production'])).toBe(true);
    expect(await addSecret(id, ['production'])).toBe(false);
    expect((await read(id)).secrets).toHaveLength(3);
  });

  test('of eight at once two are taken', async () => {
    const id = await aClient();
    const taken = await Promise.all(Array.from({ length: 8 }, () => addSecret(id, ['sandbox'])));
    expect(taken.filter(Boolean)).toHaveLength(2);
  });

  test('one that has ended counts no more and is no secret any more', async () => {
    const id = await aClient();
    const old = randomToken(32);
    await addSecret(id, ['sandbox'], old);
    await addSecret(id, ['sandbox']);
    expect(secretOf(await read(id), old)).toBeDefined();
    await db.database.platform.query('update client_secret set expires_at = now() where sha256 = $1', [sha256(old)]);
    expect(secretOf(await read(id), old)).toBeUndefined();
    expect(await addSecret(id, ['sandbox'])).toBe(true);
  });
});

describe('where a client is active (product.md, CLI)', () => {
  test('made without tenants: at every sandbox tenant, later ones too, and never in production', async () => {
    const client = await read(await aClient());
    expect(isActiveAt(client, sandbox)).toBe(true);
    expect(isActiveAt(client, await db.tenant('later'))).toBe(true);
    expect(isActiveAt(client, production)).toBe(false);
  });

  test('made with tenants: there only', async () => {
    const client = await read(await aClient([production.id]));
    expect(isActiveAt(client, production)).toBe(true);
    expect(isActiveAt(client, sandbox)).toBe(false);
  });

  test('a row of its own that is not active closes the tenant', async () => {
    const id = await aClient();
    await db.database.platform.query(
      `insert into client_tenant (client_id, tenant_id, status) values ($1, $2, 'suspended')`,
      [id, sandbox.id],
    );
    expect(isActiveAt(await read(id), sandbox)).toBe(false);
  });

  test('a suspended client is active nowhere, and a revoked one cannot be suspended again', async () => {
    const id = await aClient();
    expect(await updateStatus(db.database.platform, id, 'suspended')).toBe(true);
    expect(isActiveAt(await read(id), sandbox)).toBe(false);
    expect(await updateStatus(db.database.platform, id, 'revoked')).toBe(true);
    expect(await updateStatus(db.database.platform, id, 'suspended')).toBe(false);
    expect((await read(id)).status).toBe('revoked');
  });
});

describe('adapter rule 7: clients are read once in 5 seconds', () => {
  test('from memory until 5 s have passed or the client is forgotten', async () => {
    const id = await aClient();
    let now = 0;
    const directory = makeClientDirectory(db.database, () => now);
    const status = async () => (await directory.find(id))?.status;
    expect(await status()).toBe('active');
    await updateStatus(db.database.platform, id, 'suspended');
    now = 4_999;
    expect(await status()).toBe('active');
    now = 5_000;
    expect(await status()).toBe('suspended');
    await updateStatus(db.database.platform, id, 'revoked');
    directory.forget(id);
    expect(await status()).toBe('revoked');
  });

  test('what is no client id never reaches the database', async () => {
    const directory = makeClientDirectory({ platform: undefined } as never);
    for (const id of ['', 'short', 'x'.repeat(23), `${'x'.repeat(21)}\0`, `${'x'.repeat(21)}'`, 'é'.repeat(22)])
      expect(await directory.find(id)).toBeUndefined();
  });

  test('a change is announced to every process', async () => {
    const id = await aClient();
    const listener = await db.database.listener();
    const heard: string[] = [];
    listener.on('notification', ({ payload }) => heard.push(String(payload)));
    await listener.query('listen auth_revoked');
    await updateStatus(db.database.platform, id, 'suspended');
    await listener.query('select 1');
    expect(heard).toEqual([JSON.stringify({ client: id })]);
    await listener.end();
  });
});

test('the use of a secret is noted once an hour', async () => {
  const id = await aClient();
  const secret = randomToken(32);
  await addSecret(id, ['sandbox'], secret);
  let now = Date.now();
  const directory = makeClientDirectory(db.database, () => now);
  const use = async () => {
    const client = (await directory.find(id))!;
    await directory.noteUse(client, secretOf(client, secret)!);
    return (await read(id)).secrets[0]?.lastUsedAt?.getTime();
  };
  const first = await use();
  expect(first).toBeGreaterThan(now - 60_000);
  expect(await use()).toBe(first);
  now += 3_700_000;
  await db.database.platform.query(
    `update client_secret set last_used_at = last_used_at - interval '2 hours' where client_id = $1`,
    [id],
  );
  expect(await use()).toBeGreaterThan(first! - 60_000);
});
