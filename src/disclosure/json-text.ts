const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * Reading canonical JSON text by position: no whitespace outside strings, keys without escapes. Nothing is parsed, so
 * numbers keep their digits, and what is kept is copied as it stands.
 */

/** The index behind a string that begins at `at`. */
export function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); ; end = text.indexOf('"', end + 1)) {
    if (end < 0) throw new SyntaxError('not canonical JSON');
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
}

/** The index behind the value that begins at `at`. */
export function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return endOfString(text, at);
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i) - 1;
    else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) {
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (code === COMMA && depth === 0) return i;
  }
  return text.length;
}

/** Visits the members of the object at `at`; `value` is the text of each value. */
export function eachMember(text: string, at: number, visit: (key: string, value: string) => void): void {
  let next = at + 1;
  while (text.charCodeAt(next) === QUOTE) {
    const keyEnd = endOfString(text, next);
    const end = endOfValue(text, keyEnd + 1);
    visit(text.slice(next + 1, keyEnd - 1), text.slice(keyEnd + 1, end));
    next = end + 1;
  }
}

/** The texts of the elements of an array. */
export function elementsOf(array: string): string[] {
  const elements: string[] = [];
  for (let at = 1; at < array.length - 1; ) {
    const end = endOfValue(array, at);
    elements.push(array.slice(at, end));
    at = end + 1;
  }
  return elements;
}

export const isObject = (value: string): boolean => value.charCodeAt(0) === 0x7b;
export const isArray = (value: string): boolean => value.charCodeAt(0) === 0x5b;
