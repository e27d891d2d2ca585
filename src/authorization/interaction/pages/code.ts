import { CODE_DIGITS } from '#/members/accounts/email-codes.ts';
import { alert, errorSummary, plainButton, primaryButton, textField } from '#/platform/html/forms.ts';
import { type Html, html } from '#/platform/html/html.ts';
import type { InteractionText } from '../texts/texts.ts';
import { triesText } from './identity.ts';
import { type FormTarget, pageForm, sideForm } from './page-form.ts';

export type CodeProblem =
  | { readonly kind: 'missing' }
  | { readonly kind: 'wrong'; readonly triesLeft: number }
  | { readonly kind: 'gone' }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'too-many'; readonly time: string };

export interface CodeView {
  readonly form: FormTarget;
  readonly resend: FormTarget;
  readonly otherEmailHref: string;
  /** Masked: enough to know one's own address again. */
  readonly address: string;
  /** Only in a sandbox that sends no mail. */
  readonly shownCode: string | undefined;
  readonly problem: CodeProblem | undefined;
}

/** M2: the code that was sent. Pasting works, spaces do no harm. */
export function codePage(t: InteractionText, view: CodeView): Html {
  const isAtField = view.problem?.kind === 'missing' || view.problem?.kind === 'wrong' || view.problem?.kind === 'gone';
  const message = view.problem && problemText(t, view.problem);
  return html`<h1 class="ds-text-heading--3xl">${t('codeTitle')}</h1>
${message !== undefined && (isAtField ? errorSummary(t('fixHeading'), [{ field: 'code', message }]) : alert('warn', undefined, html`<p>${message}</p>`))}
<p>${t('codeSent', { address: view.address })}</p>
${view.shownCode !== undefined && alert('info', undefined, [html`<p>${t('codeShown')}</p>`, html`<p class="cb-code">${view.shownCode}</p>`])}
${pageForm(view.form, [
  textField({
    name: 'code',
    label: t('code'),
    hint: t('codeHint'),
    value: '',
    error: isAtField ? message : undefined,
    inputMode: 'numeric',
    autocomplete: 'one-time-code',
    maxLength: CODE_DIGITS * 2,
    size: 'medium',
  }),
  html`<div class="cb-actions">${primaryButton(t('continue'))}</div>`,
])}
<p>${t('codeNotHere')}</p>
${sideForm(view.resend, plainButton(t('newCode')))}
<p><a href="${view.otherEmailHref}">${t('otherEmail')}</a></p>
`;
}

function problemText(t: InteractionText, problem: CodeProblem): string {
  switch (problem.kind) {
    case 'missing':
      return t('missingCode');
    case 'wrong':
      return `${t('wrongCode')} ${triesText(t, problem.triesLeft)}`;
    case 'gone':
      return t('goneCode');
    case 'wait':
      return t('waitCode', { n: problem.seconds });
    case 'too-many':
      return t('tooManyCodes', { time: problem.time });
    default:
      return problem satisfies never;
  }
}
