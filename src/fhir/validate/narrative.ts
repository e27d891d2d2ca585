import type { Run } from './run.ts';

/**
 * What a narrative may be made of: the formatting elements of HTML 4 chapters 7 to 11 (without section 4 of chapter
 * 9) and 15, links and images (R4 narrative.html, txt-1).
 */
const ELEMENTS = new Set(
  (
    'div p br hr span h1 h2 h3 h4 h5 h6 a img map area b i u s em strong small big tt sub sup ins del abbr acronym ' +
    'address bdo blockquote q cite code dfn kbd pre samp var ul ol li dl dt dd table caption colgroup col thead tfoot ' +
    'tbody tr td th center font strike'
  ).split(' '),
);
const EMPTY = new Set(['br', 'hr', 'img', 'area', 'col']);

/** A tag, a comment, or any other markup that begins with `<`. Attribute values may hold `>`. */
const MARKUP = /<(?:(\/?)([A-Za-z][A-Za-z0-9:]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>|!--(?:(?!--)[\s\S])*-->)?/g;
/** Cheap first look: most attributes have none of this. */
const SUSPECT = /on[a-z]+\s*=|script|data:|expression|binding|behavior|&/i;
const ATTRIBUTE = /([^\s"'=/]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]*)/g;
/** White space and control characters inside a scheme are ignored by browsers; `\` hides in styles. */
const ACTIVE_VALUE =
  /^(?:javascript|vbscript|data:text|data:image\/svg)|expression\(|url\(["']?(?:javascript|data:text)|-moz-binding|behavior:/i;
/** Other character references than these could spell a scheme. */
const REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|nbsp);)#?[A-Za-z0-9]+;/;

/**
 * Checks a narrative's XHTML fast and without parsing it: one `div`, tags that close in order, known elements only, no
 * script, event handler, frame, form, DOCTYPE or entity declaration; some content (txt-2).
 *
 * Named entities such as `&reg;` are let through although R4 allows only the five of XML: published examples use them.
 */
export function checkNarrative(text: unknown, run: Run): void {
  if (typeof text !== 'string') {
    run.add('structure', 'must be a JSON string of XHTML');
    return;
  }
  const problem = narrativeProblem(text);
  if (problem !== undefined) run.add('invariant', problem);
}

function narrativeProblem(text: string): string | undefined {
  const open: string[] = [];
  let hasContent = false;
  let end = 0;
  let roots = 0;
  MARKUP.lastIndex = 0;
  for (let match = MARKUP.exec(text); match !== null; match = MARKUP.exec(text)) {
    if (match.index > end && hasText(text, end, match.index)) {
      if (open.length === 0) return 'must be one div with nothing around it';
      hasContent = true;
    }
    end = MARKUP.lastIndex;
    const whole = match[0];
    const name = match[2];
    if (name === undefined) {
      if (whole === '<') return 'must hold XHTML elements only: no declarations, and tags that are complete';
      continue;
    }
    if (match[1] === '/') {
      if (open.pop() !== name) return 'must be well formed: a closing tag does not match';
      continue;
    }
    if (!ELEMENTS.has(name)) return 'must hold basic formatting elements only (txt-1)';
    if (open.length === 0) {
      if (roots++ > 0 || name !== 'div') return 'must be one div with nothing around it';
    }
    const attributes = match[3]!;
    if (attributes.length > 1 && isActive(attributes)) return 'must not hold script or event handlers (txt-1)';
    if (name === 'img') hasContent = true;
    if (!attributes.endsWith('/')) {
      if (!EMPTY.has(name) || hasClosing(text, end, name)) open.push(name);
      else return 'must be well formed: a tag is not closed';
    }
  }
  if (end < text.length && hasText(text, end, text.length)) return 'must be one div with nothing around it';
  if (roots === 0) return 'must be one div with nothing around it';
  if (open.length > 0) return 'must be well formed: a tag is not closed';
  return hasContent ? undefined : 'must have some content (txt-2)';
}

/** Handlers (`onclick`), addresses that run, styles that do, and character references that could hide them. */
function isActive(attributes: string): boolean {
  if (!SUSPECT.test(attributes)) return false;
  for (const [, name, quoted] of attributes.matchAll(ATTRIBUTE)) {
    if (/^on/i.test(name!)) return true;
    if (REFERENCE.test(quoted!)) return true;
    const value = /^["']/.test(quoted!) ? quoted!.slice(1, -1) : quoted!;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers skip them inside a scheme
    if (ACTIVE_VALUE.test(value.replace(/[\u0000-\u0020\\]/g, ''))) return true;
  }
  return false;
}

function hasClosing(text: string, from: number, name: string): boolean {
  return text.startsWith(`</${name}>`, from);
}

function hasText(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (text.charCodeAt(index) > 32) return true;
  return false;
}
