import { createReadStream, type Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { ArchiveDamaged, readTar } from '#/platform/archive/tar.ts';
import { PROFILE_LIMITS } from './limits.ts';
import { PackageRefused } from './package-refused.ts';
import { type Json, objectOf, parseStructure, type StructureDefinition, textOf } from './structure.ts';
import { type CodeSystem, parseCodeSystem, parseValueSet, type ValueSet } from './terminology.ts';

/** A FHIR package (npm form, `package/*.json`), as far as profiles need it. */
export interface FhirPackage {
  readonly name: string;
  readonly version: string | undefined;
  /** Names and versions of the packages it builds on. */
  readonly dependencies: ReadonlyMap<string, string>;
  readonly structures: readonly StructureDefinition[];
  readonly valueSets: readonly ValueSet[];
  readonly codeSystems: readonly CodeSystem[];
}

/** What a package may hold; see PROFILE_LIMITS. */
export type PackageLimits = Readonly<Record<'packageFiles' | 'fileBytes' | 'packageBytes', number>>;

type Files = AsyncIterable<{ readonly name: string; readonly text: string }>;

const ARCHIVE = /\.(tgz|tar\.gz)$/i;
const DEFINITION = /^[^.].*\.json$/i;

/**
 * Reads what a path names: a `.tgz`, the folder of one package (with `package/` in it, or itself with the files), or a
 * folder of packages.
 *
 * @throws PackageRefused
 */
export async function readPackages(given: string, limits: PackageLimits = PROFILE_LIMITS): Promise<FhirPackage[]> {
  const about = await stat(given).catch((error: NodeJS.ErrnoException) => unreadable(given, error));
  if (about.isFile()) return [await readArchive(given, limits)];
  if (!about.isDirectory()) throw new PackageRefused('no-package', `${given} is neither a file nor a folder.`);
  const entries = await listFolder(given);
  const inner = entries.some((entry) => entry.isDirectory() && entry.name === 'package');
  if (inner) return [await readFolder(path.join(given, 'package'), path.basename(given), limits)];
  if (entries.some((entry) => entry.isFile() && DEFINITION.test(entry.name)))
    return [await readFolder(given, path.basename(given), limits)];
  const packages: FhirPackage[] = [];
  for (const entry of entries) {
    const name = path.join(given, entry.name);
    if (entry.isFile() && ARCHIVE.test(entry.name)) packages.push(await readArchive(name, limits));
    else if (entry.isDirectory() && (await hasDefinitions(name))) packages.push(...(await readPackages(name, limits)));
    if (packages.length > PROFILE_LIMITS.packages)
      throw new PackageRefused('too-large', `${given} holds more than ${PROFILE_LIMITS.packages} packages.`);
  }
  if (packages.length === 0) throw new PackageRefused('no-package', `${given} holds no FHIR package.`);
  return packages;
}

async function hasDefinitions(folder: string): Promise<boolean> {
  const entries = await listFolder(folder);
  return entries.some((entry) => (entry.isDirectory() ? entry.name === 'package' : DEFINITION.test(entry.name)));
}

async function listFolder(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => unreadable(folder, error));
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readArchive(file: string, limits: PackageLimits): Promise<FhirPackage> {
  const raw = createReadStream(file);
  const inflate = createGunzip();
  raw.on('error', (error) => inflate.destroy(error));
  raw.pipe(inflate);
  try {
    return await packageOf(file, path.basename(file).replace(ARCHIVE, ''), entriesOf(file, inflate, limits), limits);
  } catch (error) {
    if (error instanceof PackageRefused) throw error;
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code !== undefined && syscall !== undefined) unreadable(file, error as NodeJS.ErrnoException);
    // Anything zlib says about the bytes, and what the archive's own form gets wrong.
    if (error instanceof ArchiveDamaged || code !== undefined) {
      const why = error instanceof ArchiveDamaged ? error.message : 'it is no gzip archive, or cut off';
      throw new PackageRefused('archive-broken', `${file} cannot be unpacked: ${why}.`, { cause: error });
    }
    throw error;
  } finally {
    raw.destroy();
    inflate.destroy();
  }
}

/** The definitions are the files right under `package/`; examples and the like lie in folders below. */
async function* entriesOf(file: string, content: AsyncIterable<Buffer>, limits: PackageLimits): Files {
  let bytes = 0;
  async function* bounded(): AsyncGenerator<Buffer> {
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes > limits.packageBytes) throw tooLarge(file, limits, 'packageBytes');
      yield chunk;
    }
  }
  for await (const entry of readTar(bounded(), { mayLackEnd: true, longNames: true })) {
    const [, name = ''] = /^package\/([^/]+)$/.exec(entry.path) ?? [];
    if (entry.kind !== 'file' || !DEFINITION.test(name)) continue;
    if (entry.sizeBytes > limits.fileBytes) throw tooLarge(`${file}: ${entry.path}`, limits, 'fileBytes');
    const pieces: Buffer[] = [];
    for await (const piece of entry.content) pieces.push(piece);
    yield { name, text: Buffer.concat(pieces).toString('utf8') };
  }
}

async function readFolder(folder: string, name: string, limits: PackageLimits): Promise<FhirPackage> {
  async function* files(): Files {
    let bytes = 0;
    // Links are not followed: what a package holds lies in it.
    for (const entry of await listFolder(folder)) {
      if (!entry.isFile() || !DEFINITION.test(entry.name)) continue;
      const file = path.join(folder, entry.name);
      const { size } = await stat(file).catch((error) => unreadable(file, error));
      bytes += size;
      if (size > limits.fileBytes) throw tooLarge(file, limits, 'fileBytes');
      if (bytes > limits.packageBytes) throw tooLarge(folder, limits, 'packageBytes');
      yield { name: entry.name, text: await readFile(file, 'utf8').catch((error) => unreadable(file, error)) };
    }
  }
  return packageOf(folder, name, files(), limits);
}

async function packageOf(where: string, fallback: string, files: Files, limits: PackageLimits): Promise<FhirPackage> {
  const structures = new Map<string, Kept<StructureDefinition>>();
  const valueSets = new Map<string, Kept<ValueSet>>();
  const codeSystems = new Map<string, Kept<CodeSystem>>();
  let [name = fallback, version] = fallback.split('#') as [string, string | undefined];
  let dependencies = new Map<string, string>();
  let count = 0;
  for await (const file of files) {
    if (++count > limits.packageFiles) throw tooLarge(where, limits, 'packageFiles');
    const place = `${where}: ${file.name}`;
    const json = parseJson(file.text, place);
    if (file.name === 'package.json') {
      name = textOf(json.name) ?? name;
      version = textOf(json.version) ?? version;
      const stated = Object.entries(objectOf(json.dependencies) ?? {});
      dependencies = new Map(stated.map(([key, value]) => [key, String(value)]));
    } else if (json.resourceType === 'StructureDefinition') keep(structures, parseStructure(json, place), json, place);
    else if (json.resourceType === 'ValueSet') keep(valueSets, parseValueSet(json, place), json, place);
    else if (json.resourceType === 'CodeSystem') keep(codeSystems, parseCodeSystem(json, place), json, place);
  }
  const values = <T>(kept: ReadonlyMap<string, Kept<T>>): T[] => Array.from(kept.values(), (each) => each.definition);
  const definitions = {
    structures: values(structures),
    valueSets: values(valueSets),
    codeSystems: values(codeSystems),
  };
  if (Object.values(definitions).every((list) => list.length === 0))
    throw new PackageRefused('no-package', `${where} holds no definitions (package/*.json).`);
  return { name, version, dependencies, ...definitions };
}

interface Kept<T> {
  readonly definition: T;
  readonly json: Json;
  readonly place: string;
}

function keep<T extends { url: string; version: string | undefined }>(
  into: Map<string, Kept<T>>,
  definition: T,
  json: Json,
  place: string,
): void {
  const key = `${definition.url}|${definition.version ?? ''}`;
  const before = into.get(key);
  if (before && JSON.stringify(before.json) !== JSON.stringify(json))
    throw new PackageRefused('duplicate-definition', `${before.place} and ${place} both define ${definition.url}.`);
  into.set(key, { definition, json, place });
}

function parseJson(text: string, where: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new PackageRefused('malformed', `${where} is no JSON.`, { cause: error });
  }
  const json = objectOf(value);
  if (!json) throw new PackageRefused('malformed', `${where} is no JSON object.`);
  return json;
}

function tooLarge(what: string, limits: PackageLimits, limit: keyof PackageLimits): PackageRefused {
  const unit = limit === 'packageFiles' ? 'files' : 'bytes';
  return new PackageRefused('too-large', `${what} holds more than ${limits[limit]} ${unit}.`);
}

function unreadable(what: string, error: NodeJS.ErrnoException): never {
  throw new PackageRefused('unreadable', `${what} cannot be read (${error.code ?? 'unknown'}).`, { cause: error });
}
