import { bundleRules } from './rules-bundle.ts';
import { clinicalRules } from './rules-clinical.ts';
import { definitionRules } from './rules-definition.ts';
import { typeRules } from './rules-type.ts';
import type { Fields, Run } from './run.ts';

export type Rule = (value: Fields, run: Run) => void;

/** Invariants of R4 by type or node (`Patient.contact`), run after the node's own structure was checked. */
export const RULES: Readonly<Record<string, readonly Rule[]>> = {
  ...typeRules,
  ...clinicalRules,
  ...bundleRules,
  ...definitionRules,
};
