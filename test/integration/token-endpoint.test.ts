import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { sharedData, sharedDataPresent } from '../support/shared-data.ts';
import {
  askToken,
  getToken,
  type MadeClient,
  makeClient,
  PLATFORM_TOKEN_PATH,
  partsOf,
  postForm,
  QUICK_START_SCOPE,
} from '../support/tokens.ts';

let platform: TestPlatform;
let client: MadeClient;
let tokenUrl: string;
beforeAll(async () => {
  platform = await startPlatform();
  client = await makeClient(platform);
  tokenUrl = `${platform.baseUrl}${PLATFORM_TOKEN_PATH}`;
});
afterAll(() => platform.stop());

const form = () => ({
  client_id: client.client_id,
  client_secret: client.client_secret,
  grant_type: 'client_credentials',
  scope: QUICK_START_SCOPE,
});
const basic = (text = `${client.client_id}:${client.client_secret}`) => ({
  authorization: `Basic ${Buffer.from(text).toString('base64')}`,
});
const encoded = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

describe('P2P-70 client credentials with a secret at the realm-style token URL', () => {
  test('the answer is RFC 6749 5.1, with the literal scope, and nobody may keep it', async () => {
    const { status, headers, body } = await askToken(platform, client);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'member-match|read',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('pragma')).toBe('no-cache');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('the token is a JWT of RFC 9068 that says where its credential is good, and nothing about a person', async () => {
    const { header, claims } = partsOf(await getToken(platform, client));
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
    expect(claims).toEqual({
      iss: `${platform.baseUrl}/auth/realms/dev-portal`,
      aud: platform.baseUrl,
      sub: client.client_id,
      client_id: client.client_id,
      scope: 'member-match|read',
      iat: expect.any(Number),
      exp: claims.iat + 3600,
      jti: expect.any(String),
      tid: 'dev-portal',
      env: ['sandbox'],
    });
  });

  test('at a tenant the issuer, the audience and tid are the tenant’s', async () => {
    const { claims } = partsOf(await getToken(platform, client, { tenant: 'demo' }));
    const issuer = `${platform.baseUrl}/v1/demo`;
    expect(claims).toMatchObject({ iss: issuer, aud: `${issuer}/r4`, tid: 'demo', env: ['sandbox'] });
  });

  test('a tenant’s own lifetime of tokens holds', async () => {
    await platform.cli('tenant', 'set', 'demo', 'access_token_seconds=300');
    platform.services.tenants.forget();
    expect((await askToken(platform, client, { tenant: 'demo' })).body.expires_in).toBe(300);
    await platform.cli('tenant', 'set', 'demo', 'access_token_seconds=');
    platform.services.tenants.forget();
    expect((await askToken(platform, client, { tenant: 'demo' })).body.expires_in).toBe(3600);
  });

  test.skipIf(!sharedDataPresent)('step 1 of the quick start, as its callers write it', async () => {
    const script = readFileSync(sharedData('founding', 'quick-start.sh'), 'utf8');
    const command = /^curl -i -X POST[\s\S]*?(?= \| tee)/m.exec(script)?.[0];
    expect(command).toContain("'scope=member-match|read'");
    const { stdout } = await promisify(execFile)('sh', ['-euc', String(command)], {
      env: {
        PATH: process.env.PATH,
        base: platform.baseUrl,
        client_id: client.client_id,
        client_secret: client.client_secret,
      },
    });
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(stdout).toContain('"scope":"member-match|read"');
    expect(/.*"access_token" *: *"([^"]*)".*/.exec(stdout)?.[1]?.split('.')).toHaveLength(3);
  });

  test('a JWT is nowhere in the database', async () => {
    const token = await getToken(platform, client);
    const stored = await platform.services.database.owner.query('select count(*)::int as rows from oidc_artifact');
    expect(stored.rows[0].rows).toBe(0);
    expect(token).toBeTruthy();
  });
});

describe('signing in', () => {
  test.each<[string, () => Promise<{ status: number; body: any }>]>([
    ['in the body', () => postForm(tokenUrl, form())],
    [
      'with HTTP Basic',
      () => postForm(tokenUrl, encoded({ grant_type: 'client_credentials', scope: 'read' }), basic()),
    ],
    [
      'with HTTP Basic and client_id in the body',
      () =>
        postForm(tokenUrl, { client_id: client.client_id, grant_type: 'client_credentials', scope: 'read' }, basic()),
    ],
    [
      'with a charset in the content type',
      () => postForm(tokenUrl, form(), { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }),
    ],
    ['at a tenant', () => askToken(platform, client, { tenant: 'bison' })],
  ])('%s', async (_how, ask) => {
    expect(await ask()).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
  });

  test.each<[string, Record<string, string> | string, Record<string, string>?]>([
    ['a wrong secret', { client_secret: 'x'.repeat(43) }],
    ['no secret', { client_secret: '' }],
    ['an unknown client', { client_id: 'A'.repeat(22) }],
    ['a client id that cannot be', { client_id: 'nobody' }],
    ['a client id in other letters', { client_id: 'swap' }],
  ])('%s: 401 invalid_client, always in the same words', async (_what, change) => {
    const changed = { ...form(), ...(change as Record<string, string>) };
    if (changed.client_id === 'swap')
      changed.client_id = client.client_id.replace(/[a-z]/gi, (letter) =>
        letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
      );
    const answer = await postForm(tokenUrl, changed);
    expect(answer).toMatchObject({
      status: 401,
      body: { error: 'invalid_client', error_description: 'The client is unknown, or its credentials are wrong here.' },
    });
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('a failure with HTTP Basic is answered with a challenge (RFC 6749 5.2)', async () => {
    const answer = await postForm(
      tokenUrl,
      encoded({ grant_type: 'client_credentials', scope: 'read' }),
      basic(`${client.client_id}:wrong`),
    );
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /);
  });

  test('apps of members have no client credentials: 400 unauthorized_client', async () => {
    const app = await makeClient(
      platform,
      '--access-type',
      'patient-access',
      '--redirect-uri',
      'http://localhost:3000/cb',
    );
    expect(await askToken(platform, app)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    const open = await makeClient(
      platform,
      '--access-type',
      'patient-access',
      '--redirect-uri',
      'http://localhost/cb',
      '--public',
    );
    expect(open.client_secret).toBeUndefined();
    expect((await askToken(platform, { ...open, client_secret: 'x' })).status).toBe(401);
  });
});

describe('AUTH-12 no token without a scope', () => {
  test.each([
    ['none', ''],
    ['unknown', 'nonsense'],
    ['of members', 'patient/*.read openid'],
    ['writing', 'system/Patient.write system/*.cud'],
    ['one that an export could not keep to', 'system/Observation.rs?category=laboratory'],
    ['201 tokens', Array.from({ length: 201 }, (_, i) => `system/Patient.rs?x=${i}`).join(' ')],
  ])('%s: 400 invalid_scope', async (_what, scope) => {
    for (const tenant of [undefined, 'demo'])
      expect(await askToken(platform, client, { scope, ...(tenant ? { tenant } : {}) })).toMatchObject({
        status: 400,
        body: { error: 'invalid_scope' },
      });
  });

  test('without the parameter: 400 invalid_scope', async () => {
    const { scope: _, ...rest } = form();
    expect(await postForm(tokenUrl, rest)).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  });
});

describe('AUTH-13 member-match|read is one token, in and out', () => {
  test.each([
    ['plain', 'scope=member-match|read'],
    ['URL-encoded', 'scope=member-match%7Cread'],
    ['as two tokens', 'scope=member-match+read'],
    ['as two tokens, the other way round', 'scope=read%20member-match'],
  ])('%s', async (_how, scope) => {
    const { scope: _scope, ...rest } = form();
    const { status, body } = await postForm(tokenUrl, `${encoded(rest)}&${scope}`);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain('"scope":"member-match|read"');
    expect(partsOf(body.access_token).claims.scope).toBe('member-match|read');
  });

  test('what is left out of the answer is left out of the token', async () => {
    const { body } = await askToken(platform, client, { scope: 'system/*.cruds patient/*.read read nonsense' });
    expect(body.scope).toBe('system/*.rs read');
    expect(partsOf(body.access_token).claims.scope).toBe('system/*.rs read');
  });
});

describe('AUTH-22 malformed anything is a 4xx with an OAuth error', () => {
  const all = () => encoded(form());
  test.each<[string, () => { body: string | Buffer; headers?: Record<string, string> }, number, string]>([
    ['a body of 10 MB', () => ({ body: `${all()}&x=${'y'.repeat(10_000_000)}` }), 413, 'invalid_request'],
    ['NUL in a value', () => ({ body: `${all()}&x=%00` }), 400, 'invalid_request'],
    [
      'NUL in the client id',
      () => ({ body: 'client_id=%00&client_secret=x&grant_type=client_credentials' }),
      400,
      'invalid_request',
    ],
    [
      'NUL in HTTP Basic',
      () => ({ body: 'grant_type=client_credentials&scope=read', headers: basic('\0:\0') }),
      401,
      'invalid_client',
    ],
    ['a repeated scope', () => ({ body: `${all()}&scope=read` }), 400, 'invalid_request'],
    ['a repeated unknown parameter', () => ({ body: `${all()}&x=1&x=2` }), 400, 'invalid_request'],
    ['array parameters', () => ({ body: all().replace('scope=', 'scope[]=a&scope[]=') }), 400, 'invalid_request'],
    ['array parameters, once', () => ({ body: all().replace('scope=', 'scope[]=') }), 400, 'invalid_scope'],
    ['bad UTF-8 in escapes', () => ({ body: `${all()}&x=%ff%fe` }), 400, 'invalid_request'],
    [
      'bad UTF-8 in bytes',
      () => ({ body: Buffer.concat([Buffer.from(`${all()}&x=`), Buffer.from([0xff, 0xfe])]) }),
      400,
      'invalid_request',
    ],
    [
      'scopes of 20 KiB',
      () => ({ body: all().replace(/scope=.*/, `scope=${'system/Patient.rs+'.repeat(1_200)}`) }),
      400,
      'invalid_scope',
    ],
    [
      'a JSON body',
      () => ({ body: JSON.stringify(form()), headers: { 'content-type': 'application/json' } }),
      400,
      'invalid_request',
    ],
    [
      'a multipart body',
      () => ({ body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=x' } }),
      400,
      'invalid_request',
    ],
    [
      'a content type that is none',
      () => ({ body: all(), headers: { 'content-type': ';;;' } }),
      400,
      'invalid_request',
    ],
    ['an empty body', () => ({ body: '' }), 401, 'invalid_client'],
    ['no grant type', () => ({ body: encoded({ ...form(), grant_type: '' }) }), 400, 'invalid_request'],
    [
      'an unknown grant type',
      () => ({ body: encoded({ ...form(), grant_type: 'password' }) }),
      400,
      'unsupported_grant_type',
    ],
    [
      'the implicit grant',
      () => ({ body: encoded({ ...form(), grant_type: 'implicit' }) }),
      400,
      'unsupported_grant_type',
    ],
    [
      'a bearer token instead of credentials',
      () => ({ body: all(), headers: { authorization: 'Bearer x' } }),
      400,
      'invalid_request',
    ],
    ['two ways to sign in', () => ({ body: all(), headers: basic() }), 400, 'invalid_request'],
  ])('%s', async (_what, request, status, error) => {
    const { body, headers } = request();
    for (const url of [tokenUrl, `${platform.baseUrl}/v1/demo/oauth2/token`]) {
      const answer = await postForm(url, body, headers);
      expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } });
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('a code or a refresh token is nothing that a system client has, and nothing that the platform knows', async () => {
    for (const [url, error] of [
      [tokenUrl, 'unsupported_grant_type'],
      [`${platform.baseUrl}/v1/demo/oauth2/token`, 'unauthorized_client'],
    ] as const)
      for (const grant of [
        { grant_type: 'authorization_code', code: 'x' },
        { grant_type: 'refresh_token', refresh_token: 'x' },
      ])
        expect(await postForm(url, encoded({ ...form(), ...grant }))).toMatchObject({ status: 400, body: { error } });
  });

  test('a resource, an audience or a claims parameter changes nothing', async () => {
    const { body } = await askToken(platform, client, {
      form: { resource: 'https://evil.example', audience: 'https://evil.example', claims: '{', state: 'x' },
    });
    expect(partsOf(body.access_token).claims.aud).toBe(platform.baseUrl);
  });

  test('GET is 405, a preflight is answered, and an unknown plan is 404, all of them OAuth', async () => {
    const get = await fetch(tokenUrl);
    expect(get.status).toBe(405);
    expect(get.headers.get('allow')).toContain('POST');
    expect(await get.json()).toMatchObject({ error: 'invalid_request' });
    const preflight = await fetch(tokenUrl, { method: 'OPTIONS', headers: { origin: 'https://app.example' } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(await postForm(`${platform.baseUrl}/v1/nowhere/oauth2/token`, form())).toMatchObject({
      status: 404,
      body: { error: 'invalid_request' },
    });
  });

  test('whatever bytes come, no 5xx, and JSON with an error', async () => {
    const names = fc.constantFrom(
      'client_id',
      'client_secret',
      'grant_type',
      'scope',
      'resource',
      'client_assertion',
      'x',
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('client_credentials', 'read', '', '%', '\0'),
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(fc.tuple(names, value), { maxLength: 8 })
        .map((pairs) =>
          Buffer.from(pairs.map(([name, text]) => `${name}=${encodeURIComponent(text.toWellFormed())}`).join('&')),
        ),
    );
    await fc.assert(
      fc.asyncProperty(body, fc.option(fc.base64String({ maxLength: 40 })), async (bytes, credentials) => {
        const answer = await postForm(
          tokenUrl,
          bytes,
          credentials === null ? {} : { authorization: `Basic ${credentials}` },
        );
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expect(answer.body).toEqual({ error: expect.any(String), error_description: expect.any(String) });
      }),
      { numRuns: 300 },
    );
  });
});

describe('limits (authorization.md 13)', () => {
  const status = async (ask: Promise<{ status: number }>): Promise<number> => (await ask).status;

  test('30 wrong secrets at once: 20 are told so, the others and a right one are to wait; another client goes on', async () => {
    const target = await makeClient(platform);
    const wrong = { ...target, client_secret: 'wrong' };
    const statuses = await Promise.all(Array.from({ length: 30 }, () => status(askToken(platform, wrong))));
    expect(statuses.filter((code) => code === 401)).toHaveLength(20);
    expect(statuses.filter((code) => code === 429)).toHaveLength(10);
    const answer = await askToken(platform, target);
    expect(answer).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(await status(askToken(platform, client))).toBe(200);
  }, 60_000);

  test('600 tokens a minute for a client, and strangers who use its name do not use them up', async () => {
    const busy = await makeClient(platform);
    for (let i = 0; i < 5; i++) await askToken(platform, { ...busy, client_secret: 'wrong' });
    const until = 60_000 - (Date.now() % 60_000);
    // The minute must not end in between.
    if (until < 15_000) await new Promise((resolve) => setTimeout(resolve, until + 100));
    const statuses: number[] = [];
    for (let i = 0; i < 31; i++)
      statuses.push(...(await Promise.all(Array.from({ length: 20 }, () => status(askToken(platform, busy))))));
    expect(statuses.filter((code) => code === 200)).toHaveLength(600);
    expect(statuses.slice(600).every((code) => code === 429)).toBe(true);
  }, 60_000);
});

describe('audit', () => {
  const events = async (clientId: string) =>
    (
      await platform.services.database.platform.query(
        'select action, outcome, token_id, request_id, address, facts from audit_event where client = $1 order by id',
        [clientId],
      )
    ).rows;

  test('each token, and each refusal, is in the record before the answer leaves, without a secret in it', async () => {
    const audited = await makeClient(platform);
    const { body } = await askToken(platform, audited);
    await askToken(platform, { ...audited, client_secret: 'wrong-secret-wrong-secret' });
    await askToken(platform, audited, { scope: 'none-of-ours' });
    const all = await events(audited.client_id);
    expect(all).toMatchObject([
      { action: 'client.create', outcome: 'success' },
      {
        action: 'token.issue',
        outcome: 'success',
        token_id: partsOf(body.access_token).claims.jti,
        address: '127.0.0.1',
        facts: {
          grant: 'client_credentials',
          scope: 'member-match|read',
          environments: ['sandbox'],
          method: 'client_secret_post',
          secret: expect.stringMatching(/^\d+$/),
        },
      },
      { action: 'token.refuse', outcome: 'refused', facts: { error: 'invalid_client', status: 401 } },
      { action: 'token.refuse', outcome: 'refused', facts: { error: 'invalid_scope', status: 400 } },
    ]);
    expect(JSON.stringify(all)).not.toMatch(/wrong-secret|none-of-ours/);
    expect(JSON.stringify(all)).not.toContain(audited.client_secret);
    expect(JSON.stringify(all)).not.toContain(body.access_token);
  });
});

test('AUTH-23 logs at their most verbose hold no token, no secret and nothing that was sent', async () => {
  const token = await getToken(platform, client);
  await postForm(tokenUrl, { ...form(), client_secret: 'needle-secret', scope: 'needle-scope' });
  await postForm(tokenUrl, form(), { authorization: 'Basic bmVlZGxlOm5lZWRsZQ==' });
  await postForm(tokenUrl, '{"needle":"json"}', { 'content-type': 'application/json' });
  await fetch(`${tokenUrl}?client_secret=needle-query`, { method: 'POST' });
  const log = platform.log();
  expect(log).toContain('"route":"/auth/realms/dev-portal/protocol/openid-connect/token"');
  expect(log).not.toContain('needle');
  expect(log).not.toContain('bmVlZGxl');
  for (const secret of [client.client_secret, token, token.split('.')[2]!]) {
    expect(log).not.toContain(secret);
    expect(log).not.toContain(Buffer.from(secret).toString('base64').slice(0, 40));
  }
});
