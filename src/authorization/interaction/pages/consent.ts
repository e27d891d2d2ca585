import { checkbox, errorSummary, plainButton, primaryButton } from '#/platform/html/forms.ts';
import { type Html, html } from '#/platform/html/html.ts';
import type { InteractionText } from '../texts/texts.ts';
import { type FormTarget, pageForm, sideForm } from './page-form.ts';

/** A kind of information that the app asked for, in everyday words. */
export interface ShownChoice {
  readonly id: string;
  readonly label: string;
  readonly hint: string | undefined;
  readonly checked: boolean;
}

export interface ConsentView {
  readonly form: FormTarget;
  readonly signOut: FormTarget;
  readonly app: {
    readonly name: string;
    readonly maker: string | undefined;
    readonly logoHref: string | undefined;
    readonly termsUrl: string | undefined;
    readonly privacyUrl: string | undefined;
    readonly isReviewed: boolean;
  };
  readonly signedInAs: string;
  /** Set: the member acts for this person. */
  readonly actsFor: string | undefined;
  readonly required: readonly string[];
  readonly choices: readonly ShownChoice[];
  /** Undefined: the plan marks no information as sensitive, so there is nothing to choose. */
  readonly sensitive: { readonly checked: boolean } | undefined;
  /** A date in words; undefined: one hour, without a refresh token. */
  readonly until: string | undefined;
  readonly sharingPage: string;
  readonly nothingTicked: boolean;
}

/** M4: the decision. Both answers weigh the same; nothing beyond the app's request; only sensitive information starts unticked. */
export function consentPage(t: InteractionText, view: ConsentView): Html {
  const { app } = view;
  const heading =
    view.actsFor === undefined
      ? t('consentTitle', { app: app.name })
      : t('consentTitleFor', { name: view.actsFor, app: app.name });
  return html`<h1 class="ds-text-heading--3xl">${heading}</h1>
${view.nothingTicked && errorSummary(t('fixHeading'), [{ field: view.choices[0]?.id ?? 'main', message: t('nothingTicked') }])}
<div class="cb-app">
${app.logoHref !== undefined && html`<img class="cb-app__logo" src="${app.logoHref}" alt="" width="64" height="64">`}
<div>
${app.maker !== undefined && html`<p>${t('madeBy', { maker: app.maker })}</p>`}
<p>${t(app.isReviewed ? 'reviewed' : 'notReviewed')}</p>
${app.privacyUrl !== undefined && html`<p><a href="${app.privacyUrl}" rel="noreferrer">${t('appPrivacy', { app: app.name })}</a></p>`}
${app.termsUrl !== undefined && html`<p><a href="${app.termsUrl}" rel="noreferrer">${t('appTerms', { app: app.name })}</a></p>`}
</div>
</div>
<div class="cb-who">
<p>${t('signedInAs', { name: view.signedInAs })}</p>
${sideForm(view.signOut, html`<button class="ds-c-button ds-c-button--ghost" type="submit">${t('notYou')}</button>`)}
</div>
${pageForm(view.form, [
  html`<fieldset class="ds-c-fieldset">
<legend class="ds-text-heading--xl">${t('willSee')}</legend>
${view.required.length > 0 && html`<p>${t('alwaysShared')}</p><ul class="ds-c-list">${view.required.map((text) => html`<li>${text}</li>`)}</ul>`}
${view.choices.length > 0 && html`<p class="ds-c-hint">${t('willSeeHint')}</p>`}
${view.choices.map((choice) => checkbox({ ...choice, name: 'share', value: choice.id }))}</fieldset>
`,
  view.sensitive &&
    html`<fieldset class="ds-c-fieldset">
<legend class="ds-text-heading--xl">${t('sensitiveLegend')}</legend>
${checkbox({ id: 'sensitive', name: 'sensitive', value: 'yes', label: t('sensitiveLabel'), hint: t('sensitiveHint'), checked: view.sensitive.checked })}</fieldset>
`,
  html`<h2 class="ds-text-heading--xl">${t('untilHeading')}</h2>
<p>${view.until === undefined ? t('untilHour') : t('untilDate', { date: view.until })}</p>
<p>${t('howToStop', { address: view.sharingPage })}</p>
<details class="cb-details">
<summary>${t('meaning')}</summary>
<ul class="ds-c-list"><li>${t('meaningCare')}</li><li>${t('meaningCopy')}</li><li>${t('meaningRules')}</li></ul>
</details>
<div class="cb-actions cb-actions--equal">${primaryButton(t('share'), { name: 'decision', value: 'share' })}${plainButton(t('doNotShare'), { name: 'decision', value: 'do-not-share' })}</div>
`,
])}`;
}
