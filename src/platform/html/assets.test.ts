import { gunzipSync } from 'node:zlib';
import fastify from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { type Assets, openAssets } from './assets.ts';

let assets: Assets;
const server = fastify();
beforeAll(async () => {
  assets = await openAssets();
  await server.register(assets.routes);
});

test('style and fonts are served from our own address, may be kept for ever, and come compressed to who takes it', async () => {
  const href = assets.href('css/design-system.css');
  const plain = await server.inject({ url: href });
  expect(plain.headers).toMatchObject({
    'content-type': 'text/css; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  expect(plain.body).toContain('.ds-c-button');
  const packed = await server.inject({ url: href, headers: { 'accept-encoding': 'br, gzip' } });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.rawPayload).toString()).toBe(plain.body);
  const refused = await server.inject({ url: href, headers: { 'accept-encoding': 'gzip;q=0' } });
  expect(refused.headers['content-encoding']).toBeUndefined();
  // A font by the address that the style sheet gives it.
  const font = new URL('../fonts/opensans-regular-webfont.woff2', `http://localhost${href}`).pathname;
  expect((await server.inject({ url: font })).headers['content-type']).toBe('font/woff2');
});

test('nothing in the style refers to another server', async () => {
  const { body } = await server.inject({ url: assets.href('css/design-system.css') });
  const addresses = [...body.matchAll(/url\(([^)]*)\)/g)].map((match) => match[1]);
  expect(addresses.length).toBeGreaterThan(3);
  expect(addresses.filter((address) => !address?.startsWith('../fonts/'))).toEqual([]);
});

test('what is not among the files is not served, whatever the path', async () => {
  const version = assets.href('favicon.svg').split('/')[2];
  for (const name of ['version.txt', '..%2f..%2fpackage.json', '../../package.json', 'css/', ''])
    expect((await server.inject({ url: `/assets/${version}/${name}` })).statusCode).toBe(404);
  expect((await server.inject({ url: '/assets/0000000000000000/favicon.svg' })).statusCode).toBe(404);
  expect(() => assets.href('css/none.css')).toThrow();
});
