import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { TestPlatform } from './platform.ts';
import {
  type MadeClient,
  makeClient,
  type OAuthAnswer,
  PLATFORM_TOKEN_PATH,
  postForm,
  QUICK_START_SCOPE,
} from './tokens.ts';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A key pair of a client. */
export interface ClientKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: GenerateKeyPairResult['privateKey'];
  /** As it is registered. */
  readonly publicJwk: JWK;
}

export async function makeKey(alg: string, kid: string = randomUUID()): Promise<ClientKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export const jwksOf = (...keys: readonly ClientKey[]): { keys: JWK[] } => ({
  keys: keys.map(({ publicJwk }) => publicJwk),
});

/** Makes a payer client that signs in with these keys, registered from a file. */
export async function makeKeyClient(
  platform: TestPlatform,
  keys: readonly ClientKey[],
  ...options: readonly string[]
): Promise<MadeClient> {
  return makeClient(platform, '--jwks-file', await jwksFile(platform, ...keys), ...options);
}

export async function jwksFile(platform: TestPlatform, ...keys: readonly ClientKey[]): Promise<string> {
  const file = path.join(platform.dataDir, `jwks-${randomUUID()}.json`);
  await writeFile(file, JSON.stringify(jwksOf(...keys)));
  return file;
}

export interface AssertionWish {
  readonly header?: Readonly<Record<string, unknown>>;
  /** Undefined leaves a claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Claims that are times: seconds from now. */
  readonly fromNow?: Readonly<Record<string, number>>;
}

/** A client assertion as SMART Backend Services writes it, with the changes that are wished for. */
export async function makeAssertion(
  clientId: string,
  key: ClientKey,
  audience: string,
  wish: AssertionWish = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: audience,
    exp: now + 300,
    jti: randomUUID(),
    ...wish.claims,
    ...Object.fromEntries(Object.entries(wish.fromNow ?? {}).map(([name, seconds]) => [name, now + seconds])),
  };
  return new SignJWT(JSON.parse(JSON.stringify(claims)))
    .setProtectedHeader(JSON.parse(JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'JWT', ...wish.header })))
    .sign(key.privateKey);
}

/** The token endpoint of a tenant; the platform's when none is named. */
export function tokenUrlOf(platform: { readonly baseUrl: string }, tenant?: string): string {
  return `${platform.baseUrl}${tenant === undefined ? PLATFORM_TOKEN_PATH : `/v1/${tenant}/oauth2/token`}`;
}

/** Posts an assertion as it is. */
export function postAssertion(
  url: string,
  assertion: string,
  form: Readonly<Record<string, string>> = {},
): Promise<OAuthAnswer> {
  return postForm(url, {
    grant_type: 'client_credentials',
    scope: QUICK_START_SCOPE,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    ...form,
  });
}

/** Makes an assertion and asks for a token with it. */
export async function askTokenWithKey(
  platform: { readonly baseUrl: string },
  client: Pick<MadeClient, 'client_id'>,
  key: ClientKey,
  options: AssertionWish & { readonly tenant?: string; readonly form?: Readonly<Record<string, string>> } = {},
): Promise<OAuthAnswer> {
  const url = tokenUrlOf(platform, options.tenant);
  return postAssertion(url, await makeAssertion(client.client_id, key, url, options), options.form);
}
