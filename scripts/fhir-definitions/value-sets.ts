import { type Definition, readDefinitions, typeNameOf } from './source.ts';

type Codes = Map<string, Set<string>>;

/** Above this a list is no list to compare with but a terminology (all MIME types, all languages). */
const CODES_MAX = 1_000;

/**
 * The value sets of required bindings whose codes can be listed: every code system they draw from is complete in the
 * official files, or the value set names each code itself.
 */
export class ValueSets {
  readonly #valueSets = new Map<string, Definition>();
  readonly #codeSystems = new Map<string, Definition>();
  readonly #used = new Map<string, Codes>();

  constructor() {
    for (const file of ['v2-tables', 'v3-codesystems', 'valuesets']) {
      for (const resource of readDefinitions(file)) {
        const table = resource.resourceType === 'ValueSet' ? this.#valueSets : this.#codeSystems;
        // A few of R5 were added beside those of R4 under the same address.
        if (resource.version === '5.0.0' && table.has(resource.url)) continue;
        table.set(resource.url, resource);
      }
    }
  }

  /** The short name under which the codes are listed, or undefined when they cannot be. */
  use(canonical: string | undefined): string | undefined {
    if (!canonical) return undefined;
    const url = canonical.split('|', 1)[0] ?? '';
    const name = typeNameOf(url);
    if (this.#used.has(name)) return name;
    const codes = this.#expand(url, new Set());
    if (!codes || [...codes.values()].reduce((sum, set) => sum + set.size, 0) > CODES_MAX) return undefined;
    this.#used.set(name, codes);
    return name;
  }

  /** `{"administrative-gender": {"http://hl7.org/fhir/administrative-gender": ["female", "male", ...]}}` */
  table(): Record<string, Record<string, string[]>> {
    const names = [...this.#used.keys()].sort();
    return Object.fromEntries(
      names.map((name) => [
        name,
        Object.fromEntries([...(this.#used.get(name) as Codes)].map(([system, set]) => [system, [...set].sort()])),
      ]),
    );
  }

  #expand(url: string, open: Set<string>): Codes | undefined {
    const valueSet = this.#valueSets.get(url);
    if (!valueSet?.compose || open.has(url)) return undefined;
    const result: Codes = new Map();
    for (const include of valueSet.compose.include) {
      const codes = this.#part(include, new Set(open).add(url));
      if (!codes) return undefined;
      for (const [system, set] of codes) result.set(system, new Set([...(result.get(system) ?? []), ...set]));
    }
    for (const exclude of valueSet.compose.exclude ?? []) {
      const codes = this.#part(exclude, new Set(open).add(url));
      if (!codes) return undefined;
      for (const [system, set] of codes) result.set(system, without(result.get(system), set));
    }
    return result;
  }

  #part(include: Definition, open: Set<string>): Codes | undefined {
    const sets: Codes[] = [];
    for (const canonical of include.valueSet ?? []) {
      const codes = this.#expand(canonical.split('|', 1)[0], open);
      if (!codes) return undefined;
      sets.push(codes);
    }
    if (include.system) {
      const codes = this.#ofSystem(include);
      if (!codes) return undefined;
      sets.push(new Map([[include.system, codes]]));
    }
    return sets.reduce((a, b) => intersection(a, b));
  }

  #ofSystem(include: Definition): Set<string> | undefined {
    if (include.concept) return new Set(include.concept.map((concept: Definition) => concept.code));
    const codeSystem = this.#codeSystems.get(include.system);
    if (codeSystem?.content !== 'complete') return undefined;
    const concepts = flatten(codeSystem.concept ?? [], []);
    let codes = new Set(concepts.map((concept) => concept.code));
    for (const filter of include.filter ?? []) {
      // v3 code systems write their hierarchy as a property; only trees written as trees are followed.
      const nested = concepts.some((concept) => concept.ancestors.length > 0);
      if (filter.property !== 'concept' || !['is-a', 'descendent-of'].includes(filter.op) || !nested) return undefined;
      const below = concepts.filter((concept) => concept.ancestors.includes(filter.value)).map((c) => c.code);
      codes = common(codes, new Set(filter.op === 'is-a' ? [filter.value, ...below] : below));
    }
    return codes;
  }
}

function intersection(a: Codes, b: Codes): Codes {
  return new Map([...a].map(([system, set]) => [system, common(set, b.get(system))]));
}

function common(a: ReadonlySet<string>, b: ReadonlySet<string> | undefined): Set<string> {
  return new Set([...a].filter((code) => b?.has(code)));
}

function without(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): Set<string> {
  return new Set([...(a ?? [])].filter((code) => !b.has(code)));
}

function flatten(
  concepts: readonly Definition[],
  ancestors: readonly string[],
): { code: string; ancestors: readonly string[] }[] {
  return concepts.flatMap((concept) => [
    { code: concept.code, ancestors },
    ...flatten(concept.concept ?? [], [...ancestors, concept.code]),
  ]);
}
