import type { TestPlatform } from './platform.ts';

export const PLATFORM_TOKEN_PATH = '/auth/realms/dev-portal/protocol/openid-connect/token';
export const QUICK_START_SCOPE = 'member-match|read';

/** A client as `client create` answers it. */
export interface MadeClient {
  readonly client_id: string;
  readonly client_secret: string;
  readonly access_type: string;
  readonly tenants: readonly string[];
  readonly redirect_uris: readonly string[];
}

export async function makeClient(platform: TestPlatform, ...options: readonly string[]): Promise<MadeClient> {
  const type = options.includes('--access-type') ? [] : ['--access-type', 'payer-to-payer'];
  const made = await platform.cli('client', 'create', '--name', 'Test client', ...type, ...options);
  if (made.exitCode !== 0) throw new Error(made.stderr);
  return made.json;
}

export interface OAuthAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

/** Posts a form (or a body as it is) and reads the JSON answer. */
export async function postForm(
  url: string,
  form: Readonly<Record<string, string>> | string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<OAuthAnswer> {
  const body =
    typeof form === 'string' || Buffer.isBuffer(form) ? (form as string) : new URLSearchParams(form).toString();
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** Asks an issuer's token endpoint, `dev-portal`'s when no tenant is named. */
export function askToken(
  platform: { readonly baseUrl: string },
  client: Pick<MadeClient, 'client_id' | 'client_secret'>,
  options: { readonly tenant?: string; readonly scope?: string; readonly form?: Readonly<Record<string, string>> } = {},
): Promise<OAuthAnswer> {
  const path = options.tenant === undefined ? PLATFORM_TOKEN_PATH : `/v1/${options.tenant}/oauth2/token`;
  return postForm(`${platform.baseUrl}${path}`, {
    client_id: client.client_id,
    client_secret: client.client_secret,
    grant_type: 'client_credentials',
    scope: options.scope ?? QUICK_START_SCOPE,
    ...options.form,
  });
}

export async function getToken(...args: Parameters<typeof askToken>): Promise<string> {
  const { status, body } = await askToken(...args);
  if (status !== 200) throw new Error(`token: ${status} ${JSON.stringify(body)}`);
  return body.access_token;
}

/** The parts of a JWT, unchecked. */
export function partsOf(token: string): { header: any; claims: any } {
  const [header, claims] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  return { header, claims };
}

/** A route of the payer-to-payer surface, asked with a token: what `requireAccess` says of it. */
export function matchWith(
  platform: { readonly baseUrl: string },
  tenant: string,
  token: string | undefined,
): Promise<Response> {
  return fetch(`${platform.baseUrl}/v1/${tenant}/r4/Patient/$member-match`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: '{}',
  });
}
