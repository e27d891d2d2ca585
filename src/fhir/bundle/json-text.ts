/** Where a value stands in a JSON text: `text.slice(start, end)`. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The members of an object in canonical JSON text (no whitespace outside strings, keys without escapes), with the
 * ranges of their values. Nothing is parsed, so that numbers keep their source digits.
 *
 * @param at the index of the object's `{`
 */
export function membersOf(text: string, at: number): Map<string, TextRange> {
  const members = new Map<string, TextRange>();
  let next = at + 1;
  while (text.charCodeAt(next) === QUOTE) {
    const keyEnd = endOfString(text, next);
    const start = keyEnd + 1;
    const end = endOfValue(text, start);
    members.set(text.slice(next + 1, keyEnd - 1), { start, end });
    next = end + 1;
  }
  return members;
}

/** The ranges of an array's elements in canonical JSON text. `at` is the index of its `[`. */
export function elementsOf(text: string, at: number): TextRange[] {
  const elements: TextRange[] = [];
  for (let start = at + 1; text[start] !== ']' && start < text.length; ) {
    const end = endOfValue(text, start);
    elements.push({ start, end });
    if (text[end] !== ',') break;
    start = end + 1;
  }
  return elements;
}

/** One past the last character of the value that begins at `start`. */
function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== '{' && first !== '[') {
    let end = start;
    while (end < text.length && !',}]'.includes(text[end] as string)) end++;
    return end;
  }
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i) - 1;
    else if (code === 0x7b || code === 0x5b) depth++;
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return i + 1;
  }
  throw new SyntaxError('a JSON value does not end');
}

/** One past the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((quote - 1 - before) % 2 === 0) return quote + 1;
  }
  throw new SyntaxError('a JSON string does not end');
}
