import { readFileSync } from 'node:fs';

/**
 * The facts of FHIR R4 (4.0.1) that the program works from, as compact tables. They are written by
 * `scripts/generate-fhir-definitions.ts` from the official definitions; a test compares. Each is read at first use
 * and frozen by its type only: treat them as constants.
 */

export interface SearchParameter {
  /** The id of the official definition: `http://hl7.org/fhir/SearchParameter/{id}`. */
  readonly id: string;
  readonly type: 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';
  /** The arms of the official FHIRPath expression that belong to this type, with ` | ` between them. */
  readonly expression: string;
  /** Types that a reference may name; `['Any']` for every type. */
  readonly target?: readonly string[];
  /** The parts of a composite: code of the parameter, expression below the composite's element. */
  readonly components?: readonly { readonly code: string; readonly expression: string }[];
}

/** By resource type (`Resource` for what all have), then by code. */
export type SearchParameterTable = Readonly<Record<string, Readonly<Record<string, SearchParameter>>>>;

/** By resource type: codes of the reference parameters that put a resource into a patient's compartment. */
export type CompartmentTable = Readonly<Record<string, readonly string[]>>;

/**
 * By type: wire paths of every Money, `item[].adjudication[].amount`; `[]` is an array, `part[*]` any depth of a
 * recursion whose first level is in the list. Data types (`Extension`) stand under their own name.
 */
export type MoneyPathTable = Readonly<Record<string, readonly string[]>>;

/**
 * By type, then by node ('' for the type itself, 'contact' for a backbone), then by element: `0..* HumanName`,
 * `1..1 Reference(Group,Patient)`, `0..1 code=administrative-gender`, `0..1 boolean|dateTime` (a choice), `0..* @contact`
 * (children in that node). All complex data types and all resource types; primitives are code.
 */
export type StructureTable = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;

/** By resource type: elements at its root that may change what the others mean, `deceased[x]` for a choice. */
export type ModifierElementTable = Readonly<Record<string, readonly string[]>>;

/** By resource type: elements at its root that a summary has. */
export type SummaryElementTable = Readonly<Record<string, readonly string[]>>;

/** By value set of a required binding, by code system: every code. */
export type CodeTable = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export const structureTable = once<StructureTable>('structures');
export const codeTable = once<CodeTable>('codes');
export const searchParameterTable = once<SearchParameterTable>('search-parameters');
export const compartmentTable = once<CompartmentTable>('compartment');
export const modifierElementTable = once<ModifierElementTable>('modifier-elements');
export const summaryElementTable = once<SummaryElementTable>('summary-elements');
export const moneyPathTable = once<MoneyPathTable>('money-paths');

function once<T>(name: string): () => T {
  let table: T | undefined;
  return () => {
    table ??= JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as T;
    return table;
  };
}
