import { type Definition, readDefinitions } from './source.ts';

/**
 * The search parameters of each type: `{Patient: {birthdate: {id, type, expression, target?, components?}}}`.
 *
 * A definition that serves many types is split: each type keeps the arms of the union that start with its own name.
 * Parameters without an expression (`_text`, `_content`, `_query`) are left out: they name no element.
 */
export function searchParameterTable(resourceTypes: ReadonlySet<string>): Record<string, Record<string, object>> {
  const parameters = readDefinitions('search-parameters').filter(
    (parameter) => parameter.version === '4.0.1' && parameter.expression,
  );
  const codeOf = new Map<string, string>(parameters.map((parameter) => [parameter.url, parameter.code]));
  const table: Record<string, Record<string, object>> = {};
  for (const parameter of parameters) {
    for (const base of parameter.base as string[]) {
      if (base !== 'Resource' && base !== 'DomainResource' && !resourceTypes.has(base)) continue;
      const expression = ownArms(parameter.expression, base);
      if (expression === '') continue;
      table[base] ??= {};
      table[base][parameter.code] = {
        id: parameter.id,
        type: parameter.type,
        expression,
        ...(parameter.target && { target: targets(parameter.target, resourceTypes) }),
        ...(parameter.component && {
          components: parameter.component.map((component: Definition) => ({
            code: codeOf.get(component.definition) ?? component.definition,
            expression: component.expression,
          })),
        }),
      };
    }
  }
  return sorted(table);
}

/** A parameter that may point at everything says `Any`, as the specification's pages do. */
function targets(given: readonly string[], resourceTypes: ReadonlySet<string>): string[] {
  const known = given.filter((type) => resourceTypes.has(type));
  return known.length > resourceTypes.size / 2 ? ['Any'] : known.sort();
}

function ownArms(expression: string, base: string): string {
  const arms = expression.split(' | ');
  // A parenthesis that spans arms would make the cut wrong; no R4 expression has one.
  if (arms.some((arm) => count(arm, '(') !== count(arm, ')'))) return expression;
  const own = arms
    .map((arm) => (/^[a-z]/.test(arm) ? `${base}.${arm}` : arm))
    .filter((arm) => new RegExp(`^\\(*${base}\\b`).test(arm));
  return own.join(' | ');
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** The package changed two rows; the standard's own (https://hl7.org/fhir/R4/compartmentdefinition-patient.html) say this. */
const COMPARTMENT_OF_R4: Record<string, readonly string[]> = { Encounter: ['patient'], Task: [] };

/** Where each type names the members it belongs to: `{Observation: ['subject', 'performer']}` (search parameter codes). */
export function patientCompartment(resourceTypes: ReadonlySet<string>): Record<string, readonly string[]> {
  const definition = readDefinitions('compartmentdefinition-patient')[0];
  const rows = (definition.resource as Definition[])
    .map((row) => [row.code as string, COMPARTMENT_OF_R4[row.code] ?? row.param ?? []] as const)
    .filter(([type, codes]) => codes.length > 0 && resourceTypes.has(type));
  return sorted(Object.fromEntries(rows));
}

export function sorted<T>(table: Record<string, T>): Record<string, T> {
  const keys = Object.keys(table).sort();
  return Object.fromEntries(
    keys.map((key) => {
      const value = table[key] as T;
      const nested = typeof value === 'object' && value !== null && !Array.isArray(value) && isTable(value);
      return [key, nested ? (sorted(value as Record<string, unknown>) as T) : value];
    }),
  );
}

function isTable(value: object): boolean {
  return Object.values(value).every((row) => typeof row === 'object' && row !== null && !Array.isArray(row));
}
