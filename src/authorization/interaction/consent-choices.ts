import { parseScope, renderScope, type Scope } from '../scopes.ts';
import type { Kind } from './texts/kinds.ts';

type FhirScope = Extract<Scope, { kind: 'fhir' }>;

/** Every type that members’ apps can be given, in the order of the page. */
const KINDS: readonly { readonly kind: Kind; readonly types: readonly string[] }[] = [
  { kind: 'person', types: ['Patient'] },
  { kind: 'claims', types: ['ExplanationOfBenefit'] },
  { kind: 'coverage', types: ['Coverage'] },
  { kind: 'visits', types: ['Encounter'] },
  { kind: 'conditions', types: ['Condition'] },
  { kind: 'allergies', types: ['AllergyIntolerance'] },
  { kind: 'medicines', types: ['MedicationRequest', 'MedicationDispense', 'Medication'] },
  { kind: 'results', types: ['Observation'] },
  { kind: 'reports', types: ['DiagnosticReport'] },
  { kind: 'samples', types: ['Specimen'] },
  { kind: 'vaccines', types: ['Immunization'] },
  { kind: 'procedures', types: ['Procedure'] },
  { kind: 'orders', types: ['ServiceRequest'] },
  { kind: 'carePlans', types: ['CarePlan'] },
  { kind: 'goals', types: ['Goal'] },
  { kind: 'careTeams', types: ['CareTeam'] },
  { kind: 'devices', types: ['Device'] },
  { kind: 'documents', types: ['DocumentReference'] },
  { kind: 'answers', types: ['QuestionnaireResponse'] },
  { kind: 'family', types: ['RelatedPerson'] },
  { kind: 'providers', types: ['Practitioner', 'PractitionerRole', 'Organization', 'Location'] },
  { kind: 'origin', types: ['Provenance'] },
];

const CONDITIONS = 'http://terminology.hl7.org/CodeSystem/condition-category';
const OBSERVATIONS = 'http://terminology.hl7.org/CodeSystem/observation-category';
const US_CORE = 'http://hl7.org/fhir/us/core/CodeSystem';

/**
 * Parts of conditions and observations that are decided about apart where an app asks for the type by its name (SMART
 * granular scopes; patient-access.md 2.3).
 */
const PARTS: Readonly<Record<string, readonly { readonly kind: Kind; readonly categories: readonly string[] }[]>> = {
  Condition: [
    { kind: 'problems', categories: [`${CONDITIONS}|problem-list-item`] },
    { kind: 'concerns', categories: [`${US_CORE}/condition-category|health-concern`] },
    { kind: 'diagnoses', categories: [`${CONDITIONS}|encounter-diagnosis`] },
  ],
  Observation: [
    { kind: 'laboratory', categories: [`${OBSERVATIONS}|laboratory`] },
    { kind: 'vitalSigns', categories: [`${OBSERVATIONS}|vital-signs`] },
    { kind: 'socialHistory', categories: [`${OBSERVATIONS}|social-history`] },
    { kind: 'surveys', categories: [`${OBSERVATIONS}|survey`] },
    { kind: 'circumstances', categories: [`${US_CORE}/us-core-category|sdoh`] },
    {
      kind: 'otherFindings',
      categories: ['exam', 'imaging', 'procedure', 'therapy', 'activity'].map((code) => `${OBSERVATIONS}|${code}`),
    },
  ],
};

/** Types that an app of a member can be given at all. */
export const SHAREABLE_TYPES: readonly string[] = KINDS.flatMap(({ types }) => types);

/** Something that the page asks about: a kind, or a part of one. */
export interface ConsentChoice {
  readonly id: Kind;
  readonly types: readonly string[];
  /** Set: only resources of these categories (`system|code`). */
  readonly categories: readonly string[] | undefined;
}

export interface ConsentChoices {
  /** Comes with any sharing: an app that may see nothing of the person can do nothing with the rest. */
  readonly required: readonly ConsentChoice[];
  readonly optional: readonly ConsentChoice[];
}

/**
 * What the page asks about for the scopes that an app is left with after narrowing.
 *
 * @param mayShare the segment's and the plan's policy for a type
 */
export function choicesOf(scopes: readonly string[], mayShare: (type: string) => boolean): ConsentChoices {
  const asked = scopes.map(parseScope).filter((scope) => scope?.kind === 'fhir');
  const choices = KINDS.flatMap(({ kind, types }): ConsentChoice[] => {
    const shared = types.filter((type) => mayShare(type) && asked.some((scope) => covers(scope, type)));
    if (shared.length === 0) return [];
    const parts = partsAsked(asked, shared[0]!);
    return parts.length > 0
      ? parts.map((part) => ({ id: part.kind, types: shared, categories: part.categories }))
      : [{ id: kind, types: shared, categories: undefined }];
  });
  return {
    required: choices.filter(({ id }) => id === 'person'),
    optional: choices.filter(({ id }) => id !== 'person'),
  };
}

/**
 * The scopes that are granted: those asked for, as they were written, as long as everything in them is ticked. What is partly
 * ticked becomes the parts: a wildcard its types, a type its categories.
 *
 * @param ticked ids of optional choices; the required ones need no tick
 * @returns static scopes stay; nothing is ever in it that was not asked for
 */
export function grantedScopes(
  scopes: readonly string[],
  choices: ConsentChoices,
  ticked: ReadonlySet<string>,
): readonly string[] {
  const isTaken = (choice: ConsentChoice): boolean => choices.required.includes(choice) || ticked.has(choice.id);
  const all = [...choices.required, ...choices.optional];
  const granted = scopes.flatMap((token) => {
    const scope = parseScope(token);
    if (scope?.kind !== 'fhir') return [token];
    const concerned = all.filter((choice) => choice.types.some((type) => concerns(scope, type, choice)));
    if (concerned.length === 0) return [];
    if (concerned.every(isTaken)) return [token];
    return concerned.filter(isTaken).flatMap((choice) => narrowed(scope, choice));
  });
  return [...new Set(granted)];
}

const covers = (scope: FhirScope, type: string): boolean => scope.type === '*' || scope.type === type;

/** Parts are offered when the type is asked for by its name: a wildcard is decided about by types. */
function partsAsked(asked: readonly FhirScope[], type: string) {
  const named = asked.filter((scope) => scope.type === type);
  if (named.length === 0) return [];
  const isWhole = named.some(({ query }) => query === undefined) || asked.some((scope) => scope.type === '*');
  return (PARTS[type] ?? []).filter(
    ({ categories }) =>
      isWhole || named.some((scope) => categories.some((category) => scope.query === queryOf(category))),
  );
}

/** Does this scope ask for something of this choice? */
function concerns(scope: FhirScope, type: string, choice: ConsentChoice): boolean {
  if (!covers(scope, type)) return false;
  if (scope.query === undefined || choice.categories === undefined) return true;
  return choice.categories.some((category) => scope.query === queryOf(category));
}

/** The part of a scope that one choice stands for. Queries are of SMART 2, so a scope of SMART 1 changes its style there. */
function narrowed(scope: FhirScope, choice: ConsentChoice): readonly string[] {
  return choice.types
    .filter((type) => covers(scope, type))
    .flatMap((type) => {
      if (scope.query !== undefined || choice.categories === undefined) return [renderScope({ ...scope, type })];
      const permissions = scope.permissions === 'read' ? 'rs' : scope.permissions;
      return choice.categories.map((category) =>
        renderScope({ ...scope, type, permissions, style: 'v2', query: queryOf(category) }),
      );
    });
}

const queryOf = (category: string): string => `category=${category}`;
