import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '#/platform/http/free-port.ts';
import { explain } from '../../src/cli/explain.ts';
import { runProgram } from '../support/program.ts';
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-refusals-'));
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** What `serve` says when it does not start. */
async function refusalOf(env: Record<string, string>, argv: readonly string[] = ['serve']) {
  return runProgram(argv, {
    dataDir: path.join(folder, 'data'),
    env: { DATABASE_URL: database.url, LOG_LEVEL: 'error', ...env },
  });
}

/** Speaks PostgreSQL just far enough to say that it has no TLS. */
async function withoutTls(): Promise<net.Server> {
  const server = net.createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end('N')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describe('a start that cannot succeed says in one sentence why, exits 1, and shows no stack', () => {
  test.each<[string, () => Promise<Record<string, string>> | Record<string, string>, RegExp]>([
    ['an address of another machine', () => ({ HOST: '203.0.113.9' }), /HOST is 203\.0\.113\.9/],
    ['a host name that is none', () => ({ HOST: 'nobody.invalid' }), /HOST is nobody\.invalid/],
    [
      'a data folder that is a file',
      () => {
        writeFileSync(path.join(folder, 'file'), '');
        return { DATA_DIR: path.join(folder, 'file'), COVERED_BRIDGE_MASTER_KEY: 'a'.repeat(64) };
      },
      /file\/exports cannot be used: a part of it is no folder/,
    ],
    [
      'a database that is not there',
      async () => ({ DATABASE_URL: `postgres://a:b@127.0.0.1:${await freePort('127.0.0.1')}/c` }),
      /The database cannot be reached/,
    ],
    [
      'a certificate file that is not there',
      () => ({ DATABASE_URL: `${database.url}?sslmode=verify-full&sslrootcert=${folder}/no.crt` }),
      /no\.crt cannot be used: it does not exist/,
    ],
    [
      'object storage that does not answer',
      async () => ({
        EXPORT_STORAGE: 's3://exports',
        S3_ENDPOINT: `http://127.0.0.1:${await freePort('127.0.0.1')}`,
        S3_ACCESS_KEY_ID: 'a',
        S3_SECRET_ACCESS_KEY: 'b',
      }),
      /EXPORT_STORAGE cannot be used: the service cannot be reached \(ECONNREFUSED\)/,
    ],
  ])('%s', async (_what, env, words) => {
    const { exitCode, stdout, stderr } = await refusalOf(await env());
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/unexpected failure|\n {4}at /);
  });

  test('a database without TLS where the settings ask for it', async () => {
    const server = await withoutTls();
    const { port } = server.address() as net.AddressInfo;
    const { exitCode, stderr } = await refusalOf({
      DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c?sslmode=verify-full`,
    });
    server.close();
    expect([exitCode, stderr]).toEqual([1, 'The database speaks no TLS, and sslmode of DATABASE_URL asks for it.\n']);
  });

  test.skipIf(process.getuid?.() !== 0)('a data folder of another user', async () => {
    const foreign = path.join(folder, 'foreign');
    mkdirSync(foreign, { mode: 0o700 });
    const { exitCode, stderr } = await runProgram(['serve'], {
      dataDir: path.join(foreign, 'data'),
      env: {},
      uid: 65_534,
      gid: 65_534,
    });
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('cannot be used: this user may not')]);
  });

  test('a command with --json tells it as its one document, too', async () => {
    const { exitCode, stdout } = await refusalOf(
      { DATABASE_URL: `postgres://a:b@127.0.0.1:${await freePort('127.0.0.1')}/c` },
      ['tenant', 'list', '--json'],
    );
    expect([exitCode, JSON.parse(stdout).error.code]).toEqual([1, 'unavailable']);
  });
});

test.each<[string, object, RegExp]>([
  ['an unknown authority', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, /sslrootcert=FILE/],
  ['a certificate of its own', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, /sslrootcert=FILE/],
  [
    'another name in the certificate',
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    /a name that stands in the certificate/,
  ],
  ['pg_hba.conf', { code: '28000', message: 'no pg_hba.conf entry for host "10.0.0.1"' }, /no pg_hba\.conf entry/],
  ['a database of another owner', { code: '42501', message: 'permission denied for schema public' }, /must own/],
  ["another user's socket", { code: 'EACCES', syscall: 'connect' }, /its socket belongs to another user/],
  ['a full server', { code: '53300' }, /max_connections/],
  ['a port below 1024', { code: 'EACCES', syscall: 'listen' }, /may not listen on port 80\./],
  ['a full disk', { code: 'ENOSPC', path: '/data/x' }, /the disk is full/],
])('%s is told in words', (_what, error, words) => {
  expect(explain(Object.assign(new Error('x'), error), { port: 80, host: '127.0.0.1' })).toMatch(words);
});

test('what nobody foresaw is not explained away', () => {
  expect(explain(new TypeError('x is undefined'), undefined)).toBeUndefined();
});
