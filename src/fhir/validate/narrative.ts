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

/** Other character references than these could spell a scheme. */
const REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|nbsp);)#?[A-Za-z0-9]{1,32};/;
/** Cheap first look: most attributes have none of this. */
const SUSPECT = /on|script|data:|expression|binding|behavior|&/i;
/** One attribute, then the next: sticky, so that no input makes it look twice at the same place. */
const ATTRIBUTE = /[\s/]*([^\s=/]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']*))?/y;
const ACTIVE_VALUE =
  /^(?:javascript|vbscript|data:text|data:image\/svg)|expression\(|url\(["']?(?:javascript|data:text)|-moz-binding|behavior:/i;
const NAME = /[A-Za-z][A-Za-z0-9:]{0,20}(?=[\s/>])/y;

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
  let hasRoot = false;
  let end = 0;
  for (let start = text.indexOf('<'); start >= 0; start = text.indexOf('<', end)) {
    if (hasText(text, end, start)) {
      if (open.length === 0) return NOT_ONE_DIV;
      hasContent = true;
    }
    if (text.startsWith('<!--', start)) {
      const close = text.indexOf('-->', start + 4);
      if (close < 0) return NOT_ELEMENTS;
      end = close + 3;
      continue;
    }
    end = tagEnd(text, start);
    const isClosing = text.charCodeAt(start + 1) === 47; /* / */
    NAME.lastIndex = start + (isClosing ? 2 : 1);
    const name = NAME.exec(text)?.[0];
    if (end < 0 || name === undefined) return NOT_ELEMENTS;
    if (isClosing) {
      if (open.pop() !== name) return 'must be well formed: a closing tag does not match';
      continue;
    }
    if (!ELEMENTS.has(name)) return 'must hold basic formatting elements only (txt-1)';
    if (open.length === 0 && (hasRoot || name !== 'div')) return NOT_ONE_DIV;
    hasRoot = true;
    if (name === 'img') hasContent = true;
    const attributes = text.slice(NAME.lastIndex, end - 1);
    if (SUSPECT.test(attributes) && isActive(attributes)) return 'must not hold script or event handlers (txt-1)';
    if (!attributes.endsWith('/')) open.push(name);
    if (open.length > NESTING_MAX) return 'is nested too deeply';
  }
  if (open.length > 0) return 'must be well formed: a tag is not closed';
  if (!hasRoot || hasText(text, end, text.length)) return NOT_ONE_DIV;
  return hasContent ? undefined : 'must have some content (txt-2)';
}

const NOT_ONE_DIV = 'must be one div with nothing around it';
const NOT_ELEMENTS = 'must hold XHTML elements only: no declarations, and tags that are complete';
const NESTING_MAX = 200;

/** Position after the `>` of the tag; quoted attribute values may hold one. -1 when the tag does not end. */
function tagEnd(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === 62 /* > */) return index + 1;
    if (char === 60 /* < */) return -1;
    if (char === 34 /* " */ || char === 39 /* ' */) {
      index = text.indexOf(text.charAt(index), index + 1);
      if (index < 0) return -1;
    }
  }
  return -1;
}

/** Handlers (`onclick`), addresses that run, styles that do, and character references that could hide them. */
function isActive(attributes: string): boolean {
  ATTRIBUTE.lastIndex = 0;
  while (ATTRIBUTE.lastIndex < attributes.length) {
    const from = ATTRIBUTE.lastIndex;
    const [, name, quoted] = ATTRIBUTE.exec(attributes)!;
    if (/^on/i.test(name!)) return true;
    if (quoted !== undefined && (REFERENCE.test(quoted) || isActiveValue(quoted))) return true;
    // A stray quote or equals sign is part of no attribute.
    if (ATTRIBUTE.lastIndex === from) ATTRIBUTE.lastIndex++;
  }
  return false;
}

function isActiveValue(quoted: string): boolean {
  const value = /^["']/.test(quoted) ? quoted.slice(1, -1) : quoted;
  // Browsers skip white space and control characters inside a scheme, and a backslash in a style.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about them
  return ACTIVE_VALUE.test(value.replace(/[\u0000-\u0020\\]/g, ''));
}

function hasText(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (text.charCodeAt(index) > 32) return true;
  return false;
}
