import { afterAll, beforeAll, expect, test } from 'vitest';
import { JOHN, makeMemberBrowser, toConsent } from '../support/member-browser.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

const CALLBACK = 'http://localhost:9/callback';
let platform: TestPlatform;
let app: { client_id: string; client_secret: string };

beforeAll(async () => {
  platform = await startPlatform({ sandbox: true });
  const make = async (accessType: string) =>
    (
      await platform.cli(
        'client',
        'create',
        '--access-type',
        accessType,
        '--name',
        `App ${accessType}`,
        '--redirect-uri',
        CALLBACK,
      )
    ).json;
  app = await make('patient-access');
}, 60_000);
afterAll(() => platform.stop());

const authorizeUrl = (segment: string, parameters: Record<string, string>): string =>
  `${platform.baseUrl}/v1/demo/oauth2/authorize${segment}?${new URLSearchParams(parameters)}`;
const token = (parameters: Record<string, string>) =>
  fetch(`${platform.baseUrl}/v1/demo/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(parameters).toString(),
  });

test('PA-14 PA-18 PA-32 an app connects as the instructions say: two parameters, five facts, a code, four parameters', async () => {
  const browser = makeMemberBrowser(platform.baseUrl);
  const consent = await toConsent(
    browser,
    authorizeUrl('/test', { client_id: app.client_id, redirect_uri: CALLBACK }),
    JOHN,
    'john@example.org',
  );
  expect(consent.html).toContain('Share your information with App patient-access?');
  const done = await consent.submit({ share: consent.ticked }, { button: ['decision', 'share'] });
  expect(done.appUrl?.href.startsWith(`${CALLBACK}?code=`)).toBe(true);
  expect(done.appUrl?.searchParams.has('state')).toBe(false);
  const code = done.appUrl?.searchParams.get('code') ?? '';
  const answer = await token({ ...app, code, grant_type: 'authorization_code' });
  const body: any = await answer.json();
  expect(answer.status, JSON.stringify(body)).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('pragma')).toBe('no-cache');
  expect(body).toEqual({
    access_token: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    token_type: 'Bearer',
    expires_in: 3600,
    refresh_token: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    scope: 'user/*.read',
    patient: 'demo-g02',
    need_patient_banner: false,
    access_grant_expiration: expect.stringMatching(/^\d{4}-/),
  });
});
