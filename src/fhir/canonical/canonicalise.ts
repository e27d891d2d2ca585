import { isUtf8 } from 'node:buffer';

/** Deeper nesting is no FHIR resource: the deepest elements of R4 lie at about 20. */
const DEPTH_MAX = 100;

export type CanonicalReason = 'not-utf8' | 'not-json' | 'not-an-object' | 'duplicate-key' | 'escaped-key' | 'too-deep';

/** A text that cannot be stored; `offset` is the byte at fault. Nothing of the content is in it. */
export class CanonicalRefusal extends Error {
  override readonly name = 'CanonicalRefusal';
  readonly reason: CanonicalReason;
  readonly offset: number;
  constructor(reason: CanonicalReason, offset: number) {
    super(reason);
    this.reason = reason;
    this.offset = offset;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** The keys of one open object: hashes to compare quickly, ranges to compare exactly. */
interface OpenObject {
  count: number;
  readonly hashes: number[];
  readonly starts: number[];
  readonly ends: number[];
}

/**
 * The form in which resources are stored and sent: one object, valid UTF-8, no whitespace outside strings, keys without
 * escapes and never twice in an object. Numbers and strings stay as they were written: `1.50` does not become `1.5`.
 *
 * One pass over the bytes; a text that is canonical already is not copied. Source: storage.md 3.
 *
 * @throws CanonicalRefusal
 */
export function canonicalise(input: Buffer): string {
  if (!isUtf8(input)) throw new CanonicalRefusal('not-utf8', 0);
  return new Canonicaliser(input).run();
}

/** Is this line in the stored form? */
export function isCanonical(line: Buffer | string): boolean {
  const bytes = typeof line === 'string' ? Buffer.from(line) : line;
  try {
    return canonicalise(bytes) === bytes.toString('utf8');
  } catch {
    return false;
  }
}

class Canonicaliser {
  readonly #bytes: Buffer;
  #at = 0;
  /** Pieces of the result before `#keptFrom`; empty while nothing had to be changed. */
  readonly #pieces: string[] = [];
  #keptFrom = 0;
  readonly #open: OpenObject[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  run(): string {
    this.#skipSpace();
    if (this.#at >= this.#bytes.length) this.#fail('not-json');
    if (this.#bytes[this.#at] !== OPEN_OBJECT) {
      this.#value(0);
      this.#skipSpace();
      this.#fail(this.#at === this.#bytes.length ? 'not-an-object' : 'not-json');
    }
    this.#value(0);
    this.#skipSpace();
    if (this.#at !== this.#bytes.length) this.#fail('not-json');
    const rest = this.#bytes.toString('utf8', this.#keptFrom, this.#at);
    return this.#pieces.length === 0 ? rest : this.#pieces.join('') + rest;
  }

  #fail(reason: CanonicalReason): never {
    throw new CanonicalRefusal(reason, this.#at);
  }

  #skipSpace(): void {
    const from = this.#at;
    let byte = this.#bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#bytes[++this.#at];
    if (this.#at > from) this.#leaveOut(from);
  }

  /** What lies between `from` and the current position does not belong to the result. */
  #leaveOut(from: number): void {
    if (from > this.#keptFrom) this.#pieces.push(this.#bytes.toString('utf8', this.#keptFrom, from));
    this.#keptFrom = this.#at;
  }

  #value(depth: number): void {
    if (depth > DEPTH_MAX) this.#fail('too-deep');
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) this.#string();
    else if (byte === OPEN_OBJECT) this.#object(depth);
    else if (byte === OPEN_ARRAY) this.#array(depth);
    else if (byte === 0x74) this.#word('true');
    else if (byte === 0x66) this.#word('false');
    else if (byte === 0x6e) this.#word('null');
    else this.#number();
  }

  #object(depth: number): void {
    const keys = this.#keysAt(depth);
    keys.count = 0;
    this.#at++;
    this.#skipSpace();
    if (this.#bytes[this.#at] === CLOSE_OBJECT) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#key(keys);
      this.#skipSpace();
      if (this.#bytes[this.#at] !== COLON) this.#fail('not-json');
      this.#at++;
      this.#skipSpace();
      this.#value(depth + 1);
      this.#skipSpace();
      const byte = this.#bytes[this.#at++];
      if (byte === CLOSE_OBJECT) return;
      if (byte !== COMMA) this.#fail('not-json');
      this.#skipSpace();
    }
  }

  #array(depth: number): void {
    this.#at++;
    this.#skipSpace();
    if (this.#bytes[this.#at] === CLOSE_ARRAY) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#value(depth + 1);
      this.#skipSpace();
      const byte = this.#bytes[this.#at++];
      if (byte === CLOSE_ARRAY) return;
      if (byte !== COMMA) this.#fail('not-json');
      this.#skipSpace();
    }
  }

  #keysAt(depth: number): OpenObject {
    this.#open[depth] ??= { count: 0, hashes: [], starts: [], ends: [] };
    return this.#open[depth];
  }

  #key(keys: OpenObject): void {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== QUOTE) this.#fail('not-json');
    const start = this.#at + 1;
    let hash = 0;
    let at = start;
    let byte = bytes[at] as number;
    while (byte !== QUOTE && byte !== BACKSLASH && byte >= 0x20) {
      hash = (Math.imul(hash, 31) + byte) | 0;
      byte = bytes[++at] as number;
    }
    if (byte !== QUOTE) {
      this.#escapedKey(start);
      return;
    }
    this.#at = at + 1;
    for (let i = 0; i < keys.count; i++) {
      if (keys.hashes[i] !== hash) continue;
      const length = (keys.ends[i] as number) - (keys.starts[i] as number);
      if (length === at - start && bytes.compare(bytes, start, at, keys.starts[i], keys.ends[i]) === 0)
        this.#fail('duplicate-key');
    }
    keys.hashes[keys.count] = hash;
    keys.starts[keys.count] = start;
    keys.ends[keys.count++] = at;
  }

  /** No name of FHIR needs an escape; two spellings of one key would make the text's meaning a matter of taste. */
  #escapedKey(start: number): never {
    this.#at = start - 1;
    this.#string();
    this.#fail('escaped-key');
  }

  #string(): void {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    for (;;) {
      const byte = bytes[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        at = this.#escape(at + 1);
        continue;
      }
      if (byte === undefined || byte < 0x20) {
        this.#at = at;
        this.#fail('not-json');
      }
      at++;
    }
    this.#at = at + 1;
  }

  #escape(at: number): number {
    const byte = this.#bytes[at];
    if (byte === 0x75) {
      for (let i = 1; i <= 4; i++) {
        const digit = this.#bytes[at + i] ?? 0;
        if (!((digit >= 0x30 && digit <= 0x39) || ((digit | 0x20) >= 0x61 && (digit | 0x20) <= 0x66))) {
          this.#at = at;
          this.#fail('not-json');
        }
      }
      return at + 5;
    }
    // " \ / b f n r t
    if (
      byte === QUOTE ||
      byte === BACKSLASH ||
      byte === 0x2f ||
      byte === 0x62 ||
      byte === 0x66 ||
      byte === 0x6e ||
      byte === 0x72 ||
      byte === 0x74
    )
      return at + 1;
    this.#at = at;
    return this.#fail('not-json');
  }

  #word(word: string): void {
    for (let i = 0; i < word.length; i++) if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) this.#fail('not-json');
    this.#at += word.length;
  }

  #number(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    const digits = (): void => {
      const from = at;
      while ((bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39) at++;
      if (at === from) this.#fail('not-json');
    };
    if (bytes[at] === 0x2d) at++;
    if (bytes[at] === 0x30) at++;
    else digits();
    if (bytes[at] === 0x2e) {
      at++;
      digits();
    }
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      at++;
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++;
      digits();
    }
    this.#at = at;
  }
}
