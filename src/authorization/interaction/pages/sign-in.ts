import { errorSummary, primaryButton, textField } from '#/platform/html/forms.ts';
import { type Html, html } from '#/platform/html/html.ts';
import type { InteractionText } from '../texts/texts.ts';
import { type FormTarget, pageForm } from './page-form.ts';

export type EmailProblem = 'missingEmail' | 'badEmail';
/** The longest address there is (RFC 5321). */
const EMAIL_CHARACTERS_MAX = 254;

/** M0: the sign-in of a member who has been here before, and the way in for one who has not. */
export function signInPage(
  t: InteractionText,
  view: {
    readonly form: FormTarget;
    readonly app: string;
    readonly identityHref: string;
    readonly email: string;
    readonly problem: EmailProblem | undefined;
    /** The plan's own login, when it has one. */
    readonly planLogin: { readonly href: string; readonly plan: string } | undefined;
  },
): Html {
  return html`<h1 class="ds-text-heading--3xl">${t('signInTitle')}</h1>
<p class="cb-lead">${t('signInWants', { app: view.app })}</p>
${view.problem && errorSummary(t('fixHeading'), [{ field: 'email', message: t(view.problem) }])}
${view.planLogin && html`<p><a class="ds-c-button ds-c-button--solid" href="${view.planLogin.href}">${t('planLogin', { plan: view.planLogin.plan })}</a></p>`}
<p>${t('signInIntro')}</p>
${pageForm(view.form, [
  emailField(t, view.email, view.problem),
  html`<div class="cb-actions">${primaryButton(t('sendCode'))}</div>`,
])}
<h2 class="ds-text-heading--xl">${t('firstTime')}</h2>
<ul class="cb-links">
<li><a href="${view.identityHref}">${t('createAccount')}</a></li>
<li><a href="${view.identityHref}">${t('confirmIdentity')}</a></li>
</ul>
`;
}

/** After the five facts: the address that the member will sign in with from now on. */
export function ownEmailPage(
  t: InteractionText,
  view: {
    readonly form: FormTarget;
    readonly email: string;
    readonly problem: EmailProblem | 'emailTaken' | undefined;
  },
): Html {
  return html`<h1 class="ds-text-heading--3xl">${t('ownEmailTitle')}</h1>
${view.problem && errorSummary(t('fixHeading'), [{ field: 'email', message: t(view.problem) }])}
<p>${t('ownEmailIntro')}</p>
${pageForm(view.form, [
  emailField(t, view.email, view.problem),
  html`<div class="cb-actions">${primaryButton(t('sendCode'))}</div>`,
])}`;
}

function emailField(t: InteractionText, value: string, problem: EmailProblem | 'emailTaken' | undefined): Html {
  return textField({
    name: 'email',
    label: t('email'),
    hint: t('emailHint'),
    value,
    error: problem && t(problem),
    type: 'email',
    inputMode: 'email',
    autocomplete: 'email',
    maxLength: EMAIL_CHARACTERS_MAX,
  });
}
