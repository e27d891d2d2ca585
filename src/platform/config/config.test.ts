import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

const production = {
  NODE_ENV: 'production',
  COVERED_BRIDGE_MASTER_KEY: 'a'.repeat(64),
  SMTP_URL: 'smtp://mail.plan.example:587',
  MAIL_FROM: 'Plan <no-reply@plan.example>',
};

/** What is wrong with the settings; empty: nothing. */
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('P2P-74 TLS in production; plain HTTP only when configured for loopback', () => {
  test.each<[string, Record<string, string>]>([
    ['https', { PUBLIC_URL: 'https://bridge.plan.example' }],
    ['https behind a proxy on another machine', { PUBLIC_URL: 'https://bridge.plan.example', HOST: '0.0.0.0' }],
    ['http on localhost', { PUBLIC_URL: 'http://localhost:8080' }],
    ['http on a name below localhost', { PUBLIC_URL: 'http://bridge.localhost:8080' }],
    ['http on 127.0.0.1', { PUBLIC_URL: 'http://127.0.0.1:8080' }],
    ['http on ::1', { PUBLIC_URL: 'http://[::1]:8080', HOST: '::1' }],
    ['no address at all: localhost', {}],
  ])('production takes %s', (_what, env) => {
    expect(problemsOf({ ...production, ...env })).toEqual([]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['http under a public name', { PUBLIC_URL: 'http://bridge.plan.example' }, /PUBLIC_URL must use https/],
    ['http on an address of the network', { PUBLIC_URL: 'http://192.168.1.10' }, /PUBLIC_URL must use https/],
    ['http on a name that only begins like localhost', { PUBLIC_URL: 'http://localhost.example' }, /must use https/],
    ['HTTP in capitals', { PUBLIC_URL: 'HTTP://bridge.plan.example' }, /PUBLIC_URL must use https/],
    ['loopback http that listens on every address', { HOST: '0.0.0.0' }, /HOST must be a loopback address/],
    ['the same for IPv6', { HOST: '::', PUBLIC_URL: 'http://localhost:8080' }, /HOST must be a loopback address/],
  ])('production refuses %s', (_what, env, problem) => {
    expect(problemsOf({ ...production, ...env })).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });

  test('a sandbox takes http anywhere', () => {
    expect(problemsOf({ PUBLIC_URL: 'http://bridge.plan.example', HOST: '0.0.0.0' })).toEqual([]);
  });
});

describe('the way to the database', () => {
  const elsewhere = 'postgres://bridge:word@db.plan.example:5432/bridge';
  test.each<[string, string]>([
    ['verified TLS', `${elsewhere}?sslmode=verify-full`],
    ['a decision against TLS', `${elsewhere}?sslmode=disable`],
    ['this machine', 'postgres://bridge:word@127.0.0.1/bridge'],
    ['a socket', 'postgres:///bridge?host=/run/postgresql'],
    ['a socket with a user', 'postgresql://bridge:word@/bridge?host=%2Frun%2Fpostgresql'],
    ['signs in a password', 'postgres://bridge:a%40b%2Fc%25@localhost/bridge'],
  ])('production takes %s', (_what, url) => {
    expect(problemsOf({ ...production, DATABASE_URL: url })).toEqual([]);
  });

  test.each<[string, string, RegExp]>([
    ['another machine without a word about TLS', elsewhere, /sslmode=verify-full/],
    ['the same by a parameter', 'postgres://bridge:word@/bridge?host=db.plan.example', /sslmode=verify-full/],
    ['another kind of database', 'mysql://bridge:word@localhost/bridge', /must begin with postgres/],
    ['a port that is none', 'postgres://bridge:word@localhost:abc/bridge', /must be postgres:\/\/user/],
    ['a bare % in the password', 'postgres://bridge:5%zz@localhost/bridge', /must be postgres:\/\/user/],
    ['a bare slash in the password', 'postgres://bridge:a/b@localhost/bridge', /must be postgres:\/\/user/],
  ])('production refuses %s, and does not quote it', (_what, url, problem) => {
    const problems = problemsOf({ ...production, DATABASE_URL: url });
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems[0]).not.toMatch(/bridge:/);
  });

  test('a sandbox may talk to another machine as it likes', () => {
    expect(problemsOf({ DATABASE_URL: elsewhere })).toEqual([]);
  });
});

test('a master key is given once: as text or as a file', () => {
  expect(problemsOf({ ...production, COVERED_BRIDGE_MASTER_KEY_FILE: '/etc/key' })).toEqual([
    'Set COVERED_BRIDGE_MASTER_KEY or COVERED_BRIDGE_MASTER_KEY_FILE, not both.',
  ]);
  expect(problemsOf({ ...production, COVERED_BRIDGE_MASTER_KEY: '' })).toEqual([
    expect.stringMatching(/needs COVERED_BRIDGE_MASTER_KEY/),
  ]);
});

describe('AUTH-21 keys from this machine are an explicit setting', () => {
  test('off by default, on where it is said, refused in production mode', () => {
    expect(readConfig({}).jwksAllowLoopback).toBe(false);
    expect(readConfig({ JWKS_ALLOW_LOOPBACK: 'false' }).jwksAllowLoopback).toBe(false);
    expect(readConfig({ JWKS_ALLOW_LOOPBACK: 'true' }).jwksAllowLoopback).toBe(true);
    expect(problemsOf({ ...production, JWKS_ALLOW_LOOPBACK: 'true' })).toEqual([
      'JWKS_ALLOW_LOOPBACK must not be true in production mode.',
    ]);
    expect(problemsOf({ ...production, JWKS_ALLOW_LOOPBACK: 'false' })).toEqual([]);
  });

  test.each(['yes', '1', 'TRUE'])('%s is neither true nor false', (text) => {
    expect(problemsOf({ JWKS_ALLOW_LOOPBACK: text })).toEqual(['JWKS_ALLOW_LOOPBACK must be one of true, false.']);
  });
});

describe('mail goes to a server, or stays where only this machine sees it', () => {
  test('the outbox is shown on loopback, outside production, without a mail server, and nowhere else', () => {
    expect(readConfig({}).showsOutbox).toBe(true);
    expect(readConfig({ HOST: '0.0.0.0' }).showsOutbox).toBe(false);
    expect(readConfig({ SMTP_URL: 'smtp://localhost:2525', MAIL_FROM: 'a@b.example' }).showsOutbox).toBe(false);
    expect(readConfig(production).showsOutbox).toBe(false);
  });

  test('production mode without a mail server does not start', () => {
    const { SMTP_URL: _url, MAIL_FROM: _from, ...without } = production;
    expect(problemsOf(without)).toEqual([expect.stringMatching(/^Production mode needs SMTP_URL/)]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['a web address', { SMTP_URL: 'https://mail.plan.example', MAIL_FROM: 'a@b.example' }, /SMTP_URL must look like/],
    ['no sender', { SMTP_URL: 'smtp://mail.plan.example' }, /MAIL_FROM must be/],
    [
      'a sender with a second header',
      { SMTP_URL: 'smtp://m.example', MAIL_FROM: 'a@b.example\r\nBcc: c@d.example' },
      /MAIL_FROM must be/,
    ],
  ])('%s is refused', (_what, env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringMatching(problem)]);
  });
});
