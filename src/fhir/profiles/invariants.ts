import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import type { UncheckedReason } from './finding.ts';
import { PROFILE_LIMITS } from './limits.ts';
import { targetOf } from './references.ts';
import type { Run } from './run.ts';
import { listOf, objectOf, textOf } from './structure.ts';
import { type Coded, type Membership, membership } from './value-sets.ts';

/** What is neither `holds` nor `fails` is told, never counted as a fault. */
export type InvariantAnswer =
  | 'holds'
  | 'fails'
  | Extract<UncheckedReason, `${string}-at-hand` | 'codes-not-given' | 'invariant-not-evaluable'>;

type Evaluate = (value: unknown, variables: Readonly<Record<string, unknown>>) => unknown[];

/** What an evaluation may ask for, and whether an answer was missing. The library calls functions without a context. */
let current: { readonly run: Run; open: 'reference-not-at-hand' | 'codes-not-given' | undefined } | undefined;

const OPTIONS = {
  async: false,
  // The default writes traced values, which are content, to the console.
  traceFn: () => undefined,
  userInvocationTable: {
    resolve: { fn: resolve, arity: { 0: [] } },
    memberOf: { fn: memberOf, arity: { 1: ['String'] } },
  },
} satisfies Parameters<typeof fhirpath.compile>[2];

/**
 * Expressions of published guides that do not say what their rule says in words. Each is read as the guide's next
 * version wrote it, or R4 means it.
 */
const ERRATA: ReadonlyMap<string, string> = new Map([
  // vs-1 of R4: a date must have a day. For a Period, which the profile allows, there is no answer, which is a failure.
  ['($this as dateTime).toString().length() >= 8', '$this is dateTime implies $this.toString().length() >= 8'],
  // us-core-1 of US Core 6.1.0: no element is of the type DateTime of FHIRPath (7.0.0 writes `dateTime`).
  [
    '$this is DateTime implies $this.toString().length() >= 10',
    '$this is dateTime implies $this.toString().length() >= 10',
  ],
  // pd-1 and us-core-13 of US Core 6.1.0: with two of a kind FHIRPath has no boolean (7.0.0 asks `exists()`).
  ['telecom or endpoint', 'telecom.exists() or endpoint.exists()'],
  [
    'practitioner or organization or healthcareService or location',
    'practitioner.exists() or organization.exists() or healthcareService.exists() or location.exists()',
  ],
]);

const compiled = new Map<string, Evaluate | undefined>();

/**
 * Evaluates an invariant of a guide (FHIRPath 2.0) on a value. As R4's reference validator does, an empty answer is a
 * failure and anything that is no boolean counts as true.
 *
 * @param base the value's type or path (`Identifier`, `ExplanationOfBenefit.item`); undefined for a resource
 *
 * `resolve()` finds contained resources and entries of the Bundle; of others it knows the type. `memberOf()` knows what
 * the packages enumerate.
 */
export function evaluateInvariant(
  expression: string,
  base: string | undefined,
  value: unknown,
  run: Run,
): InvariantAnswer {
  const evaluate = compiledFor(expression, base);
  if (!evaluate) return 'invariant-not-evaluable';
  const outer = current;
  current = { run, open: undefined };
  try {
    const answer = evaluate(value, { resource: run.frame.resource, rootResource: run.frame.root });
    const [only] = answer;
    const holds = answer.length === 1 ? only !== false : answer.length > 0;
    if (holds) return 'holds';
    return current.open ?? 'fails';
  } catch {
    // Types that do not fit, several values where one may be: the expression's fault, with words about the content.
    return 'invariant-not-evaluable';
  } finally {
    current = outer;
  }
}

function compiledFor(expression: string, base: string | undefined): Evaluate | undefined {
  const key = `${base ?? ''} ${expression}`;
  if (compiled.has(key)) return compiled.get(key);
  let evaluate: Evaluate | undefined;
  if (expression.length <= PROFILE_LIMITS.expressionLength) {
    try {
      const meant = ERRATA.get(expression) ?? expression;
      const place = base === undefined ? meant : { base, expression: meant };
      evaluate = fhirpath.compile(place, r4, OPTIONS) as Evaluate;
    } catch {
      evaluate = undefined;
    }
  }
  compiled.set(key, evaluate);
  return evaluate;
}

/** The library knows the type of a resource (`resolve() is Practitioner`) only in its own form. */
const inLibraryForm = fhirpath.compile('$this', r4, { async: false, resolveInternalTypes: false });

function resolve(values: readonly unknown[]): unknown[] {
  return values.flatMap((value): unknown[] => {
    const target = current && targetOf(value, current.run.frame);
    if (!target && current) current.open = 'reference-not-at-hand';
    return target ? inLibraryForm(target) : [];
  });
}

function memberOf(values: readonly unknown[], valueSet: string): boolean[] {
  const [value] = values;
  if (values.length !== 1 || !current) return [];
  const { run } = current;
  const answers = codedOf(value).map((coded) => membership(valueSet, coded, run.definitions, run.profile.from));
  const answer: Membership = answers.includes('in') ? 'in' : answers.includes('unknown') ? 'unknown' : 'out';
  if (answer === 'unknown') current.open = 'codes-not-given';
  return [answer === 'in'];
}

/** The codes in a code, Coding, Quantity or CodeableConcept. */
export function codedOf(value: unknown): Coded[] {
  if (typeof value === 'string') return [{ system: undefined, code: value }];
  const json = objectOf(value);
  if (!json) return [];
  const codings = Array.isArray(json.coding) ? listOf(json.coding).map(objectOf) : [json];
  return codings.flatMap((coding) => {
    const code = textOf(coding?.code);
    // A Coding without a system is in no value set; '' is the system of none.
    return code === undefined ? [] : [{ system: textOf(coding?.system) ?? '', code }];
  });
}
