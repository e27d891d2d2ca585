import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ASSERTION_TYPE } from './client-assertion.ts';
import { OAuthRefusal } from './oauth-refusal.ts';
import { parseTokenRequest } from './token-request.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
function refusalOf(body: string, authorization?: string): OAuthRefusal {
  try {
    parseTokenRequest(body, authorization);
  } catch (error) {
    if (error instanceof OAuthRefusal) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('client credentials (RFC 6749 2.3.1)', () => {
  test('in the body', () => {
    expect(parseTokenRequest('client_id=a&client_secret=b%2Bc', undefined)).toMatchObject({
      clientId: 'a',
      clientSecret: 'b+c',
      usedBasic: false,
    });
  });

  test.each([
    ['id:se-cr_et', 'se-cr_et'],
    ['id:se%2Bcret', 'se+cret'],
    ['id:se:cret', 'se:cret'],
    ['id:100%', '100%'],
  ])('in the header, form-encoded or forgotten to be: %s', (text, secret) => {
    expect(parseTokenRequest('grant_type=x', basic(text))).toMatchObject({
      clientId: 'id',
      clientSecret: secret,
      usedBasic: true,
    });
  });

  test('in the header with the client_id repeated in the body', () => {
    expect(parseTokenRequest('client_id=id', basic('id:x')).clientId).toBe('id');
    expect(refusalOf('client_id=other', basic('id:x')).error).toBe('invalid_request');
  });

  test('in two ways at once is refused', () => {
    expect(refusalOf('client_id=id&client_secret=x', basic('id:x')).error).toBe('invalid_request');
  });

  test.each(['Basic', 'Basic ', 'Basic ***', 'Bearer abc', 'Digest x=y', basic('no-colon')])(
    '%s is no sign-in',
    (header) => {
      expect(refusalOf('grant_type=x', header).status).toBe(400);
    },
  );

  const jwt = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  const assertion = (text: string, type = ASSERTION_TYPE): string =>
    new URLSearchParams({ client_assertion_type: type, client_assertion: text }).toString();

  test('by an assertion, which names the client; a client_id beside it must name the same', () => {
    const form = assertion(jwt({ sub: 'id' }));
    expect(parseTokenRequest(form, undefined)).toMatchObject({ clientId: 'id', assertion: jwt({ sub: 'id' }) });
    expect(parseTokenRequest(`${form}&client_id=id`, undefined).clientId).toBe('id');
    expect(refusalOf(`${form}&client_id=other`)).toMatchObject({ status: 401, error: 'invalid_client' });
    expect(refusalOf(`${form}&client_secret=x`).error).toBe('invalid_request');
    expect(refusalOf(form, basic('id:x')).error).toBe('invalid_request');
    expect(refusalOf(`client_assertion=${jwt({ sub: 'id' })}`).error).toBe('invalid_request');
    expect(refusalOf(assertion(jwt({ sub: 'id' }), 'urn:other'))).toMatchObject({
      status: 401,
      error: 'invalid_client',
    });
  });

  test.each([
    ...['', 'grant_type=client_credentials', 'client_id='],
    ...['x.y.z', jwt({}), jwt({ sub: '' }), jwt({ sub: ['id'] }), jwt({ sub: 7 }), jwt(null)].map((text) =>
      assertion(text),
    ),
  ])('"%s" names no client', (body) => {
    expect(refusalOf(body)).toMatchObject({ status: 401, error: 'invalid_client' });
  });
});

describe('AUTH-22 malformed parameters are invalid_request', () => {
  test.each([
    ['repeated', 'client_id=a&scope=x&scope=y'],
    ['repeated without a value', 'client_id=a&scope=&scope=y'],
    ['NUL', 'client_id=a&scope=x%00y'],
    ['a line end', 'client_id=a%0Ab'],
    ['bytes that are not UTF-8', 'client_id=a&scope=%ff%fe'],
    ['a name that is not UTF-8', 'client_id=a&%c3%28=1'],
    ['51 parameters', `client_id=a&${Array.from({ length: 50 }, (_, i) => `p${i}=1`).join('&')}`],
  ])('%s', (_what, body) => {
    expect(refusalOf(body)).toMatchObject({ status: 400, error: 'invalid_request' });
  });

  test('a parameter without a value counts as not sent (RFC 6749 3.2)', () => {
    expect(parseTokenRequest('client_id=a&scope=', undefined).parameters.has('scope')).toBe(false);
  });

  test('whatever comes, it is read or refused with a 4xx', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.option(fc.string({ maxLength: 40 })),
        (body, header) => {
          try {
            parseTokenRequest(body, header ?? undefined);
          } catch (error) {
            expect(error).toBeInstanceOf(OAuthRefusal);
            expect((error as OAuthRefusal).status).toBeLessThan(500);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
