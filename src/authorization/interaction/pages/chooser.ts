import { primaryButton, radio } from '#/platform/html/forms.ts';
import { type Html, html } from '#/platform/html/html.ts';
import type { InteractionText } from '../texts/texts.ts';
import { type FormTarget, pageForm } from './page-form.ts';

/** Somebody whose information the person at the page may share. */
export interface Person {
  readonly patientId: string;
  readonly name: string;
  readonly birthYear: string;
  readonly isSelf: boolean;
}

/** M3: only for those who may act for others. */
export function chooserPage(
  t: InteractionText,
  view: { readonly form: FormTarget; readonly people: readonly Person[]; readonly chosen: string },
): Html {
  return html`<h1 class="ds-text-heading--3xl">${t('chooserTitle')}</h1>
<p>${t('chooserWhy')}</p>
${pageForm(view.form, [
  html`<fieldset class="ds-c-fieldset">
<legend class="ds-u-visibility--screen-reader">${t('chooserTitle')}</legend>
${view.people.map((person, index) =>
  radio({
    name: 'person',
    id: `person-${index}`,
    value: person.patientId,
    label: person.isSelf
      ? t('chooserMe', { name: person.name })
      : t('chooserOther', { name: person.name, year: person.birthYear }),
    checked: person.patientId === view.chosen,
  }),
)}</fieldset>
`,
  html`<div class="cb-actions">${primaryButton(t('continue'))}</div>`,
])}`;
}
