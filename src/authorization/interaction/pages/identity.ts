import type { FactField, FactProblem, FactProblems, TypedFacts } from '#/members/identity/member-facts.ts';
import { alert, dateFields, errorSummary, primaryButton, textField } from '#/platform/html/forms.ts';
import { type Html, html } from '#/platform/html/html.ts';
import type { InteractionText } from '../texts/texts.ts';
import { type FormTarget, pageForm } from './page-form.ts';

/** The names that the fields have on the wire. */
export const FACT_FIELDS: Readonly<Record<FactField, string>> = {
  firstName: 'first_name',
  lastName: 'last_name',
  birthMonth: 'birth_month',
  birthDay: 'birth_day',
  birthYear: 'birth_year',
  memberId: 'member_id',
  postalCode: 'postal_code',
};

const NAME_CHARACTERS_MAX = 100;
const BIRTH_FIELDS: readonly FactField[] = ['birthMonth', 'birthDay', 'birthYear'];

export interface IdentityView {
  readonly form: FormTarget;
  readonly typed: TypedFacts;
  readonly problems: FactProblems;
  /** Nobody has these facts: how many tries are left. Never which fact it was. */
  readonly notFound: { readonly triesLeft: number } | undefined;
  readonly signInHref: string;
}

/** M1: the five facts. Nothing is filled in from the app, and nothing typed is lost by a refusal. */
export function identityPage(t: InteractionText, view: IdentityView): Html {
  const error = (field: FactField): string | undefined => {
    const problem = view.problems[field];
    return problem && problemText(t, field, problem);
  };
  const field = (
    key: FactField,
    label: string,
    hint: string | undefined,
    autocomplete: string,
    numeric = false,
  ): Html =>
    textField({
      name: FACT_FIELDS[key],
      label,
      hint,
      value: view.typed[key],
      error: error(key),
      autocomplete,
      maxLength: NAME_CHARACTERS_MAX,
      ...(numeric && { inputMode: 'numeric' as const, size: 'medium' as const }),
    });
  const wrongFields = (Object.keys(FACT_FIELDS) as FactField[]).filter((key) => view.problems[key] !== undefined);
  return html`<h1 class="ds-text-heading--3xl">${t('identityTitle')}</h1>
${
  wrongFields.length > 0 &&
  errorSummary(
    t('fixHeading'),
    wrongFields.map((key) => ({ field: FACT_FIELDS[key], message: error(key) ?? '' })),
  )
}
${view.notFound && alert('error', t('fixHeading'), [html`<p>${t('noMember')}</p>`, html`<p>${triesText(t, view.notFound.triesLeft)}</p>`])}
<p>${t('identityIntro')}</p>
${pageForm(view.form, [
  field('firstName', t('firstName'), undefined, 'given-name'),
  field('lastName', t('lastName'), undefined, 'family-name'),
  dateFields({
    legend: t('birthDate'),
    hint: t('birthDateHint'),
    error: BIRTH_FIELDS.map(error).find((text) => text !== undefined),
    parts: [
      datePart('birthMonth', t('month'), 'bday-month', 'month', view),
      datePart('birthDay', t('day'), 'bday-day', 'day', view),
      datePart('birthYear', t('year'), 'bday-year', 'year', view),
    ],
  }),
  field('memberId', t('memberId'), t('memberIdHint'), 'off'),
  field('postalCode', t('postalCode'), t('postalCodeHint'), 'postal-code', true),
  html`<div class="cb-actions">${primaryButton(t('verifyIdentity'))}</div>`,
])}
<p><a href="${view.signInHref}">${t('alreadyHere')}</a></p>
`;
}

function datePart(
  key: FactField,
  label: string,
  autocomplete: string,
  size: 'month' | 'day' | 'year',
  view: IdentityView,
) {
  return {
    name: FACT_FIELDS[key],
    label,
    value: view.typed[key],
    autocomplete,
    size,
    isWrong: view.problems[key] !== undefined,
  };
}

function problemText(t: InteractionText, field: FactField, problem: FactProblem): string {
  if (problem === 'unreadable') return t('unreadable');
  if (problem === 'missing') return t(MISSING[field]);
  if (problem === 'not-a-postal-code') return t('badPostalCode');
  return t(field === 'birthMonth' ? 'badMonth' : field === 'birthYear' ? 'badYear' : 'badDay');
}

const MISSING = {
  firstName: 'missingFirstName',
  lastName: 'missingLastName',
  birthMonth: 'missingMonth',
  birthDay: 'missingDay',
  birthYear: 'missingYear',
  memberId: 'missingMemberId',
  postalCode: 'missingPostalCode',
} as const satisfies Record<FactField, string>;

/** How often one may still try, in words. */
export function triesText(t: InteractionText, triesLeft: number): string {
  return triesLeft === 1 ? t('oneTryLeft') : t('triesLeft', { n: triesLeft });
}
