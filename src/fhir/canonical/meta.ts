const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A resource's text without the two elements of meta that the store sets, and where they go in again. */
export interface MetaSplit {
  readonly text: string;
  /** Offset at which `spliceMeta` inserts. */
  readonly at: number;
  /** Is there a meta with elements of its own? One with only the server's is taken out whole. */
  readonly hasMeta: boolean;
  /** As the source wrote it. */
  readonly lastUpdated: string | undefined;
}

/**
 * Takes `meta.versionId` and `meta.lastUpdated` out of a canonical resource text. What is left is what the hash is made
 * of, so that a nightly feed that only stamps the time changes nothing (storage.md 2).
 */
export function splitMeta(text: string): MetaSplit {
  const range = topLevelValue(text, 'meta');
  if (!range) return { text, at: afterFirstMember(text), hasMeta: false, lastUpdated: undefined };
  const kept: string[] = [];
  let lastUpdated: string | undefined;
  for (let at = range.start + 1; text.charCodeAt(at) === QUOTE; ) {
    const keyEnd = endOfString(text, at);
    const end = endOfValue(text, keyEnd + 1);
    const key = text.slice(at + 1, keyEnd - 1);
    if (key === 'lastUpdated') lastUpdated = text.slice(keyEnd + 2, end - 1);
    else if (key !== 'versionId') kept.push(text.slice(at, end));
    at = end + 1;
  }
  if (kept.length === 0) {
    const without = text.slice(0, range.memberStart).replace(/,$/, '') + text.slice(range.end);
    const rest = without.startsWith('{,') ? `{${without.slice(2)}` : without;
    return { text: rest, at: afterFirstMember(rest), hasMeta: false, lastUpdated };
  }
  return {
    text: `${text.slice(0, range.start)}{${kept.join(',')}}${text.slice(range.end)}`,
    at: range.start + 1,
    hasMeta: true,
    lastUpdated,
  };
}

/** The text as it is stored and sent, with the version and the time in meta. 2 µs a resource. */
export function spliceMeta(
  split: Pick<MetaSplit, 'text' | 'at' | 'hasMeta'>,
  version: number,
  lastUpdated: string,
): string {
  const elements = `"versionId":"${version}","lastUpdated":"${lastUpdated}"`;
  const inserted = split.hasMeta ? `${elements},` : `,"meta":{${elements}}`;
  return split.text.slice(0, split.at) + inserted + split.text.slice(split.at);
}

/** Where the value of a member of the outermost object stands. */
function topLevelValue(text: string, name: string): { memberStart: number; start: number; end: number } | undefined {
  for (let at = 1; text.charCodeAt(at) === QUOTE; ) {
    const keyEnd = endOfString(text, at);
    const end = endOfValue(text, keyEnd + 1);
    if (keyEnd - at === name.length + 2 && text.startsWith(name, at + 1))
      return { memberStart: at, start: keyEnd + 1, end };
    at = end + 1;
  }
  return undefined;
}

/** Every resource has at least `resourceType`. */
function afterFirstMember(text: string): number {
  return endOfValue(text, endOfString(text, 1) + 1);
}

function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
}

function endOfValue(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = endOfString(text, i) - 1;
      if (depth === 0) return i + 1;
    } else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) {
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (code === 0x2c && depth === 0) return i;
  }
  return text.length;
}
