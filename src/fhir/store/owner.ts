import { compartmentTable } from '../definitions/definitions.ts';

type Json = Readonly<Record<string, unknown>>;

/** Types that belong to nobody: many members' resources name them. */
export const SHARED_TYPES: ReadonlySet<string> = new Set([
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Location',
  'Medication',
  'InsurancePlan',
  'Endpoint',
  'HealthcareService',
  'OrganizationAffiliation',
]);

/** The element that says whose a resource is, where it is not `patient` or `subject`. */
const OWNER_ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  Coverage: ['beneficiary'],
  // Not in the patient compartment of R4; one that a person wears or bears is theirs all the same (US Core, PDex).
  Device: ['patient'],
  CoverageEligibilityRequest: ['patient'],
  EnrollmentRequest: ['candidate'],
  QuestionnaireResponse: ['subject', 'source'],
  Task: ['for'],
  ResearchSubject: ['individual'],
  Person: [],
  Group: [],
};

const PATIENT_REFERENCE = /^Patient\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const LOCAL_REFERENCE = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** Whose a resource is: a member's (the id of the Patient), everybody's, or that of what it points at. */
export type Owner =
  | { readonly kind: 'member'; readonly patientId: string }
  | { readonly kind: 'shared' }
  | { readonly kind: 'target'; readonly targets: readonly { readonly type: string; readonly id: string }[] };

/**
 * Finds the owner by the element that the patient compartment names for the type. A Provenance belongs to the owner of
 * its target. Only relative references count: an absolute one names somebody else's Patient.
 */
export function ownerOf(resource: Json): Owner {
  const type = String(resource.resourceType);
  if (type === 'Patient') return { kind: 'member', patientId: String(resource.id) };
  if (SHARED_TYPES.has(type)) return { kind: 'shared' };
  if (type === 'Provenance') return ownerOfProvenance(resource);
  if (!(type in compartmentTable()) && OWNER_ELEMENTS[type] === undefined) return { kind: 'shared' };
  for (const element of OWNER_ELEMENTS[type] ?? ['patient', 'subject']) {
    for (const reference of listOf(resource[element])) {
      const match = PATIENT_REFERENCE.exec(String((reference as Json | null)?.reference ?? ''));
      if (match?.[1]) return { kind: 'member', patientId: match[1] };
    }
  }
  return { kind: 'shared' };
}

/** Is this parameter about the element that made its owner the owner, and nothing else? */
export function ownerParameterOf(type: string, { expression }: { readonly expression: string }): boolean {
  const elements = OWNER_ELEMENTS[type] ?? ['patient', 'subject'];
  if (type === 'Provenance' || elements.length === 0 || type === 'QuestionnaireResponse') return false;
  return elements.some((element) =>
    [`${type}.${element}`, `${type}.${element}.where(resolve() is Patient)`].includes(expression),
  );
}

function ownerOfProvenance(resource: Json): Owner {
  const targets: { type: string; id: string }[] = [];
  for (const target of listOf(resource.target)) {
    const match = LOCAL_REFERENCE.exec(String((target as Json | null)?.reference ?? ''));
    if (!match?.[1] || !match[2]) continue;
    if (match[1] === 'Patient') return { kind: 'member', patientId: match[2] };
    targets.push({ type: match[1], id: match[2] });
  }
  return targets.length === 0 ? { kind: 'shared' } : { kind: 'target', targets };
}

/** The shared resources that a resource names anywhere, as `Type/id`. */
export function sharedReferencesOf(refs: readonly string[]): { type: string; id: string }[] {
  const found: { type: string; id: string }[] = [];
  for (const ref of refs) {
    const slash = ref.indexOf('/');
    const type = ref.slice(ref.indexOf('>') + 1, slash);
    if (!SHARED_TYPES.has(type)) continue;
    const id = ref.slice(slash + 1);
    // A handful at the most.
    if (!found.some((known) => known.id === id && known.type === type)) found.push({ type, id });
  }
  return found;
}

const REFERENCE = '"reference":"';

/**
 * The shared resources that a text names where no search parameter looks (`Provenance.agent.onBehalfOf`), as keys without a
 * parameter: `>Type/id`. A member's app may follow every reference that it is given.
 *
 * @param canonicalText found by its text: a string inside another is escaped, so nothing else reads like a reference
 * @param refs those that parameters found
 */
export function otherSharedReferences(canonicalText: string, refs: readonly string[]): readonly string[] {
  const others: string[] = [];
  for (let at = canonicalText.indexOf(REFERENCE); at >= 0; at = canonicalText.indexOf(REFERENCE, at)) {
    at += REFERENCE.length;
    const slash = canonicalText.indexOf('/', at);
    if (slash < 0 || slash - at > 30 || !SHARED_TYPES.has(canonicalText.slice(at, slash))) continue;
    const match = LOCAL_REFERENCE.exec(canonicalText.slice(at, canonicalText.indexOf('"', at)));
    if (!match) continue;
    const key = `>${match[1]}/${match[2]}`;
    if (!others.includes(key) && !refs.some((ref) => ref.endsWith(key))) others.push(key);
  }
  return others;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
