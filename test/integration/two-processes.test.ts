import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientKey, jwksOf, makeAssertion, makeKey, postAssertion, tokenUrlOf } from '../support/assertions.ts';
import { finished, kickOff, matchBody, matchGroup, type Payer } from '../support/exchange.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';
import { matchWith, partsOf, postForm } from '../support/tokens.ts';

/** What is taken back, stopped or changed acts in every process within 5 s (authorization.md 8); the rest is for a busy machine. */
const WITHIN = { timeout: 8_000, interval: 50 };
/** The address of all of them, as behind a load balancer. */
const PUBLIC_URL = 'http://bridge.example.localhost:8080';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-two-'));
let db: TestDatabase;
let env: Record<string, string>;
let one: Program;
let two: Program;
let key: ClientKey;
beforeAll(async () => {
  db = await createTestDatabase();
  env = { DATABASE_URL: db.url, COVERED_BRIDGE_MASTER_KEY: randomBytes(32).toString('hex'), PUBLIC_URL };
  // One after the other: the first makes the sandbox plans.
  one = await startProgram({ dataDir: path.join(folder, 'one'), argv: ['serve', '--no-work'], env });
  two = await startProgram({ dataDir: path.join(folder, 'two'), env });
  key = await makeKey('ES384');
}, 60_000);
afterAll(async () => {
  for (const program of [one, two])
    if (program?.child.exitCode === null && program.child.signalCode === null) program.signalGroup('SIGTERM');
  await Promise.all([one, two].map((program) => program?.ended()));
  await db.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** A third process, as an operator's. */
async function run(...argv: string[]): Promise<{ exitCode: number; json: any }> {
  const { exitCode, stdout } = await runProgram([...argv, '--json'], { dataDir: path.join(folder, 'command'), env });
  return { exitCode, json: stdout === '' ? undefined : JSON.parse(stdout) };
}
function fileWith(...keys: ClientKey[]): string {
  const file = path.join(folder, `jwks-${keys.map(({ kid }) => kid).join()}.json`);
  writeFileSync(file, JSON.stringify(jwksOf(...keys)));
  return file;
}
async function makeKeyClient(...options: string[]): Promise<string> {
  const made = await run(
    ...['client', 'create', '--access-type', 'payer-to-payer', '--name', 'Two', '--jwks-file', fileWith(key)],
    ...options,
  );
  return made.json.client_id;
}
/** The processes know their common address, wherever they are called. */
const audience = (tenant?: string): string => tokenUrlOf({ baseUrl: PUBLIC_URL }, tenant);
async function ask(at: Program, clientId: string, options: { tenant?: string; key?: ClientKey } = {}) {
  const assertion = await makeAssertion(clientId, options.key ?? key, audience(options.tenant));
  return postAssertion(tokenUrlOf(at, options.tenant), assertion);
}
async function tokenOf(at: Program, clientId: string, tenant?: string): Promise<string> {
  const { status, body } = await ask(at, clientId, tenant === undefined ? {} : { tenant });
  expect(status).toBe(200);
  return body.access_token;
}
/** 400 or 422: let in, and the empty body was looked at. */
async function answer(at: Program, tenant: string, token: string): Promise<401 | 403 | 'in'> {
  const { status } = await matchWith(at, tenant, token);
  return status === 401 || status === 403 ? status : 'in';
}
const both = (ask: (at: Program) => Promise<unknown>) => () => Promise.all([ask(one), ask(two)]);

test('AUTH-08 8 parallel uses of one jti, spread over two processes: exactly one 200', async () => {
  const clientId = await makeKeyClient();
  for (const tenant of [undefined, 'demo', undefined, 'demo']) {
    const assertion = await makeAssertion(clientId, key, audience(tenant));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => postAssertion(tokenUrlOf([one, two][i % 2]!, tenant), assertion)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 401 && body.error === 'invalid_client')).toHaveLength(
      answers.length - 1,
    );
    await db.database.owner.query('delete from rate_bucket');
  }
  const late = await makeAssertion(clientId, key, audience());
  expect((await postAssertion(tokenUrlOf(one), late)).status).toBe(200);
  expect((await postAssertion(tokenUrlOf(two), late)).status).toBe(401);
}, 60_000);

test('AUTH-16 a client suspended at a plan: its JWTs stop within 5 s in each process, there alone; resume brings them back; revoke is final', async () => {
  const clientId = await makeKeyClient();
  const tokens = { platform: await tokenOf(one, clientId), own: await tokenOf(two, clientId, 'demo') };
  // Known, and kept in memory, by both.
  for (const token of Object.values(tokens))
    expect(await both((at) => answer(at, 'demo', token))()).toEqual(['in', 'in']);
  const demo = ['--tenant', 'demo'];

  expect((await run('client', 'suspend', clientId, ...demo)).exitCode).toBe(0);
  for (const token of Object.values(tokens))
    await expect
      .poll(
        both((at) => answer(at, 'demo', token)),
        WITHIN,
      )
      .toEqual([403, 403]);
  expect(await both((at) => answer(at, 'bison', tokens.platform))()).toEqual(['in', 'in']);
  const statuses = both(async (at) => (await ask(at, clientId, { tenant: 'demo' })).status);
  expect(await statuses()).toEqual([401, 401]);

  expect((await run('client', 'resume', clientId, ...demo)).exitCode).toBe(0);
  for (const token of Object.values(tokens))
    await expect
      .poll(
        both((at) => answer(at, 'demo', token)),
        WITHIN,
      )
      .toEqual(['in', 'in']);
  expect(await statuses()).toEqual([200, 200]);

  expect((await run('client', 'revoke', clientId, ...demo)).exitCode).toBe(0);
  await expect
    .poll(
      both((at) => answer(at, 'demo', tokens.own)),
      WITHIN,
    )
    .toEqual([403, 403]);
  expect((await run('client', 'resume', clientId, ...demo)).exitCode).toBe(1);

  expect((await run('client', 'suspend', clientId)).exitCode).toBe(0);
  await expect
    .poll(
      both((at) => answer(at, 'bison', tokens.platform)),
      WITHIN,
    )
    .toEqual([401, 401]);
  expect(await both(async (at) => (await ask(at, clientId)).status)()).toEqual([401, 401]);
  expect((await run('client', 'resume', clientId)).exitCode).toBe(0);
  await expect
    .poll(
      both((at) => answer(at, 'bison', tokens.platform)),
      WITHIN,
    )
    .toEqual(['in', 'in']);
  expect((await run('client', 'revoke', clientId)).exitCode).toBe(0);
  await expect
    .poll(
      both((at) => answer(at, 'bison', tokens.platform)),
      WITHIN,
    )
    .toEqual([401, 401]);
  expect((await run('client', 'resume', clientId)).exitCode).toBe(1);
  expect((await run('client', 'keys', clientId, '--jwks-file', fileWith(key))).exitCode).toBe(1);
  expect(await both(async (at) => (await ask(at, clientId)).status)()).toEqual([401, 401]);
}, 60_000);

test('P2P-75 a client that is stopped has no next request of a download: neither status nor files, until it is resumed', async () => {
  const clientId = await makeKeyClient();
  const token = await tokenOf(two, clientId, 'bison');
  const payer: Payer = { clientId, token, headers: { authorization: `Bearer ${token}` } };
  const jay = {
    given: 'Jay',
    family: 'Young',
    birthDate: '2001-03-11',
    coverageId: '17148123-47da-43a0-8401-8d5d1368db02',
  };
  const here = (url: string): string => url.replace(PUBLIC_URL, two.baseUrl);
  const statusUrl = here(await kickOff(two, 'bison', payer, await matchGroup(two, 'bison', payer, matchBody(jay))));
  const { output } = await finished(statusUrl, payer);
  const asked = async () => {
    const answers = await Promise.all(
      [statusUrl, ...output.slice(0, 2).map(({ url }) => here(url))].map((url) =>
        fetch(url, { headers: payer.headers }),
      ),
    );
    await Promise.all(answers.map((one) => one.body?.cancel()));
    return answers.map(({ status }) => status);
  };
  expect(await asked()).toEqual([200, 200, 200]);
  await run('client', 'suspend', clientId, '--tenant', 'bison');
  await expect.poll(asked, WITHIN).toEqual([403, 403, 403]);
  await run('client', 'resume', clientId, '--tenant', 'bison');
  await expect.poll(asked, WITHIN).toEqual([200, 200, 200]);
  await run('client', 'revoke', clientId);
  await expect.poll(asked, WITHIN).toEqual([401, 401, 401]);
}, 60_000);

test('AUTH-16 although no word of it came: a status that was changed in the table alone acts within 5 s', async () => {
  const clientId = await makeKeyClient();
  const token = await tokenOf(one, clientId);
  expect(await both((at) => answer(at, 'demo', token))()).toEqual(['in', 'in']);
  await db.database.owner.query(
    `update client set disabled_at = now(), disabled_as = 'suspended' where client_id = $1`,
    [clientId],
  );
  // What is asked meanwhile is answered from memory, for 5 s from when it was read.
  await expect
    .poll(
      both((at) => answer(at, 'demo', token)),
      WITHIN,
    )
    .toEqual([401, 401]);
}, 30_000);

test('keys that a client had end in each process when others are registered', async () => {
  const clientId = await makeKeyClient();
  const next = await makeKey('RS384');
  const statuses = async (with_: ClientKey) => both(async (at) => (await ask(at, clientId, { key: with_ })).status)();
  expect([await statuses(key), await statuses(next)]).toEqual([
    [200, 200],
    [401, 401],
  ]);
  // Beside each other while the payer's systems change over, then the new one alone.
  expect((await run('client', 'keys', clientId, '--jwks-file', fileWith(key, next))).exitCode).toBe(0);
  await expect.poll(() => statuses(next), WITHIN).toEqual([200, 200]);
  expect(await statuses(key)).toEqual([200, 200]);
  expect((await run('client', 'keys', clientId, '--jwks-file', fileWith(next))).exitCode).toBe(0);
  await expect.poll(() => statuses(key), WITHIN).toEqual([401, 401]);
  expect(await statuses(next)).toEqual([200, 200]);
}, 60_000);

test('a token that its client takes back at one process is refused at the other', async () => {
  const clientId = await makeKeyClient();
  const token = await tokenOf(one, clientId, 'demo');
  expect(await answer(two, 'demo', token)).toBe('in');
  const taken = await postForm(`${one.baseUrl}/v1/demo/oauth2/revoke`, {
    token,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await makeAssertion(clientId, key, audience('demo')),
  });
  expect(taken.status).toBe(200);
  expect(await answer(one, 'demo', token)).toBe(401);
  await expect.poll(() => answer(two, 'demo', token), WITHIN).toBe(401);
}, 30_000);

describe('AUTH-24 our signing keys are rotated on command', () => {
  const published = async (at: Program, tenant?: string): Promise<string[]> => {
    const url = tenant ? `/v1/${tenant}/oauth2/jwks` : '/auth/realms/dev-portal/protocol/openid-connect/certs';
    const { keys } = (await (await fetch(`${at.baseUrl}${url}`)).json()) as { keys: { kid: string; alg: string }[] };
    return keys.filter(({ alg }) => alg === 'ES256').map(({ kid }) => kid);
  };
  const kidOf = (token: string): string => partsOf(token).header.kid;

  test.each([undefined, 'demo'])(
    'new tokens are signed by the new key, those of the old one stay good, both are published (%s)',
    async (tenant) => {
      const clientId = await makeKeyClient();
      const before = await tokenOf(one, clientId, tenant);
      expect(await both((at) => answer(at, 'demo', before))()).toEqual(['in', 'in']);
      const rotated = await run('keys', 'rotate', '--issuer', tenant ?? 'dev-portal');
      expect(rotated).toMatchObject({ exitCode: 0, json: [{ issuer: tenant ?? 'dev-portal', discarded: [] }] });
      const [{ signing, retiring }] = rotated.json;
      expect(retiring).toContain(kidOf(before));
      // A token of the new key is taken at once by a process that has not heard of it yet.
      await expect.poll(async () => kidOf(await tokenOf(one, clientId, tenant)), WITHIN).not.toBe(kidOf(before));
      const after = await tokenOf(one, clientId, tenant);
      expect(signing).toContain(kidOf(after));
      expect(await both((at) => answer(at, 'demo', after))()).toEqual(['in', 'in']);
      expect(await both((at) => answer(at, 'demo', before))()).toEqual(['in', 'in']);
      await expect
        .poll(
          both((at) => published(at, tenant)),
          WITHIN,
        )
        .toEqual([
          [kidOf(after), kidOf(before)],
          [kidOf(after), kidOf(before)],
        ]);
    },
    60_000,
  );

  test('a key that may be in wrong hands is discarded: what it signed is refused within 5 s in each process', async () => {
    const clientId = await makeKeyClient();
    const [stolen, other] = [await tokenOf(one, clientId, 'demo'), await tokenOf(one, clientId, 'bison')];
    expect(await both((at) => answer(at, 'demo', stolen))()).toEqual(['in', 'in']);
    const rotated = await run('keys', 'rotate', '--issuer', 'demo', '--discard');
    expect(rotated.json).toMatchObject([{ issuer: 'demo', retiring: [] }]);
    expect(rotated.json[0].discarded).toContain(kidOf(stolen));
    await expect
      .poll(
        both((at) => answer(at, 'demo', stolen)),
        WITHIN,
      )
      .toEqual([401, 401]);
    const after = await tokenOf(two, clientId, 'demo');
    expect(rotated.json[0].signing).toContain(kidOf(after));
    expect(await both((at) => answer(at, 'demo', after))()).toEqual(['in', 'in']);
    expect(await both((at) => published(at, 'demo'))()).toEqual([[kidOf(after)], [kidOf(after)]]);
    // Another plan's keys stay as they were.
    expect(await both((at) => answer(at, 'bison', other))()).toEqual(['in', 'in']);
  }, 60_000);

  test('all issuers at once, two operators at once, and an issuer that is none', async () => {
    const [first, second] = await Promise.all([run('keys', 'rotate'), run('keys', 'rotate')]);
    for (const { exitCode, json } of [first, second]) {
      expect(exitCode).toBe(0);
      expect(json.map(({ issuer }: { issuer: string }) => issuer).sort()).toEqual(['bison', 'demo', 'dev-portal']);
    }
    const { rows } = await db.database.owner.query(
      `select tenant_id, alg, count(*)::int as n from signing_key where state = 'current' group by 1, 2`,
    );
    expect(rows.every(({ n }) => n === 1)).toBe(true);
    expect(await run('keys', 'rotate', '--issuer', 'nowhere')).toMatchObject({
      exitCode: 1,
      json: { error: { code: 'unknown-tenant' } },
    });
    const events = await db.database.owner.query(`select facts from audit_event where action = 'keys.rotate'`);
    expect(events.rows.length).toBeGreaterThanOrEqual(9);
    for (const { facts } of events.rows)
      expect(Object.keys(facts).sort()).toEqual(['discarded', 'issuer', 'retiring', 'signing']);
  }, 60_000);
});
