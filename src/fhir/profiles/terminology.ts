import { PackageRefused } from './package-refused.ts';
import { type Json, listOf, objectOf, textOf } from './structure.ts';

/** What is used of a ValueSet. */
export interface ValueSet {
  readonly url: string;
  readonly version: string | undefined;
  readonly include: readonly Include[];
  readonly exclude: readonly Include[];
  /** The codes of a whole expansion, by system. */
  readonly expansion: ReadonlyMap<string, ReadonlySet<string>> | undefined;
}

/** All parts that are given must hold. */
export interface Include {
  readonly system: string | undefined;
  readonly codes: ReadonlySet<string> | undefined;
  readonly filters: readonly Filter[];
  readonly valueSets: readonly string[];
}

export interface Filter {
  readonly property: string;
  readonly op: string;
  readonly value: string;
}

/** What is used of a CodeSystem. */
export interface CodeSystem {
  readonly url: string;
  readonly version: string | undefined;
  /** Does it list every code that it has? */
  readonly isComplete: boolean;
  readonly isCaseSensitive: boolean;
  readonly concepts: ReadonlyMap<string, Concept>;
}

export interface Concept {
  readonly parents: ReadonlySet<string>;
  readonly properties: ReadonlyMap<string, string>;
}

/** @throws PackageRefused `malformed` */
export function parseValueSet(json: Json, where: string): ValueSet {
  const compose = objectOf(json.compose) ?? {};
  return {
    url: urlOf(json, where),
    version: textOf(json.version),
    include: listOf(compose.include).map(parseInclude),
    exclude: listOf(compose.exclude).map(parseInclude),
    expansion: parseExpansion(objectOf(json.expansion)),
  };
}

/** @throws PackageRefused `malformed` */
export function parseCodeSystem(json: Json, where: string): CodeSystem {
  const concepts = new Map<string, Concept>();
  const visit = (list: unknown, parents: ReadonlySet<string>, depth: number): void => {
    if (depth > 100) throw new PackageRefused('malformed', `${where}: concepts are nested too deeply.`);
    for (const each of listOf(list)) {
      const { code, concept, property } = objectOf(each) ?? {};
      if (typeof code !== 'string') continue;
      const properties = listOf(property).map(objectOf);
      const own = new Set(parents);
      for (const one of properties)
        if (one?.code === 'parent' && typeof one.valueCode === 'string') own.add(one.valueCode);
      concepts.set(code, { parents: own, properties: new Map(properties.flatMap(propertyOf)) });
      visit(concept, new Set([...parents, code]), depth + 1);
    }
  };
  visit(json.concept, new Set(), 0);
  return {
    url: urlOf(json, where),
    version: textOf(json.version),
    isComplete: json.content === 'complete' && concepts.size > 0,
    isCaseSensitive: json.caseSensitive !== false,
    concepts,
  };
}

function urlOf(json: Json, where: string): string {
  if (typeof json.url !== 'string') throw new PackageRefused('malformed', `${where}: it has no url.`);
  return json.url;
}

function propertyOf(property: Json | undefined): [string, string][] {
  const key = Object.keys(property ?? {}).find((name) => name.startsWith('value'));
  return typeof property?.code === 'string' && key ? [[property.code, String(property[key])]] : [];
}

function parseInclude(value: unknown): Include {
  const { system, concept, filter, valueSet } = objectOf(value) ?? {};
  const codes = listOf(concept).flatMap((each) => textOf(objectOf(each)?.code) ?? []);
  return {
    system: textOf(system),
    codes: codes.length > 0 ? new Set(codes) : undefined,
    filters: listOf(filter).map((each) => {
      const json = objectOf(each) ?? {};
      return { property: String(json.property), op: String(json.op), value: String(json.value) };
    }),
    valueSets: listOf(valueSet).filter((url) => typeof url === 'string'),
  };
}

function parseExpansion(expansion: Json | undefined): ValueSet['expansion'] {
  if (!expansion) return undefined;
  const codes = new Map<string, Set<string>>();
  let count = 0;
  const visit = (list: unknown): void => {
    for (const each of listOf(list)) {
      const { system, code, contains, abstract } = objectOf(each) ?? {};
      if (typeof system === 'string' && typeof code === 'string' && abstract !== true) {
        codes.set(system, (codes.get(system) ?? new Set()).add(code));
        count++;
      }
      visit(contains);
    }
  };
  visit(expansion.contains);
  // An expansion that was cut says so by a larger total.
  return count > 0 && !(typeof expansion.total === 'number' && expansion.total > count) ? codes : undefined;
}
