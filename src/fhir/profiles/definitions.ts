import { PROFILE_LIMITS } from './limits.ts';
import { PackageRefused } from './package-refused.ts';
import { type FhirPackage, type PackageLimits, readPackages } from './read-package.ts';
import type { StructureDefinition } from './structure.ts';
import type { CodeSystem, ValueSet } from './terminology.ts';

/** A definition and where it is from: what it names without a version is looked up from there. */
export interface Placed<T> {
  readonly definition: T;
  readonly version: string | undefined;
  readonly from: FhirPackage;
}

type Kind = 'structures' | 'valueSets' | 'codeSystems';
interface Kinds {
  readonly structures: StructureDefinition;
  readonly valueSets: ValueSet;
  readonly codeSystems: CodeSystem;
}

/** Every definition of the packages in use, found by canonical. */
export class Definitions {
  readonly packages: readonly FhirPackage[];
  readonly #index: { readonly [K in Kind]: ReadonlyMap<string, readonly Placed<Kinds[K]>[]> };

  /** @throws PackageRefused `duplicate-definition` when two packages define one version of a canonical differently */
  constructor(packages: readonly FhirPackage[]) {
    this.packages = packages;
    this.#index = {
      structures: indexed(packages, 'structures'),
      valueSets: indexed(packages, 'valueSets'),
      codeSystems: indexed(packages, 'codeSystems'),
    };
  }

  /**
   * The definition that a canonical names. With a version that one (`2.1` is any 2.1.x); without, that of the package
   * it is named in, else the version that package builds on or the next newer, else the newest.
   */
  find<K extends Kind>(kind: K, canonical: string, from?: FhirPackage): Placed<Kinds[K]> | undefined {
    const [url = '', version] = canonical.split('|');
    const all = this.#index[kind].get(url);
    if (!all) return undefined;
    if (version !== undefined && version !== '')
      return all.findLast((each) => each.version === version || each.version?.startsWith(`${version}.`));
    if (from) {
      const own = all.find((each) => each.from === from);
      if (own) return own;
      for (const each of all) {
        const wanted = from.dependencies.get(each.from.name);
        if (wanted === undefined) continue;
        const near = all.find((one) => one.from.name === each.from.name && compareVersions(one.version, wanted) >= 0);
        if (near) return near;
      }
    }
    return all.at(-1);
  }

  /** Versions there are of a profile, oldest first. */
  versionsOf(url: string): readonly string[] {
    return (this.#index.structures.get(url) ?? []).flatMap((each) => each.version ?? []);
  }

  /** All profiles, as `url|version`. */
  get profiles(): string[] {
    return [...this.#index.structures.values()].flat().map(canonicalOf);
  }
}

export function canonicalOf({ definition, version }: Placed<{ readonly url: string }>): string {
  return version === undefined ? definition.url : `${definition.url}|${version}`;
}

/**
 * Reads the packages at the paths: `.tgz` files, folders of one package, folders of packages.
 *
 * @throws PackageRefused
 */
export async function loadDefinitions(
  paths: readonly string[],
  limits: PackageLimits = PROFILE_LIMITS,
): Promise<Definitions> {
  const packages: FhirPackage[] = [];
  for (const each of paths) packages.push(...(await readPackages(each, limits)));
  if (packages.length > PROFILE_LIMITS.packages)
    throw new PackageRefused('too-large', `More than ${PROFILE_LIMITS.packages} packages were given.`);
  return new Definitions(packages);
}

function indexed<K extends Kind>(packages: readonly FhirPackage[], kind: K): Map<string, Placed<Kinds[K]>[]> {
  const index = new Map<string, Placed<Kinds[K]>[]>();
  for (const from of packages)
    for (const definition of from[kind] as readonly Kinds[K][]) {
      // Definitions that were not built by the publisher lack what their package says once for all.
      const placed = { definition, version: definition.version ?? from.version, from };
      const all = index.get(definition.url) ?? [];
      const before = all.find((each) => each.version === placed.version);
      if (!before) index.set(definition.url, [...all, placed]);
      else if (!isSame(before.definition, definition))
        throw new PackageRefused(
          'duplicate-definition',
          `${before.from.name}#${before.from.version} and ${from.name}#${from.version} define ${canonicalOf(placed)} differently.`,
        );
    }
  for (const all of index.values()) all.sort((a, b) => compareVersions(a.version, b.version));
  return index;
}

const isSame = (one: unknown, other: unknown): boolean => textOfDefinition(one) === textOfDefinition(other);
const textOfDefinition = (value: unknown): string =>
  JSON.stringify(value, (_key, each) => (each instanceof Map ? [...each] : each instanceof Set ? [...each] : each));

/** By their numbers; a version without a suffix is newer than one with. */
function compareVersions(one = '', other = ''): number {
  const parts = (text: string): [number[], string] => {
    const [numbers = '', ...suffix] = text.split('-');
    return [numbers.split('.').map(Number), suffix.join('-')];
  };
  const [a, aSuffix] = parts(one);
  const [b, bSuffix] = parts(other);
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) - (b[i] ?? 0);
  if (aSuffix === bSuffix) return 0;
  if (aSuffix === '' || bSuffix === '') return aSuffix === '' ? 1 : -1;
  return aSuffix < bSuffix ? -1 : 1;
}
