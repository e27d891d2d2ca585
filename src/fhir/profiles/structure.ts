import { PROFILE_LIMITS } from './limits.ts';
import { PackageRefused } from './package-refused.ts';

export type Json = Readonly<Record<string, unknown>>;

/** What is used of a StructureDefinition (R4). */
export interface StructureDefinition {
  readonly url: string;
  readonly version: string | undefined;
  /** The type that it constrains: `Patient`, `Extension`, `Identifier`. */
  readonly type: string;
  readonly baseDefinition: string | undefined;
  readonly snapshot: readonly ElementDefinition[] | undefined;
  readonly differential: readonly ElementDefinition[];
}

export interface ElementDefinition {
  /** `ExplanationOfBenefit.item:x.category`; made from path and slice name where it is missing. */
  readonly id: string;
  readonly path: string;
  readonly min: number | undefined;
  /** A number or `*`. */
  readonly max: string | undefined;
  readonly types: readonly ElementType[] | undefined;
  readonly fixed: { readonly value: unknown } | undefined;
  readonly pattern: { readonly value: unknown } | undefined;
  readonly maxLength: number | undefined;
  /** Numbers only. */
  readonly minValue: number | undefined;
  readonly maxValue: number | undefined;
  /** Value set of a required binding. */
  readonly requiredBinding: string | undefined;
  readonly slicing: Slicing | undefined;
  readonly constraints: readonly Constraint[];
  readonly contentReference: string | undefined;
}

export interface ElementType {
  readonly code: string;
  readonly profiles: readonly string[];
  readonly targetProfiles: readonly string[];
}

export interface Slicing {
  readonly discriminators: readonly Discriminator[];
  readonly rules: 'open' | 'closed' | 'openAtEnd';
  readonly ordered: boolean;
}

export interface Discriminator {
  readonly type: 'value' | 'pattern' | 'type' | 'profile' | 'exists';
  readonly path: string;
}

export interface Constraint {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  readonly expression: string;
}

/**
 * Takes from a StructureDefinition what is used and checks its form.
 *
 * @param where package and file, for the refusal
 * @throws PackageRefused `malformed`, `too-large`
 */
export function parseStructure(json: Json, where: string): StructureDefinition {
  const { url, type, version, baseDefinition } = json;
  if (typeof url !== 'string' || typeof type !== 'string')
    throw new PackageRefused('malformed', `${where}: a StructureDefinition needs url and type.`);
  const elements = (part: unknown): ElementDefinition[] | undefined => {
    if (part === undefined) return undefined;
    const list = objectOf(part)?.element;
    if (!Array.isArray(list)) throw new PackageRefused('malformed', `${where}: a list of elements is missing.`);
    if (list.length > PROFILE_LIMITS.elements)
      throw new PackageRefused('too-large', `${where}: more than ${PROFILE_LIMITS.elements} elements.`);
    return list.map((element) => parseElement(element, where));
  };
  const snapshot = elements(json.snapshot);
  return {
    url,
    type,
    version: textOf(version),
    baseDefinition: textOf(baseDefinition),
    snapshot: snapshot?.length ? snapshot : undefined,
    differential: (snapshot?.length ? undefined : elements(json.differential)) ?? [],
  };
}

function parseElement(value: unknown, where: string): ElementDefinition {
  const json = objectOf(value);
  const path = textOf(json?.path);
  if (!json || path === undefined) throw new PackageRefused('malformed', `${where}: an element has no path.`);
  const sliceName = textOf(json.sliceName);
  const { strength, valueSet } = objectOf(json.binding) ?? {};
  const valued = (prefix: string): { readonly value: unknown } | undefined => {
    const key = Object.keys(json).find((name) => name.startsWith(prefix) && /^[A-Z]/.test(name.slice(prefix.length)));
    return key === undefined ? undefined : { value: json[key] };
  };
  return {
    id: textOf(json.id) ?? (sliceName === undefined ? path : `${path}:${sliceName}`),
    path,
    min: numberOf(json.min),
    max: maxOf(json.max, where),
    types: json.type === undefined ? undefined : listOf(json.type).map(parseType),
    fixed: valued('fixed'),
    pattern: valued('pattern'),
    maxLength: numberOf(json.maxLength),
    minValue: numberOf(valued('minValue')?.value),
    maxValue: numberOf(valued('maxValue')?.value),
    requiredBinding: strength === 'required' ? textOf(valueSet) : undefined,
    slicing: json.slicing === undefined ? undefined : parseSlicing(json.slicing),
    constraints: listOf(json.constraint).flatMap(parseConstraint),
    contentReference: textOf(json.contentReference),
  };
}

function maxOf(value: unknown, where: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^(\*|\d{1,9})$/.test(value))
    throw new PackageRefused('malformed', `${where}: an element's max is no number and no *.`);
  return value;
}

const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';

function parseType(value: unknown): ElementType {
  const json = objectOf(value) ?? {};
  // `id` and the like have a FHIRPath system type; what FHIR calls it stands in an extension.
  const named = listOf(json.extension)
    .map(objectOf)
    .find((extension) => extension?.url === FHIR_TYPE);
  return {
    code: textOf(named?.valueUrl) ?? textOf(json.code) ?? '',
    profiles: listOf(json.profile).filter((url) => typeof url === 'string'),
    targetProfiles: listOf(json.targetProfile).filter((url) => typeof url === 'string'),
  };
}

function parseSlicing(value: unknown): Slicing {
  const { discriminator, rules, ordered } = objectOf(value) ?? {};
  return {
    discriminators: listOf(discriminator).flatMap((each): Discriminator[] => {
      const { type, path } = objectOf(each) ?? {};
      const known = (['value', 'pattern', 'type', 'profile', 'exists'] as const).find((name) => name === type);
      return known && typeof path === 'string' ? [{ type: known, path }] : [];
    }),
    rules: rules === 'closed' || rules === 'openAtEnd' ? rules : 'open',
    ordered: ordered === true,
  };
}

/** Invariants of R4 itself are the base validator's: ele-1, ext-1, dom-2 to dom-6, ref-1. */
const BASE_KEY = /^(ele|ext|dom|ref)-\d+$/;
const BASE_SOURCE = /^(http:\/\/hl7\.org\/fhir\/StructureDefinition\/)?[A-Z][A-Za-z]+$/;

function parseConstraint(value: unknown): Constraint[] {
  const { key, severity, expression, source } = objectOf(value) ?? {};
  if (typeof key !== 'string' || typeof expression !== 'string') return [];
  if (BASE_KEY.test(key) || (typeof source === 'string' && BASE_SOURCE.test(source))) return [];
  return [{ key, severity: severity === 'warning' ? 'warning' : 'error', expression }];
}

export function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
