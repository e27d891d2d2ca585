import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeClientDirectory } from '#/onboarding/client-directory.ts';
import { makeTenants } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.ts';
import { makeAdapter } from './adapter.ts';
import { purgeArtifacts } from './artifact-store.ts';
import { tenantIssuer } from './issuer.ts';

let db: TestDatabase;
let tenant: Tenant;
let other: Tenant;
let number = 0;
const anId = (): string => `id-${number++}`;

beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await db.tenant('demo');
  other = await db.tenant('bison');
});
afterAll(() => db.drop());

const of = (at: Tenant, kind: string) =>
  new (makeAdapter(
    db.database.tenant(at.id),
    tenantIssuer(makeTenants(db.database, 'http://localhost'), at),
    makeClientDirectory(db.database),
  ))(kind);
const adapter = (kind: string) => of(tenant, kind);
const rows = async (where = 'true') =>
  (await db.database.tenant(tenant.id).query(`select * from oidc_artifact where ${where}`)).rows;
const denied = async (grantId: string): Promise<boolean> =>
  (await db.database.platform.query('select from token_denylist where key = $1', [`grant:${grantId}`])).rowCount === 1;
/** Makes something look older than it is. */
const age = (id: string, column: 'consumed_at' | 'expires_at', seconds: number) =>
  db.database
    .tenant(tenant.id)
    .query(
      `update oidc_artifact set ${column} = ${column} - make_interval(secs => $1) where id = $2 or payload ->> 'mark' = $2`,
      [seconds, id],
    );
const settle = (work: Promise<unknown>[]) => Promise.allSettled(work);
const names = (results: PromiseSettledResult<unknown>[]): string[] =>
  results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { error: string }).error] : []));

describe('adapter rule 1: bearer kinds are stored under the hash of their id, without it', () => {
  test.each(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'ClientCredentials'])('%s', async (kind) => {
    const id = `secret-${anId()}`;
    await adapter(kind).upsert(id, { jti: id, kind, clientId: 'c' }, 60);
    expect(await adapter(kind).find(id)).toEqual({ jti: id, kind, clientId: 'c' });
    expect(JSON.stringify(await rows())).not.toContain(id);
  });

  test.each(['Session', 'Interaction', 'Grant'])('%s keeps its id', async (kind) => {
    const id = anId();
    await adapter(kind).upsert(id, { jti: id, kind, uid: `uid-${id}` }, 60);
    expect(await adapter(kind).find(id)).toMatchObject({ jti: id });
    expect(await adapter(kind).findByUid(`uid-${id}`)).toMatchObject({ jti: id });
    expect(await rows(`id = '${id}'`)).toHaveLength(1);
  });

  test('what another tenant, or another kind, has is not found', async () => {
    const id = anId();
    await adapter('Session').upsert(id, { jti: id, uid: id }, 60);
    expect(await of(other, 'Session').find(id)).toBeUndefined();
    expect(await of(other, 'Session').findByUid(id)).toBeUndefined();
    expect(await adapter('Interaction').find(id)).toBeUndefined();
    await of(other, 'Session').destroy(id);
    expect(await adapter('Session').find(id)).toBeDefined();
  });
});

describe('adapter rule 2: a code is consumed once', () => {
  let code: string;
  let grantId: string;
  beforeEach(async () => {
    code = anId();
    grantId = `grant-${code}`;
    await adapter('Grant').upsert(grantId, { jti: grantId }, 600);
    await adapter('AuthorizationCode').upsert(code, { jti: code, grantId, mark: code } as never, 300);
  });

  test('of 12 at once exactly one, and the grant with all that came of it is gone', async () => {
    const redeem = async (i: number): Promise<void> => {
      await adapter('AuthorizationCode').consume(code);
      await adapter('AccessToken').upsert(`${code}-at-${i}`, { jti: `${code}-at-${i}`, grantId }, 3600);
      await adapter('RefreshToken').upsert(`${code}-rt-${i}`, { jti: `${code}-rt-${i}`, grantId }, 3600);
    };
    const results = await settle(Array.from({ length: 12 }, (_, i) => redeem(i)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(names(results)).toEqual(Array.from({ length: 11 }, () => 'invalid_grant'));
    for (let i = 0; i < 12; i++) {
      expect(await adapter('AccessToken').find(`${code}-at-${i}`)).toBeUndefined();
      expect(await adapter('RefreshToken').find(`${code}-rt-${i}`)).toBeUndefined();
    }
    expect(await adapter('Grant').find(grantId)).toBeUndefined();
    expect(await denied(grantId)).toBe(true);
  });

  test('once, and it is reported as consumed', async () => {
    await adapter('AuthorizationCode').consume(code);
    expect(await adapter('AuthorizationCode').find(code)).toMatchObject({ consumed: expect.any(Number) });
    expect(await adapter('Grant').find(grantId)).toBeDefined();
  });

  test('tokens stored after the grant was revoked are not there', async () => {
    await adapter('AuthorizationCode').revokeByGrantId(grantId);
    await adapter('AccessToken').upsert(`${code}-late`, { jti: `${code}-late`, grantId }, 3600);
    expect(await adapter('AccessToken').find(`${code}-late`)).toBeUndefined();
    expect(await rows(`grant_id = '${grantId}'`)).toEqual([]);
  });

  test('one that is past its end is not consumed', async () => {
    await age(code, 'expires_at', 301);
    await expect(adapter('AuthorizationCode').consume(code)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('one that never was is refused too', async () => {
    await expect(adapter('AuthorizationCode').consume('never')).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

describe('adapter rule 3: an assertion is used once', () => {
  test('of 8 at once exactly one is kept, the others are invalid_client', async () => {
    const id = anId();
    const results = await settle(
      Array.from({ length: 8 }, () => adapter('ReplayDetection').upsert(id, { iss: 'c', jti: id } as never, 300)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(names(results)).toEqual(Array.from({ length: 7 }, () => 'invalid_client'));
  });

  test('the same id at another tenant is another assertion', async () => {
    const id = anId();
    await adapter('ReplayDetection').upsert(id, {}, 300);
    await of(other, 'ReplayDetection').upsert(id, {}, 300);
  });
});

describe('adapter rule 4: a refresh token has a grace of 60 seconds', () => {
  let token: string;
  let grantId: string;
  beforeEach(async () => {
    token = anId();
    grantId = `grant-${token}`;
    await adapter('RefreshToken').upsert(token, { jti: token, grantId, mark: token } as never, 3600);
    await adapter('RefreshToken').consume(token);
  });
  const consumedAt = async () => (await rows(`payload ->> 'mark' = '${token}'`))[0]!.consumed_at;

  test('within it, it is reported as not consumed, may be consumed again, and the time stays', async () => {
    const first = await consumedAt();
    await age(token, 'consumed_at', 58);
    expect(await adapter('RefreshToken').find(token)).not.toHaveProperty('consumed');
    await settle(Array.from({ length: 8 }, () => adapter('RefreshToken').consume(token)));
    expect(await consumedAt()).toEqual(new Date(first.getTime() - 58_000));
    expect(await denied(grantId)).toBe(false);
  });

  test('the children of both uses are good', async () => {
    await adapter('RefreshToken').consume(token);
    for (const child of ['a', 'b'])
      await adapter('RefreshToken').upsert(`${token}-${child}`, { jti: child, grantId }, 3600);
    expect(await adapter('RefreshToken').find(`${token}-a`)).toBeDefined();
    expect(await adapter('RefreshToken').find(`${token}-b`)).toBeDefined();
  });

  test('after it, it is reported as consumed, and using it revokes the grant with its children', async () => {
    await adapter('RefreshToken').upsert(`${token}-child`, { jti: 'child', grantId }, 3600);
    await age(token, 'consumed_at', 61);
    expect(await adapter('RefreshToken').find(token)).toHaveProperty('consumed');
    await expect(adapter('RefreshToken').consume(token)).rejects.toMatchObject({ error: 'invalid_grant' });
    expect(await adapter('RefreshToken').find(`${token}-child`)).toBeUndefined();
    expect(await denied(grantId)).toBe(true);
  });

  test('an authorization code has none', async () => {
    const code = anId();
    await adapter('AuthorizationCode').upsert(code, { jti: code }, 300);
    await adapter('AuthorizationCode').consume(code);
    await expect(adapter('AuthorizationCode').consume(code)).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

test('adapter rule 5: revokeByGrantId takes all of the grant, writes the denylist row, and leaves other grants and tenants alone', async () => {
  const grantId = anId();
  for (const kind of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'Grant'])
    await adapter(kind).upsert(kind === 'Grant' ? grantId : `${grantId}-${kind}`, { jti: 'x', grantId } as never, 600);
  await adapter('AccessToken').upsert(`${grantId}-bystander`, { jti: 'y', grantId: 'another' }, 600);
  await of(other, 'AccessToken').upsert(`${grantId}-abroad`, { jti: 'z', grantId }, 600);
  await adapter('AccessToken').revokeByGrantId(grantId);
  await adapter('AccessToken').revokeByGrantId(grantId); // idempotent
  expect(await rows(`grant_id = '${grantId}'`)).toEqual([]);
  expect(await denied(grantId)).toBe(true);
  expect(await adapter('AccessToken').find(`${grantId}-bystander`)).toBeDefined();
  expect(await of(other, 'AccessToken').find(`${grantId}-abroad`)).toBeDefined();
});

test('adapter rule 6: what is past its end is never found, and the sweep deletes it and what a revoked grant left', async () => {
  const [live, dead, left] = [anId(), anId(), anId()];
  await adapter('Session').upsert(live, { jti: live, uid: live }, 60);
  await adapter('Session').upsert(dead, { jti: dead, uid: dead, mark: dead } as never, 60);
  await age(dead, 'expires_at', 61);
  expect(await adapter('Session').find(dead)).toBeUndefined();
  expect(await adapter('Session').findByUid(dead)).toBeUndefined();
  await db.database.tenant(tenant.id).query(
    `with row as (insert into oidc_artifact (tenant_id, kind, id, grant_id, payload, expires_at)
                  values ($1, 'RefreshToken', $2, $2, '{}', now() + interval '90 days'))
     insert into token_denylist (tenant_id, key, until) values ($1, 'grant:' || $2::text, now() + interval '1 day')`,
    [tenant.id, left],
  );
  while ((await purgeArtifacts(db.database.tenant(tenant.id))) > 0);
  expect(await rows(`id in ('${dead}', '${left}')`)).toEqual([]);
  expect(await adapter('Session').find(live)).toBeDefined();
});

test('a session that is saved again keeps its id and has its new content', async () => {
  const id = anId();
  await adapter('Session').upsert(id, { jti: id, accountId: 'a' }, 60);
  await adapter('Session').upsert(id, { jti: id, accountId: 'b' }, 60);
  expect(await adapter('Session').find(id)).toMatchObject({ accountId: 'b' });
  await adapter('Session').destroy(id);
  expect(await adapter('Session').find(id)).toBeUndefined();
});
