/** A piece of HTML that is safe to send: made by `html`, or named as raw. Text is not one, and is escaped wherever it is put in. */
export class Html {
  readonly #text: string;

  /** @internal use `html` */
  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What a hole may hold: text is escaped, pieces of HTML nest, lists are joined; `undefined` and `false` leave nothing. */
export type Hole = Html | string | number | undefined | false | readonly Hole[];

/**
 * Writes HTML: every hole is escaped for text and for attributes in double quotes, which is where holes may stand.
 *
 * ```ts
 * html`<p title="${title}">Signed in as ${name}.</p>`
 * ```
 */
export function html(strings: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  let text = strings[0] ?? '';
  holes.forEach((hole, index) => {
    text += render(hole) + (strings[index + 1] ?? '');
  });
  return new Html(text);
}

/** The one way to put text in as it is: for what this program itself has written as HTML before, and nothing else. */
export function trustedHtml(text: string): Html {
  return new Html(text);
}

function render(hole: Hole): string {
  if (hole === undefined || hole === false) return '';
  if (hole instanceof Html) return hole.toString();
  if (typeof hole === 'object') return hole.map(render).join('');
  return escapeHtml(String(hole));
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Also what HTML cannot hold at all (control characters, lone surrogates) is taken out of the way. */
function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"'`]/g, (character) => ESCAPES[character] ?? '')
    .replace(CONTROL_CHARACTERS, '\uFFFD');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTERS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
