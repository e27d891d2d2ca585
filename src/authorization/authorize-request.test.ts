import { describe, expect, test } from 'vitest';
import type { Client } from '#/onboarding/clients.ts';
import { type AuthorizeDecision, decideAuthorize, isSameBase, refusalAddress } from './authorize-request.ts';
import type { Issuer } from './issuer.ts';
import { rulesOf } from './segment.ts';

const ISSUER = {
  url: 'https://plan.example/v1/demo',
  audience: 'https://plan.example/v1/demo/r4',
  tenant: { kind: 'sandbox' },
} as unknown as Issuer;
const PRODUCTION = { ...ISSUER, tenant: { kind: 'production' } } as unknown as Issuer;
const CALLBACK = 'https://app.example/cb?x=1';
const CLIENT = {
  clientId: 'A'.repeat(22),
  accessType: 'patient-access',
  launchProfile: 'classic',
  redirectUris: [CALLBACK, 'http://localhost:3000/cb', 'https://app.example/other'],
} as unknown as Client;
const SMART = { ...CLIENT, launchProfile: 'smart' } as Client;
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

const decide = (
  parameters: Record<string, string> | string,
  { client = CLIENT as Client | null, issuer = ISSUER, segment = 'patient-access' as const } = {},
): AuthorizeDecision =>
  decideAuthorize(new URLSearchParams(parameters), { rules: rulesOf(segment), client: client ?? undefined, issuer });
const asked = (parameters: Record<string, string>, options = {}): Readonly<Record<string, string>> => {
  const decision = decide({ client_id: CLIENT.clientId, redirect_uri: CALLBACK, ...parameters }, options);
  if (decision.kind !== 'go') throw new Error(JSON.stringify(decision));
  return decision.parameters;
};
const refused = (parameters: Record<string, string>, options = {}): string => {
  const decision = decide({ client_id: CLIENT.clientId, redirect_uri: CALLBACK, ...parameters }, options);
  return decision.kind === 'refuse' ? decision.error : decision.kind;
};
const STRICT = {
  response_type: 'code',
  state: 's',
  aud: ISSUER.audience,
  scope: 'patient/*.rs',
  code_challenge: CHALLENGE,
  code_challenge_method: 'S256',
};

describe('PA-14 the request of older instructions', () => {
  test('PA-44 client and redirect URI suffice; code and user/*.read are filled in', () => {
    expect(asked({})).toEqual({
      client_id: CLIENT.clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'user/*.read',
      resource: ISSUER.audience,
      segment: 'patient-access',
      prompt: 'consent',
    });
  });

  test('what a public or SMART client must send is asked for', () => {
    expect(asked(STRICT, { client: SMART })).toMatchObject({
      scope: 'patient/*.rs',
      code_challenge: CHALLENGE,
      state: 's',
    });
    for (const name of ['response_type', 'state', 'aud', 'code_challenge'])
      expect(refused({ ...STRICT, [name]: '' }, { client: SMART }), name).toBe('invalid_request');
    expect(refused({ ...STRICT, scope: '' }, { client: SMART })).toBe('invalid_scope');
  });
});

describe('AUTH-01 PA-15 nobody is sent to an address that is not registered', () => {
  test.each([
    ['', 'another case', 'https://APP.example/cb?x=1'],
    ['', 'a slash more', 'https://app.example/cb/?x=1'],
    ['', 'a port', 'https://app.example:443/cb?x=1'],
    ['', 'a query more', 'https://app.example/cb?x=1&y=2'],
    ['', 'another encoding', 'https://app.example/%63b?x=1'],
    ['', 'a user', 'https://app.example@evil.example/cb?x=1'],
    ['', 'a path walk', 'https://app.example/other/../cb?x=1'],
    ['', 'a fragment', 'https://app.example/cb?x=1#'],
    ['', 'another port on loopback', 'http://localhost:3001/cb'],
    ['', 'a script', 'javascript:alert(1)'],
    ['', 'nothing', ''],
  ])('%s%s', (_, _what, redirectUri) => {
    expect(decide({ client_id: CLIENT.clientId, redirect_uri: redirectUri })).toEqual({
      kind: 'page',
      reason: 'redirect-uri',
    });
  });

  test('a second redirect URI or client, an unknown client, one of another access type', () => {
    const twice = `client_id=${CLIENT.clientId}&redirect_uri=${encodeURIComponent(CALLBACK)}`;
    expect(decide(`${twice}&redirect_uri=${encodeURIComponent(CALLBACK)}`)).toEqual({
      kind: 'page',
      reason: 'redirect-uri',
    });
    expect(decide(`${twice}&client_id=${CLIENT.clientId}`)).toEqual({ kind: 'page', reason: 'client' });
    expect(decide(twice, { client: null })).toEqual({ kind: 'page', reason: 'client' });
    expect(decide(twice, { segment: 'payer2payer' as never })).toEqual({ kind: 'page', reason: 'access-type' });
  });

  test('AUTH-02 production never goes to loopback or http, even if it was stored', () => {
    const local = { client_id: CLIENT.clientId, redirect_uri: 'http://localhost:3000/cb' };
    expect(decide(local).kind).toBe('go');
    expect(decide(local, { issuer: PRODUCTION })).toEqual({ kind: 'page', reason: 'redirect-uri' });
  });
});

describe('AUTH-03 PA-40 PKCE', () => {
  test.each([
    [{ code_challenge: CHALLENGE }],
    [{ code_challenge: CHALLENGE, code_challenge_method: 'plain' }],
    [{ code_challenge: CHALLENGE, code_challenge_method: 's256' }],
    [{ code_challenge: 'short', code_challenge_method: 'S256' }],
    [{ code_challenge: `${CHALLENGE}=`, code_challenge_method: 'S256' }],
    [{ code_challenge_method: 'S256' }],
  ])('%j is refused', (parameters) => {
    expect(refused(parameters as Record<string, string>)).toBe('invalid_request');
  });
});

describe('AUTH-11 PA-41 aud', () => {
  test.each([ISSUER.audience, `${ISSUER.audience}/`, 'HTTPS://Plan.Example/v1/demo/r4'])('%s is this server', (aud) => {
    expect(asked({ aud }).resource).toBe(ISSUER.audience);
    expect(asked({ resource: aud }).resource).toBe(ISSUER.audience);
  });

  test.each([
    'https://evil.example/v1/demo/r4',
    'https://plan.example/v1/other/r4',
    'https://plan.example/v1/demo/R4',
    `${ISSUER.audience}//`,
    `${ISSUER.audience}?x`,
    `${ISSUER.audience}#`,
    'http://plan.example/v1/demo/r4',
    'plan.example',
    'https://plan.example:444/v1/demo/r4',
  ])('%s is not', (aud) => {
    expect(isSameBase(aud, ISSUER.audience)).toBe(false);
    expect(refused({ aud })).toBe('invalid_request');
    expect(refused({ resource: aud })).toBe('invalid_request');
    expect(refused({ aud: ISSUER.audience, resource: aud })).toBe('invalid_request');
  });
});

describe('AUTH-12 PA-42 PA-46 scopes', () => {
  test.each<[string, string]>([
    ['patient/*.cruds', 'patient/*.rs'],
    ['patient/Patient.read patient/Patient.write', 'patient/Patient.read'],
    ['user/*.*', 'user/*.read'],
    [
      'openid fhirUser launch/patient online_access unknown patient/Coverage.rs',
      'openid fhirUser launch/patient patient/Coverage.rs',
    ],
    ['system/*.read patient/Goal.s', 'patient/Goal.s'],
    ['patient/Claim.rs patient/Goal.rs', 'patient/Goal.rs'],
  ])('%s becomes %s', (scope, granted) => {
    expect(asked({ scope }).scope).toBe(granted);
  });

  test.each([
    'launch/patient',
    'unknown',
    'system/*.read',
    'patient/*.write',
    'patient/*.dus',
    'patient/Nothing.rs',
    `patient/*.rs ${'x'.repeat(9000)}`,
    'member-match|read',
  ])('%s is no scope to grant', (scope) => {
    expect(refused({ scope })).toBe('invalid_scope');
  });

  test('PA-43 the thirteen scopes of CARIN are taken in one request', () => {
    const types = ['ExplanationOfBenefit', 'Coverage', 'Patient', 'Organization', 'Practitioner'];
    const scope = [
      'openid',
      'fhirUser',
      'launch/patient',
      ...types.map((type) => `patient/${type}.read`),
      ...types.map((type) => `user/${type}.read`),
    ].join(' ');
    expect(asked({ scope }).scope).toBe(scope);
  });
});

describe('the rest of a request', () => {
  test('without openid a nonce is dropped: real apps always send one', () => {
    expect(asked({ nonce: 'n', max_age: '1' })).not.toHaveProperty('nonce');
    expect(asked({ nonce: 'n', scope: 'openid patient/*.rs' }).nonce).toBe('n');
  });

  test.each([
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'code id_token' }, 'unsupported_response_type'],
    [{ response_mode: 'fragment' }, 'invalid_request'],
    [{ request: 'x' }, 'invalid_request'],
    [{ request_uri: 'https://x.example' }, 'invalid_request'],
    [{ prompt: 'none' }, 'login_required'],
    [{ state: 'a\u0000b' }, 'invalid_request'],
    [{ state: 'x'.repeat(4001) }, 'invalid_request'],
  ])('%j is refused to the app', (parameters, error) => {
    expect(refused(parameters as Record<string, string>)).toBe(error);
  });

  test('PA-16 an app is told with its own state, letter by letter, behind what its address had', () => {
    const state = 'a b&c=d%25?é"<>';
    const decision = decide({ client_id: CLIENT.clientId, redirect_uri: CALLBACK, state, response_type: 'token' });
    if (decision.kind !== 'refuse') throw new Error(decision.kind);
    const url = new URL(refusalAddress(decision, ISSUER.url));
    expect(url.href.startsWith(`${CALLBACK}&error=`)).toBe(true);
    expect(url.searchParams.get('state')).toBe(state);
    expect(url.searchParams.get('iss')).toBe(ISSUER.url);
    const without = decide({ client_id: CLIENT.clientId, redirect_uri: CALLBACK, response_type: 'token' });
    if (without.kind !== 'refuse') throw new Error(without.kind);
    expect(new URL(refusalAddress(without, ISSUER.url)).searchParams.has('state')).toBe(false);
  });
});
