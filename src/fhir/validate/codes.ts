import { codeTable } from '../definitions/definitions.ts';
import { type Check, isObject } from './run.ts';

const NOT_IN_LIST = 'must be one of the codes that R4 requires here';

/** Is the `code` in the value set of a required binding? The primitive's own form is checked before. */
export function codeInList(valueSet: string): Check {
  const codes = new Set(Object.values(codeTable()[valueSet]!).flat());
  return (value, run) => {
    if (typeof value === 'string' && !codes.has(value)) run.add('code-invalid', NOT_IN_LIST);
  };
}

/** A CodeableConcept under a required binding: at least one coding, system and code, is in the value set. */
export function conceptInList(valueSet: string): Check {
  const bySystem = new Map(Object.entries(codeTable()[valueSet]!).map(([system, codes]) => [system, new Set(codes)]));
  return (value, run) => {
    if (!isObject(value)) return;
    const codings: readonly unknown[] = Array.isArray(value.coding) ? value.coding : [];
    const found = codings.some(
      (coding) => isObject(coding) && bySystem.get(coding.system as string)?.has(coding.code as string) === true,
    );
    if (!found) run.add('code-invalid', NOT_IN_LIST);
  };
}
