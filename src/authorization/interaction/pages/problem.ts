import { type Html, html } from '#/platform/html/html.ts';
import type { InteractionText } from '../texts/texts.ts';

/** Whose side it is on. */
export type Problem = 'ended' | 'app' | 'plan' | 'ours' | 'form';

const WORDS = {
  ended: ['problemEnded', 'problemEndedNext'],
  app: ['problemApp', 'problemAppNext'],
  plan: ['problemPlan', 'problemAppNext'],
  ours: ['problemOurs', 'problemOursNext'],
  form: ['problemForm', 'problemEndedNext'],
} as const satisfies Record<Problem, readonly string[]>;

/** M5: what happened, whose side it is on, what one can do, and the number to quote. */
export function problemPage(
  t: InteractionText,
  view: { readonly problem: Problem; readonly requestId: string; readonly backHref: string | undefined },
): Html {
  const [what, next] = WORDS[view.problem];
  return html`<h1 class="ds-text-heading--3xl">${t('problemTitle')}</h1>
<p>${t(what)}</p>
<p>${t(next)}</p>
${view.backHref !== undefined && html`<p><a href="${view.backHref}" rel="noreferrer">${t('backToApp')}</a></p>`}
<p class="cb-quiet">${t('problemNumber', { id: view.requestId })}</p>
`;
}

/** After too many tries: a pause, how long it is, and who helps. */
export function pausePage(t: InteractionText, time: string): Html {
  return html`<h1 class="ds-text-heading--3xl">${t('pausedTitle')}</h1>
<p>${t('paused', { time })}</p>
<p>${t('pausedCall')}</p>
`;
}
