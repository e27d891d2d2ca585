/** A JSON object whose members nobody has checked yet. */
export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object, or an empty one: for reading on without asking at each step. */
export function objectIn(value: unknown): Json {
  return isObject(value) ? value : {};
}

/** The objects of an array; anything else gives none. */
export function objectsIn(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Has a CodeableConcept this code? Without `system`, in any system. */
export function hasCode(concept: unknown, code: string, system?: string): boolean {
  return objectsIn(objectIn(concept).coding).some(
    (coding) => coding.code === code && (system === undefined || coding.system === system),
  );
}

/** What is wrong with one element of a resource that came in. The text names elements, never their content. */
export interface FieldProblem {
  readonly kind: 'missing' | 'invalid';
  /** From the resource down: `Consent.provision.period.end`. */
  readonly path: string;
  readonly text: string;
}

export const missingField = (path: string): FieldProblem => ({ kind: 'missing', path, text: `${path} is missing.` });
export const invalidField = (path: string, text: string): FieldProblem => ({ kind: 'invalid', path, text });
