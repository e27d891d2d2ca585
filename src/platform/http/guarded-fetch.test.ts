import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { GUARDED_FETCH_BYTES_MAX, makeGuardedFetch } from './guarded-fetch.ts';
import { isPublicAddress } from './public-address.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

/** A server on loopback; its port, and how many requests reached it. */
async function serve(answer: RequestListener, host = '127.0.0.1') {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { port: (server.address() as AddressInfo).port, asked: () => asked };
}
const problemOf = (fetching: Promise<unknown>): Promise<string> =>
  fetching.then(
    () => 'fetched',
    (error) => String((error as { why?: string }).why),
  );
const strict = makeGuardedFetch({ allowLoopback: false });
const sandbox = makeGuardedFetch({ allowLoopback: true });

describe('AUTH-21 fetches cannot reach private addresses', () => {
  test.each([
    '127.0.0.1',
    '127.8.9.1',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.170',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    '64:ff9b::a00:1',
    '2001::1',
    '2001:db8::1',
    '2002:a00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'not an address',
    '',
  ])('%s is not public', async (address) => {
    expect(isPublicAddress(address)).toBe(false);
    const resolve = async () => [{ address, family: address.includes(':') ? 6 : 4 }];
    expect(await problemOf(makeGuardedFetch({ allowLoopback: false, resolve })('https://keys.example/jwks'))).toBe(
      'private-address',
    );
  });

  test.each(['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450::1'])(
    '%s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  test.each([
    'https://127.0.0.1',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://127.1',
    'https://0x7f000001',
    'https://2130706433',
    'https://017700000001',
    'https://localhost',
    'https://10.1.2.3',
    'https://169.254.169.254/latest/meta-data',
  ])('%s is refused before anything is connected', async (origin) => {
    expect(await problemOf(strict(origin))).toBe('private-address');
  });

  test('a private address on a server that is there is not asked', async () => {
    const { port, asked } = await serve((_request, response) => response.end('{}'));
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]'])
      for (const scheme of ['http', 'https'])
        expect(await problemOf(strict(`${scheme}://${host}:${port}/`))).not.toBe('fetched');
    expect(asked()).toBe(0);
  });

  test('one private address among public ones is enough to refuse the name', async () => {
    const resolve = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
    expect(await problemOf(makeGuardedFetch({ allowLoopback: true, resolve })('https://keys.example/'))).toBe(
      'private-address',
    );
  });

  test('a name that changes between check and connection gains nothing: it is resolved once, and that is connected', async () => {
    const good = await serve((_request, response) => response.end('good'));
    const answers = ['127.0.0.1', '127.0.0.2', '10.0.0.1'];
    let resolved = 0;
    const fetch = makeGuardedFetch({
      allowLoopback: true,
      resolve: async () => [{ address: answers[resolved++] ?? '10.0.0.1', family: 4 }],
    });
    expect((await fetch(`http://keys.example:${good.port}/`)).text).toBe('good');
    expect(resolved).toBe(1);
  });

  test.each(['http://10.0.0.1/', 'https://169.254.169.254/', 'https://[fd00::1]/', 'https://10.0.0.1.example/'])(
    'a redirect to %s is not followed',
    async (location) => {
      const { port } = await serve((_request, response) => response.writeHead(302, { location }).end());
      const resolve = async (host: string) => [
        { address: host.includes('10.0') ? '10.0.0.1' : '127.0.0.1', family: 4 },
      ];
      const fetch = makeGuardedFetch({ allowLoopback: true, resolve });
      expect(await problemOf(fetch(`http://keys.example:${port}/`))).toMatch(/private-address|not-https/);
    },
  );

  test('a redirect to where one may go is followed, three times at most', async () => {
    const { port, asked } = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(307, { location: `/${left - 1}` }).end();
    });
    expect((await sandbox(`http://127.0.0.1:${port}/3`)).text).toBe('there');
    expect(await problemOf(sandbox(`http://127.0.0.1:${port}/4`))).toBe('too-many-redirects');
    expect(asked()).toBe(8);
  });
});

describe('https only, small and quick', () => {
  test('http is for loopback in a sandbox, and only where that is allowed', async () => {
    const { port } = await serve((_request, response) => response.end('keys'));
    expect((await sandbox(`http://127.0.0.1:${port}/`)).text).toBe('keys');
    expect((await sandbox(`http://localhost:${port}/`)).text).toBe('keys');
    const resolve = async () => [{ address: '93.184.216.34', family: 4 }];
    expect(await problemOf(makeGuardedFetch({ allowLoopback: true, resolve })('http://keys.example/'))).toBe(
      'not-https',
    );
  });

  test('a server that speaks no TLS is not spoken to without', async () => {
    const { port, asked } = await serve((_request, response) => response.end('keys'));
    expect(await problemOf(sandbox(`https://127.0.0.1:${port}/`))).toBe('unreachable');
    expect(asked()).toBe(0);
  });

  test.each(['ftp://a.example/', 'file:///etc/passwd', 'https://user:pass@a.example/', 'nonsense', ''])(
    '%s is no address to fetch',
    async (url) => expect(await problemOf(sandbox(url))).toBe('address-malformed'),
  );

  test('64 KiB are taken, one byte more is not', async () => {
    const { port } = await serve((request, response) => response.end('x'.repeat(Number(request.url?.slice(1)))));
    expect((await sandbox(`http://127.0.0.1:${port}/${GUARDED_FETCH_BYTES_MAX}`)).text).toHaveLength(65_536);
    expect(await problemOf(sandbox(`http://127.0.0.1:${port}/${GUARDED_FETCH_BYTES_MAX + 1}`))).toBe('too-large');
  });

  test('an answer that trickles, one that never comes, and a name server that is silent: over in time', async () => {
    const trickle = await serve((_request, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const silent = await serve(() => undefined);
    const quick = makeGuardedFetch({ allowLoopback: true, timeoutMs: 200 });
    const noName = makeGuardedFetch({
      allowLoopback: true,
      timeoutMs: 200,
      resolve: () => new Promise(() => undefined),
    });
    const began = performance.now();
    expect(await problemOf(quick(`http://127.0.0.1:${trickle.port}/`))).toBe('timeout');
    expect(await problemOf(quick(`http://127.0.0.1:${silent.port}/`))).toBe('timeout');
    expect(await problemOf(noName('https://keys.example/'))).toBe('timeout');
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test.each([404, 500, 204])('status %i is no document', async (status) => {
    const { port } = await serve((_request, response) => response.writeHead(status).end());
    expect(await problemOf(sandbox(`http://127.0.0.1:${port}/`))).toBe(`status-${status}`);
  });

  test('a name that does not exist, and a port where nobody listens', async () => {
    const nobody = makeGuardedFetch({ allowLoopback: false, resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    expect(await problemOf(nobody('https://keys.example/'))).toBe('unreachable');
    const { port } = await serve(() => undefined);
    for (const server of servers.splice(0)) server.close();
    expect(await problemOf(sandbox(`http://127.0.0.1:${port}/`))).toBe('unreachable');
  });
});
