import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '#/platform/config/config.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { definitionsOf, element, profile, writeArchive, writePackage } from '../support/fhir-package.ts';
import type { Json } from '../support/generated.ts';
import { sharedData, sharedDataPresent } from '../support/shared-data.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-validate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const named = profile('named', 'Patient', [
  element('Patient.name', { min: 1 }),
  element('Patient.gender', { fixedCode: 'female' }),
]);
const PACKAGE = writePackage({ 'package.json': { name: 'test', version: '1.0.0' }, 'named.json': named });
const PROFILE = 'http://t/named|1.0.0';

let stderr = '';
async function run(argv: readonly string[], env: Record<string, string> = {}) {
  stderr = '';
  const io = {
    stderr: { write: (text: string) => (stderr += text) } as unknown as NodeJS.WritableStream,
    signal: new AbortController().signal,
    config: readConfig(env),
  };
  const noDatabase = (): never => {
    throw new Error('validate needs no database');
  };
  const output = await runCommand(['validate', ...argv], noDatabase, io);
  return { ...output, json: argv.includes('--json') ? (JSON.parse(output.stdout) as Json) : undefined };
}
async function report(...argv: string[]): Promise<Json> {
  const { exitCode, json } = await run([...argv, '--json']);
  expect(exitCode).toBe(0);
  return json as Json;
}

function file(name: string, content: string | Buffer): string {
  const whole = path.join(folder, name);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, content);
  return whole;
}
const patient = (more: object = {}): Json => ({
  resourceType: 'Patient',
  id: 'x',
  meta: { profile: ['http://t/named'] },
  ...more,
});
const good = patient({ name: [{ family: 'Good' }], gender: 'female' });
const lines = (...resources: unknown[]): string =>
  resources.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n');
const foundAt = ({ findings }: Json): string[] =>
  findings.flatMap(({ profile: claimed, severity, rule, path: at, count, places }: Json) =>
    places.map(
      (place: Json) =>
        `${claimed} ${severity} ${rule} ${at} ×${count} ${path.basename(place.file)}:${place.line} ${place.path}`,
    ),
  );

describe('what is found is told by profile, severity, rule and path, with file and line', () => {
  test('NDJSON, plain and packed: each line on its own', async () => {
    const text = lines(good, '', patient({ gender: 'male' }), patient({ name: [{}], gender: 'female' }));
    const files = [
      file('a.ndjson', text),
      file('b.ndjson.gz', gzipSync(text)),
      file('c.ndjson.zst', zstdCompressSync(text)),
    ];
    for (const each of files) {
      const told = await report(each, '--package', PACKAGE);
      const name = path.basename(each);
      expect(foundAt(told).sort()).toEqual([
        `R4 error structure Patient.name ×1 ${name}:4 Patient.name[0]`,
        `${PROFILE} error cardinality Patient.name ×1 ${name}:3 Patient.name`,
        `${PROFILE} error fixed Patient.gender ×1 ${name}:3 Patient.gender`,
      ]);
      expect(told).toMatchObject({
        files: 1,
        read: 3,
        not_r4: 1,
        unreadable: 0,
        packages: [{ name: 'test', version: '1.0.0' }],
        profiles: [{ profile: PROFILE, checked: 3, failed: 1, errors: 2, warnings: 0 }],
        unchecked: [],
        left_out: 0,
        bytes: Buffer.byteLength(text),
      });
    }
  });

  test('a Bundle: its entries on the lines on which they begin, its own faults too', async () => {
    const bundle = JSON.stringify(
      {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [{ resource: good }, { resource: patient({ gender: 'female' }) }, {}],
      },
      undefined,
      1,
    );
    const told = await report(file('bundle.json', bundle), '--package', PACKAGE);
    const line = bundle.slice(0, bundle.lastIndexOf('"Patient"')).split('\n').length - 2;
    expect(told.read).toBe(2);
    expect(foundAt(told)).toEqual(
      expect.arrayContaining([
        `${PROFILE} error cardinality Patient.name ×1 bundle.json:${line} Bundle.entry[1].resource.name`,
        expect.stringMatching(/^R4 error structure Bundle.entry ×1 bundle.json:1 Bundle.entry\[2\]$/),
      ]),
    );
  });

  test('what a Bundle claims itself is checked with its entries at hand, and so are references among them', async () => {
    const package_ = writePackage({
      'b.json': profile('b', 'Bundle', [element('Bundle.entry', { min: 3 })]),
      'o.json': profile('o', 'Observation', [
        element('Observation.subject', {
          type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'] }],
        }),
      ]),
    });
    const observation = {
      resourceType: 'Observation',
      meta: { profile: ['http://t/o'] },
      status: 'final',
      code: { text: 'x' },
    };
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      meta: { profile: ['http://t/b'] },
      entry: [
        {
          fullUrl: 'urn:uuid:3f0a8f7c-1c2b-4b0e-9f57-8a4c2d1e0f11',
          resource: { resourceType: 'Group', type: 'person', actual: true },
        },
        { resource: { ...observation, subject: { reference: 'urn:uuid:3f0a8f7c-1c2b-4b0e-9f57-8a4c2d1e0f11' } } },
      ],
    };
    const told = await report(file('own.json', JSON.stringify(bundle)), '--package', package_);
    expect(foundAt(told).sort()).toEqual([
      'http://t/b error cardinality Bundle.entry ×1 own.json:1 Bundle.entry',
      'http://t/o error target Observation.subject ×1 own.json:1 Bundle.entry[1].resource.subject',
    ]);
  });

  test('a Bundle too big to hold is read entry by entry', async () => {
    const filler = { resource: { resourceType: 'Basic', code: { text: 'x'.repeat(400_000) } } };
    const entries = [...Array(44).fill(filler), { resource: patient({ gender: 'female' }) }];
    const text = `{"resourceType":"Bundle","type":"collection","entry":[\n${entries.map((each) => JSON.stringify(each)).join(',\n')}\n]}`;
    const told = await report(file('big.json', text), '--package', PACKAGE);
    expect(told.read).toBe(45);
    expect(foundAt(told)).toEqual([
      `${PROFILE} error cardinality Patient.name ×1 big.json:46 Bundle.entry[44].resource.name`,
    ]);
  });

  test('a folder: every FHIR file in it; what is none is named', async () => {
    file('feed/one.json', JSON.stringify(good));
    file('feed/deeper/two.ndjson', lines(good, good));
    file('feed/other.json', '[1]');
    const told = await report(path.join(folder, 'feed'), '--package', PACKAGE);
    expect(told).toMatchObject({ files: 2, read: 3, findings: [] });
    expect(told.skipped).toEqual([{ file: path.join(folder, 'feed/other.json'), reason: 'not-fhir' }]);
  });

  test('what cannot be read is counted by reason and does not stop the rest', async () => {
    const told = await report(
      file('broken.ndjson', lines(good, '{"resourceType":', '{"a":1,"a":2}', '{"id":"1"}', good)),
    );
    expect(told).toMatchObject({
      read: 2,
      unreadable: 3,
      unreadable_by_reason: { 'duplicate-key': 1, 'no-resource-type': 1, 'not-json': 1 },
    });
    expect(
      foundAt(told)
        .map((each) => each.match(/broken\.ndjson:\d/)?.[0])
        .sort(),
    ).toEqual([2, 3, 4].map((line) => `broken.ndjson:${line}`));
  });

  test('a thousand times the same is one finding with its count and the first ten places', async () => {
    const told = await report(
      file('many.ndjson', lines(...Array(1_000).fill(patient({ gender: 'female' })))),
      '--package',
      PACKAGE,
    );
    expect(told.findings).toHaveLength(1);
    expect(told.findings[0].count).toBe(1_000);
    expect(told.findings[0].places.map(({ line }: Json) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('nothing of a resource is in the report, the text, or what is written beside it', async () => {
    const secret = 'S3CR3T';
    const leaky = file(
      'leaky.ndjson',
      lines(
        patient({
          name: [{ family: secret, [secret]: 1 }],
          gender: secret,
          birthDate: secret,
          meta: { profile: ['http://t/named', `${secret} ${secret}`] },
        }),
        { resourceType: secret },
        `{"resourceType":"Patient","${secret}":"${secret}"`,
        patient({
          id: secret,
          extension: [{ url: secret, valueString: secret }],
          link: [{ other: { reference: `#${secret}` } }],
        }),
      ),
    );
    for (const argv of [['--json'], []]) {
      const { stdout } = await run([leaky, '--package', PACKAGE, ...argv]);
      expect(stdout).not.toContain(secret);
      expect(stderr).not.toContain(secret);
    }
  });
});

describe('packages and profiles', () => {
  const feed = file('claims.ndjson', lines(patient({ gender: 'female' }), good));
  test('without a package R4 alone is checked, and what was claimed is told', async () => {
    const told = await report(feed);
    expect(told).toMatchObject({ packages: [], profiles: [], findings: [] });
    expect(told.unchecked).toEqual([{ profile: 'http://t/named', reason: 'profile-not-given', count: 2 }]);
    const { stdout } = await run([feed]);
    expect(stdout).toContain('No package was given (--package): only R4 itself was checked.');
    expect(stdout).toContain('http://t/named: the profile is in none of the packages (2 resources)');
  });
  test('from a .tgz, from the folder of the setting, and --package stands above the setting', async () => {
    const archive = writeArchive({
      'package/package.json': { name: 'test', version: '1.0.0' },
      'package/named.json': named,
    });
    expect((await report(feed, '--package', archive)).profiles).toHaveLength(1);
    const other = writePackage({ 'q.json': profile('other', 'Patient', []) });
    const bySetting = await run([feed, '--json'], { PROFILE_PACKAGES: PACKAGE });
    expect(bySetting.json?.profiles).toHaveLength(1);
    const above = await run([feed, '--package', other, '--json'], { PROFILE_PACKAGES: PACKAGE });
    expect(above.json?.profiles).toEqual([]);
  });
  test('a profile that is asked for is checked on its type, whatever is claimed', async () => {
    const plain = file(
      'plain.ndjson',
      lines({ resourceType: 'Patient', id: 'x' }, { resourceType: 'Group', id: 'g', type: 'person', actual: true }),
    );
    const told = await report(plain, '--package', PACKAGE, '--profile', 'http://t/named|1.0.0');
    expect(told.profiles).toMatchObject([{ profile: PROFILE, checked: 1, failed: 1 }]);
  });
  test('definitions of the tests’ own helper are the same', async () => {
    expect((await definitionsOf(named)).profiles).toEqual([PROFILE]);
  });
  test('a report that is made has exit code 0 whatever was found; the text says it in words', async () => {
    const { exitCode, stdout } = await run([feed, '--package', PACKAGE]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      `1 × error cardinality: Patient.name is there 0 times; the least is 1\n      ${PROFILE}\n      ${feed}:1`,
    );
  });
});

describe('refusals', () => {
  const feed = file('refused.ndjson', lines(good));
  const refusal = async (...argv: string[]): Promise<string> => {
    const { exitCode, json, stderr: told } = await run([...argv, '--json']);
    const { code, message } = json?.error ?? {};
    expect(told).toBe(`${message}\n`);
    return `${exitCode} ${code}: ${message}`.replaceAll(folder, 'F');
  };
  test('nothing to read, or nothing that is FHIR: exit code 1', async () => {
    expect(await refusal(path.join(folder, 'none'))).toBe('1 unreadable: F/none cannot be read: it does not exist.');
    expect(await refusal(file('text.json', 'text'))).toBe(
      '1 no-fhir: F/text.json is no FHIR (NDJSON or JSON), and nothing else was given.',
    );
    expect(await refusal(file('empty.json', ''))).toMatch(/^1 nothing-to-read: /);
    const broken = await run([file('all-broken.ndjson', '{"resourceType":\n'), '--json']);
    expect(broken).toMatchObject({ exitCode: 1, json: { read: 0, unreadable: 1 } });
  });
  test('a package that is none, or a profile in none of them: exit code 1', async () => {
    expect(await refusal(feed, '--package', folder)).toMatch(/^1 (no-package|malformed): /);
    expect(await refusal(feed, '--profile', 'http://t/named')).toBe(
      '1 profile-not-given: http://t/named cannot be checked without its package: give it with --package.',
    );
    expect(await refusal(feed, '--package', PACKAGE, '--profile', 'http://t/named|2.0.0')).toBe(
      '1 profile-not-given: http://t/named|2.0.0 is in none of the packages. There is 1.0.0.',
    );
  });
  test('wrong usage: exit code 2', async () => {
    expect(await refusal()).toMatch(/^2 usage: /);
    expect(await refusal(feed, '--packages', 'x')).toMatch(/^2 usage: /);
    expect(await refusal('https://x.test/manifest')).toBe('2 usage: validate reads files and folders, no addresses.');
  });
});

describe.skipIf(!sharedDataPresent)('published data', () => {
  // The packages as they are here: patterns of CARIN 2.2.0 name versions of code systems.
  test('CMS’s synthetic claims: what their mapping lacks of CARIN 2.2.0, and their own profiles as not given', async () => {
    const told = await report(sharedData('cms-bfd'), '--package', sharedData('ig'));
    expect(told).toMatchObject({ read: 16, not_r4: 0 });
    expect(told.findings.map(({ rule, key, path: at, count }: Json) => `${rule} ${key ?? ''} ${at} ×${count}`)).toEqual(
      [
        // 2.2.0 pins the version of the code system in its patterns; CMS sends none.
        'pattern  ExplanationOfBenefit.type ×4',
        // `not-applicable` procedures on claims that are no vision claims.
        'invariant EOB-vision-item-productorservice ExplanationOfBenefit ×3',
        'pattern  ExplanationOfBenefit.type ×1',
        'pattern  ExplanationOfBenefit.type ×1',
        'cardinality  Patient.identifier:memberid ×1',
      ],
    );
    expect(
      told.unchecked
        .filter(({ reason }: Json) => reason === 'profile-not-given')
        .map(({ profile: claimed }: Json) => claimed.split('/')[2]),
    ).toEqual(Array(4).fill('bluebutton.cms.gov'));
  });
  test('Synthea’s bulk export: US Core with one warning; its Bundles of 2019 claim nothing and are checked as R4', async () => {
    const bulk = (type: string): string => sharedData('synthea', 'bulk-us-core', `${type}.000.ndjson`);
    const told = await report(bulk('Patient'), bulk('Immunization'), '--package', sharedData('ig'));
    expect(told).toMatchObject({
      read: 174,
      not_r4: 0,
      findings: [{ severity: 'warning', key: 'us-core-5', count: 161 }],
    });
    expect(told.profiles).toMatchObject([
      { checked: 161, failed: 0 },
      { checked: 13, failed: 0 },
    ]);
    const bundles = readdirSync(sharedData('synthea', 'bundles')).slice(0, 2);
    const older = await report(
      ...bundles.map((name) => sharedData('synthea', 'bundles', name)),
      '--package',
      sharedData('ig'),
    );
    expect(older).toMatchObject({ not_r4: 0, profiles: [], findings: [], unchecked: [] });
    expect(older.read).toBeGreaterThan(20);
  });
});
