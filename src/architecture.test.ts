import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Lowest first: a folder may import from a lower rank only (docs/explanation/architecture.md). */
const RANKS = [
  ['platform'],
  ['fhir'],
  ['tenants'],
  ['audit'],
  ['members', 'onboarding', 'sensitivity'],
  ['consent', 'disclosure', 'ingest'],
  ['authorization'],
  ['patient-access', 'payer-to-payer'],
  ['sandbox', 'metrics'],
  ['portal'],
];
const root = fileURLToPath(new URL('.', import.meta.url));
const files = globSync('**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
const rankOf = (folder: string): number => RANKS.findIndex((rank) => rank.includes(folder));
const text = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');
const folderOf = (file: string): string => file.split('/')[0] ?? '';
const isTop = (file: string): boolean => !file.includes('/') || file.startsWith('cli/');

function importsOf(file: string): string[] {
  return [...text(file).matchAll(/(?:from|import\()\s*'(#\/|\.)([^']+)'/g)].map((match) =>
    match[1] === '#/' ? (match[2] ?? '') : new URL(`.${match[2]}`, `file:///${file}`).pathname.slice(1),
  );
}

test('imports point down: no folder reaches a neighbour of its rank or anything above it', () => {
  const wrong = files
    .filter((file) => !isTop(file))
    .flatMap((file) =>
      importsOf(file)
        .filter((target) => folderOf(target) !== folderOf(file))
        .filter(
          (target) =>
            isTop(target) || rankOf(folderOf(target)) < 0 || rankOf(folderOf(target)) >= rankOf(folderOf(file)),
        )
        .map((target) => `${file} imports ${target}`),
    );
  expect(wrong).toEqual([]);
});

test('stores, routes, jobs and commands are private to their folder; only the program’s top mounts them', () => {
  const wrong = files
    .filter((file) => !isTop(file))
    .flatMap((file) =>
      importsOf(file)
        .filter(
          (target) =>
            /(-store|^routes|\/routes|\/jobs|\/pages|\/commands)\.ts$/.test(target) && !target.startsWith('platform/'),
        )
        .filter((target) => target.slice(0, target.lastIndexOf('/')) !== file.slice(0, file.lastIndexOf('/')))
        .map((target) => `${file} imports ${target}`),
    );
  expect(wrong).toEqual([]);
});

test('each table has one owner: its name stands in the SQL of one folder', () => {
  const sql = globSync('*.sql', { cwd: `${root}/../migrations` }).map((file) =>
    readFileSync(`${root}/../migrations/${file}`, 'utf8'),
  );
  const tables = sql.flatMap((body) =>
    [...body.matchAll(/create (?:unlogged )?table (?:if not exists )?([a-z_]+)/g)].map((match) => match[1] ?? ''),
  );
  const shared = tables.flatMap((table) => {
    const use = new RegExp(`\\b(?:from|join|into|update|table|copy|delete from)\\s+${table}\\b(?!\\()`);
    const owners = new Set(files.filter((file) => use.test(text(file).replace(/^\s*(\*|\/\/).*$/gm, ''))).map(ownerOf));
    return owners.size > 1 ? [`${table}: ${[...owners].sort().join(', ')}`] : [];
  });
  expect(tables.length).toBeGreaterThan(2);
  expect(shared).toEqual([]);
});

/** `payer-to-payer/export/…` and `fhir/store/…` are subjects of their own. */
function ownerOf(file: string): string {
  return file.split('/').slice(0, -1).slice(0, 2).join('/');
}

test('the partitioned table is never copied as a whole: under row-level security that gives nothing, without an error', () => {
  expect(files.filter((file) => /copy resource\b/i.test(text(file)))).toEqual([]);
});

test('settings are read in one place: nothing but main.ts and the configuration looks at the environment', () => {
  const allowed = /^(main\.ts|platform\/config\/|platform\/db\/embedded\/)/;
  expect(files.filter((file) => !allowed.test(file) && /process\.env/.test(text(file)))).toEqual([]);
});

test('no file is so long that a second subject hides in it (400 lines)', () => {
  expect(files.filter((file) => text(file).split('\n').length > 401)).toEqual([]);
});
