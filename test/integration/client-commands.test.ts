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
const publicKey = { kty: 'EC', crv: 'P-384', x: 'x', y: 'y', kid: '1' };

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
    for (const word of ['suspend', 'revoke'])
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
    expect.arrayContaining(['client.create', 'client.suspend', 'client.revoke', 'organization.create']),
  );
});
