import { type Hole, type Html, html } from './html.ts';

export interface TextField {
  /** Also its id. */
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly type?: 'text' | 'email';
  readonly inputMode?: 'numeric' | 'email' | 'text';
  readonly autocomplete: string;
  readonly maxLength: number;
  readonly size?: 'small' | 'medium';
}

/** One line of text with its label, and, when it was refused, what to do about it. */
export function textField(field: TextField): Html {
  const describedBy = [field.hint && `${field.name}-hint`, field.error && `${field.name}-error`]
    .filter(Boolean)
    .join(' ');
  return html`<div class="ds-u-clearfix">
<label class="ds-c-label" for="${field.name}">${field.label}</label>
${field.hint !== undefined && html`<p class="ds-c-hint" id="${field.name}-hint">${field.hint}</p>`}
${field.error !== undefined && fieldError(field.name, field.error)}
<input class="ds-c-field${field.size ? ` ds-c-field--${field.size}` : ''}${field.error === undefined ? '' : ' ds-c-field--error'}" id="${field.name}" name="${field.name}" type="${field.type ?? 'text'}" value="${field.value}" autocomplete="${field.autocomplete}" maxlength="${field.maxLength}"${field.inputMode && html` inputmode="${field.inputMode}"`}${describedBy !== '' && html` aria-describedby="${describedBy}"`}${field.error !== undefined && html` aria-invalid="true"`} spellcheck="false" autocapitalize="off">
</div>
`;
}

export interface DateParts {
  readonly legend: string;
  readonly hint: string;
  readonly error: string | undefined;
  readonly parts: readonly {
    readonly name: string;
    readonly label: string;
    readonly value: string;
    readonly autocomplete: string;
    readonly size: 'month' | 'day' | 'year';
    readonly isWrong: boolean;
  }[];
}

/** Month, Day and Year: three fields under one legend. */
export function dateFields(date: DateParts): Html {
  const describedBy = date.error === undefined ? 'birth-date-hint' : 'birth-date-hint birth-date-error';
  return html`<fieldset class="ds-c-fieldset">
<legend class="ds-c-label">${date.legend}</legend>
<p class="ds-c-hint" id="birth-date-hint">${date.hint}</p>
${date.error !== undefined && fieldError('birth-date', date.error)}
<div class="ds-c-datefield__container">
${date.parts.map(
  (part) => html`<div>
<label class="ds-c-datefield__label" for="${part.name}">${part.label}</label>
<input class="ds-c-field ds-c-field--${part.size}${part.isWrong ? ' ds-c-field--error' : ''}" id="${part.name}" name="${part.name}" type="text" inputmode="numeric" value="${part.value}" autocomplete="${part.autocomplete}" maxlength="${part.size === 'year' ? 4 : 2}" aria-describedby="${describedBy}"${part.isWrong && html` aria-invalid="true"`}>
</div>
`,
)}</div>
</fieldset>
`;
}

export interface Choice {
  readonly name: string;
  readonly value: string;
  readonly id: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly checked: boolean;
}

/** A box to tick, as large as a finger. */
export function checkbox(choice: Choice): Html {
  return choiceInput('checkbox', choice);
}

export function radio(choice: Choice): Html {
  return choiceInput('radio', choice);
}

function choiceInput(type: 'checkbox' | 'radio', choice: Choice): Html {
  return html`<div class="ds-c-choice-wrapper">
<input class="ds-c-choice" type="${type}" id="${choice.id}" name="${choice.name}" value="${choice.value}"${choice.checked && html` checked`}${choice.hint !== undefined && html` aria-describedby="${choice.id}-hint"`}>
<label class="ds-c-label" for="${choice.id}">${choice.label}</label>
${choice.hint !== undefined && html`<p class="ds-c-hint" id="${choice.id}-hint">${choice.hint}</p>`}
</div>
`;
}

export interface FieldProblem {
  /** The id of the field that the message leads to. */
  readonly field: string;
  readonly message: string;
}

/** What was refused, above the form, each with a link to its field. It has the focus when the page opens. */
export function errorSummary(heading: string, problems: readonly FieldProblem[]): Html {
  return alert(
    'error',
    heading,
    html`<ul class="ds-c-list">${problems.map(
      ({ field, message }) => html`<li><a href="#${field}">${message}</a></li>`,
    )}</ul>`,
  );
}

/** A notice. An error takes the focus, so that it is read first. */
export function alert(kind: 'error' | 'warn' | 'success' | 'info', heading: string | undefined, body: Hole): Html {
  const modifier = kind === 'info' ? '' : ` ds-c-alert--${kind}`;
  return html`<div class="ds-c-alert${modifier} cb-alert" role="${kind === 'error' ? 'alert' : 'status'}"${kind === 'error' && html` tabindex="-1" autofocus`}>
<div class="ds-c-alert__body">
${heading !== undefined && html`<h2 class="ds-c-alert__heading">${heading}</h2>`}
<div class="ds-c-alert__text">${body}</div>
</div>
</div>
`;
}

/** The button of a form's own action. */
export function primaryButton(label: string, value?: { readonly name: string; readonly value: string }): Html {
  return html`<button class="ds-c-button ds-c-button--solid" type="submit"${value && html` name="${value.name}" value="${value.value}"`}>${label}</button>
`;
}

export function plainButton(label: string, value?: { readonly name: string; readonly value: string }): Html {
  return html`<button class="ds-c-button" type="submit"${value && html` name="${value.name}" value="${value.value}"`}>${label}</button>
`;
}

function fieldError(name: string, message: string): Html {
  return html`<p class="ds-c-inline-error ds-c-field__error-message" id="${name}-error">${message}</p>`;
}
