import { SignJWT } from 'jose';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ASSERTION_TYPE,
  type AssertionWish,
  askTokenWithKey,
  type ClientKey,
  jwksOf,
  makeAssertion,
  makeKey,
  makeKeyClient,
  postAssertion,
  tokenUrlOf,
} from '../support/assertions.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { askToken, type MadeClient, makeClient, matchWith, partsOf, postForm } from '../support/tokens.ts';

/** Both kinds of issuer: the platform's own, and a tenant. */
const ISSUERS = [undefined, 'demo'] as const;
const ALGORITHMS = ['RS384', 'ES384', 'RS256', 'ES256'] as const;

let platform: TestPlatform;
let keys: Record<(typeof ALGORITHMS)[number], ClientKey>;
let key: ClientKey;
let client: MadeClient;
beforeAll(async () => {
  platform = await startPlatform({
    tenants: [
      { slug: 'demo', kind: 'sandbox' },
      { slug: 'bison', kind: 'sandbox' },
      { slug: 'plan', kind: 'production' },
    ],
  });
  const made = await Promise.all(ALGORITHMS.map((alg) => makeKey(alg, `key-${alg}`)));
  keys = Object.fromEntries(made.map((one) => [one.alg, one])) as typeof keys;
  key = keys.ES384;
  client = await makeKeyClient(platform, made);
});
afterAll(() => platform.stop());

const sql = (text: string, values: unknown[]) => platform.services.database.owner.query(text, values);
/** Another client, so that the failures of one test do not count against the others. */
const another = () => makeKeyClient(platform, Object.values(keys));

describe('P2P-71 SMART Backend Services: a client signs in with a key', () => {
  test.each(ALGORITHMS.flatMap((alg) => ISSUERS.map((tenant) => [alg, tenant ?? 'dev-portal', tenant] as const)))(
    '%s at %s: a token of at most 300 s, no refresh token, that opens the exchange',
    async (alg, _name, tenant) => {
      const { status, headers, body } = await askTokenWithKey(platform, client, keys[alg], tenant ? { tenant } : {});
      expect({ status, body }).toEqual({
        status: 200,
        body: { access_token: expect.any(String), token_type: 'Bearer', expires_in: 300, scope: 'member-match|read' },
      });
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('pragma')).toBe('no-cache');
      const { header, claims } = partsOf(body.access_token);
      expect(header).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
      expect(claims).toMatchObject({ sub: client.client_id, client_id: client.client_id, env: ['sandbox'] });
      expect(claims.exp - claims.iat).toBe(300);
      // Let in: the empty body was looked at.
      expect([400, 422]).toContain((await matchWith(platform, 'demo', body.access_token)).status);
    },
  );

  test('a tenant whose tokens live less than 300 s keeps to that; one whose tokens live an hour does not get longer', async () => {
    await platform.cli('tenant', 'set', 'bison', 'access_token_seconds=3600');
    platform.services.tenants.forget();
    expect((await askTokenWithKey(platform, client, key, { tenant: 'bison' })).body.expires_in).toBe(300);
  });

  test.each(ISSUERS)('what a tester asks for is granted: system scopes, v1 and v2 (%s)', async (tenant) => {
    for (const scope of ['system/*.read', 'system/*.rs', 'system/Patient.read system/Coverage.rs', 'read'])
      expect(
        await askTokenWithKey(platform, client, key, { ...(tenant ? { tenant } : {}), form: { scope } }),
      ).toMatchObject({ status: 200, body: { scope, expires_in: 300 } });
  });

  test.each<[string, AssertionWish]>([
    ['exp exactly 5 minutes ahead', { fromNow: { exp: 300 } }],
    ['exp 3 seconds ago: clocks differ', { fromNow: { exp: -3 } }],
    ['nbf and iat now', { fromNow: { nbf: 0, iat: 0 } }],
    ['aud as a list of one', { claims: { aud: ['endpoint'] } }],
    ['aud the issuer', { claims: { aud: 'issuer' } }],
    ['no typ', { header: { typ: undefined } }],
    ['typ client-authentication+jwt', { header: { typ: 'client-authentication+jwt' } }],
    ['a jti of 256 characters', { claims: { jti: `j${Math.random()}`.padEnd(256, 'x') } }],
  ])('%s: 200', async (_what, wish) => {
    for (const tenant of ISSUERS) {
      const { aud } = wish.claims ?? {};
      const url = tokenUrlOf(platform, tenant);
      const issuer = `${platform.baseUrl}${tenant ? `/v1/${tenant}` : '/auth/realms/dev-portal'}`;
      const named = aud === 'issuer' ? { aud: issuer } : Array.isArray(aud) ? { aud: [url] } : {};
      const answer = await askTokenWithKey(platform, client, key, {
        ...wish,
        claims: { ...wish.claims, ...named },
        ...(tenant ? { tenant } : {}),
      });
      expect(answer).toMatchObject({ status: 200 });
    }
  });

  test('client_id beside the assertion is taken when it names the same client', async () => {
    expect((await askTokenWithKey(platform, client, key, { form: { client_id: client.client_id } })).status).toBe(200);
  });

  test('the platform and each plan take an assertion only for themselves', async () => {
    const own = await another();
    const demo = await makeAssertion(own.client_id, key, tokenUrlOf(platform, 'demo'));
    expect((await postAssertion(tokenUrlOf(platform), demo)).status).toBe(401);
    expect((await postAssertion(tokenUrlOf(platform, 'bison'), demo)).status).toBe(401);
    // It was not used up by being refused elsewhere.
    expect((await postAssertion(tokenUrlOf(platform, 'demo'), demo)).status).toBe(200);
  });

  test('keys are good in the environments that they are registered for', async () => {
    const both = await makeKeyClient(platform, [key], '--tenant', 'demo', '--tenant', 'plan');
    const ask = async (tenant: string) => (await askTokenWithKey(platform, both, key, { tenant })).status;
    expect([await ask('demo'), await ask('plan'), await ask('bison')]).toEqual([200, 200, 401]);
    await sql(`update client set key_environments = '{sandbox}' where client_id = $1`, [both.client_id]);
    platform.services.authorization.routeDeps.clients.forget(both.client_id);
    expect([await ask('demo'), await ask('plan')]).toEqual([200, 401]);
    const { body } = await askTokenWithKey(platform, both, key);
    expect(partsOf(body.access_token).claims.env).toEqual(['sandbox']);
    expect((await matchWith(platform, 'plan', body.access_token)).status).toBe(401);
  });

  test('introspection and revocation take an assertion too, for their own address, the token endpoint or the issuer', async () => {
    const { body } = await askTokenWithKey(platform, client, key, { tenant: 'demo' });
    const issuer = `${platform.baseUrl}/v1/demo`;
    const post = async (endpoint: string, audience: string) =>
      postForm(`${issuer}/oauth2/${endpoint}`, {
        token: body.access_token,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await makeAssertion(client.client_id, key, audience),
      });
    for (const audience of [issuer, `${issuer}/oauth2/token`, `${issuer}/oauth2/introspect`])
      expect((await post('introspect', audience)).body).toMatchObject({ active: true, client_id: client.client_id });
    expect((await post('introspect', `${issuer}/oauth2/revoke`)).body).toMatchObject({ error: 'invalid_client' });
    expect((await post('revoke', `${issuer}/oauth2/revoke`)).status).toBe(200);
    expect((await post('introspect', issuer)).body).toEqual({ active: false });
    expect((await matchWith(platform, 'demo', body.access_token)).status).toBe(401);
  });
});

describe('AUTH-08 an assertion is good once, for us, for five minutes, by a registered key', () => {
  test.each(ISSUERS)('8 parallel uses of one jti: exactly one 200 (%s)', async (tenant) => {
    const own = await another();
    const url = tokenUrlOf(platform, tenant);
    for (let round = 0; round < 3; round++) {
      const assertion = await makeAssertion(own.client_id, key, url);
      const answers = await Promise.all(Array.from({ length: 8 }, () => postAssertion(url, assertion)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)]);
      expect(answers.find(({ status }) => status === 401)?.body).toMatchObject({
        error: 'invalid_client',
        error_description: expect.stringContaining('jti'),
      });
      // The limit of failed sign-ins is not what is tested.
      await sql('delete from rate_bucket', []);
    }
  });

  test('the jti counts, whatever else differs; another client may have the same', async () => {
    const [one, two] = [await another(), await another()];
    const jti = 'the-same';
    const status = async (who: MadeClient, wish: AssertionWish = {}) =>
      (await askTokenWithKey(platform, who, key, { claims: { jti, ...wish.claims }, ...wish })).status;
    expect(await status(one)).toBe(200);
    expect(await status(two)).toBe(200);
    expect(await status(one, { claims: { jti, extra: 1 } })).toBe(401);
    expect((await askTokenWithKey(platform, one, keys.RS384, { claims: { jti } })).status).toBe(401);
    expect((await askTokenWithKey(platform, one, key)).status).toBe(200);
  });

  test('a jti is remembered longer than its assertion is good, and then forgotten', async () => {
    const own = await another();
    await askTokenWithKey(platform, own, key, { fromNow: { exp: 300 } });
    const { rows } = await sql(
      `select extract(epoch from expires_at - now())::int as left, id, payload::text from oidc_artifact
        where kind = 'ReplayDetection' order by expires_at desc limit 1`,
      [],
    );
    expect(rows[0].left).toBeGreaterThan(305);
    expect(rows[0].left).toBeLessThan(400);
    expect(rows[0].payload).toBe('{}');
  });

  const foreign = 'https://keys.example/jwks.json';
  test.each<[string, AssertionWish, RegExp]>([
    ['aud of another server', { claims: { aud: 'https://evil.example/token' } }, /aud/],
    ['aud the base address', { claims: { aud: 'base' } }, /aud/],
    ['aud the endpoint with a slash', { claims: { aud: 'slash' } }, /aud/],
    ['aud we and somebody else', { claims: { aud: 'both' } }, /aud/],
    ['aud an empty list', { claims: { aud: [] } }, /aud/],
    ['aud a number', { claims: { aud: 1 } }, /aud/],
    ['no aud', { claims: { aud: undefined } }, /aud/],
    ['exp 6 minutes ahead', { fromNow: { exp: 360 } }, /5 minutes/],
    ['exp passed 10 seconds ago', { fromNow: { exp: -10 } }, /exp has passed/],
    ['exp as text', { claims: { exp: '9999999999' } }, /exp/],
    ['exp beyond numbers', { claims: { exp: 1e300 } }, /exp/],
    ['no exp', { claims: { exp: undefined } }, /exp is missing/],
    ['nbf a minute ahead', { fromNow: { nbf: 60 } }, /nbf/],
    ['nbf as text', { claims: { nbf: 'now' } }, /nbf/],
    ['no jti', { claims: { jti: undefined } }, /jti/],
    ['an empty jti', { claims: { jti: '' } }, /jti/],
    ['jti a number', { claims: { jti: 7 } }, /jti/],
    ['a jti of 257 characters', { claims: { jti: 'x'.repeat(257) } }, /jti/],
    ['iss another than sub', { claims: { iss: 'https://payer.example' } }, /iss and sub/],
    ['no iss', { claims: { iss: undefined } }, /iss and sub/],
    ['no sub', { claims: { sub: undefined } }, /iss and sub/],
    ['sub a list', { claims: { sub: ['x'] } }, /iss and sub/],
    ['no kid', { header: { kid: undefined } }, /kid/],
    ['an empty kid', { header: { kid: '' } }, /kid/],
    ['a kid that is not registered', { header: { kid: 'unknown' } }, /no registered key/],
    ['the kid of another of its keys', { header: { kid: 'key-RS384' } }, /no registered key/],
    ['a jku, where keys are registered inline', { header: { jku: foreign } }, /no registered key/],
    ['a jku that is no text', { header: { jku: {} } }, /no registered key/],
    ['typ of an access token', { header: { typ: 'at+jwt' } }, /typ/],
    ['typ a number', { header: { typ: 1 } }, /typ/],
    ['8 KiB of claims', { claims: { padding: 'x'.repeat(8_192) } }, /8192/],
  ])('%s: 401 invalid_client', async (_what, wish, description) => {
    const own = await another();
    for (const tenant of ISSUERS) {
      const url = tokenUrlOf(platform, tenant);
      const audiences: Record<string, unknown> = {
        base: platform.baseUrl,
        slash: `${url}/`,
        both: [url, 'https://evil.example/token'],
      };
      const aud = audiences[String(wish.claims?.aud)];
      const answer = await askTokenWithKey(platform, own, key, {
        ...wish,
        claims: { ...wish.claims, ...(aud === undefined ? {} : { aud }) },
        ...(tenant ? { tenant } : {}),
      });
      expect(answer).toMatchObject({
        status: 401,
        body: { error: 'invalid_client', error_description: expect.stringMatching(description) },
      });
      expect(answer.headers.get('www-authenticate')).toBeNull();
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    expect((await askTokenWithKey(platform, own, key)).status).toBe(200);
  });

  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  test('no signature, our public key as a password, a key in the header, algorithms that are not served: 401', async () => {
    const own = await another();
    const url = tokenUrlOf(platform);
    const good = await makeAssertion(own.client_id, key, url);
    const { header, claims } = partsOf(good);
    const [head = '', body = '', signature = ''] = good.split('.');
    const secret = (text: string) =>
      new SignJWT(claims)
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .sign(new TextEncoder().encode(text.padEnd(32)));
    const [ps384, es512, ed] = await Promise.all([makeKey('PS384'), makeKey('ES512'), makeKey('Ed25519')]);
    const assertions = [
      `${encode({ ...header, alg: 'none' })}.${body}.`,
      `${encode({ ...header, alg: 'None' })}.${body}.${signature}`,
      `${encode({ ...header, alg: 'ES256' })}.${body}.${signature}`,
      `${encode({ ...header, alg: undefined })}.${body}.${signature}`,
      `${encode({ ...header, crit: ['b64'], b64: false })}.${body}.${signature}`,
      `${encode({ ...header, crit: ['x'], x: 1 })}.${body}.${signature}`,
      `${head}.${body}.`,
      `${head}.${encode({ ...claims, jti: 'other' })}.${signature}`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      await secret(JSON.stringify(key.publicJwk)),
      await secret(String(key.publicJwk.x)),
      ...(await Promise.all(
        [ps384, es512, ed].map((one) => makeAssertion(own.client_id, { ...one, kid: key.kid }, url)),
      )),
      await makeAssertion(own.client_id, { ...(await makeKey('ES384')), kid: key.kid }, url),
      await makeAssertion(own.client_id, await makeKey('ES384'), url, {
        header: { jwk: (await makeKey('ES384')).publicJwk, kid: key.kid },
      }),
    ];
    for (const [index, assertion] of assertions.entries()) {
      expect({ index, ...(await postAssertion(url, assertion)) }).toMatchObject({
        index,
        status: 401,
        body: { error: 'invalid_client' },
      });
      await sql('delete from rate_bucket', []);
    }
    expect((await postAssertion(url, good)).status).toBe(200);
  });

  test('the key of another client, or the name of one: 401, in the words for an unknown one', async () => {
    const other = await makeKeyClient(platform, [await makeKey('ES384', key.kid)]);
    const withSecret = await makeClient(platform);
    const own = await another();
    const answers = [
      await askTokenWithKey(platform, other, key),
      await askTokenWithKey(platform, withSecret, key),
      await askTokenWithKey(platform, { client_id: 'A'.repeat(22) }, key),
      await askTokenWithKey(platform, { client_id: 'nobody' }, key),
      await askTokenWithKey(platform, own, key, { header: { kid: 'unknown' } }),
    ];
    expect(new Set(answers.map(({ status, body }) => JSON.stringify({ status, body }))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('what is no JWT at all: 401 invalid_client, never a 5xx', async () => {
    const own = await another();
    const url = tokenUrlOf(platform);
    for (const assertion of [
      'x',
      'a.b.c',
      '...',
      'e30.e30.e30',
      `${encode([])}.${encode([])}.x`,
      'e30.bnVsbA.x',
      'x'.repeat(60_000),
    ])
      expect(await postAssertion(url, assertion, { client_id: own.client_id })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
    expect(await postAssertion(url, 'x'.repeat(70_000))).toMatchObject({
      status: 413,
      body: { error: 'invalid_request' },
    });
  });

  test('20 refused assertions in a minute are told so, the others are to wait', async () => {
    const own = await another();
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const { status } = await askTokenWithKey(platform, own, key, { header: { kid: 'unknown' } });
        return status;
      }),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
  });
});

describe('the error codes of RFC 6749 5.2, as conformance testers check them', () => {
  let own: MadeClient;
  beforeAll(async () => {
    own = await another();
  });
  type Form = Record<string, string>;
  test.each<[string, Form, number, string]>([
    ['a grant_type that is none', { grant_type: 'not_a_grant_type' }, 400, 'unsupported_grant_type'],
    ['no grant_type', { grant_type: '' }, 400, 'invalid_request'],
    ['a client_assertion_type that is none', { client_assertion_type: 'not_an_assertion_type' }, 401, 'invalid_client'],
    ['no client_assertion_type', { client_assertion_type: '' }, 400, 'invalid_request'],
    ['an assertion that is none', { client_assertion: 'not_an_assertion' }, 401, 'invalid_client'],
    ['no assertion', { client_assertion: '' }, 401, 'invalid_client'],
    ['a scope that is none', { scope: 'not_a_scope' }, 400, 'invalid_scope'],
    ['a scope of members', { scope: 'patient/*.read' }, 400, 'invalid_scope'],
    ['no scope', { scope: '' }, 400, 'invalid_scope'],
    ['another client_id', { client_id: 'B'.repeat(22) }, 401, 'invalid_client'],
    ['a secret beside it', { client_secret: 'secret' }, 400, 'invalid_request'],
  ])('%s', async (_what, form, status, error) => {
    for (const tenant of ISSUERS) {
      const answer = await askTokenWithKey(platform, own, key, { ...(tenant ? { tenant } : {}), form });
      expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } });
    }
  });

  test('HTTP Basic beside it, or twice the assertion: 400 invalid_request', async () => {
    const url = tokenUrlOf(platform);
    const assertion = await makeAssertion(own.client_id, key, url);
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'read',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion,
    });
    const basic = Buffer.from(`${own.client_id}:secret`).toString('base64');
    expect(await postForm(url, form.toString(), { authorization: `Basic ${basic}` })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect(await postForm(url, `${form}&client_assertion=${assertion}`)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    // Refused before it was used.
    expect((await postForm(url, form.toString())).status).toBe(200);
  });

  test('a client with keys has no secret: neither in the body nor with HTTP Basic', async () => {
    for (const tenant of ISSUERS)
      expect(await askToken(platform, { ...own, client_secret: 'anything' }, tenant ? { tenant } : {})).toMatchObject({
        status: 401,
        body: { error: 'invalid_client' },
      });
  });
});

describe('a client library that knows nothing of us (openid-client) finds its way by discovery', () => {
  test.each(ISSUERS.flatMap((tenant) => (['RS384', 'ES384', 'ES256'] as const).map((alg) => [alg, tenant] as const)))(
    '%s (%s)',
    async (alg, tenant) => {
      const issuer = new URL(
        tenant ? `${platform.baseUrl}/v1/${tenant}` : `${platform.baseUrl}/auth/realms/dev-portal`,
      );
      for (const algorithm of ['oidc', 'oauth2'] as const) {
        // RFC 8414 puts the well-known part in front of the path.
        const found = await openid.discovery(
          issuer,
          client.client_id,
          {},
          openid.PrivateKeyJwt({ key: keys[alg].privateKey, kid: keys[alg].kid }),
          { algorithm, execute: [openid.allowInsecureRequests] },
        );
        const token = await openid.clientCredentialsGrant(found, { scope: 'system/*.read' });
        expect(token).toMatchObject({ token_type: 'bearer', expires_in: 300, scope: 'system/*.read' });
        expect([400, 403, 422]).toContain((await matchWith(platform, 'demo', token.access_token)).status);
        await expect(openid.clientCredentialsGrant(found, { scope: 'nonsense' })).rejects.toMatchObject({
          error: 'invalid_scope',
        });
      }
    },
  );
});

describe('what the documents say is so', () => {
  const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
  const document = async (path: string): Promise<any> => (await fetch(`${platform.baseUrl}${path}`)).json();

  const isOfMembers = (scope: string): boolean =>
    /^(patient|user)\//.test(scope) || ['openid', 'fhirUser', 'launch/patient', 'offline_access'].includes(scope);

  test.each([
    '/auth/realms/dev-portal/.well-known/openid-configuration',
    '/v1/demo/.well-known/openid-configuration',
    '/v1/demo/.well-known/oauth-authorization-server',
    '/v1/demo/r4/.well-known/smart-configuration',
    '/v1/demo/bulk-data/r4/.well-known/smart-configuration',
  ])('%s', async (path) => {
    const found = await document(path);
    // A plan's issuer knows members' apps too, some of which have no secret.
    const knowsMembers = path.startsWith('/v1/');
    expect(found.token_endpoint_auth_methods_supported).toEqual(knowsMembers ? [...METHODS, 'none'] : METHODS);
    expect(found.token_endpoint_auth_signing_alg_values_supported).toEqual(ALGORITHMS);
    expect(found.grant_types_supported).toEqual([
      ...(knowsMembers ? ['authorization_code', 'refresh_token'] : []),
      'client_credentials',
    ]);
    if (path.includes('smart'))
      expect(found.capabilities).toEqual(
        expect.arrayContaining([
          'client-confidential-asymmetric',
          'client-confidential-symmetric',
          'permission-v1',
          'permission-v2',
        ]),
      );
    // Each method and each algorithm that is named works at the token endpoint that is named.
    const named = found.token_endpoint as string;
    for (const alg of found.token_endpoint_auth_signing_alg_values_supported as (typeof ALGORITHMS)[number][])
      expect((await postAssertion(named, await makeAssertion(client.client_id, keys[alg], named))).status).toBe(200);
    const withSecret = await makeClient(platform);
    const { client_id, client_secret } = withSecret;
    const grant = { grant_type: 'client_credentials', scope: 'read' };
    expect((await postForm(named, { ...grant, client_id, client_secret })).status).toBe(200);
    const basic = { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` };
    expect((await postForm(named, grant, basic)).status).toBe(200);
    for (const scope of found.scopes_supported.filter((name: string) => !isOfMembers(name)))
      expect(await postForm(named, { ...grant, scope, client_id, client_secret })).toMatchObject({ status: 200 });
    for (const name of Object.keys(found).filter((member) => /^(introspection|revocation)_endpoint$/.test(member)))
      if (found[`${name}_auth_methods_supported`])
        expect(found[`${name}_auth_signing_alg_values_supported`]).toEqual(ALGORITHMS);
  });
});

test('P2P-76, AUTH-26 the record says how a client signed in, with which key, and why one was refused; no assertion is in it', async () => {
  const own = await another();
  const { body } = await askTokenWithKey(platform, own, key);
  await askTokenWithKey(platform, own, key, { header: { kid: 'unknown' } });
  await askTokenWithKey(platform, own, key, { claims: { aud: 'https://needle.example' } });
  await platform.cli('client', 'suspend', own.client_id, '--tenant', 'demo');
  await expect.poll(async () => (await askTokenWithKey(platform, own, key, { tenant: 'demo' })).status).toBe(401);
  const { rows } = await sql('select action, outcome, token_id, facts from audit_event where client = $1 order by id', [
    own.client_id,
  ]);
  expect(rows.slice(0, 4)).toMatchObject([
    { action: 'client.create' },
    {
      action: 'token.issue',
      token_id: partsOf(body.access_token).claims.jti,
      facts: { method: 'private_key_jwt', kid: key.kid, environments: ['sandbox'] },
    },
    { action: 'token.refuse', facts: { error: 'invalid_client', reason: 'assertion-unknown-kid' } },
    { action: 'token.refuse', facts: { error: 'invalid_client', reason: 'assertion-audience' } },
  ]);
  expect(rows.at(-1)).toMatchObject({ action: 'token.refuse', facts: { reason: 'assertion-not-active' } });
  expect(JSON.stringify(rows)).not.toContain('needle');
});

test('AUTH-23 logs at their most verbose hold no assertion', async () => {
  const assertion = await makeAssertion(client.client_id, key, tokenUrlOf(platform));
  await postAssertion(tokenUrlOf(platform), assertion);
  await postAssertion(tokenUrlOf(platform), assertion);
  for (const part of assertion.split('.').slice(1)) expect(platform.log()).not.toContain(part);
  expect(jwksOf(key).keys).toHaveLength(1);
});
