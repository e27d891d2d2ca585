import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

test('the service is alive and ready, and every answer carries a request id', async () => {
  const health = await fetch(`${platform.baseUrl}/healthz`);
  expect(health.status).toBe(200);
  expect(health.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect((await fetch(`${platform.baseUrl}/readyz`)).status).toBe(200);
  const own = await fetch(`${platform.baseUrl}/healthz`, { headers: { 'x-request-id': 'abc-1' } });
  expect(own.headers.get('x-request-id')).toBe('abc-1');
});

test('figures for Prometheus are served as text, by route pattern', async () => {
  const text = await (await fetch(`${platform.baseUrl}/metrics`)).text();
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/healthz",status="200"}');
});

test('an address that does not exist is a 404 that says so', async () => {
  const answer = await fetch(`${platform.baseUrl}/nowhere`);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ code: 'not-found' });
});

test('a tenant is made once, and reserved or malformed slugs are refused', async () => {
  const made = await platform.cli('tenant', 'create', 'acme', '--name', 'Acme Health', '--kind', 'production');
  expect(made.exitCode).toBe(0);
  expect(made.json).toMatchObject({ slug: 'acme', kind: 'production', issuer: `${platform.baseUrl}/v1/acme` });
  expect((await platform.cli('tenant', 'create', 'acme', '--name', 'X', '--kind', 'sandbox')).exitCode).toBe(1);
  expect((await platform.cli('tenant', 'create', 'payer2payer', '--name', 'X', '--kind', 'sandbox')).exitCode).toBe(1);
  expect((await platform.cli('tenant', 'create', 'No Good', '--name', 'X', '--kind', 'sandbox')).exitCode).toBe(2);
  expect((await platform.cli('tenant', 'create', 'x', '--name', 'X', '--kind', 'test')).exitCode).toBe(2);
});

test('settings are checked, shown, and taken back to their default', async () => {
  expect((await platform.cli('tenant', 'set', 'demo', 'npi=1234567893', 'service_date_years=7')).exitCode).toBe(0);
  expect((await platform.cli('tenant', 'show', 'demo')).json.settings).toMatchObject({
    npi: '1234567893',
    service_date_years: 7,
  });
  expect((await platform.cli('tenant', 'set', 'demo', 'service_date_years=1')).stderr).toContain('must be 5 to 100');
  expect((await platform.cli('tenant', 'set', 'demo', 'no_such=1')).exitCode).toBe(1);
  await platform.cli('tenant', 'set', 'demo', 'service_date_years=');
  expect((await platform.cli('tenant', 'show', 'demo')).json.settings.service_date_years).toBe(5);
});

test('an address below a plan that cannot be decoded is refused with an OperationOutcome, others in plain JSON', async () => {
  const below = await fetch(`${platform.baseUrl}/v1/demo/r4/%zz`);
  expect(below.status).toBe(400);
  expect(await below.json()).toMatchObject({ resourceType: 'OperationOutcome' });
  const elsewhere = await fetch(`${platform.baseUrl}/%zz`);
  expect(elsewhere.status).toBe(400);
  expect(await elsewhere.json()).toMatchObject({ code: 'bad-request' });
});
