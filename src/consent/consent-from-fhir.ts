import {
  type FieldProblem,
  hasCode,
  invalidField,
  isObject,
  type Json,
  missingField,
  objectIn,
  objectsIn,
  textIn,
} from '#/fhir/loose-json.ts';
import { spanOf } from './calendar.ts';
import type { SentConsent } from './consent.ts';
import type { PayerIdentifier } from './payer-identifiers.ts';

const ACTOR_SOURCE = { code: 'performer', system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type' };
const ACTOR_RECIPIENT = { code: 'IRCP', system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType' };

/** The HRex profile forbids them: each would narrow the consent, and whoever ignores a restriction discloses too much. */
const RESTRICTIONS = ['securityLabel', 'purpose', 'class', 'code', 'dataPeriod', 'data', 'provision'] as const;
/** A consent names a few organizations. */
const ACTORS_MAX = 50;
const EVIDENCE_LENGTH_MAX = 1_000;

/**
 * Reads a Consent of another payer: only what our decision needs has to be there (payer-to-payer.md 1.3, compat minimum).
 * Whether it can be complied with is for `decideConsent`.
 *
 * @returns the consent, or every element that is missing or has no form to be read
 */
export function readConsent(
  consent: Json,
): { readonly consent: SentConsent } | { readonly problems: readonly FieldProblem[] } {
  const provision = objectIn(consent.provision);
  const period = objectIn(provision.period);
  const problems = [
    ...textProblems(consent.status, 'Consent.status'),
    ...arrayProblems(consent.policy, 'Consent.policy', true),
    ...(consent.provision !== undefined && !isObject(consent.provision)
      ? [invalidField('Consent.provision', 'Consent.provision must be one object.')]
      : [
          ...textProblems(provision.type, 'Consent.provision.type'),
          ...dateProblems(period.start, 'Consent.provision.period.start'),
          ...dateProblems(period.end, 'Consent.provision.period.end'),
          ...arrayProblems(provision.actor, 'Consent.provision.actor', false),
        ]),
  ];
  if (problems.length > 0) return { problems };
  const actors = objectsIn(provision.actor).slice(0, ACTORS_MAX);
  const inRole = (role: { code: string; system: string }): SentConsent['recipients'] =>
    actors
      .filter((actor) => hasCode(actor.role, role.code, role.system))
      .map((actor) => organizationIdentifiers(actor.reference, consent));
  return {
    consent: {
      status: textIn(consent.status) ?? '',
      provisionType: textIn(provision.type) ?? '',
      restrictions: restrictionsOf(consent, provision),
      policies: objectsIn(consent.policy).map((policy) => textIn(policy.uri) ?? ''),
      periodStart: textIn(period.start) ?? '',
      periodEnd: textIn(period.end) ?? '',
      recipients: inRole(ACTOR_RECIPIENT),
      sources: inRole(ACTOR_SOURCE),
      evidence: evidenceOf(consent),
    },
  };
}

/**
 * Where a Consent is below the HRex consent profile; asked only when the caller or the plan wants it strict. What
 * `decideConsent` judges anyway (status, type, policies, period, restrictions) is left to it.
 *
 * Source: HRex 1.2.0, StructureDefinition hrex-consent.
 */
export function consentProfileProblems(consent: Json): readonly FieldProblem[] {
  const provision = objectIn(consent.provision);
  const needs = (isThere: boolean, path: string, text: string): readonly FieldProblem[] =>
    isThere ? [] : [invalidField(path, text)];
  const categories = objectsIn(consent.category).filter((category) =>
    hasCode(category, 'IDSCL', 'http://terminology.hl7.org/CodeSystem/v3-ActCode'),
  );
  const hasRole = ({ code, system }: typeof ACTOR_SOURCE): boolean =>
    objectsIn(provision.actor).some((actor) => hasCode(actor.role, code, system) && isObject(actor.reference));
  const actions = objectsIn(provision.action);
  return [
    ...needs(
      hasCode(consent.scope, 'patient-privacy', 'http://terminology.hl7.org/CodeSystem/consentscope'),
      'Consent.scope',
      'Consent.scope must be patient-privacy.',
    ),
    ...needs(categories.length === 1, 'Consent.category', 'Consent.category must have IDSCL exactly once.'),
    ...needs(isObject(consent.patient), 'Consent.patient', 'Consent.patient is missing.'),
    ...needs(
      objectsIn(consent.performer).length === 1,
      'Consent.performer',
      'Consent.performer must be there exactly once.',
    ),
    ...needs(
      isObject(consent.sourceReference) && consent.sourceAttachment === undefined,
      'Consent.source',
      'Consent.sourceReference must be there, and sourceAttachment must not.',
    ),
    ...needs(
      hasRole(ACTOR_SOURCE),
      'Consent.provision.actor',
      'Consent.provision.actor must name the disclosing payer with the role performer.',
    ),
    ...needs(
      hasRole(ACTOR_RECIPIENT),
      'Consent.provision.actor',
      'Consent.provision.actor must name the receiving payer with the role IRCP.',
    ),
    ...needs(
      actions.length === 1 && hasCode(actions[0], 'disclose', 'http://terminology.hl7.org/CodeSystem/consentaction'),
      'Consent.provision.action',
      'Consent.provision.action must be disclose, exactly once.',
    ),
  ];
}

/**
 * The identifiers by which a Reference names an organization: its logical identifier, and those of the contained
 * Organization it points at. References to elsewhere are never followed.
 */
export function organizationIdentifiers(reference: unknown, resource: Json): readonly PayerIdentifier[] {
  const literal = textIn(objectIn(reference).reference) ?? '';
  const contained = literal.startsWith('#')
    ? objectsIn(resource.contained).filter((inner) => inner.id === literal.slice(1))
    : [];
  return [
    objectIn(objectIn(reference).identifier),
    ...contained.flatMap((inner) => objectsIn(inner.identifier)),
  ].flatMap((identifier) => {
    const value = textIn(identifier.value);
    return value === undefined ? [] : [{ system: textIn(identifier.system), value }];
  });
}

/** A modifier we do not know may turn the meaning round; an action other than disclosure is no consent to disclose. */
function restrictionsOf(consent: Json, provision: Json): readonly string[] {
  const restrictions: string[] = RESTRICTIONS.filter((name) => provision[name] !== undefined);
  if (consent.modifierExtension !== undefined || provision.modifierExtension !== undefined)
    restrictions.push('modifierExtension');
  if (provision.action !== undefined && !objectsIn(provision.action).some((action) => hasCode(action, 'disclose')))
    restrictions.push('action');
  return restrictions;
}

function evidenceOf(consent: Json): string | undefined {
  const reference = textIn(objectIn(consent.sourceReference).reference)
    ?.slice(0, EVIDENCE_LENGTH_MAX)
    .replaceAll('\0', '');
  return reference ?? (consent.sourceAttachment === undefined ? undefined : 'attachment');
}

function textProblems(value: unknown, path: string): readonly FieldProblem[] {
  if (value === undefined) return [missingField(path)];
  return typeof value === 'string' ? [] : [invalidField(path, `${path} must be a text.`)];
}

/** Any zone will do: this is about the form. */
function dateProblems(value: unknown, path: string): readonly FieldProblem[] {
  if (value === undefined) return [missingField(path)];
  return typeof value === 'string' && spanOf(value, 'UTC') ? [] : [invalidField(path, `${path} is not a date.`)];
}

function arrayProblems(value: unknown, path: string, required: boolean): readonly FieldProblem[] {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return required ? [missingField(path)] : [];
  return Array.isArray(value) && value.every(isObject)
    ? []
    : [invalidField(path, `${path} must be a list of objects.`)];
}
