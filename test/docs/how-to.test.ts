import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { AUDIT_EVENTS } from '#/audit/events.ts';
import { parseCommand } from '#/platform/cli/parse-command.ts';
import { readConfig } from '#/platform/config/config.ts';
import { SETTINGS } from '#/platform/config/settings.ts';
import { startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { snakeCase, TENANT_SETTINGS } from '#/tenants/settings.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { openServices } from '../../src/services.ts';
import { startPlatform } from '../support/platform.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const HOW_TO = globSync('docs/how-to/*.md', { cwd: root }).sort();
const PAGES = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })];
const SETTING_NAMES: ReadonlySet<string> = new Set(SETTINGS.map(({ name }) => name));

const blocks = (file: string, language: string): string[] =>
  [...textOf(file).matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, kind]) => kind === language)
    .map(([, , body]) => body ?? '');
const inline = (file: string): string[] =>
  [
    ...textOf(file)
      .replaceAll(/^```[\s\S]*?^```/gm, '')
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, code]) => code ?? '');

/** `NAME=value` lines, with or without single quotes, as systemd and a shell read them. */
const settingsOf = (block: string): Record<string, string> =>
  Object.fromEntries(
    [...block.matchAll(/^([A-Z][A-Z0-9_]*)='?([^'\n]*)'?$/gm)].map(([, name, value]) => [name, value]),
  );

/** What stands behind `covered-bridge` in a line of shell, as words; undefined where it is no call of the program. */
function callOf(line: string): string[] | undefined {
  const call = /(?:^|[ `])covered-bridge ((?:--)?[a-z].*)$/.exec(
    line.replace(/^sudo -u covered-bridge /, '').replaceAll(/\$\([^)]*\)/g, 'X'),
  );
  const text = call?.[1]?.replace(/ (?:>|2>|\|).*$/, '');
  return text?.match(/(?:"[^"]*"|[^\s"])+/g)?.map((word) => word.replaceAll('"', ''));
}

function problemWith(argv: readonly string[]): string | undefined {
  if (['serve', 'serve --no-work', 'work', 'help'].includes(argv.join(' '))) return undefined;
  try {
    parseCommand(COMMANDS, argv);
    return undefined;
  } catch (error) {
    return `covered-bridge ${argv.join(' ')}: ${(error as Error).message}`;
  }
}

test.each(HOW_TO)('%s: each command that it types exists and takes these words and options', (file) => {
  const calls = blocks(file, 'sh')
    .flatMap((body) => body.replaceAll(/\\\n\s*/g, '').split('\n'))
    .filter((line) => !line.startsWith('#') && !line.includes('useradd'))
    .map(callOf)
    .filter((argv) => argv !== undefined);
  expect(calls.map(problemWith).filter(Boolean)).toEqual([]);
});

test.each(HOW_TO)('%s: each command that its sentences name exists, with its options', (file) => {
  const wrong = inline(file)
    .map((code) => callOf(code))
    .filter((argv) => argv !== undefined)
    .filter((argv) => {
      if (['serve', 'work', 'help'].includes(argv[0] ?? '')) return problemWith(argv) !== undefined;
      const command = COMMANDS.find((candidate) => candidate.path.every((word, i) => argv[i] === word));
      const known = COMMANDS.some(({ path: words }) => words[0] === argv[0] && argv.length === 1) || command;
      return (
        !known || argv.some((word) => word.startsWith('--') && !(word.slice(2) in { ...command?.options, json: 1 }))
      );
    });
  expect(wrong).toEqual([]);
  const options = new Set(['no-work', 'json', ...COMMANDS.flatMap((command) => Object.keys(command.options ?? {}))]);
  const unknown = inline(file).filter((code) => /^--[a-z-]+$/.test(code) && !options.has(code.slice(2)));
  expect(unknown).toEqual([]);
});

test.each(HOW_TO)('%s: what it sets and names are settings', (file) => {
  const set = blocks(file, 'env').flatMap((block) => Object.keys(settingsOf(block)));
  const named = inline(file)
    .map((code) => /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=.*)?$/.exec(code)?.[1])
    .filter((name) => name !== undefined);
  expect([...set, ...named].filter((name) => !SETTING_NAMES.has(name))).toEqual([]);
});

test('the settings of the pages fit together: production, and each way to object storage on top', () => {
  const production = settingsOf(blocks('docs/how-to/run-in-production.md', 'env')[0] ?? '');
  expect(Object.keys(production).length).toBeGreaterThan(6);
  expect(readConfig(production)).toMatchObject({ production: true, exportEncryption: true, trustedProxies: 1 });
  const storage = blocks('docs/how-to/keep-export-files-in-object-storage.md', 'env').map(settingsOf);
  expect(storage.map((env) => readConfig({ ...production, ...env }).s3?.bucket)).toEqual([
    'plan-east-exports',
    'exports',
  ]);
});

test.each(HOW_TO)('%s: its shell is shell, its plan settings and audit events exist', (file) => {
  for (const body of blocks(file, 'sh')) execFileSync('bash', ['-n'], { input: body });
  const text = textOf(file);
  const keys = [...text.matchAll(/covered-bridge tenant set \S+ ((?:\w+=\S*[ `\n]?)+)/g)].flatMap(([, pairs]) =>
    [...(pairs ?? '').matchAll(/(\w+)=/g)].map(([, key]) => key),
  );
  const known = ['name', 'hosts', 'canonical_host', ...TENANT_SETTINGS.map(({ key }) => snakeCase(key))];
  expect(keys.filter((key) => !known.includes(key ?? ''))).toEqual([]);
  const actions = [...text.matchAll(/action = '([^']+)'/g)].map(([, action]) => action);
  expect(actions.filter((action) => !(action! in AUDIT_EVENTS))).toEqual([]);
});

test('every page that a page links to is there, and README links every how-to', () => {
  const broken = PAGES.flatMap((file) =>
    [...textOf(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, link]) => path.join(path.dirname(file), link ?? ''))
      .filter((target) => !existsSync(path.join(root, target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
  const readme = textOf('README.md');
  expect(HOW_TO.filter((file) => !readme.includes(`(${file})`))).toEqual([]);
});

test('the figures that monitor.md names are in /metrics, and the addresses answer', async () => {
  const platform = await startPlatform();
  try {
    const metrics = await (await fetch(`${platform.baseUrl}/metrics`)).text();
    const names = new Set(textOf('docs/how-to/monitor.md').match(/\b(?:http|jobs|process|nodejs)_[a-z0-9_]+\b/g));
    expect(names.size).toBeGreaterThan(6);
    expect(
      [...names].filter((name) => !metrics.includes(`# TYPE ${name.replace(/_(?:count|bucket|sum)$/, '')} `)),
    ).toEqual([]);
    const addresses = inline('docs/how-to/monitor.md').filter((code) => /^\/[a-z]+$/.test(code));
    expect(addresses).toEqual(expect.arrayContaining(['/healthz', '/readyz', '/metrics']));
    for (const address of new Set(addresses))
      expect([address, (await fetch(platform.baseUrl + address)).status]).toEqual([address, 200]);
  } finally {
    await platform.stop();
  }
});

describe('the database of run-in-production.md', () => {
  test('as its statements make it, the program starts on it with a user that may do nothing else', async () => {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-how-to-'));
    const server = await startEmbedded(path.join(dataDir, 'server'));
    try {
      const admin = new pg.Client(server.connection);
      await admin.connect();
      // The embedded server has a user and a database of that name already.
      const [statements = ''] = blocks('docs/how-to/run-in-production.md', 'sql').map((text) =>
        text.replaceAll(/\bcovered_bridge\b/g, 'bridge'),
      );
      const password = /create role bridge login password '([^']+)'/.exec(statements)?.[1];
      for (const statement of statements.split(/;\s*\n/)) if (statement.trim() !== '') await admin.query(statement);
      await admin.end();
      const { host, port } = server.connection;
      const url = `postgres://bridge:${password}@${encodeURIComponent(host ?? '')}:${port}/bridge`;
      const services = await openServices(readConfig({ DATA_DIR: dataDir, DATABASE_URL: url, LOG_LEVEL: 'silent' }));
      expect(await services.tenants.list()).toEqual([]);
      const role = await services.database.owner.query(
        'select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = current_user',
      );
      expect(Object.values(role.rows[0])).toEqual([false, false, false, false]);
      await services.close();
    } finally {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
