import type { Category } from './categories.ts';
import { CODE_SYSTEMS, normalCode } from './code-systems.ts';
import { type CodeRule, type LabelRules, patternOf } from './rules.ts';

type Json = Readonly<Record<string, unknown>>;

/** Tells in which respects a resource is sensitive. */
export type FindCategories = (resource: Json) => readonly Category[];

/** A person and a contract are not told by the treatment that they got. */
const NOT_LABELLED: ReadonlySet<string> = new Set(['Patient', 'Coverage', 'Consent', 'InsurancePlan', 'Provenance']);
/** Parts that hold no diagnosis, service, drug or provider, and most of a claim's text. */
const SKIPPED: ReadonlySet<string> = new Set([
  ...['meta', 'identifier', 'adjudication', 'total', 'benefitBalance', 'payment', 'insurance', 'processNote', 'text'],
  ...['subject', 'patient', 'name', 'address', 'telecom', 'photo', 'attachment', 'data'],
]);

/** Names as short as this are whole words: `hiv` is not the beginning of `hives`. */
const WHOLE_WORD_LETTERS = 4;

interface CodeIndex {
  readonly exact: ReadonlyMap<string, readonly Category[]>;
  readonly prefixes: ReadonlyMap<string, readonly Category[]>;
  readonly prefixLengths: readonly number[];
}

/**
 * Compiles the rules of a plan. One walk over the parsed resource; a coding costs a look-up by its system, and for the systems
 * we know one by its code. Codes are looked for wherever they stand, contained resources and extensions included.
 *
 * Source: payer-to-payer.md 6.5 (P2P-63).
 */
export function compileRules(rules: LabelRules): FindCategories {
  if (rules.codes.length === 0 && rules.names.length === 0) return () => [];
  const sensitive = indexBySystem(rules.codes);
  const exempt = indexBySystem(rules.exempt);
  const names = new Map(rules.names);
  // The names are words or beginnings of words; longer ones first, so that the longest is the one found.
  const sorted = [...names.keys()]
    .sort((a, b) => b.length - a.length)
    .map((name) => (name.length <= WHOLE_WORD_LETTERS ? `${escaped(name)}(?![a-z])` : escaped(name)));
  const pattern = sorted.length === 0 ? undefined : new RegExp(`(?<![a-z])(?:${sorted.join('|')})`, 'gi');

  function ofCoding(system: string, code: string, found: Set<Category>): void {
    const index = sensitive.get(system);
    if (index === undefined) return;
    const normal = normalCode(code);
    const categories = lookUp(index, normal);
    if (categories.length === 0) return;
    const out = exempt.get(system);
    if (out === undefined || lookUp(out, normal).length === 0) for (const category of categories) found.add(category);
  }
  function ofWords(words: string, found: Set<Category>): void {
    if (pattern === undefined) return;
    for (const match of words.match(pattern) ?? []) found.add(names.get(match.toLowerCase()) as Category);
  }
  function visit(value: unknown, found: Set<Category>): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) visit(item, found);
      return;
    }
    const object = value as Json;
    const { system, code } = object;
    if (typeof code === 'string') {
      if (typeof system === 'string') ofCoding(system, code, found);
      if (typeof object.display === 'string') ofWords(object.display, found);
      return;
    }
    for (const key in object) {
      const member = object[key];
      if (typeof member === 'string') {
        if (key === 'text') ofWords(member, found);
      } else if (typeof member === 'object' && !SKIPPED.has(key)) visit(member, found);
    }
  }
  return (resource) => {
    if (NOT_LABELLED.has(String(resource.resourceType))) return [];
    const found = new Set<Category>();
    visit(resource, found);
    return [...found];
  };
}

function indexBySystem(rules: readonly CodeRule[]): ReadonlyMap<string, CodeIndex> {
  const bySystem = new Map<string, { exact: Map<string, Category[]>; prefixes: Map<string, Category[]> }>();
  for (const rule of rules) {
    const { text, isPrefix } = patternOf(rule);
    for (const uri of CODE_SYSTEMS[rule.system]) {
      const index = bySystem.get(uri) ?? { exact: new Map(), prefixes: new Map() };
      bySystem.set(uri, index);
      const codes = isPrefix ? index.prefixes : index.exact;
      codes.set(text, [...new Set([...(codes.get(text) ?? []), rule.category])]);
    }
  }
  return new Map(
    [...bySystem].map(([uri, { exact, prefixes }]) => [
      uri,
      { exact, prefixes, prefixLengths: [...new Set([...prefixes.keys()].map(({ length }) => length))] },
    ]),
  );
}

const NONE: readonly Category[] = [];

function lookUp({ exact, prefixes, prefixLengths }: CodeIndex, code: string): readonly Category[] {
  let found = exact.get(code) ?? NONE;
  for (const length of prefixLengths) {
    const more = code.length >= length ? prefixes.get(code.slice(0, length)) : undefined;
    if (more) found = [...found, ...more];
  }
  return found;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
