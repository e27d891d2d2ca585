import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSealer } from '#/platform/crypto/sealer.ts';
import { makeTenants } from '#/tenants/tenant-store.ts';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.ts';
import { sweep } from './jobs.ts';
import { makeSigningKeys } from './keys.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

test('the sweep reaches the platform and every tenant: what has ended goes, what lives stays, keys move on', async () => {
  const { id } = await db.tenant('demo');
  const keys = makeSigningKeys(db.database, makeSealer(randomBytes(32)));
  for (const tenantId of [0, id]) {
    await keys.of(tenantId);
    await db.database.tenant(tenantId).query(
      `insert into oidc_artifact (tenant_id, kind, id, payload, expires_at)
       select $1, 'Session', x, '{}', now() + x::interval from unnest(array['-1 hour', '1 hour']) as x`,
      [tenantId],
    );
  }
  await db.database.platform.query(
    `insert into token_denylist (tenant_id, key, until) values (0, 'jti:over', now() - interval '1 s'), (0, 'jti:live', now() + interval '1 h')`,
  );
  const tenants = makeTenants(db.database, 'http://localhost');
  const in89Days = new Date(Date.now() + 89.1 * 86_400_000);
  await sweep({ database: db.database, tenants, keys }, in89Days, new AbortController().signal);

  for (const tenantId of [0, id]) {
    const left = await db.database.tenant(tenantId).query('select id from oidc_artifact');
    expect(left.rows).toEqual([{ id: '1 hour' }]);
    const states = (await keys.of(tenantId)).filter(({ alg }) => alg === 'ES256').map(({ state }) => state);
    expect(states).toEqual(['current', 'next']);
  }
  expect((await db.database.platform.query('select key from token_denylist')).rows).toEqual([{ key: 'jti:live' }]);
});

test('a sweep that is told to stop stops', async () => {
  const keys = makeSigningKeys(db.database, makeSealer(randomBytes(32)));
  const tenants = makeTenants(db.database, 'http://localhost');
  await expect(sweep({ database: db.database, tenants, keys }, new Date(), AbortSignal.abort())).rejects.toThrow();
});
