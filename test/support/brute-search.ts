/**
 * FHIR search by brute force over parsed resources, for tests to compare with: written from the tables of the guides, with
 * nothing of the program's.
 */
export type Json = Record<string, any>;

export type Kind = 'token' | 'ref' | 'date' | 'string';

/** `kind path|path`; a path is dots between names, each may be an array; `a?k=v` keeps elements of which `k` is `v`. */
export type ParameterTable = Record<string, Record<string, string>>;

export function kindOf(parameter: string): Kind {
  return parameter.split(' ')[0] as Kind;
}

/** Every value at the paths of a parameter. */
export function valuesAt(resource: Json, parameter: string): any[] {
  const paths = parameter.slice(parameter.indexOf(' ') + 1).split('|');
  return paths.flatMap((path) =>
    path.split('.').reduce<any[]>(
      (found, step) => {
        const [name = '', condition] = step.split('?');
        const next = found.flatMap((value) => (value?.[name] === undefined || value[name] === null ? [] : value[name]));
        if (condition === undefined) return next;
        const at = condition.indexOf('=');
        return next.filter((value) => value[condition.slice(0, at)] === condition.slice(at + 1).replaceAll('~', '.'));
      },
      [resource],
    ),
  );
}

export interface Coded {
  readonly system: string;
  readonly code: string;
}

/** The codes in a token value. */
export function codesIn(value: any): Coded[] {
  if (typeof value === 'string' || typeof value === 'boolean') return [{ system: '', code: String(value) }];
  if (Array.isArray(value?.coding))
    return value.coding
      .filter(Boolean)
      .map((coding: any) => ({ system: coding.system ?? '', code: coding.code ?? '' }));
  // The system of a ContactPoint in a token is its use (R4 search 3.1.1.4.10).
  if (/^(phone|fax|email|pager|url|sms|other)$/.test(value?.system))
    return [{ system: value.use ?? '', code: String(value.value) }];
  if (value?.value !== undefined) return [{ system: value.system ?? '', code: String(value.value) }];
  if (value?.code !== undefined) return [{ system: value.system ?? '', code: value.code }];
  return [];
}

/** The words in a string value. */
export function wordsIn(value: any): string[] {
  if (typeof value === 'string') return [value];
  return Object.entries(value ?? {})
    .filter(([key]) => /^(text|family|given|prefix|suffix|line|city|district|state|postalCode|country)$/.test(key))
    .flatMap(([, words]) => words as string | string[]);
}

/** A date or Period as [start, end) in milliseconds. */
export function spanOf(value: any): [number, number] | undefined {
  if (typeof value === 'string') return spanOfText(value);
  if (value?.start === undefined && value?.end === undefined) return undefined;
  return [
    value.start === undefined ? Number.NEGATIVE_INFINITY : spanOfText(value.start)[0],
    value.end === undefined ? Number.POSITIVE_INFINITY : spanOfText(value.end)[1],
  ];
}

export function spanOfText(text: string): [number, number] {
  const zoned = text.includes('T') && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text;
  const from = Date.parse(zoned);
  const [year = 0, month = 1] = text.split('-').map(Number);
  switch (text.length) {
    case 4:
      return [from, Date.parse(`${year + 1}`)];
    case 7:
      return [from, Date.UTC(year, month, 1)];
    case 10:
      return [from, from + 86_400_000];
    default:
      return [from, from + (/:\d\d:\d\d\.\d/.test(text) ? 1 : /T\d\d:\d\d:\d\d/.test(text) ? 1_000 : 60_000)];
  }
}

function dateMatches(value: any, asked: string): boolean {
  const [, prefix = 'eq', text = ''] = /^(eq|ne|gt|ge|lt|le|sa|eb)?(.*)$/.exec(asked)!;
  const target = spanOf(value);
  if (!target) return false;
  const [sl, su] = spanOfText(text);
  const [rl, ru] = target;
  const eq = sl <= rl && ru <= su;
  const table: Record<string, boolean> = {
    eq,
    ne: !eq,
    gt: ru > su,
    ge: ru > su || eq,
    lt: rl < sl,
    le: rl < sl || eq,
    sa: rl >= su,
    eb: ru <= sl,
  };
  return table[prefix || 'eq']!;
}

const folded = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();

/** Does one of the comma-separated values of a parameter find the resource? Modifiers: `:not`, `:missing`, `:exact`, `:contains`. */
export function matches(resource: Json, parameter: string, name: string, value: string): boolean {
  const modifier = name.split(':')[1];
  const found = valuesAt(resource, parameter);
  if (modifier === 'missing') return (found.length === 0) === (value === 'true');
  const holds = value
    .split(',')
    .some((one) => found.some((candidate) => valueMatches(parameter, candidate, one, modifier)));
  return modifier === 'not' ? !holds : holds;
}

function valueMatches(parameter: string, candidate: any, asked: string, modifier: string | undefined): boolean {
  switch (kindOf(parameter)) {
    case 'token': {
      const bar = asked.indexOf('|');
      return codesIn(candidate).some(({ system, code }) =>
        bar < 0
          ? code.toLowerCase() === asked.toLowerCase()
          : system === asked.slice(0, bar) &&
            (asked.slice(bar + 1) === '' || code.toLowerCase() === asked.slice(bar + 1).toLowerCase()),
      );
    }
    case 'ref': {
      const reference: string = typeof candidate === 'string' ? candidate : (candidate?.reference ?? '');
      const plain = reference.replace(/\/_history\/.*$/, '');
      if (/^[a-z]+:/.test(asked)) return reference === asked || reference.split('|')[0] === asked;
      return asked.includes('/') ? plain === asked : plain.split('/')[1] === asked;
    }
    case 'date':
      return dateMatches(candidate, asked);
    case 'string':
      return wordsIn(candidate).some((word) =>
        modifier === 'exact'
          ? word === asked
          : modifier === 'contains'
            ? folded(word).includes(folded(asked))
            : folded(word).startsWith(folded(asked)),
      );
    default:
      throw new Error(parameter);
  }
}

/** The ids that a search finds among resources of its type. */
export function bruteSearch(
  resources: readonly Json[],
  table: ParameterTable,
  type: string,
  pairs: readonly (readonly [string, string])[],
): string[] {
  return resources
    .filter((resource) => resource.resourceType === type)
    .filter((resource) =>
      pairs.every(([name, value]) => matches(resource, parameterOf(table, type, name), name, value)),
    )
    .map(({ id }) => `${type}/${id}`)
    .sort();
}

export function parameterOf(table: ParameterTable, type: string, name: string): string {
  const code = name.split(':')[0]!;
  const parameter =
    code === '_id' ? 'token id' : code === '_lastUpdated' ? 'date meta.lastUpdated' : table[type]?.[code];
  if (parameter === undefined) throw new Error(`the test knows no ${type} ${code}`);
  return parameter;
}
