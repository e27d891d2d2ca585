import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { searchParametersOf } from '#/fhir/search/parameters.ts';
import { MODIFIERS } from '#/fhir/search/parse-query.ts';
import { PREFIXES } from '#/fhir/search/search-query.ts';
import { EXPORTABLE_TYPES } from '../../src/payer-to-payer/export/exportable-types.ts';
import { isServed } from '../../src/payer-to-payer/export/parameters.ts';
import { finished, kickOff, memberRecord, sharedResources } from '../support/exchange.ts';
import { caller, type ExportWorld, startExportWorld } from '../support/export-world.ts';

// The pages of the export's operations: the example of each is sent, and its answer is what the page shows.

const folder = new URL('../../docs/reference/api/', import.meta.url);
const pageOf = (name: string): string => readFileSync(new URL(`${name}.md`, folder), 'utf8');
const payer = caller('bison', 'payer-one');
let world: ExportWorld;
let names: Record<string, string>;

beforeAll(async () => {
  world = await startExportWorld();
  await world.store('bison', [...sharedResources(), ...memberRecord('jane', { years: 1 }).resources]);
  const group = await world.group('bison', 'payer-one', ['jane']);
  const other = await world.group('bison', 'payer-one', ['jane']);
  const options = { query: '?_type=Patient,Encounter', headers: { prefer: 'respond-async' } };
  const status = await kickOff(world, 'bison', payer, other, options);
  const manifest = await finished(status, payer);
  const second = await kickOff(world, 'bison', payer, other, options);
  await finished(second, payer);
  names = {
    '{group}': group,
    '{job}': status.slice(status.lastIndexOf('/') + 1),
    '{deleted}': second.slice(second.lastIndexOf('/') + 1),
    '{file}': manifest.output[0]!.url.slice(manifest.output[0]!.url.lastIndexOf('/') + 1),
    '{token}': payer.token,
  };
});
afterAll(() => world.stop());

/** What differs from one run to the next, on the page and in the answer alike. */
const forms: readonly (readonly [RegExp, string])[] = [
  [/http:\/\/localhost:\d+/g, '{host}'],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '{uuid}'],
  [/_[0-9a-f]{16}\.ndjson/g, '_{hex}.ndjson'],
  [/\bc[a-z0-9]{24}\b/g, '{group}'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '{instant}'],
  [/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/g, '{date}'],
  [/content-length: \d+/g, 'content-length: {bytes}'],
];
const withoutChance = (text: string): string => forms.reduce((all, [form, name]) => all.replace(form, name), text);

/** Headers that the pages show; those of every answer are told once, elsewhere. */
const SHOWN =
  /^(content-type|content-location|content-length|x-progress|retry-after|expires|allow|vary|preference-applied|x-export-status)$/;

function exchange(text: string): Promise<string> {
  const [head = '', body] = text.split('\n\n');
  const [line = '', ...headers] = head.split('\n');
  const [method, path] = line.split(' ');
  return new Promise((resolve, reject) => {
    const sent = request(
      `${world.baseUrl}${path}`,
      { method, headers: Object.fromEntries(headers.map((header) => header.split(': ', 2))) },
      (answer) => {
        let received = '';
        answer
          .on('data', (chunk) => {
            received += chunk;
          })
          .on('end', () => {
            const shown = Object.entries(answer.headers)
              .filter(([name]) => SHOWN.test(name) && (method === 'HEAD' || name !== 'content-length'))
              .map(([name, value]) => `${name}: ${value}`)
              .sort();
            resolve(
              [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`, ...shown, '', received.trimEnd()]
                .join('\n')
                .trimEnd(),
            );
          });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const pages = readdirSync(folder)
  .map((name) => name.replace(/\.md$/, ''))
  .filter((name) => /export/.test(name));

test('each operation of the export has its page', () => {
  expect(pages).toEqual(['export-deletion', 'export-file', 'export-status', 'group-export', 'patient-export']);
});

test.each(pages)('P2P-21, P2P-31 %s: the example is answered as the page shows', async (name) => {
  const [asked, shown] = [...pageOf(name).matchAll(/```http\n([\s\S]*?)```/g)].map((match) => match[1]!.trimEnd());
  const filled = Object.entries(names).reduce((text, [place, value]) => text.replaceAll(place, value), asked!);
  const answered = await exchange(filled);
  const [head = '', body = ''] = withoutChance(shown!).split('\n\n');
  const [line, ...headers] = head.split('\n');
  // A page may fold long JSON.
  const folded = body.startsWith('{\n') ? JSON.stringify(JSON.parse(body)) : body;
  expect(withoutChance(answered)).toBe([line, ...headers.sort(), '', folded].join('\n').trimEnd());
});

test('the page of the group export names the types that may be exported, and no other', () => {
  const page = pageOf('group-export');
  const section = page.slice(page.indexOf('## What is exported'), page.indexOf('\n- Five years'));
  const named = section.match(/\b[A-Z][A-Za-z]+(?=[,;.\s])/g)?.filter((word) => word !== 'What');
  expect([...new Set(named)].sort()).toEqual([...EXPORTABLE_TYPES].sort());
});

test('the page of the group export has a row for each parameter that is read, and for no other', () => {
  const page = pageOf('group-export');
  const table = page.slice(page.indexOf('## Parameters'), page.indexOf('No other parameters'));
  const rows = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);
  expect(rows.filter((name) => !isServed(name))).toEqual([]);
  for (const name of [
    '_outputFormat',
    '_since',
    '_until',
    '_type',
    '_typeFilter',
    '_elements',
    'patient',
    'includeAssociatedData',
    'allowPartialManifests',
  ])
    expect(rows).toContain(name);
});

test('P2P-43 the page answers the seven questions of a server’s documentation (payer-to-payer.md 3.7)', () => {
  const page = pageOf('group-export');
  const questions = page.slice(page.indexOf('## Seven questions'));
  expect([...questions.matchAll(/^\*\*(.+?)\*\*/gm)].map((match) => match[1])).toEqual([
    'Profiles.',
    'File splitting.',
    'Supporting resources.',
    'Levels and parameters.',
    'Output formats.',
    'New members and `_since`.',
    'Associated data.',
  ]);
});

test('P2P-28 the page of searches names every type of parameter with its modifiers, and every prefix', () => {
  const page = readFileSync(new URL('../../docs/reference/search.md', import.meta.url), 'utf8');
  const rows = new Map([...page.matchAll(/^\| ([a-z]+) \| ([^|]*) \|/gm)].map((match) => [match[1], match[2]]));
  for (const [type, modifiers] of Object.entries(MODIFIERS))
    expect(
      rows
        .get(type)
        ?.match(/:[a-z[\]]+/g)
        ?.map((word) => word.slice(1))
        .sort(),
    ).toEqual([...modifiers].sort());
  expect(page.match(/prefixes (`[^.]+)\./)?.[1]?.match(/\b[a-z]{2}\b/g)).toEqual([...PREFIXES]);
  expect(searchParametersOf('Observation').size).toBeGreaterThan(30);
});
