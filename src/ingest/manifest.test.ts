import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { planFeed } from './plan.ts';

const patient = '{"resourceType":"Patient","id":"1"}\n';
const token = 'secret-token';
let other = '';
let base = '';
let seen: { path: string; authorization: string | undefined }[] = [];
let broken = 0;
const servers: http.Server[] = [];

async function listen(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const handler: http.RequestListener = (request, response) => {
  const url = request.url ?? '';
  seen.push({ path: url, authorization: request.headers.authorization });
  const json = (body: unknown, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (url === '/manifest')
    return json({
      transactionTime: '2026-01-01T00:00:00Z',
      requiresAccessToken: true,
      output: [{ type: 'Patient', url: `${base}/patients` }],
      deleted: [{ type: 'Bundle', url: `${other}/deleted?signature=s` }],
      error: [],
      link: [{ relation: 'next', url: '/page2' }],
    });
  if (url === '/page2') return json({ output: [{ type: 'Patient', url: '/moved' }] });
  if (url === '/patients') return response.end(patient.repeat(2));
  if (url.startsWith('/deleted')) return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(patient));
  if (url === '/moved') return response.writeHead(302, { location: `${other}/patients` }).end();
  if (url === '/loop') return response.writeHead(302, { location: '/loop' }).end();
  if (url === '/running') return json({}, 202);
  if (url === '/no-manifest') return json({ resourceType: 'CapabilityStatement' });
  if (url === '/breaks') {
    response.write(patient.repeat(3));
    if (broken++ < 2) return setTimeout(() => response.destroy(), 20);
    return response.end(patient.repeat(2));
  }
  if (url === '/breaks-manifest') return json({ output: [{ url: '/breaks' }] });
  return response.writeHead(404).end();
};

beforeAll(async () => {
  base = await listen(handler);
  other = await listen(handler);
});
beforeEach(() => {
  seen = [];
});
afterAll(() => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))));

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}
const plan = (url: string) => planFeed([{ kind: 'manifest', url, token }]);

test('a manifest gives its output files, those of the next page, then the deleted ones', async () => {
  const { files, fingerprint } = await plan(`${base}/manifest`);
  expect(files.map((file) => file.name)).toEqual([`${base}/patients`, `${base}/moved`, `${other}/deleted`]);
  expect(await textOf(files[0]!.read(0))).toBe(patient.repeat(2));
  expect(await textOf(files[0]!.read(40))).toBe(patient.repeat(2).slice(40));
  expect(await textOf(files[2]!.read(0))).toBe(patient);
  expect((await plan(`${base}/manifest`)).fingerprint).toBe(fingerprint);
});

test('the token goes to the manifest’s own origin only, also when a redirect leads elsewhere', async () => {
  const { files } = await plan(`${base}/manifest`);
  for (const file of files) await textOf(file.read(0));
  expect(seen.map((request) => [request.path, request.authorization])).toEqual([
    ['/manifest', `Bearer ${token}`],
    ['/page2', `Bearer ${token}`],
    ['/patients', `Bearer ${token}`],
    ['/moved', `Bearer ${token}`],
    ['/patients', undefined],
    ['/deleted?signature=s', undefined],
  ]);
});

test('a download that breaks is taken up where it broke, nothing lost and nothing twice', async () => {
  const { files } = await plan(`${base}/breaks-manifest`);
  expect(await textOf(files[0]!.read(0))).toBe(patient.repeat(5));
  expect(broken).toBe(3);
});

test.each([
  ['/running', 'not-finished'],
  ['/no-manifest', 'no-manifest'],
  ['/patients', 'not-json'],
  ['/unknown', '404'],
  ['/loop', 'redirects'],
])('%s is no manifest: %s', async (path, why) => {
  await expect(plan(`${base}${path}`)).rejects.toMatchObject({ code: 'manifest-refused', facts: { why } });
});

test('a token is never sent in clear text over the network', async () => {
  await expect(plan('http://example.com/manifest')).rejects.toMatchObject({ facts: { why: 'token-in-clear' } });
});

test('a server that is not there is a refusal, not a crash', async () => {
  await expect(plan('http://127.0.0.1:9/manifest')).rejects.toMatchObject({ code: 'manifest-refused' });
});
