import { Refusal } from '#/platform/refusal.ts';
import type { CompositeParameter, SimpleParameter } from './parameters.ts';

/** A search on one resource type. A resource is found when it satisfies every criterion. */
export interface SearchQuery {
  readonly type: string;
  readonly criteria: readonly Criterion[];
}

/** One parameter of a query; of its values (what commas separate) one must hold. */
export type Criterion =
  | { readonly kind: 'missing'; readonly parameter: SimpleParameter | CompositeParameter; readonly missing: boolean }
  | SimpleCriterion
  | {
      readonly kind: 'composite';
      readonly parameter: CompositeParameter;
      /** For each value, one test for each part. */
      readonly values: readonly (readonly ValueTest[])[];
    };

export interface SimpleCriterion {
  readonly kind: 'value';
  readonly parameter: SimpleParameter;
  readonly test: ValueTest;
  /** `:not`: no value of the resource may pass; one without a value is found. */
  readonly negated: boolean;
}

/** What a found value is held against; one of `values` must hold. */
export type ValueTest =
  | { readonly kind: 'token'; readonly values: readonly TokenValue[] }
  /** `:text` of a token: the beginning of a display or text. */
  | { readonly kind: 'text'; readonly values: readonly string[] }
  | { readonly kind: 'reference'; readonly values: readonly ReferenceValue[] }
  /** `:identifier` of a reference. */
  | { readonly kind: 'identifier'; readonly values: readonly TokenValue[] }
  | { readonly kind: 'date'; readonly values: readonly DateValue[] }
  | { readonly kind: 'number'; readonly values: readonly NumberValue[] }
  | { readonly kind: 'quantity'; readonly values: readonly QuantityValue[] }
  | { readonly kind: 'string'; readonly values: readonly string[]; readonly match: StringMatch }
  | { readonly kind: 'uri'; readonly values: readonly string[] };

/** `system|code`, `code` (system undefined), `|code` (system ''), `system|` (code undefined). */
export interface TokenValue {
  readonly system: string | undefined;
  readonly code: string | undefined;
}

/** `Type/id`, `id` (type undefined), or what is at another address. */
export type ReferenceValue =
  | { readonly kind: 'local'; readonly type: string | undefined; readonly id: string }
  | { readonly kind: 'absolute'; readonly url: string };

export const PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'] as const;
export type Prefix = (typeof PREFIXES)[number];

/** A date as the closed range of milliseconds that its precision gives it. */
export interface DateValue {
  readonly prefix: Prefix;
  readonly lo: number;
  readonly hi: number;
}

/** A number, and the half-open range [lo, hi) that its digits stand for. */
export interface NumberValue {
  readonly prefix: Prefix;
  readonly number: number;
  readonly lo: number;
  readonly hi: number;
}

export interface QuantityValue extends NumberValue {
  readonly system: string | undefined;
  /** A code, or without a system also a unit. */
  readonly unit: string | undefined;
}

export type StringMatch = 'start' | 'exact' | 'contains';

/** Every way a search query can be refused. Nothing of it is ever passed over: that would find more than was asked. */
export type SearchRefusalCode =
  | 'search-malformed'
  | 'search-too-long'
  | 'search-type-unknown'
  | 'search-parameter-unknown'
  | 'search-result-parameter'
  | 'search-modifier-unsupported'
  | 'search-value-malformed';

/** @param parameter the name as it was sent, with its modifier; absent where the query is no query */
export function searchRefusal(code: SearchRefusalCode, parameter?: string): Refusal<SearchRefusalCode> {
  return new Refusal(code, parameter === undefined ? {} : { parameter });
}

export function isSearchRefusal(error: unknown): error is Refusal<SearchRefusalCode> {
  return error instanceof Refusal && error.code.startsWith('search-');
}
