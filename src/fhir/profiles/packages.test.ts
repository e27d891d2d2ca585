import { existsSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Files, newFolder, profile, writeArchive, writePackage } from '../../../test/support/fhir-package.ts';
import { sharedData, sharedDataPresent } from '../../../test/support/shared-data.ts';
import { tarEnd, tarHeader } from '../../platform/archive/tar.ts';
import { loadDefinitions } from './definitions.ts';
import { PROFILE_LIMITS } from './limits.ts';

const manifest = (version = '1.0.0', more: object = {}): object => ({ name: 'guide', version, ...more });
const good: Files = { 'package.json': manifest(), 'p.json': profile('p', 'Patient', []) };
const asArchive = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`package/${name}`, content]));
const refused = (given: string): Promise<unknown> =>
  loadDefinitions([given]).then(
    () => 'loaded',
    (error: { code?: string; message: string }) => `${error.code}: ${error.message.replaceAll(given, 'IT')}`,
  );

describe('packages are read', () => {
  test('from a .tgz, a folder with package/, a folder with the files, and a folder of all these', async () => {
    const archive = writeArchive(asArchive(good));
    const folder = writePackage(good);
    for (const given of [archive, folder, path.join(folder, 'package')])
      expect((await loadDefinitions([given])).profiles, given).toEqual(['http://t/p|1.0.0']);
    const several = newFolder();
    writePackage({ ...good, 'package.json': manifest('2.0.0') }, path.join(several, 'two'));
    writeArchive(asArchive(good), path.join(several, 'one.tgz'));
    writeFileSync(path.join(several, 'README.md'), 'no package');
    expect((await loadDefinitions([several])).profiles).toEqual(['http://t/p|1.0.0', 'http://t/p|2.0.0']);
  });
  test('of an archive only what lies right under package/: examples and the like are passed over', async () => {
    const archive = writeArchive({
      ...asArchive(good),
      'package/example/x.json': '{broken',
      'other/y.json': '{broken',
    });
    expect((await loadDefinitions([archive])).profiles).toEqual(['http://t/p|1.0.0']);
  });
  test('a folder without a manifest is named after itself', async () => {
    const folder = writePackage({ 'p.json': profile('p', 'Patient', []) }, path.join(newFolder(), 'own#0.1.0'));
    expect((await loadDefinitions([folder])).profiles).toEqual(['http://t/p|0.1.0']);
  });
  test.skipIf(!sharedDataPresent)('the guides’ own, all nine beside one another', async () => {
    const definitions = await loadDefinitions([sharedData('ig')]);
    expect(definitions.packages).toHaveLength(9);
    expect(definitions.profiles).toHaveLength(265);
  });
});

describe('a canonical names', () => {
  const version = (v: string, more: object = {}): string =>
    writePackage({ 'package.json': manifest(v, more), 'p.json': profile('p', 'Patient', []) });
  const other = (dependencies: object): string =>
    writePackage({
      'package.json': { name: 'other', version: '1.0.0', dependencies },
      'q.json': profile('q', 'Patient', []),
    });
  test('a version, or a part of one; without one the newest', async () => {
    const definitions = await loadDefinitions([version('2.10.0'), version('2.9.0'), version('2.10.0-ballot')]);
    const found = (canonical: string) => definitions.find('structures', canonical)?.version;
    expect(found('http://t/p')).toBe('2.10.0');
    expect(found('http://t/p|2.9.0')).toBe('2.9.0');
    expect(found('http://t/p|2.9')).toBe('2.9.0');
    expect(found('http://t/p|2')).toBe('2.10.0');
    expect(found('http://t/p|3.0.0')).toBeUndefined();
    expect(found('http://t/none')).toBeUndefined();
    expect(definitions.versionsOf('http://t/p')).toEqual(['2.9.0', '2.10.0-ballot', '2.10.0']);
  });
  test('from inside a package that of the package, of what it depends on, or the next newer', async () => {
    const definitions = await loadDefinitions([
      version('1.0.0'),
      version('2.0.0'),
      version('3.0.0'),
      other({ guide: '1.5.0' }),
    ]);
    const [one, , , asking] = definitions.packages;
    expect(definitions.find('structures', 'http://t/p', one)?.version).toBe('1.0.0');
    expect(definitions.find('structures', 'http://t/p', asking)?.version).toBe('2.0.0');
  });
});

describe('a package is refused, with the file at fault', () => {
  test('that is not there, is no package, or is empty', async () => {
    expect(await refused('/nowhere/x.tgz')).toBe('unreadable: IT cannot be read (ENOENT).');
    expect(await refused(newFolder())).toBe('no-package: IT holds no FHIR package.');
    expect(await refused(writePackage({ 'package.json': manifest() }))).toBe(
      'no-package: IT/package holds no definitions (package/*.json).',
    );
    const text = path.join(newFolder(), 'x.tgz');
    writeFileSync(text, 'no archive');
    expect(await refused(text)).toBe('archive-broken: IT cannot be unpacked: it is no gzip archive, or cut off.');
  });
  test('that is cut off', async () => {
    const archive = writeArchive(
      asArchive({ ...good, 'q.json': profile('q', 'Patient', [{ path: 'Patient.x'.repeat(999) }]) }),
    );
    truncateSync(archive, 300);
    expect(await refused(archive)).toMatch(/^archive-broken: /);
  });
  test('with a path that leads out of it, a link, or something else', async () => {
    const target = path.join(path.dirname(newFolder()), 'escaped.json');
    expect(await refused(writeArchive({ 'package/../../escaped.json': '{}' }))).toBe(
      'archive-broken: IT cannot be unpacked: the archive holds a path that leads out of it.',
    );
    expect(existsSync(target)).toBe(false);
    const link = tarHeader('package/p.json', 'file', 0);
    link.write('2', 156);
    link.write('/etc/passwd', 157);
    let sum = 8 * 0x20;
    for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += link[i] as number;
    link.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const file = path.join(newFolder(), 'link.tgz');
    writeFileSync(file, gzipSync(Buffer.concat([link, tarEnd()])));
    expect(await refused(file)).toMatch(/^archive-broken: .* no file or folder/);
  });
  test('links in a folder are not followed', async () => {
    const folder = writePackage(good);
    symlinkSync('/etc/passwd', path.join(folder, 'package', 'z.json'));
    expect((await loadDefinitions([folder])).profiles).toEqual(['http://t/p|1.0.0']);
  });
  test('whose file says it is larger than a definition may be, before it is held', async () => {
    const header = tarHeader('package/p.json', 'file', PROFILE_LIMITS.fileBytes + 1);
    const file = path.join(newFolder(), 'big.tgz');
    writeFileSync(file, gzipSync(Buffer.concat([header, Buffer.alloc(4096)])));
    expect(await refused(file)).toBe(
      `too-large: IT: package/p.json holds more than ${PROFILE_LIMITS.fileBytes} bytes.`,
    );
  });
  test('that unpacks to more than a package may be (a zip bomb is given up on the way)', async () => {
    // 200 MB of zeros in one entry that nobody asks for, 1 MB packed; 4 MB may be in the package.
    const bytes = 200 * 1024 * 1024;
    const member = gzipSync(Buffer.alloc(bytes / 8), { level: 1 });
    const header = gzipSync(tarHeader('package/example/x.json', 'file', bytes));
    const file = path.join(newFolder(), 'bomb.tgz');
    writeFileSync(file, Buffer.concat([header, ...Array.from({ length: 8 }, () => member)]));
    const limits = { ...PROFILE_LIMITS, packageBytes: 4 * 1024 * 1024 };
    await expect(loadDefinitions([file], limits)).rejects.toMatchObject({
      code: 'too-large',
      message: `${file} holds more than 4194304 bytes.`,
    });
    const folder = writePackage({ ...good, 'q.json': 'x'.repeat(200) });
    await expect(loadDefinitions([folder], { ...limits, fileBytes: 199 })).rejects.toMatchObject({ code: 'too-large' });
    await expect(loadDefinitions([folder], { ...limits, packageFiles: 2 })).rejects.toMatchObject({
      code: 'too-large',
    });
  });
  test('with a file that is no JSON, or a definition that is none', async () => {
    const faults: [unknown, string][] = [
      ['{broken', 'is no JSON.'],
      ['[]', 'is no JSON object.'],
      [{ resourceType: 'StructureDefinition', url: 'x' }, ': a StructureDefinition needs url and type.'],
      [{ resourceType: 'ValueSet' }, ': it has no url.'],
      [profile('x', 'Patient', [{ id: 'Patient.x' }]), ': an element has no path.'],
      [profile('x', 'Patient', [{ path: 'Patient.x', max: 'many' }]), ": an element's max is no number and no *."],
      [{ ...profile('x', 'Patient', []), snapshot: { element: 'none' } }, ': a list of elements is missing.'],
    ];
    for (const [content, message] of faults)
      expect(await refused(writePackage({ ...good, 'x.json': content })), message).toMatch(
        `malformed: IT/package: x.json${message.startsWith(':') ? '' : ' '}${message}`,
      );
  });
  test('that defines one canonical twice and differently; twice the same is none', async () => {
    const twice = { ...good, 'q.json': profile('p', 'Patient', [{ path: 'Patient.name', min: 1 }]) };
    expect(await refused(writePackage(twice))).toBe(
      'duplicate-definition: IT/package: p.json and IT/package: q.json both define http://t/p.',
    );
    expect(
      (await loadDefinitions([writePackage({ ...good, 'q.json': profile('p', 'Patient', []) })])).profiles,
    ).toHaveLength(1);
  });
  test('of two that define one version of a canonical differently, both are named', async () => {
    const one = writePackage(good);
    const same = writePackage({ ...good, 'package.json': { name: 'copy', version: '1.0.0' } });
    const other = writePackage({ ...good, 'p.json': profile('p', 'Patient', [{ path: 'Patient.name', min: 1 }]) });
    expect((await loadDefinitions([one, same])).profiles).toHaveLength(1);
    await expect(loadDefinitions([one, other])).rejects.toMatchObject({
      code: 'duplicate-definition',
      message: 'guide#1.0.0 and guide#1.0.0 define http://t/p|1.0.0 differently.',
    });
  });
  test('names like a built-in of JavaScript do no harm', async () => {
    const files = { ...good, '__proto__x.json': { ...profile('x', 'Patient', []), url: '__proto__' } };
    const definitions = await loadDefinitions([writePackage(files)]);
    expect(definitions.find('structures', 'constructor')).toBeUndefined();
    expect(definitions.find('structures', '__proto__')?.version).toBe('1.0.0');
  });
});
