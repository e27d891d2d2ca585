import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { askToken, getToken, matchWith } from '../support/tokens.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-clients-'));
let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform({
    tenants: [
      { slug: 'demo', kind: 'sandbox' },
      { slug: 'plan', kind: 'production' },
    ],
  });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await platform.stop();
});

const create = (...options: string[]) => platform.cli('client', 'create', '--name', 'Test', ...options);
const app = ['--access-type', 'patient-access'];
const payer = ['--access-type', 'payer-to-payer'];
const fileWith = (content: unknown): string => {
  const file = path.join(folder, 'jwks.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};
const jwkOf = (pair: { publicKey: KeyObject }, kid = '1', more: object = {}) => ({
  ...pair.publicKey.export({ format: 'jwk' }),
  kid,
  ...more,
});
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const publicKey = jwkOf(p384);

describe('client create', () => {
  test('PA-2 redirect URIs, comma separated and one by one', async () => {
    const { json } = await create(
      ...app,
      '--redirect-uri',
      'https://a.example/cb, http://localhost:3000/cb',
      '--redirect-uri',
      'com.example.app:/cb',
    );
    expect(json).toEqual({
      client_id: expect.stringMatching(/^[A-Za-z0-9]{22}$/),
      client_secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      access_type: 'patient-access',
      tenants: ['demo'],
      redirect_uris: ['https://a.example/cb', 'http://localhost:3000/cb', 'com.example.app:/cb'],
    });
  });

  test('PA-5 localhost in a sandbox, never where a production plan is among the tenants', async () => {
    const localhost = [...app, '--redirect-uri', 'http://localhost:3000/cb'];
    expect((await create(...localhost, '--tenant', 'demo')).exitCode).toBe(0);
    for (const tenants of [['plan'], ['demo', 'plan']]) {
      const refused = await create(...localhost, ...tenants.flatMap((slug) => ['--tenant', slug]));
      expect(refused.exitCode).toBe(1);
      expect(refused.json).toMatchObject({ error: { code: 'redirect-uri-refused' } });
    }
  });

  test('the secret is good in the environments of the tenants that were named', async () => {
    const { json } = await create(...payer, '--tenant', 'plan', '--tenant', 'plan');
    expect(json.tenants).toEqual(['plan']);
    expect((await askToken(platform, json, { tenant: 'plan' })).status).toBe(200);
    expect((await askToken(platform, json, { tenant: 'demo' })).status).toBe(401);
  });

  test.each<[string, () => string[], number]>([
    ['an access type that is none', () => ['--access-type', 'admin'], 2],
    ['no access type', () => [], 2],
    ['an app without a redirect URI', () => app, 2],
    ['a payer with a redirect URI', () => [...payer, '--redirect-uri', 'https://a.example'], 2],
    ['a public payer', () => [...payer, '--public'], 2],
    ['two ways to give keys', () => [...payer, '--jwks-uri', 'https://a.example', '--jwks-file', 'x'], 2],
    ['keys over http', () => [...payer, '--jwks-uri', 'http://a.example'], 2],
    ['an unknown plan', () => [...payer, '--tenant', 'nowhere'], 1],
    ['an unknown organization', () => [...payer, '--organization', 'nobody'], 1],
    [
      '21 redirect URIs',
      () => [...app, '--redirect-uri', Array.from({ length: 21 }, (_, i) => `https://a.example/${i}`).join(',')],
      1,
    ],
    ['a redirect URI with a fragment', () => [...app, '--redirect-uri', 'https://a.example/#x'], 1],
    ['a key file that is not there', () => [...payer, '--jwks-file', path.join(folder, 'none')], 1],
    ['a key file that is no JSON', () => [...payer, '--jwks-file', fileWith('keys')], 1],
    [
      'a key file with a private key',
      () => [...payer, '--jwks-file', fileWith({ keys: [{ ...publicKey, d: 'd' }] })],
      1,
    ],
    ['a key file without a key', () => [...payer, '--jwks-file', fileWith({ keys: [] })], 1],
    [
      'a key file with 21 keys',
      () => [
        ...payer,
        '--jwks-file',
        fileWith({ keys: Array.from({ length: 21 }, (_, i) => ({ ...publicKey, kid: String(i) })) }),
      ],
      1,
    ],
    ['a key without a kid', () => [...payer, '--jwks-file', fileWith({ keys: [{ ...publicKey, kid: undefined }] })], 1],
    ['two keys with one kid', () => [...payer, '--jwks-file', fileWith({ keys: [publicKey, publicKey] })], 1],
    ['a key for encryption', () => [...payer, '--jwks-file', fileWith({ keys: [{ ...publicKey, use: 'enc' }] })], 1],
    ['a P-384 key for ES256', () => [...payer, '--jwks-file', fileWith({ keys: [{ ...publicKey, alg: 'ES256' }] })], 1],
    [
      'a point that is not on the curve',
      () => [...payer, '--jwks-file', fileWith({ keys: [{ ...publicKey, x: publicKey.y }] })],
      1,
    ],
    [
      'an RSA key of 1024 bits',
      () => [...payer, '--jwks-file', fileWith({ keys: [jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }))] })],
      1,
    ],
    ['keys on this machine', () => [...payer, '--jwks-uri', 'https://localhost/jwks'], 1],
    ['keys at a private address', () => [...payer, '--jwks-uri', 'https://169.254.169.254/jwks'], 1],
    ['keys at an address with a password', () => [...payer, '--jwks-uri', 'https://a:b@a.example/jwks'], 2],
    [
      'a key file with a shared secret',
      () => [...payer, '--jwks-file', fileWith({ keys: [{ kty: 'oct', k: 'k' }] })],
      1,
    ],
    ['a name of 201 characters', () => [...payer, '--name', 'x'.repeat(201)], 2],
  ])('%s is refused, and nothing is made', async (_what, options, exitCode) => {
    const before = (await platform.cli('client', 'list')).json.length;
    const result = await create(...options());
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({
      exitCode,
      stderr: expect.stringMatching(/\S/),
    });
    expect((await platform.cli('client', 'list')).json).toHaveLength(before);
  });

  test('with keys instead of a secret there is no secret to show', async () => {
    const { json } = await create(...payer, '--jwks-file', fileWith({ keys: [publicKey] }));
    expect(Object.keys(json).sort()).toEqual(['access_type', 'client_id', 'redirect_uris', 'tenants']);
  });
});

describe('client keys, add-secret, revoke-secret (AUTH-09)', () => {
  const show = async (id: string) => (await platform.cli('client', 'show', id)).json;
  const token = async (client: any, secret = client.client_secret) =>
    (await askToken(platform, { ...client, client_secret: secret })).status;

  test('a second secret beside the first, both good, until the first is revoked', async () => {
    const { json: made } = await create(...payer);
    const { json: added } = await platform.cli('client', 'add-secret', made.client_id);
    expect(added).toEqual({
      client_id: made.client_id,
      client_secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      environments: ['sandbox'],
      ending: [],
    });
    expect([await token(made), await token(made, added.client_secret)]).toEqual([200, 200]);
    const third = await platform.cli('client', 'add-secret', made.client_id);
    expect(third).toMatchObject({ exitCode: 1, json: { error: { code: 'too-many-secrets' } } });

    const [first, second] = (await show(made.client_id)).secrets;
    expect(first).toEqual({
      id: expect.any(String),
      hint: made.client_secret.slice(-4),
      environments: ['sandbox'],
      created_at: expect.any(String),
      ends_at: null,
      last_used_at: expect.any(String),
    });
    expect(JSON.stringify(await show(made.client_id))).not.toContain(made.client_secret);
    const revoked = await platform.cli('client', 'revoke-secret', made.client_id, first.id);
    expect(revoked.json).toEqual({ client_id: made.client_id, secret: first.id, status: 'revoked' });
    await expect.poll(() => token(made), { timeout: 5_000 }).toBe(401);
    expect(await token(made, added.client_secret)).toBe(200);
    expect((await show(made.client_id)).secrets).toMatchObject([{ id: second.id }]);
    expect((await platform.cli('client', 'revoke-secret', made.client_id, first.id)).exitCode).toBe(1);
  });

  test('rotation with overlap: the old secret ends after the hours that are given, with 0 at once', async () => {
    const { json: made } = await create(...payer);
    const { json: added } = await platform.cli(
      'client',
      'add-secret',
      made.client_id,
      '--end-others-after-hours',
      '24',
    );
    const [old] = (await show(made.client_id)).secrets;
    const hours = (Date.parse(old.ends_at) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24);
    expect(added.ending).toEqual([{ id: old.id, ends_at: old.ends_at }]);
    expect([await token(made), await token(made, added.client_secret)]).toEqual([200, 200]);
    // Two live ones: a third at once ends both.
    const { json: last } = await platform.cli('client', 'add-secret', made.client_id, '--end-others-after-hours', '0');
    expect(last.ending).toHaveLength(2);
    await expect.poll(() => token(made), { timeout: 5_000 }).toBe(401);
    expect([await token(made, added.client_secret), await token(made, last.client_secret)]).toEqual([401, 200]);
    expect((await platform.cli('client', 'add-secret', made.client_id, '--end-others-after-hours', 'x')).exitCode).toBe(
      2,
    );
  });

  test('keys take the place of secrets, at once; the environments stay as they were unless they are named', async () => {
    const { json: made } = await create(...payer, '--tenant', 'plan');
    const file = fileWith({ keys: [publicKey] });
    const { json: keys } = await platform.cli('client', 'keys', made.client_id, '--jwks-file', file);
    expect(keys).toEqual({
      client_id: made.client_id,
      jwks_uri: null,
      kids: ['1'],
      environments: ['production'],
      secrets_ended: 1,
    });
    await expect
      .poll(async () => (await askToken(platform, made, { tenant: 'plan' })).status, { timeout: 5_000 })
      .toBe(401);
    expect((await platform.cli('client', 'add-secret', made.client_id)).json).toMatchObject({
      error: { code: 'no-secret-client' },
    });
    const byUrl = await platform.cli(
      ...['client', 'keys', made.client_id, '--jwks-uri', 'https://keys.example/jwks.json', '--environment', 'sandbox'],
    );
    expect(byUrl.json).toMatchObject({ jwks_uri: 'https://keys.example/jwks.json', kids: null, secrets_ended: 0 });
    expect((await show(made.client_id)).keys).toEqual({
      jwks_uri: 'https://keys.example/jwks.json',
      kids: null,
      environments: ['sandbox'],
    });
  });

  test.each<[string, (id: string) => string[], number]>([
    ['keys without keys', (id) => ['keys', id], 2],
    ['keys of a client that is not there', () => ['keys', 'A'.repeat(22), '--jwks-uri', 'https://a.example'], 1],
    ['a secret of a client that is not there', () => ['add-secret', 'A'.repeat(22)], 1],
    ['an environment that is none', (id) => ['add-secret', id, '--environment', 'test'], 2],
    ['a secret that is not there', (id) => ['revoke-secret', id, '999999'], 1],
    ['a secret that cannot be', (id) => ['revoke-secret', id, 'x'], 1],
    ['to show a client that is not there', () => ['show', 'A'.repeat(22)], 1],
  ])('%s is refused', async (_what, words, exitCode) => {
    const { json: made } = await create(...payer);
    expect((await platform.cli('client', ...words(made.client_id))).exitCode).toBe(exitCode);
    expect((await show(made.client_id)).secrets).toHaveLength(1);
  });

  test('a secret of another client cannot be revoked by naming it', async () => {
    const [{ json: one }, { json: two }] = [await create(...payer), await create(...payer)];
    const [secret] = (await show(two.client_id)).secrets;
    expect((await platform.cli('client', 'revoke-secret', one.client_id, secret.id)).exitCode).toBe(1);
    expect(await token(two)).toBe(200);
  });
});

describe('client suspend, resume and revoke at one plan', () => {
  test('a client that was suspended is resumed, one that was revoked is not', async () => {
    const { json: made } = await create(...payer, '--tenant', 'demo', '--tenant', 'plan');
    const at = (tenant: string) => expect.poll(async () => (await askToken(platform, made, { tenant })).status);
    const run = async (word: string, ...tenants: string[]) =>
      (await platform.cli('client', word, made.client_id, ...tenants.flatMap((slug) => ['--tenant', slug]))).exitCode;
    expect(await run('suspend', 'plan')).toBe(0);
    await at('plan').toBe(401);
    await at('demo').toBe(200);
    expect((await platform.cli('client', 'show', made.client_id)).json.tenants).toEqual(
      expect.arrayContaining([
        { tenant: 'demo', status: 'active' },
        { tenant: 'plan', status: 'suspended' },
      ]),
    );
    expect(await run('resume', 'plan')).toBe(0);
    await at('plan').toBe(200);
    expect(await run('resume', 'plan')).toBe(1);
    expect(await run('revoke', 'plan')).toBe(0);
    expect(await run('resume', 'plan')).toBe(1);
    expect(await run('suspend', 'plan')).toBe(1);
    await at('plan').toBe(401);
    expect(await run('suspend', 'nowhere')).toBe(1);
    expect(await run('suspend')).toBe(0);
    await at('demo').toBe(401);
    expect(await run('resume')).toBe(0);
    await at('demo').toBe(200);
  });

  test('a client of every sandbox is stopped at one of them; where it never was it cannot be stopped', async () => {
    const { json: made } = await create(...payer);
    expect((await platform.cli('client', 'suspend', made.client_id, '--tenant', 'demo')).json).toEqual({
      client_id: made.client_id,
      status: 'suspended',
      tenants: ['demo'],
    });
    expect((await platform.cli('client', 'suspend', made.client_id, '--tenant', 'plan')).exitCode).toBe(1);
    expect((await platform.cli('client', 'show', made.client_id)).json).toMatchObject({
      status: 'active',
      tenants: [{ tenant: 'demo', status: 'suspended' }],
    });
  });
});

describe('client list, suspend, revoke', () => {
  test('the list tells what each client is, without its secret; suspended and revoked ones too', async () => {
    const { json: made } = await create(...payer);
    const token = await getToken(platform, made);
    expect((await matchWith(platform, 'demo', token)).status).not.toBe(401);
    const row = async () =>
      (await platform.cli('client', 'list')).json.find((client: any) => client.client_id === made.client_id);
    expect(await row()).toEqual({
      client_id: made.client_id,
      name: 'Test',
      access_type: 'payer-to-payer',
      status: 'active',
      organization: null,
      tenants: ['every sandbox'],
      redirect_uris: [],
    });
    expect((await platform.cli('client', 'suspend', made.client_id)).json).toEqual({
      client_id: made.client_id,
      status: 'suspended',
    });
    expect((await row()).status).toBe('suspended');
    expect((await platform.cli('client', 'revoke', made.client_id)).json.status).toBe('revoked');
    expect((await row()).status).toBe('revoked');
    await expect.poll(async () => (await matchWith(platform, 'demo', token)).status, { timeout: 5_000 }).toBe(401);
  });

  test('a client that is not there is refused', async () => {
    for (const word of ['suspend', 'resume', 'revoke'])
      expect(await platform.cli('client', word, 'A'.repeat(22))).toMatchObject({
        exitCode: 1,
        json: { error: { code: 'unknown-client' } },
      });
  });
});

describe('organization create', () => {
  test('with its numbers, which a client bound to it carries', async () => {
    const { json } = await platform.cli(
      ...[
        'organization',
        'create',
        '--name',
        'Other Health Plan',
        '--npi',
        '1234567893',
        '--naic',
        '12345',
        '--payer-id',
        'OHP01',
      ],
    );
    expect(json).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9]{22}$/),
      name: 'Other Health Plan',
      npi: ['1234567893'],
      naic: ['12345'],
      payer_id: ['OHP01'],
      ein: [],
    });
    expect((await platform.cli('organization', 'list')).json).toContainEqual(json);
    const { json: client } = await create(...payer, '--organization', json.id);
    const found = await platform.services.authorization.routeDeps.clients.find(client.client_id);
    expect(found?.organization).toMatchObject({
      id: json.id,
      npis: ['1234567893'],
      naics: ['12345'],
      payerIds: ['OHP01'],
    });
  });

  test.each([
    ['--npi', '1234567890'],
    ['--npi', '123'],
    ['--naic', '1234'],
    ['--naic', 'ABCDE'],
    ['--ein', '12345678'],
    ['--payer-id', ' '],
  ])('%s %s is wrong usage', async (option, value) => {
    expect((await platform.cli('organization', 'create', '--name', 'X', option, value)).exitCode).toBe(2);
  });
});

test('what the command line changes is in the platform’s record', async () => {
  const { rows } = await platform.services.database.platform.query('select distinct action from audit_event');
  expect(rows.map(({ action }) => action)).toEqual(
    expect.arrayContaining([
      ...['client.create', 'client.suspend', 'client.resume', 'client.revoke', 'organization.create'],
      ...['client.keys', 'client.secret.add', 'client.secret.revoke'],
    ]),
  );
});
