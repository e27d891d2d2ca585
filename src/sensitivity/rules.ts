import { createHash } from 'node:crypto';
import type { TenantSettings } from '#/tenants/settings.ts';
import { CATEGORIES, type Category, isCategory } from './categories.ts';
import { type CodeSystem, isCodeSystem, normalCode } from './code-systems.ts';
import { NDC, RXNORM } from './tables/drugs.ts';
import { ICD_10_CM, ICD_10_PCS } from './tables/icd10.ts';
import { NAMES } from './tables/names.ts';
import { NUCC } from './tables/providers.ts';
import { HCPCS, MS_DRGS, PLACES_OF_SERVICE } from './tables/services.ts';

/** Codes of one system by category; a star at the end stands for every code that begins so. */
export type CodeTable = Readonly<Partial<Record<Category, readonly string[]>>>;

/** One code, or a beginning of codes, that a plan added or took out. */
export interface CodeRule {
  readonly category: Category;
  readonly system: CodeSystem;
  readonly code: string;
}

/** What a plan recognises as sensitive. Plain data, so that it can go to a worker thread. */
export interface LabelRules {
  readonly codes: readonly CodeRule[];
  /** Not sensitive after all, whatever the tables say; the category does not matter. */
  readonly exempt: readonly CodeRule[];
  readonly names: readonly (readonly [name: string, category: Category])[];
  /** The same for the same rules: stored labels of another fingerprint are out of date (storage.md 11.4). */
  readonly fingerprint: string;
}

/** To be raised when the way labels are found or written changes and the tables do not. */
const METHOD = 1;

const TABLES: readonly (readonly [CodeSystem, CodeTable])[] = [
  ['icd10cm', ICD_10_CM],
  ['icd10pcs', ICD_10_PCS],
  ['hcpcs', HCPCS],
  // Codes of Level II are often sent under the system of Level I; they cannot be mistaken for each other.
  ['cpt', HCPCS],
  ['rxnorm', RXNORM],
  ['ndc', NDC],
  ['nucc', NUCC],
  ['pos', PLACES_OF_SERVICE],
  ['msdrg', MS_DRGS],
];

/** The rules of a plan: our tables, with what it added and took out; none when it does not label. */
export function labelRulesOf(
  settings: Pick<TenantSettings, 'labelsSensitiveData' | 'labelsByName' | 'sensitiveCodes' | 'exemptCodes'>,
): LabelRules {
  const rules = !settings.labelsSensitiveData
    ? { codes: [], exempt: [], names: [] }
    : {
        codes: [...TABLES.flatMap(([system, table]) => rulesOf(system, table)), ...parseAll(settings.sensitiveCodes)],
        exempt: parseAll(settings.exemptCodes),
        names: settings.labelsByName
          ? CATEGORIES.flatMap((category) => (NAMES[category] ?? []).map((name) => [name, category] as const))
          : [],
      };
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([METHOD, rules]))
    .digest('hex')
    .slice(0, 32);
  return { ...rules, fingerprint };
}

/**
 * `mental-health:cpt:90834` or `hiv:snomed:8640*`: a category, a code system by its short name, a code.
 *
 * @returns undefined for anything else
 */
export function parseCodeRule(text: string): CodeRule | undefined {
  const [category = '', system = '', code = '', more] = text.split(':');
  if (more !== undefined || !isCategory(category) || !isCodeSystem(system)) return undefined;
  return /^[A-Za-z0-9.-]{1,30}\*?$/.test(code) ? { category, system, code } : undefined;
}

function parseAll(texts: readonly string[]): readonly CodeRule[] {
  return texts.flatMap((text) => parseCodeRule(text) ?? []);
}

function rulesOf(system: CodeSystem, table: CodeTable): CodeRule[] {
  return CATEGORIES.flatMap((category) => (table[category] ?? []).map((code) => ({ category, system, code })));
}

/** A rule's code as it is compared, and whether it is a beginning. */
export function patternOf({ code }: CodeRule): { readonly text: string; readonly isPrefix: boolean } {
  const isPrefix = code.endsWith('*');
  return { text: normalCode(isPrefix ? code.slice(0, -1) : code), isPrefix };
}
