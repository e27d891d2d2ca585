import { type SearchParameter, searchParameterTable } from '../definitions/definitions.ts';
import { compileExpression, compileParts, type Extract, type ExtractParts } from './compile-expression.ts';
import { GUIDE_PARAMETERS, type GuideParameter } from './guide-parameters.ts';

/** A search parameter of one resource type, compiled from its official definition. */
export type CompiledParameter = SimpleParameter | CompositeParameter;

export type SimpleType = Exclude<SearchParameter['type'], 'composite' | 'special'>;

export interface SimpleParameter {
  readonly code: string;
  readonly type: SimpleType;
  /** The canonical URL of the official definition. */
  readonly definition: string;
  /** Types that a reference may name; `['Any']` for every type; empty for other parameters. */
  readonly targets: readonly string[];
  /** The FHIRPath that it stands for. */
  readonly expression: string;
  readonly extract: Extract;
}

export interface CompositeParameter {
  readonly code: string;
  readonly type: 'composite';
  readonly definition: string;
  /** The types of the parts, in the order in which `$` separates their values. */
  readonly parts: readonly SimpleType[];
  readonly extractParts: ExtractParts;
}

/** R4 has these two the wrong way round: `relatesto` is a reference, `relation` a code. */
const ERRATA: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'DocumentReference-relationship': { relatesto: 'target', relation: 'code' },
};
const DEFINITIONS = 'http://hl7.org/fhir/SearchParameter/';
const compiled = new Map<string, ReadonlyMap<string, CompiledParameter>>();

/**
 * The search parameters of a type by their code, those of every resource (`_id` ...) and those of the guides among them.
 * Compiled once. Not among them: what no resource can decide by itself (`_text`, `_content`, `_filter`, `near`), and
 * what is told by sound.
 */
export function searchParametersOf(type: string): ReadonlyMap<string, CompiledParameter> {
  let parameters = compiled.get(type);
  if (parameters === undefined) {
    const table = { ...searchParameterTable().Resource, ...searchParameterTable()[type], ...GUIDE_PARAMETERS[type] };
    parameters = new Map(
      Object.entries(table).flatMap(([code, parameter]) => {
        const one = compile(type, code, parameter);
        return one ? [[code, one] as const] : [];
      }),
    );
    compiled.set(type, parameters);
  }
  return parameters;
}

/** Those that every resource has, `_id` to `_tag`. */
export function searchParametersOfAll(): readonly CompiledParameter[] {
  const codes = new Set(Object.keys(searchParameterTable().Resource ?? {}));
  // The structures know no abstract type; what all types have, Patient has.
  return [...searchParametersOf('Patient').values()].filter(({ code }) => codes.has(code));
}

function compile(
  type: string,
  code: string,
  parameter: SearchParameter | GuideParameter,
): CompiledParameter | undefined {
  if (parameter.type === 'special' || parameter.expression === '' || code === 'phonetic') return undefined;
  const id = 'id' in parameter ? parameter.id : '';
  const definition = 'definition' in parameter ? parameter.definition : DEFINITIONS + id;
  if (parameter.type !== 'composite') {
    const { expression, target: targets = [] } = parameter;
    const extract = compileExpression(type, expression);
    return extract && { code, type: parameter.type, definition, targets, expression, extract };
  }
  const components = (parameter.components ?? []).map((component) => ({
    ...component,
    expression: ERRATA[id]?.[component.code] ?? component.expression,
  }));
  const parts = components.map((component) => searchParameterTable()[type]?.[component.code]?.type);
  const extractParts = compileParts(
    type,
    parameter.expression,
    components.map(({ expression }) => expression),
  );
  if (!extractParts || parts.length === 0 || !parts.every(isSimple)) return undefined;
  return { code, type: 'composite', definition, parts, extractParts };
}

const isSimple = (type: SearchParameter['type'] | undefined): type is SimpleType =>
  type !== undefined && type !== 'composite' && type !== 'special';
