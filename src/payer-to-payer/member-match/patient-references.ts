import { type FieldProblem, invalidField, isObject, missingField, textIn } from '#/fhir/loose-json.ts';

/**
 * References to the patient inside Coverage and Consent are to be relative and name the id of MemberPatient (HRex;
 * P2P-13). A relative one that names another id is always refused. Public examples have absolute ones, and leave them or
 * the id out: a lenient reading accepts that with a warning.
 */
export function referenceProblems(
  memberPatientId: unknown,
  references: readonly { readonly path: string; readonly reference: unknown }[],
  strict: boolean,
): { readonly problems: readonly FieldProblem[]; readonly warnings: readonly string[] } {
  const problems: FieldProblem[] = [];
  const warnings: string[] = [];
  const id = typeof memberPatientId === 'string' && memberPatientId !== '' ? memberPatientId : undefined;
  if (strict && id === undefined) problems.push(missingField('MemberPatient.id'));
  for (const { path, reference } of references) {
    const literal = isObject(reference) ? textIn(reference.reference) : undefined;
    const at = `${path}.reference`;
    if (reference !== undefined && !isObject(reference))
      problems.push(invalidField(path, `${path} must be a reference.`));
    else if (literal === undefined) {
      if (strict) problems.push(missingField(at));
    } else if (/^([a-z][a-z0-9+.-]*:|#)/i.test(literal)) {
      if (strict) problems.push(invalidField(at, `${at} must be relative: Patient/ and the id of MemberPatient.`));
      else warnings.push('absolute-patient-reference');
    } else if (id === undefined) warnings.push('member-patient-without-id');
    else if (literal !== `Patient/${id}`)
      problems.push(invalidField(at, `${at} does not name the id of MemberPatient.`));
  }
  return { problems, warnings: [...new Set(warnings)] };
}
