import { createHash, randomUUID } from 'node:crypto';
import { JOHN, makeMemberBrowser, toConsent } from './member-browser.ts';
import type { TestPlatform } from './platform.ts';

const CALLBACK = 'http://localhost:9/callback';

export interface MemberApp {
  readonly token: string;
  readonly scope: string;
  readonly patient: string;
  /** GET below `/v1/{tenant}`; a full address is taken as it is. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<AppAnswer>;
  /** A search by form. */
  search(path: string, form: string, headers?: Readonly<Record<string, string>>): Promise<AppAnswer>;
  send(method: string, path: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<AppAnswer>;
}

export interface AppAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: any;
}

export interface ConnectOptions {
  readonly tenant?: string;
  /** The person as the pages ask for it; default: John Allen. */
  readonly member?: Readonly<Record<string, string>>;
  readonly segment?: 'test' | 'payer2payer';
  readonly scope?: string;
  /** Sensitive information too? */
  readonly sensitive?: boolean;
}

/** A member lets an app see information, over the real pages; the app with its token. */
export async function connectMember(platform: TestPlatform, options: ConnectOptions = {}): Promise<MemberApp> {
  const { tenant = 'demo', member = JOHN, segment = 'test', scope, sensitive = false } = options;
  const accessType = segment === 'test' ? 'patient-access' : 'payer-to-payer-member';
  const { json: client } = await platform.cli(
    ...['client', 'create', '--access-type', accessType, '--name', `App ${randomUUID().slice(0, 8)}`],
    ...['--redirect-uri', CALLBACK],
  );
  const issuer = `${platform.baseUrl}/v1/${tenant}`;
  const query = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: CALLBACK,
    ...(scope === undefined ? {} : { scope }),
  });
  const consent = await toConsent(
    makeMemberBrowser(platform.baseUrl),
    `${issuer}/oauth2/authorize/${segment}?${query}`,
    member,
    `${createHash('sha256').update(JSON.stringify(member)).digest('hex').slice(0, 12)}-${randomUUID().slice(0, 8)}@example.org`,
  );
  const done = await consent.submit(
    { share: consent.ticked, ...(sensitive ? { sensitive: 'yes' } : {}) },
    { button: ['decision', 'share'] },
  );
  const code = done.appUrl?.searchParams.get('code') ?? '';
  const answer = await fetch(`${issuer}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...client, code, grant_type: 'authorization_code' }).toString(),
  });
  const body: any = await answer.json();
  if (answer.status !== 200) throw new Error(`${JSON.stringify(body)} ${done.url} ${done.html.slice(0, 2_000)}`);
  return makeMemberApp(issuer, { token: body.access_token, scope: body.scope, patient: body.patient });
}

export function makeMemberApp(issuer: string, granted: Pick<MemberApp, 'token' | 'scope' | 'patient'>): MemberApp {
  const send: MemberApp['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(path.startsWith('http') ? path : `${issuer}/${path}`, {
      method,
      headers: { authorization: `Bearer ${granted.token}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  };
  return {
    ...granted,
    send,
    get: (path, headers) => send('GET', path, undefined, headers),
    search: (path, form, headers) =>
      send('POST', path, form, { 'content-type': 'application/x-www-form-urlencoded', ...headers }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `Type/id` of a Bundle's entries with this mode, in their order. */
export function idsOf(answer: Pick<AppAnswer, 'body'>, mode: 'match' | 'include' = 'match'): string[] {
  return (answer.body?.entry ?? [])
    .filter((entry: any) => entry.search.mode === mode)
    .map(({ resource }: any) => `${resource.resourceType}/${resource.id}`);
}
