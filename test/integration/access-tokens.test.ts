import { createConnection } from 'node:net';
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import {
  askToken,
  getToken,
  type MadeClient,
  makeClient,
  matchWith,
  PLATFORM_TOKEN_PATH,
  partsOf,
  postForm,
} from '../support/tokens.ts';

const TENANTS = [
  { slug: 'demo', kind: 'sandbox' },
  { slug: 'bison', kind: 'sandbox' },
  { slug: 'plan', kind: 'production' },
  { slug: 'other-plan', kind: 'production' },
] as const;

let platform: TestPlatform;
let client: MadeClient;
beforeAll(async () => {
  platform = await startPlatform({ tenants: TENANTS });
  client = await makeClient(platform);
});
afterAll(() => platform.stop());

/** 422 or 400: let in, and the empty body was looked at. */
async function answerAt(tenant: string, token: string): Promise<401 | 403 | 'in'> {
  const { status } = await matchWith(platform, tenant, token);
  return status === 401 || status === 403 ? status : 'in';
}
const sql = (text: string, values: unknown[]) => platform.services.database.owner.query(text, values);

describe('AUTH-10 tokens of tenant A are nothing in tenant B; sandbox tokens nothing in production', () => {
  const clients: Record<string, { options: string[]; at: readonly string[] }> = {
    'of every sandbox': { options: [], at: ['demo', 'bison'] },
    'of one sandbox': { options: ['--tenant', 'bison'], at: ['bison'] },
    'of one production plan': { options: ['--tenant', 'plan'], at: ['plan'] },
    'of a sandbox and a production plan': { options: ['--tenant', 'demo', '--tenant', 'plan'], at: ['demo', 'plan'] },
  };

  test.each(Object.entries(clients))('all issuers and tenants for a client %s', async (_name, { options, at }) => {
    const made = await makeClient(platform, ...options);
    expect([...made.tenants].sort()).toEqual([...at].sort());
    for (const { slug: issuer } of TENANTS) {
      const answer = await askToken(platform, made, { tenant: issuer });
      expect({ issuer, status: answer.status }).toEqual({ issuer, status: at.includes(issuer) ? 200 : 401 });
      if (answer.status !== 200) continue;
      for (const { slug } of TENANTS)
        expect({ issuer, slug, is: await answerAt(slug, answer.body.access_token) }).toEqual({
          issuer,
          slug,
          is: slug === issuer ? 'in' : 401,
        });
    }
    const token = await getToken(platform, made);
    for (const { slug } of TENANTS)
      expect({ slug, is: await answerAt(slug, token) }).toEqual({ slug, is: at.includes(slug) ? 'in' : 403 });
  });

  test('a client made without tenants is active at a sandbox tenant that comes later, and at no production plan', async () => {
    const token = await getToken(platform, client);
    await platform.cli('tenant', 'create', 'later', '--name', 'Later', '--kind', 'sandbox');
    await platform.cli('tenant', 'create', 'later-plan', '--name', 'Later plan', '--kind', 'production');
    platform.services.tenants.forget();
    expect(await answerAt('later', token)).toBe('in');
    expect(await answerAt('later-plan', token)).toBe(403);
  });
});

describe('AUTH-09 secrets are hashed, shown once, and bound to their environment', () => {
  test('the tables hold the hash and the last four characters, nothing else of it', async () => {
    expect(client.client_id).toMatch(/^[A-Za-z0-9]{22}$/);
    expect(client.client_secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const { rows } = await sql('select * from client_secret where client_id = $1', [client.client_id]);
    expect(rows).toMatchObject([{ hint: client.client_secret.slice(-4), environments: ['sandbox'] }]);
    expect(rows[0].sha256).toHaveLength(32);
    const tables = await sql(`select table_name from information_schema.tables where table_schema = 'public'`, []);
    for (const { table_name } of tables.rows) {
      const found = await sql(`select 1 from ${table_name} t where t::text like '%' || $1 || '%' limit 1`, [
        client.client_secret,
      ]);
      expect({ table_name, rows: found.rowCount }).toEqual({ table_name, rows: 0 });
    }
    const listed = await platform.cli('client', 'list');
    expect(listed.stdout).toContain(client.client_id);
    expect(listed.stdout).not.toContain(client.client_secret);
  });

  test('the answer of client create has the keys that scripts rely on', () => {
    expect(Object.keys(client).sort()).toEqual([
      'access_type',
      'client_id',
      'client_secret',
      'redirect_uris',
      'tenants',
    ]);
    expect(client).toMatchObject({ access_type: 'payer-to-payer', tenants: ['bison', 'demo'], redirect_uris: [] });
  });

  test('a secret of the sandbox alone is none in production, and its tokens are nothing there', async () => {
    const made = await makeClient(platform, '--tenant', 'demo', '--tenant', 'plan');
    await sql(`update client_secret set environments = '{sandbox}' where client_id = $1`, [made.client_id]);
    expect((await askToken(platform, made, { tenant: 'plan' })).status).toBe(401);
    expect((await askToken(platform, made, { tenant: 'demo' })).status).toBe(200);
    const token = await getToken(platform, made);
    expect(partsOf(token).claims.env).toEqual(['sandbox']);
    expect(await answerAt('demo', token)).toBe('in');
    expect(await answerAt('plan', token)).toBe(401);
    // The other endpoints take it no more than the token endpoint, nor anywhere that the client is not known.
    for (const tenant of ['plan', 'bison'])
      for (const endpoint of ['introspect', 'revoke']) {
        const { client_id, client_secret } = made;
        const url = `${platform.baseUrl}/v1/${tenant}/oauth2/${endpoint}`;
        expect((await postForm(url, { client_id, client_secret, token })).status).toBe(401);
      }
  });

  test('and the other way round', async () => {
    const made = await makeClient(platform, '--tenant', 'demo', '--tenant', 'plan');
    await sql(`update client_secret set environments = '{production}' where client_id = $1`, [made.client_id]);
    expect((await askToken(platform, made, { tenant: 'plan' })).status).toBe(200);
    expect((await askToken(platform, made, { tenant: 'demo' })).status).toBe(401);
    expect(await answerAt('demo', await getToken(platform, made))).toBe(401);
  });
});

describe('AUTH-17 a token is good as it was made, and in no other way', () => {
  type Forged = {
    header?: Record<string, unknown>;
    claims?: Record<string, unknown>;
    /** Claims that are times: seconds from now. */
    fromNow?: Record<string, number>;
    key?: 'own' | 'foreign' | 'rs256' | 'other-tenant';
  };
  const now = (): number => Math.floor(Date.now() / 1_000);

  async function forge({ header = {}, claims = {}, fromNow = {}, key = 'own' }: Forged): Promise<string> {
    const { routeDeps } = platform.services.authorization;
    const tenant = await platform.tenant('demo');
    const keys = await routeDeps.keys.of(key === 'other-tenant' ? (await platform.tenant('bison')).id : tenant.id);
    const alg = key === 'rs256' ? 'RS256' : 'ES256';
    const jwk = keys.find((candidate) => candidate.alg === alg)!;
    const own = keys.find((candidate) => candidate.alg === 'ES256')!;
    const signer =
      key === 'foreign' ? (await generateKeyPair('ES256')).privateKey : await importJWK(jwk.privateJwk, alg);
    const payload = {
      iss: `${platform.baseUrl}/v1/demo`,
      aud: `${platform.baseUrl}/v1/demo/r4`,
      sub: client.client_id,
      client_id: client.client_id,
      scope: 'member-match|read',
      iat: now(),
      exp: now() + 300,
      jti: 'forged',
      tid: 'demo',
      env: ['sandbox'],
      ...claims,
      ...Object.fromEntries(Object.entries(fromNow).map(([name, seconds]) => [name, now() + seconds])),
    };
    return new SignJWT(JSON.parse(JSON.stringify(payload)))
      .setProtectedHeader({
        alg,
        typ: 'at+jwt',
        kid: key === 'own' || key === 'foreign' ? own.kid : jwk.kid,
        ...header,
      } as never)
      .sign(signer);
  }
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  test.each<[string, Forged]>([
    ['as it is made', {}],
    ['with typ in full', { header: { typ: 'application/at+jwt' } }],
    ['3 seconds after its end: clocks differ', { fromNow: { exp: -3 } }],
  ])('%s: in', async (_what, forged) => {
    expect(await answerAt('demo', await forge(forged))).toBe('in');
  });

  test.each<[string, Forged]>([
    ['signed with another key under our kid', { key: 'foreign' }],
    ['under a kid that we do not have', { header: { kid: 'unknown' } }],
    ['under the kid of the id_token key', { key: 'rs256' }],
    ['signed by another tenant', { key: 'other-tenant' }],
    ['an id_token', { header: { typ: 'JWT' } }],
    ['without a typ', { header: { typ: undefined } }],
    ['ended 10 seconds ago', { fromNow: { exp: -10 } }],
    ['without an end', { claims: { exp: undefined } }],
    ['not good yet', { fromNow: { nbf: 60 } }],
    ['of an unknown issuer', { claims: { iss: 'https://evil.example' } }],
    ['of another tenant', { claims: { iss: 'bison' } }],
    ['of the platform, but signed by the tenant', { claims: { iss: 'platform', aud: 'platform' } }],
    ['without an issuer', { claims: { iss: undefined } }],
    ['for another audience', { claims: { aud: 'https://evil.example' } }],
    ['for the audience with a slash', { claims: { aud: 'slash' } }],
    ['for nobody', { claims: { aud: undefined } }],
    ['without a jti', { claims: { jti: undefined } }],
    ['without a client', { claims: { client_id: undefined } }],
    ['without a scope', { claims: { scope: undefined } }],
    ['of an unknown client', { claims: { client_id: 'A'.repeat(22) } }],
    ['that does not say its environment', { claims: { env: undefined } }],
    ['of production', { claims: { env: ['production'] } }],
  ])('%s: 401', async (_what, forged) => {
    const names: Record<string, string> = {
      bison: `${platform.baseUrl}/v1/bison`,
      platform: forged.claims?.aud === 'platform' ? platform.baseUrl : '',
      slash: `${platform.baseUrl}/v1/demo/r4/`,
    };
    const claims = { ...forged.claims };
    for (const name of ['iss', 'aud']) if (names[String(claims[name])]) claims[name] = names[String(claims[name])];
    if (forged.claims?.iss === 'platform') claims.iss = `${platform.baseUrl}/auth/realms/dev-portal`;
    const answer = await matchWith(platform, 'demo', await forge({ ...forged, claims }));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="fhir", error="invalid_token"');
    expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'login' }] });
  });

  test('without a signature, or with our public key as a password: 401', async () => {
    const good = await forge({});
    const [header = '', claims = ''] = good.split('.');
    const { kid } = partsOf(good).header;
    const jwks = (await (await fetch(`${platform.baseUrl}/v1/demo/oauth2/jwks`)).json()) as { keys: any[] };
    const publicKey = jwks.keys.find((key) => key.kid === kid);
    const password = async (secret: string): Promise<string> =>
      new SignJWT(partsOf(good).claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
        .sign(new TextEncoder().encode(secret));
    const tampered = encode({ ...partsOf(good).claims, client_id: 'B'.repeat(22) });
    const embedded = await generateKeyPair('ES256', { extractable: true });
    const withOwnKey = await new SignJWT(partsOf(good).claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', jwk: await exportJWK(embedded.publicKey) } as never)
      .sign(embedded.privateKey);
    for (const token of [
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${claims}.`,
      `${encode({ alg: 'None', typ: 'at+jwt', kid })}.${claims}.x`,
      `${header}.${claims}.`,
      `${header}.${claims}`,
      `${header}.${tampered}.${good.split('.')[2]}`,
      await password(JSON.stringify(publicKey)),
      await password(publicKey.x),
      withOwnKey,
      `${good}.${claims}.x`,
      'a.b.c',
      '...',
      `${good.slice(0, -4)}AAAA`,
      'x'.repeat(12_000),
    ])
      expect({ token: token.slice(0, 40), is: await answerAt('demo', token) }).toMatchObject({ is: 401 });
    expect(await answerAt('demo', good)).toBe('in');
  });

  test('no token, or one that is sent in another way: 401 without an error, as RFC 6750 3.1 wants', async () => {
    const token = await getToken(platform, client);
    const url = `${platform.baseUrl}/v1/demo/r4/Patient/$member-match`;
    const asks = [
      fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
      fetch(`${url}?access_token=${token}`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      }),
      fetch(url, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json', authorization: `Basic ${token}` },
      }),
    ];
    for (const answer of await Promise.all(asks)) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="fhir"');
    }
  });
});

describe('AUTH-18 Host and X-Forwarded-* from outside change nothing', () => {
  const LIES = [
    'Host: evil.example',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 444',
    'Forwarded: host=evil.example;proto=https',
    'X-Original-URL: /evil',
    'X-Credential-Environments: production',
  ];
  function raw(request: readonly string[], body = ''): Promise<any> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(platform.baseUrl).port) });
      let text = '';
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => resolve(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))));
      socket.write(
        `${[...request, 'Connection: close', `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n')}`,
      );
    });
  }
  const form = () =>
    new URLSearchParams({
      client_id: client.client_id,
      client_secret: client.client_secret,
      grant_type: 'client_credentials',
      scope: 'read',
    }).toString();

  test.each([PLATFORM_TOKEN_PATH, '/v1/demo/oauth2/token'])('tokens of %s', async (path) => {
    const post = (headers: readonly string[]) =>
      raw([`POST ${path} HTTP/1.1`, ...headers, 'Content-Type: application/x-www-form-urlencoded'], form());
    const honest = partsOf((await post(['Host: localhost'])).access_token).claims;
    const lied = partsOf((await post(LIES)).access_token).claims;
    for (const claim of ['iss', 'aud', 'tid', 'env']) expect(lied[claim]).toEqual(honest[claim]);
    expect(honest.iss.startsWith(platform.baseUrl)).toBe(true);
  });

  test.each([
    '/auth/realms/dev-portal/.well-known/openid-configuration',
    '/v1/demo/.well-known/openid-configuration',
    '/v1/demo/r4/.well-known/smart-configuration',
  ])('the document %s', async (path) => {
    const document = await raw([`GET ${path} HTTP/1.1`, ...LIES]);
    expect(JSON.stringify(document)).not.toContain('evil');
    expect(document).toEqual(await (await fetch(`${platform.baseUrl}${path}`)).json());
  });

  test('under a host name of the tenant the token is still the canonical issuer’s', async () => {
    await platform.cli('tenant', 'set', 'demo', 'hosts=demo.localhost');
    platform.services.tenants.forget();
    const ask = () =>
      raw(
        ['POST /oauth2/token HTTP/1.1', 'Host: demo.localhost:8080', 'Content-Type: application/x-www-form-urlencoded'],
        form(),
      );
    await expect.poll(async () => (await ask().catch(() => ({}))).access_token, { timeout: 6_000 }).toBeDefined();
    expect(partsOf((await ask()).access_token).claims.iss).toBe(`${platform.baseUrl}/v1/demo`);
  });
});

describe('taking back', () => {
  test('a client that is suspended on the command line has no token any more, at once; one at a tenant within 5 seconds', async () => {
    const made = await makeClient(platform);
    const token = await getToken(platform, made);
    const own = await getToken(platform, made, { tenant: 'bison' });
    expect(await answerAt('bison', token)).toBe('in');
    await sql(`insert into client_tenant select $1, id, 'suspended' from tenant where slug = 'demo'`, [made.client_id]);
    await expect.poll(() => answerAt('demo', token), { timeout: 6_000 }).toBe(403);
    expect(await answerAt('bison', token)).toBe('in');
    expect((await platform.cli('client', 'suspend', made.client_id)).exitCode).toBe(0);
    await expect.poll(() => answerAt('bison', token), { timeout: 1_000 }).toBe(401);
    expect(await answerAt('bison', own)).toBe(401);
    expect((await askToken(platform, made)).status).toBe(401);
    expect((await platform.cli('client', 'revoke', made.client_id)).exitCode).toBe(0);
    expect((await platform.cli('client', 'revoke', made.client_id)).exitCode).toBe(1);
  }, 30_000);

  test('RFC 7009 a client takes its own token back: 200 for anything, at once, the platform’s too, and nobody else’s', async () => {
    const revoke = (who: MadeClient, token: string, tenant = 'demo') =>
      postForm(`${platform.baseUrl}/v1/${tenant}/oauth2/revoke`, {
        client_id: who.client_id,
        client_secret: who.client_secret,
        token,
      });
    const stranger = await makeClient(platform);
    for (const options of [{ tenant: 'demo' }, {}]) {
      const token = await getToken(platform, client, options);
      const bystander = await getToken(platform, client, options);
      expect((await revoke(stranger, token)).status).toBe(200);
      expect(await answerAt('demo', token)).toBe('in');
      expect((await revoke(client, token)).status).toBe(200);
      expect(await answerAt('demo', token)).toBe(401);
      expect((await revoke(client, token)).status).toBe(200);
      expect(await answerAt('demo', bystander)).toBe('in');
    }
    for (const nonsense of ['nonsense', 'a.b.c', 'x'.repeat(5_000)])
      expect((await revoke(client, nonsense)).status).toBe(200);
    expect((await revoke({ ...client, client_secret: 'wrong' }, 'x')).body).toMatchObject({ error: 'invalid_client' });
    expect((await revoke(client, '')).body).toMatchObject({ error: 'invalid_request' });
    const events = await sql(
      `select count(*)::int as n from audit_event where action = 'token.revoke' and client = $1`,
      [client.client_id],
    );
    expect(events.rows[0].n).toBe(4);
  });

  test('RFC 7662 introspection: the own token as it was issued, everything else exactly {"active":false}', async () => {
    const introspect = (who: MadeClient, token: string, tenant = 'demo') =>
      postForm(`${platform.baseUrl}/v1/${tenant}/oauth2/introspect`, {
        client_id: who.client_id,
        client_secret: who.client_secret,
        token,
      });
    const stranger = await makeClient(platform);
    for (const options of [{ tenant: 'demo' }, {}]) {
      const token = await getToken(platform, client, options);
      const { iss, aud, sub, exp, iat, jti } = partsOf(token).claims;
      const { status, headers, body } = await introspect(client, token);
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toEqual({
        active: true,
        scope: 'member-match|read',
        client_id: client.client_id,
        token_type: 'Bearer',
        ...{ iss, aud, sub, exp, iat, jti },
      });
      expect((await introspect(stranger, token)).body).toEqual({ active: false });
      await postForm(`${platform.baseUrl}/v1/demo/oauth2/revoke`, {
        client_id: client.client_id,
        client_secret: client.client_secret,
        token,
      });
      expect((await introspect(client, token)).body).toEqual({ active: false });
    }
    const elsewhere = await getToken(platform, client, { tenant: 'bison' });
    expect((await introspect(client, elsewhere)).body).toEqual({ active: false });
    for (const nonsense of ['nonsense', 'a.b.c'])
      expect((await introspect(client, nonsense)).body).toEqual({ active: false });
    expect(await introspect({ ...client, client_secret: 'wrong' }, elsewhere)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await introspect(client, elsewhere, 'plan')).toMatchObject({ status: 401 });
  });
});

describe('discovery: only what works today', () => {
  const get = async (path: string): Promise<any> => {
    const answer = await fetch(`${platform.baseUrl}${path}`, {
      headers: { accept: 'text/html', origin: 'https://app.example' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    return answer.json();
  };

  test('smart-configuration stands under both names of the FHIR base', async () => {
    const issuer = `${platform.baseUrl}/v1/demo`;
    const document = await get('/v1/demo/r4/.well-known/smart-configuration');
    // PA-37, PA-38: what SMART, CARIN and the certification kits look for.
    expect(document).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/oauth2/authorize/test`,
      token_endpoint: `${issuer}/oauth2/token`,
      jwks_uri: `${issuer}/oauth2/jwks`,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
      revocation_endpoint: `${issuer}/oauth2/revoke`,
      management_endpoint: `${issuer}/manage`,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
      token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384', 'RS256', 'ES256'],
      grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      capabilities: [
        'launch-standalone',
        'authorize-post',
        'client-public',
        'client-confidential-symmetric',
        'client-confidential-asymmetric',
        'sso-openid-connect',
        'context-standalone-patient',
        'permission-offline',
        'permission-patient',
        'permission-user',
        'permission-v1',
        'permission-v2',
      ],
    });
    expect(await get('/v1/demo/bulk-data/r4/.well-known/smart-configuration')).toEqual(document);
  });

  test('every scope of systems that is listed is granted', async () => {
    const { scopes_supported } = await get('/v1/demo/r4/.well-known/smart-configuration');
    const ofSystems = (scopes_supported as string[]).filter((scope) => /^(system|member-match|read|http)/.test(scope));
    expect(ofSystems.length).toBeGreaterThan(5);
    for (const scope of ofSystems)
      expect((await askToken(platform, client, { tenant: 'demo', scope })).body.scope).toBe(scope);
  });

  test.each([
    ['/v1/demo', '/v1/demo/.well-known/openid-configuration'],
    ['/v1/demo', '/v1/demo/.well-known/oauth-authorization-server'],
    ['/v1/demo', '/.well-known/oauth-authorization-server/v1/demo'],
    ['/auth/realms/dev-portal', '/auth/realms/dev-portal/.well-known/openid-configuration'],
    ['/auth/realms/dev-portal', '/.well-known/oauth-authorization-server/auth/realms/dev-portal'],
  ])('the issuer %s is described at %s, and its addresses answer', async (path, address) => {
    const document = await get(address);
    expect(document.issuer).toBe(`${platform.baseUrl}${path}`);
    for (const name of ['userinfo_endpoint', 'registration_endpoint']) expect(document).not.toHaveProperty(name);
    expect('authorization_endpoint' in document).toBe(path === '/v1/demo');
    expect((await postForm(document.token_endpoint, { grant_type: 'client_credentials' })).status).toBe(401);
    const { keys } = (await (await fetch(document.jwks_uri)).json()) as { keys: any[] };
    expect(keys.map(({ alg }) => alg).sort()).toEqual(path === '/v1/demo' ? ['ES256', 'RS256'] : ['ES256']);
    for (const key of keys) {
      expect(key).toMatchObject({ kid: expect.any(String), use: 'sig' });
      expect(key).not.toHaveProperty('d');
    }
    if (document.introspection_endpoint)
      expect((await postForm(document.introspection_endpoint, {})).body).toMatchObject({ error: 'invalid_client' });
  });

  test('an issuer that does not exist is not described', async () => {
    for (const path of [
      '/v1/nowhere/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/v1/nowhere',
    ])
      expect((await fetch(`${platform.baseUrl}${path}`)).status).toBe(404);
  });
});

describe('P2P-73 scopes over HTTP: what is not permitted is 403, what is permitted goes on', () => {
  const probes: Record<string, (token: string) => Promise<Response>> = {
    'member-match': (token) => matchWith(platform, 'demo', token),
    export: (token) =>
      fetch(`${platform.baseUrl}/v1/demo/r4/Group/no-such-group/$export`, {
        headers: { authorization: `Bearer ${token}`, accept: 'application/fhir+json', prefer: 'respond-async' },
      }),
    read: (token) =>
      fetch(`${platform.baseUrl}/v1/demo/r4/Patient?identifier=http://example.org|1`, {
        headers: { authorization: `Bearer ${token}` },
      }),
  };
  const hrex = 'http://hl7.org/fhir/us/davinci-hrex/OperationDefinition/member-match';
  const pdex = 'http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch';
  const group = 'system.Group.u?code=http://hl7.org/fhir/us/davinci-pdex/ValueSet/PDexMultiMemberMatchResultVS|match';

  test.each([
    ['member-match|read', ['member-match', 'export', 'read']],
    ['member-match read', ['member-match', 'export', 'read']],
    ['member-match', ['member-match']],
    ['read', ['export', 'read']],
    [hrex, ['member-match']],
    [`${hrex} system/*.read`, ['member-match', 'export', 'read']],
    [pdex, []],
    [group, ['export', 'read']],
    ['system/Group.rs', ['export', 'read']],
    ['system/*.read', ['export', 'read']],
    ['system/Patient.rs', ['export', 'read']],
  ])('%s', async (scope, permitted) => {
    const token = await getToken(platform, client, { scope });
    for (const [permission, ask] of Object.entries(probes)) {
      const { status } = await ask(token);
      expect({ permission, forbidden: status === 403 }).toEqual({
        permission,
        forbidden: !permitted.includes(permission),
      });
      expect(status).not.toBe(401);
    }
  });

  test('a refusal names the reason to the caller, and is in the plan’s record', async () => {
    const token = await getToken(platform, client, { scope: 'read' });
    const answer = await matchWith(platform, 'demo', token);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toContain('insufficient_scope');
    expect(await answer.json()).toMatchObject({
      issue: [{ code: 'forbidden', details: { coding: [{ code: 'not-authorized' }] } }],
    });
    const { rows } = await sql(`select * from audit_event where action = 'access.refuse' and token_id = $1`, [
      partsOf(token).claims.jti,
    ]);
    expect(rows).toMatchObject([
      {
        tenant_id: (await platform.tenant('demo')).id,
        outcome: 'refused',
        client: client.client_id,
        facts: { reason: 'scope', permission: 'member-match' },
      },
    ]);
  });
});
