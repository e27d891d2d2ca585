import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claimedClientOf, readAssertion } from './client-assertion.ts';
import { OAuthRefusal } from './oauth-refusal.ts';

const NOW = new Date('2026-11-25T10:00:00Z');
const SECONDS = NOW.getTime() / 1_000;
const TOKEN_URL = 'https://plan.example/v1/plan/oauth2/token';
const AUDIENCES = [TOKEN_URL, 'https://plan.example/v1/plan'];

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (header: unknown, claims: unknown): string => `${encode(header)}.${encode(claims)}.c2lnbmF0dXJl`;
const HEADER = { alg: 'RS384', kid: 'one', typ: 'JWT' };
const CLAIMS = { iss: 'client', sub: 'client', aud: TOKEN_URL, exp: SECONDS + 300, jti: 'first' };

function reasonOf(text: string): string {
  try {
    readAssertion(text, AUDIENCES, NOW);
    return 'read';
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error;
    expect(error).toMatchObject({ status: 401, error: 'invalid_client' });
    return error.reason ?? '';
  }
}

test('what an assertion says', () => {
  expect(readAssertion(jwt({ ...HEADER, jku: 'https://payer.example/jwks' }, CLAIMS), AUDIENCES, NOW)).toEqual({
    text: expect.any(String),
    clientId: 'client',
    kid: 'one',
    jku: 'https://payer.example/jwks',
    jti: 'first',
    expiresAt: new Date((SECONDS + 300) * 1_000),
  });
});

describe('AUTH-08 times, to the second; clocks may differ by 5 s', () => {
  test.each<[object, string]>([
    [{ exp: SECONDS + 305 }, 'read'],
    [{ exp: SECONDS + 306 }, 'assertion-expiry'],
    [{ exp: SECONDS - 4 }, 'read'],
    [{ exp: SECONDS - 5 }, 'assertion-expiry'],
    [{ nbf: SECONDS + 5 }, 'read'],
    [{ nbf: SECONDS + 6 }, 'assertion-expiry'],
    [{ nbf: null }, 'assertion-expiry'],
    [{ exp: null }, 'assertion-expiry'],
  ])('%o: %s', (times, outcome) => {
    expect(reasonOf(jwt(HEADER, { ...CLAIMS, ...times }))).toBe(outcome);
  });
});

test('what is wrong is told by its first fault', () => {
  const faults: [object, object, string][] = [
    [{ alg: 'HS256' }, {}, 'assertion-algorithm'],
    [{ alg: 'PS384' }, {}, 'assertion-algorithm'],
    [{ alg: ['RS384'] }, {}, 'assertion-algorithm'],
    [{ typ: 'at+jwt' }, {}, 'assertion-type'],
    [{ kid: 7 }, {}, 'assertion-key-id'],
    [{}, { iss: 'other' }, 'assertion-subject'],
    [{}, { aud: 'https://evil.example' }, 'assertion-audience'],
    [{}, { aud: [] }, 'assertion-audience'],
    [{}, { aud: [TOKEN_URL, 'https://evil.example'] }, 'assertion-audience'],
    [{}, { jti: 'x'.repeat(257) }, 'assertion-jti'],
  ];
  for (const [header, claims, reason] of faults)
    expect(reasonOf(jwt({ ...HEADER, ...header }, { ...CLAIMS, ...claims }))).toBe(reason);
  expect(reasonOf(jwt(HEADER, { ...CLAIMS, aud: AUDIENCES }))).toBe('read');
  for (const text of ['', 'x', 'a.b.c', jwt(null, CLAIMS), jwt(HEADER, []), jwt(HEADER, CLAIMS).padEnd(8_193, 'x')])
    expect(reasonOf(text)).toBe('assertion-malformed');
});

test('whatever comes, it is read or refused as OAuth refuses; a client id is a text or none', () => {
  const value = fc.oneof(fc.constantFrom(...Object.values(CLAIMS), ...Object.values(HEADER)), fc.jsonValue());
  const part = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), value, { maxKeys: names.length });
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .tuple(part(['alg', 'kid', 'typ', 'jku', 'crit']), part(['iss', 'sub', 'aud', 'exp', 'nbf', 'jti']))
      .map(([header, claims]) => jwt({ ...HEADER, ...header }, { ...CLAIMS, ...claims })),
  );
  fc.assert(
    fc.property(text, (shown) => {
      expect(reasonOf(shown)).toMatch(/^(read|assertion-[a-z-]+)$/);
      expect(['string', 'undefined']).toContain(typeof claimedClientOf(shown));
    }),
    { numRuns: 2_000 },
  );
});
