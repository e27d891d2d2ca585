import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadFeed } from '#/ingest/load-feed.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { sharedData, sharedDataPresent } from '../support/shared-data.ts';

let platform: TestPlatform;
let folder = '';
let tenants = 0;
beforeAll(async () => {
  platform = await startPlatform({ tenants: [] });
  folder = await mkdtemp(path.join(os.tmpdir(), 'covered-bridge-feed-'));
});
afterAll(async () => {
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

async function newTenant(): Promise<string> {
  const slug = `plan-${++tenants}`;
  await platform.cli('tenant', 'create', slug, '--name', slug, '--kind', 'sandbox');
  return slug;
}
const load = (...argv: string[]) => platform.cli('feed', 'load', ...argv);

async function file(name: string, content: string | Buffer): Promise<string> {
  const whole = path.join(folder, name);
  await mkdir(path.dirname(whole), { recursive: true });
  await writeFile(whole, content);
  return whole;
}

/** Everything a tenant holds: type number, id, whose it is, and the hash of what it says. */
async function contentOf(slug: string): Promise<string[]> {
  const tenant = await platform.tenant(slug);
  const db = platform.services.database.tenant(tenant.id);
  const own = await db.query(
    `select rt, id, member_id, encode(hash, 'hex') as hash from resource where tenant_id = $1 and not deleted`,
    [tenant.id],
  );
  const shared = await db.query(
    `select rt, id, '' as member_id, encode(hash, 'hex') as hash from shared_resource where tenant_id = $1 and not deleted`,
    [tenant.id],
  );
  return [...own.rows, ...shared.rows].map((row) => `${row.rt}/${row.id} ${row.member_id} ${row.hash}`).sort();
}

async function textOf(slug: string, id: string): Promise<string | undefined> {
  const tenant = await platform.tenant(slug);
  const db = platform.services.database.tenant(tenant.id);
  for (const table of ['resource', 'shared_resource']) {
    const found = await db.query<{ content: string }>(
      `select content from ${table} where tenant_id = $1 and id = $2 and not deleted`,
      [tenant.id, id],
    );
    if (found.rows[0]) return found.rows[0].content;
  }
  return undefined;
}

const patient = (id: string, more: object = {}) => ({
  resourceType: 'Patient',
  id,
  identifier: [
    {
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MB' }] },
      system: 'https://plan.example/members',
      value: `M${id}`,
    },
  ],
  name: [{ family: 'Rivera', given: ['Ana'] }],
  gender: 'female',
  birthDate: '1980-02-03',
  ...more,
});
const lines = (...resources: unknown[]) =>
  `${resources.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n')}\n`;

describe.skipIf(!sharedDataPresent)(
  'real input: read equals what the folder’s README tells after unfolding Bundles',
  () => {
    /** From the README's tables, Bundles left out, and what those Bundles hold, counted by other code than the loader's. */
    function expectedRead(folderName: string, heading: string | undefined): number {
      const readme = readFileSync(sharedData(folderName.split('/')[0] ?? '', 'README.md'), 'utf8');
      const section = heading === undefined ? readme : (readme.split(`### ${heading}`)[1]?.split('### ')[0] ?? '');
      const rows = [...section.matchAll(/^\| ([A-Z][A-Za-z]+) \| (\d+) \|$/gm)];
      const told = rows.filter((row) => row[1] !== 'Bundle').reduce((sum, row) => sum + Number(row[2]), 0);
      expect(told).toBeGreaterThan(0);
      return told;
    }
    function inBundles(dir: string): number {
      const count = (resource: { resourceType: string; entry?: { resource?: never }[] }): number =>
        resource.resourceType !== 'Bundle'
          ? 1
          : (resource.entry ?? []).reduce((sum, entry) => sum + (entry.resource ? count(entry.resource) : 0), 0);
      return readdirSync(dir)
        .filter((name) => name.startsWith('Bundle-'))
        .reduce((sum, name) => sum + count(JSON.parse(readFileSync(path.join(dir, name), 'utf8'))), 0);
    }

    const folders = [
      ['carin-bb/2.0.0', '2.0.0'],
      ['carin-bb/2.1.0', '2.1.0'],
      ['carin-bb/2.2.0', '2.2.0'],
      ['cms-bfd', undefined],
      ['hrex/1.0.0', '1.0.0'],
      ['hrex/1.2.0', '1.2.0'],
      ['pdex/2.0.0', '2.0.0'],
      ['pdex/2.2.0', '2.2.0'],
      ['us-core/6.1.0', undefined],
    ] as const;

    test.each(folders)('%s, and loaded again all of it is unchanged', async (name, heading) => {
      const slug = await newTenant();
      const dir = sharedData(...name.split('/'));
      const { exitCode, json } = await load(slug, dir);
      expect(exitCode).toBe(0);
      expect(json.read).toBe(expectedRead(name, heading) + inBundles(dir));
      expect(json.stored + json.unchanged + json.deleted + json.refused).toBe(json.read);
      // Only what has no id, and a Provenance of something that is nowhere, may be refused of good files.
      expect(
        Object.keys(json.refused_by_reason).filter((reason) => !['no-id', 'target-unknown'].includes(reason)),
      ).toEqual([]);
      const before = await contentOf(slug);
      const again = (await load(slug, dir)).json;
      expect(again).toMatchObject({
        read: json.read,
        stored: 0,
        deleted: 0,
        refused: json.refused,
        unchanged: json.read - json.refused,
      });
      expect(await contentOf(slug)).toEqual(before);
    });

    test('synthea: transaction Bundles and the NDJSON of a bulk export; the export’s log is no FHIR and is passed over', async () => {
      const slug = await newTenant();
      const { exitCode, json } = await load(slug, sharedData('synthea'));
      expect(exitCode).toBe(0);
      expect(json.read).toBe(expectedRead('synthea', 'bundles') + expectedRead('synthea', 'bulk-us-core'));
      // Organizations and practitioners come again in several people's Bundles, the same each time.
      expect(json).toMatchObject({ refused: 0, superseded: 0, files: 37 });
      expect(json.stored + json.unchanged).toBe(json.read);
      expect(json.skipped).toEqual([{ file: sharedData('synthea', 'bulk-us-core', 'log.ndjson'), reason: 'not-fhir' }]);
      const tenant = await platform.tenant(slug);
      const urns = await platform.services.database
        .tenant(tenant.id)
        .query(
          `select count(*)::int as count from resource where tenant_id = $1 and content like '%"reference":"urn:uuid:%'`,
          [tenant.id],
        );
      expect(urns.rows[0]).toEqual({ count: 0 });
      const before = await contentOf(slug);
      expect((await load(slug, sharedData('synthea'))).json).toMatchObject({
        read: json.read,
        unchanged: json.read,
        stored: 0,
      });
      expect(await contentOf(slug)).toEqual(before);
    });
  },
);

describe('forms of a feed', () => {
  test('NDJSON plain, .gz and .zst, mixed types, one resource in .json, and a Bundle hold the same', async () => {
    const all = [patient('a'), patient('b'), { resourceType: 'Organization', id: 'o', name: 'Plan' }];
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: all.map((resource) => ({ resource })) };
    const forms = {
      plain: [await file('forms/all.ndjson', lines(...all))],
      gz: [await file('forms/all.ndjson.gz', gzipSync(lines(...all)))],
      zst: [await file('forms/all.ndjson.zst', zstdCompressSync(lines(...all)))],
      bundle: [await file('forms/bundle.json', JSON.stringify(bundle, undefined, 2))],
      single: await Promise.all(all.map((resource) => file(`forms/${resource.id}.json`, JSON.stringify(resource)))),
      bundleLine: [await file('forms/bundle.ndjson', `\ufeff\n${JSON.stringify(bundle)}\r\n`)],
    };
    const contents = new Set<string>();
    for (const paths of Object.values(forms)) {
      const slug = await newTenant();
      const { exitCode, json } = await load(slug, ...paths);
      expect({ exitCode, read: json.read, stored: json.stored }).toEqual({ exitCode: 0, read: 3, stored: 3 });
      contents.add((await contentOf(slug)).join('\n'));
    }
    expect(contents.size).toBe(1);
  });

  test('bytes are those of the files, seconds are told, and a member without a member id is counted', async () => {
    const slug = await newTenant();
    const name = await file('bytes.ndjson', lines(patient('a'), patient('b', { identifier: undefined })));
    const { json } = await load(slug, name);
    expect(json).toMatchObject({
      bytes: statSync(name).size,
      not_matchable: 1,
      refused_file: null,
      refused_by_reason: {},
    });
    expect(json.seconds).toBeGreaterThan(0);
  });

  test('number lexemes survive, from a Bundle too', async () => {
    const slug = await newTenant();
    const observation = `{"resourceType":"Observation","id":"n","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:00000000-0000-4000-8000-000000000001"},"valueQuantity":{"value":1.500}}`;
    const bundle = `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":${observation},"request":{"method":"POST","url":"Observation"}},{"fullUrl":"urn:uuid:00000000-0000-4000-8000-000000000001","resource":${JSON.stringify(patient('jay'))},"request":{"method":"POST","url":"Patient"}}]}`;
    expect((await load(slug, await file('lexemes.json', bundle))).json).toMatchObject({ stored: 2 });
    const text = await textOf(slug, 'n');
    expect(text).toContain('"value":1.500');
    expect(text).toContain('"reference":"Patient/jay"');
  });

  test('a Bundle of more than 16 MB is read entry by entry and says the same', async () => {
    const slug = await newTenant();
    const urn = (i: number) => `urn:uuid:00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
    const entry = Array.from({ length: 300 }, (_, i) => ({
      fullUrl: urn(i),
      resource:
        i % 100 === 99
          ? { ...patient('x'), id: undefined }
          : {
              resourceType: 'DocumentReference',
              status: 'current',
              subject: { reference: urn(i - (i % 100) + 99) },
              content: [
                { attachment: { contentType: 'text/plain', data: Buffer.alloc(60_000, i).toString('base64') } },
              ],
            },
      request: { method: 'POST', url: 'x' },
    }));
    const name = await file(
      'big.json',
      JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }, undefined, 1),
    );
    expect(statSync(name).size).toBeGreaterThan(16 * 1024 * 1024);
    expect((await load(slug, name)).json).toMatchObject({
      read: 300,
      refused_by_reason: {},
      stored: 300,
      refused: 0,
      bytes: statSync(name).size,
    });
    expect(await textOf(slug, urn(5).slice(9))).toContain(`"reference":"Patient/${urn(99).slice(9)}"`);
    const cut = await file('big-cut.json', (await readFile(name)).subarray(0, 17 * 1024 * 1024));
    expect(await load(await newTenant(), cut)).toMatchObject({
      exitCode: 1,
      json: { read: 1, refused_by_reason: { 'not-json': 1 } },
    });
  });
});

describe('other sources', () => {
  test('the manifest of a bulk export: output files, then the deleted ones, with the token of a file', async () => {
    const asked: string[] = [];
    const server = http.createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`);
      const remove = {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [{ request: { method: 'DELETE', url: 'Patient/a' } }],
      };
      if (request.url === '/patients') response.end(lines(patient('a'), patient('b')));
      else if (request.url === '/deleted') response.end(lines(remove));
      else
        response.end(
          JSON.stringify({
            transactionTime: '2026-01-01T00:00:00Z',
            request: 'x',
            requiresAccessToken: true,
            output: [{ type: 'Patient', url: `http://${request.headers.host}/patients` }],
            deleted: [{ type: 'Bundle', url: '/deleted' }],
            error: [],
          }),
        );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/job/1`;
      const slug = await newTenant();
      const tokenFile = await file('token', 'abc.def\n');
      const { exitCode, json } = await load(slug, url, '--token-file', tokenFile);
      expect(exitCode).toBe(0);
      // The export says that a is gone, so the last word in one batch is the deletion.
      expect(json).toMatchObject({ read: 3, stored: 1, refused: 0, files: 2 });
      expect((await contentOf(slug)).length).toBe(1);
      expect(asked).toEqual(['/job/1 Bearer abc.def', '/patients Bearer abc.def', '/deleted Bearer abc.def']);
    } finally {
      server.close();
    }
  });

  test('lines made in memory, as the sandbox loads its members', async () => {
    const tenant = await platform.tenant(await newTenant());
    async function* made(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 30; i++) yield Buffer.from(lines(patient(`m${2 * i}`), patient(`m${2 * i + 1}`)));
    }
    const seen: string[] = [];
    const report = await loadFeed(
      platform.services,
      tenant,
      [{ kind: 'lines', name: 'made', lines: made() }],
      {},
      (state) => seen.push(state.phase),
    );
    expect(report).toMatchObject({ read: 60, stored: 60 });
    expect(seen.at(-1)).toBe('done');
  });

  test('one feed at a time goes into a tenant', async () => {
    const tenant = await platform.tenant(await newTenant());
    const stop = new AbortController();
    async function* slow(): AsyncGenerator<Buffer> {
      yield Buffer.from(lines(patient('s')));
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
    }
    const first = loadFeed(platform.services, tenant, [{ kind: 'lines', name: 'slow', lines: slow() }]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const second = load(tenant.slug, await file('second-feed.ndjson', lines(patient('t'))));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await contentOf(tenant.slug)).toEqual([]);
    stop.abort();
    expect((await first).stored).toBe(1);
    expect(await second).toMatchObject({ exitCode: 0, json: { stored: 1 } });
  });
});

describe('updates and deletes', () => {
  test('a second feed stores what is new and changed, and leaves the rest', async () => {
    const slug = await newTenant();
    await load(slug, await file('first.ndjson', lines(patient('a'), patient('b'))));
    const { json } = await load(
      slug,
      await file('second.ndjson', lines(patient('a'), patient('b', { gender: 'other' }), patient('c'))),
    );
    expect(json).toMatchObject({ read: 3, stored: 2, unchanged: 1 });
    expect(await textOf(slug, 'b')).toContain('"gender":"other"');
  });

  test('DELETE entries delete, also as the `deleted` lines of a bulk export; again they find nothing to delete', async () => {
    const slug = await newTenant();
    await load(slug, await file('three.ndjson', lines(patient('a'), patient('b'), patient('c'))));
    const remove = (...ids: string[]) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: ids.map((id) => ({ request: { method: 'DELETE', url: `Patient/${id}` } })),
    });
    const name = await file('deleted.ndjson', lines(remove('a', 'nobody'), remove('b')));
    expect((await load(slug, name)).json).toMatchObject({ read: 3, deleted: 2, unchanged: 1, stored: 0 });
    expect((await contentOf(slug)).length).toBe(1);
    expect((await load(slug, name)).json).toMatchObject({ read: 3, deleted: 0, unchanged: 3 });
  });

  test('a Provenance that comes before its target is stored at the end; one whose target never comes is refused', async () => {
    const slug = await newTenant();
    const provenance = (id: string, target: string) => ({
      resourceType: 'Provenance',
      id,
      target: [{ reference: target }],
      recorded: '2026-01-01T00:00:00Z',
      agent: [{ who: { reference: 'Organization/o' } }],
    });
    const condition = { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/a' }, code: { text: 'x' } };
    const name = await file(
      'provenance.ndjson',
      lines(provenance('p', 'Condition/c'), provenance('q', 'Condition/none'), condition, patient('a')),
    );
    const { exitCode, json } = await load(slug, name);
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({ read: 4, stored: 3, refused: 1, refused_by_reason: { 'target-unknown': 1 } });
    expect((await contentOf(slug)).filter((row) => row.includes('/p a '))).toHaveLength(1);
  });
});

describe('--full-snapshot', () => {
  const many = Array.from({ length: 40 }, (_, i) => patient(`s${i}`));
  test('deletes what the feed does not hold', async () => {
    const slug = await newTenant();
    await load(slug, await file('all.ndjson', lines(...many)));
    const { exitCode, json } = await load(
      slug,
      '--full-snapshot',
      await file('all-but-one.ndjson', lines(...many.slice(1))),
    );
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({ read: 39, unchanged: 39, deleted: 0, vanished: 1 });
    expect(await textOf(slug, 's0')).toBeUndefined();
  });

  test('is refused when more than 5 % would vanish, unless confirmed; a refused line still counts as seen', async () => {
    const slug = await newTenant();
    await load(slug, await file('all.ndjson', lines(...many)));
    const fewer = await file('fewer.ndjson', lines(...many.slice(3, -1), { ...many[39], birthDate: 'tomorrow' }));
    const first = await load(slug, '--full-snapshot', fewer);
    expect(first).toMatchObject({ exitCode: 1, json: { error: { code: 'too-many-deletions' }, vanished: 0 } });
    expect(first.stderr + first.json.error.message).toContain('3 of the 40');
    expect((await contentOf(slug)).length).toBe(40);
    const second = await load(slug, '--full-snapshot', '--confirm-deletions', fewer);
    expect(second).toMatchObject({ exitCode: 0, json: { vanished: 3, refused: 1 } });
    expect((await contentOf(slug)).length).toBe(37);
  });
});

describe('refused lines', () => {
  test('each is in the error file with file, line number and reason, and nothing of its content; the file is this user’s', async () => {
    const slug = await newTenant();
    const name = await file(
      'bad.ndjson',
      Buffer.concat([
        Buffer.from(
          lines(
            patient('ok'),
            '{"resourceType":"Patient","name":[{"family":"Secretname"',
            '',
            patient('bad', { birthDate: 'Secretdate' }),
          ),
        ),
        Buffer.from('{"resourceType":"Patient","id":"\xff\xfe"}\n', 'latin1'),
        Buffer.from(
          lines(
            '{"resourceType":"Secrettype","id":"1"}',
            '{"id":"Secretid"}',
            '[]',
            patient('dup').toString(),
            '{"resourceType":"Patient","id":"1","id":"2"}',
          ),
        ),
      ]),
    );
    const { exitCode, json } = await load(slug, name);
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({ read: 9, stored: 1, refused: 8 });
    expect(Object.values(json.refused_by_reason as Record<string, number>).reduce((sum, count) => sum + count)).toBe(8);
    expect((await stat(json.refused_file)).mode & 0o777).toBe(0o600);
    const text = await readFile(json.refused_file, 'utf8');
    expect(text).not.toMatch(/Secret/);
    const refused = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(refused.map((line) => line.line)).toEqual([2, 4, 5, 6, 7, 8, 9, 10]);
    for (const line of refused)
      expect(line).toMatchObject({ file: name, reason: expect.stringMatching(/^[a-z0-9-]+$/) });
    expect(refused[1]).toMatchObject({ path: 'Patient.birthDate' });
  });

  test('an entry of a Bundle is named by its line in the file and its place', async () => {
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: patient('a') }, { resource: { resourceType: 'Patient' } }],
    };
    const { json } = await load(await newTenant(), await file('entry.json', JSON.stringify(bundle, undefined, 2)));
    const line = JSON.parse(await readFile(json.refused_file, 'utf8'));
    expect(line).toMatchObject({ entry: '1', reason: 'no-id' });
    const text = await readFile(path.join(folder, 'entry.json'), 'utf8');
    expect(text.split('\n')[line.line - 1]?.trim()).toBe('{');
  });

  test('--max-refused N and N%: more is exit code 1 and nothing of that batch is stored; as many is fine', async () => {
    const name = await file('limit.ndjson', lines(patient('a'), '{', '{', patient('b')));
    const slug = await newTenant();
    for (const limit of ['1', '0', '49%']) {
      const result = await load(slug, '--max-refused', limit, name);
      expect(result).toMatchObject({ exitCode: 1, json: { error: { code: 'limit-passed' } } });
    }
    expect(await contentOf(slug)).toEqual([]);
    expect(await load(slug, '--max-refused', '2', name)).toMatchObject({ exitCode: 0, json: { stored: 2 } });
    expect(await load(slug, '--max-refused', '50%', name)).toMatchObject({ exitCode: 0 });
    expect((await load(slug, '--max-refused', 'few', name)).exitCode).toBe(2);
    expect((await load(slug, '--max-refused', '101%', name)).exitCode).toBe(2);
  });
});

test('--dry-run says what would happen and changes nothing', async () => {
  const slug = await newTenant();
  await load(slug, await file('dry1.ndjson', lines(patient('a'))));
  const before = await contentOf(slug);
  const { exitCode, json } = await load(
    slug,
    '--dry-run',
    await file('dry2.ndjson', lines(patient('a'), patient('b'), '{')),
  );
  expect(exitCode).toBe(0);
  expect(json).toMatchObject({ dry_run: true, read: 3, stored: 1, unchanged: 1, refused: 1 });
  expect(await contentOf(slug)).toEqual(before);
});

describe('the wrong thing gives a clear error and leaves what was there as it was', () => {
  let slug = '';
  let before: string[] = [];
  let good = '';
  beforeAll(async () => {
    slug = await newTenant();
    good = await file('good.ndjson', lines(patient('kept')));
    await load(slug, good);
    before = await contentOf(slug);
  });
  const more = () => file('more.ndjson', lines(patient('new')));

  test.each([
    [
      'a PNG',
      async () => [await file('picture.png', Buffer.from('89504e470d0a1a0a0000000d49484452000000ff', 'hex'))],
      'no-fhir',
    ],
    [
      'a cut gzip',
      async () => [
        await more(),
        await file(
          'cut.ndjson.gz',
          gzipSync(lines(...Array.from({ length: 500 }, (_, i) => patient(`cut${i}`)))).subarray(0, 900),
        ),
      ],
      'archive-broken',
    ],
    ['a path that is not there', async () => [await more(), path.join(folder, 'nowhere')], 'unreadable'],
    ['an empty folder', async () => [await mkdtemp(path.join(folder, 'empty-'))], 'nothing-to-read'],
    ['lines of which none is FHIR', async () => [await file('words.ndjson', '{"a":\n"b"\n')], 'no-fhir'],
    ['an address where nobody answers', async () => ['http://127.0.0.1:9/manifest'], 'manifest-refused'],
  ])('%s', async (_, paths, code) => {
    const result = await load(slug, ...(await paths()));
    expect(result).toMatchObject({ exitCode: 1, json: { error: { code } } });
    expect(result.json.error.message).toMatch(/^[^{}]+\.$/);
    expect(await contentOf(slug)).toEqual(before);
  });

  test('an unknown tenant, and no path at all', async () => {
    expect(await load('nobody', good)).toMatchObject({ exitCode: 1, json: { error: { code: 'unknown-tenant' } } });
    expect((await load(slug)).exitCode).toBe(2);
  });

  test('a full disk for the refused lines', async () => {
    const feeds = path.join(platform.dataDir, 'feeds');
    await rm(feeds, { recursive: true, force: true });
    await writeFile(feeds, 'in the way');
    const result = await load(slug, await file('full.ndjson', lines(patient('full'), '{')));
    await rm(feeds);
    expect(result).toMatchObject({ exitCode: 1, json: { error: { code: 'refused-file-failed' } } });
    expect(await contentOf(slug)).toEqual(before);
  });
});

test('every load leaves an audit event with counts, and none with content', async () => {
  const slug = await newTenant();
  const { json } = await load(slug, await file('audit.ndjson', lines(patient('audit-1'))));
  const tenant = await platform.tenant(slug);
  const events = await platform.services.database
    .tenant(tenant.id)
    .query(`select outcome, subject, facts from audit_event where tenant_id = $1 and action = 'feed.load'`, [
      tenant.id,
    ]);
  expect(events.rows).toMatchObject([{ outcome: 'success', subject: json.run, facts: { stored: 1, refused: 0 } }]);
  expect(JSON.stringify(events.rows)).not.toContain('audit-1');
});
