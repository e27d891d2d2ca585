import { PAGE_FORM } from '#/members/pages/frame.ts';
import { type Hole, type Html, html } from '#/platform/html/html.ts';

/** Where a page of an authorization posts to, and what proves that the post came from the page. */
export interface FormTarget {
  /** A path of this interaction. */
  readonly action: string;
  readonly csrf: string;
  readonly language: string;
}

/** The form of a page. The language travels along, so that an answer comes in the language of the question. */
export function pageForm(target: FormTarget, body: Hole): Html {
  return html`<form id="${PAGE_FORM}" method="post" action="${target.action}" novalidate>
<input type="hidden" name="csrf" value="${target.csrf}">
<input type="hidden" name="language" value="${target.language}">
${body}</form>
`;
}

/** A form of one button, beside the page's own. */
export function sideForm(target: FormTarget, button: Hole): Html {
  return html`<form class="cb-side-form" method="post" action="${target.action}">
<input type="hidden" name="csrf" value="${target.csrf}">
<input type="hidden" name="language" value="${target.language}">
${button}</form>
`;
}
