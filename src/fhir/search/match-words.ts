import { codeTable } from '../definitions/definitions.ts';
import type { Found } from './compile-expression.ts';
import type { ReferenceValue, StringMatch, TokenValue } from './search-query.ts';

type Json = Readonly<Record<string, unknown>>;

/** A code of a resource; `implicit` when its system is the one that the element is bound to. */
interface CodeOf {
  readonly system: unknown;
  readonly code: unknown;
  readonly implicit: boolean;
}

/**
 * Tokens. Codes are compared without regard to case, systems exactly. A primitive code has no system of its own: a system
 * in the query must be one that has the code.
 *
 * Source: FHIR R4 search 3.1.1.4.10
 */
export function matchToken({ system, code }: TokenValue): (found: Found) => boolean {
  const wanted = code?.toLowerCase();
  const known = system === undefined || system === '' ? undefined : codesOfSystem(system);
  return (found) =>
    codesOf(found).some((one) => {
      const isCode = typeof one.code === 'string' && one.code !== '';
      if (wanted !== undefined && (!isCode || one.code.toLowerCase() !== wanted)) return false;
      if (system === undefined) return true;
      if (one.implicit) return system === '' || (isCode && known!.has(one.code));
      return (one.system ?? '') === system;
    });
}

function codesOf({ value, type }: Found): readonly CodeOf[] {
  if (typeof value === 'string' || typeof value === 'boolean')
    return [{ system: undefined, code: String(value), implicit: true }];
  if (!isObject(value)) return [];
  switch (type) {
    case 'CodeableConcept':
      return codingsOf(value).map(({ system, code }) => ({ system, code, implicit: false }));
    case 'Identifier':
      return [{ system: value.system, code: value.value, implicit: false }];
    case 'ContactPoint':
      return [{ system: value.use, code: value.value, implicit: false }];
    default:
      return [{ system: value.system, code: value.code, implicit: false }];
  }
}

const codingsOf = (concept: Json): readonly Json[] =>
  (Array.isArray(concept.coding) ? concept.coding : []).filter(isObject);

const systems = new Map<string, ReadonlySet<string>>();

/** The codes that the required bindings of R4 take from a system. */
export function codesOfSystem(system: string): ReadonlySet<string> {
  if (systems.size === 0) {
    const gathered = new Map<string, Set<string>>();
    for (const valueSet of Object.values(codeTable()))
      for (const [url, codes] of Object.entries(valueSet)) {
        const all = gathered.get(url) ?? new Set();
        for (const code of codes) all.add(code);
        gathered.set(url, all);
      }
    for (const [url, codes] of gathered) systems.set(url, codes);
  }
  return systems.get(system) ?? new Set();
}

/** `:text`: the beginning of a text or display, as strings are compared. */
export function matchText(text: string): (found: Found) => boolean {
  const wanted = normalised(text);
  return ({ value, type }) => {
    if (!isObject(value)) return false;
    const words =
      type === 'CodeableConcept'
        ? [value.text, ...codingsOf(value).map(({ display }) => display)]
        : type === 'Identifier'
          ? [isObject(value.type) ? value.type.text : undefined]
          : [value.display];
    return words.some((word) => typeof word === 'string' && normalised(word).startsWith(wanted));
  };
}

/** A reference without its version; a canonical one without its version where the query names none. */
export function matchReference(value: ReferenceValue): (found: Found) => boolean {
  return (found) => {
    const reference = typeof found.value === 'string' ? found.value : isObject(found.value) && found.value.reference;
    if (typeof reference !== 'string') return false;
    const plain = reference.replace(/\/_history\/[^/]*$/, '');
    if (value.kind === 'absolute') return plain === value.url || withoutVersion(plain, value.url) === value.url;
    const slash = plain.indexOf('/');
    if (slash < 0 || plain.slice(slash + 1) !== value.id) return false;
    return value.type === undefined || plain.slice(0, slash) === value.type;
  };
}

/** `:identifier`: the identifier inside a Reference. */
export function matchIdentifier(token: TokenValue): (found: Found) => boolean {
  const matches = matchToken(token);
  return ({ value }) => isObject(value) && matches({ value: value.identifier, type: 'Identifier' });
}

/**
 * Strings: the beginning of any part, without regard to case and accents; `exact` is the whole of a part as it is.
 *
 * Source: FHIR R4 search 3.1.1.4.8
 */
export function matchString(value: string, match: StringMatch): (found: Found) => boolean {
  if (match === 'exact') return (found) => wordsOf(found).includes(value);
  const wanted = normalised(value);
  return (found) =>
    wordsOf(found).some((word) =>
      match === 'start' ? normalised(word).startsWith(wanted) : normalised(word).includes(wanted),
    );
}

function wordsOf({ value, type }: Found): readonly string[] {
  if (typeof value === 'string') return [value];
  if (!isObject(value)) return [];
  const { text, family, given, prefix, suffix, line, city, district, state, postalCode, country } = value;
  const parts =
    type === 'Address'
      ? [text, line, city, district, state, postalCode, country]
      : [text, family, given, prefix, suffix];
  return parts.flat().filter((part) => typeof part === 'string');
}

/** An address of a thing, compared as a whole; a canonical one also without its version. */
export function matchUri(value: string): (found: Found) => boolean {
  return (found) =>
    typeof found.value === 'string' && (found.value === value || withoutVersion(found.value, value) === value);
}

const withoutVersion = (found: string, asked: string): string =>
  asked.includes('|') ? found : found.replace(/\|[^|]*$/, '');

const normalised = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
