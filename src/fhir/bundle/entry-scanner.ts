/** An entry of a big Bundle as its bytes stand in the file. */
export interface ScannedEntry {
  readonly kind: 'entry';
  readonly bytes: Buffer;
  /** Of the entry's `{` in the file. */
  readonly offset: number;
  /** The line of the file on which it begins, from 1. */
  readonly line: number;
  readonly index: number;
}

/** An entry larger than the bound: passed over without holding it. */
export interface LongEntry {
  readonly kind: 'too-long';
  readonly offset: number;
  readonly line: number;
  readonly index: number;
}

interface OpenEntry {
  readonly offset: number;
  readonly line: number;
  pieces: Buffer[];
  length: number;
  tooLong: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
/** Containers inside containers, beyond which a text is not read as a Bundle. */
const DEPTH_MAX = 1024;
/** Longest top-level key or value that is remembered; `resourceType` and `entry` are what is looked for. */
const TOKEN_BYTES_MAX = 64;
const OBJECT = 1;
const ARRAY = 2;

/**
 * Cuts the entries out of a Bundle of any size as its bytes stream by. It knows JSON's structure (strings, brackets)
 * and nothing else: each entry is checked when it is parsed on its own.
 */
export class EntryScanner {
  /** The top-level `resourceType`, once it went by. */
  resourceType: string | undefined;
  /** Was it one JSON object, but with more behind it? Then it is NDJSON. */
  isFollowed = false;
  readonly #entryBytesMax: number;
  readonly #containers = new Uint8Array(DEPTH_MAX);
  #depth = 0;
  #inString = false;
  #escaped = false;
  #ended = false;
  #offset = 0;
  #line = 1;
  #index = 0;
  #token: number[] = [];
  #key = '';
  #afterColon = false;
  #inEntries = false;
  #entry: OpenEntry | undefined;

  constructor(entryBytesMax: number) {
    this.#entryBytesMax = entryBytesMax;
  }

  /** @throws SyntaxError when the text cannot be one JSON object */
  *push(chunk: Buffer): Generator<ScannedEntry | LongEntry> {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte === NEWLINE) this.#line++;
      if (this.#inString) {
        i = this.#string(chunk, i);
        continue;
      }
      if (byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09) continue;
      if (this.#ended) {
        this.isFollowed = true;
        throw new SyntaxError('something follows the end of the Bundle');
      }
      if (this.#depth === 0 && byte !== 0x7b) throw new SyntaxError('a Bundle begins with {');
      if (byte === QUOTE) {
        this.#inString = true;
        this.#token = [];
      } else if (byte === 0x3a && this.#depth === 1) {
        this.#key = Buffer.from(this.#token).toString('latin1');
        this.#afterColon = true;
      } else if (byte === 0x2c && this.#depth === 1) this.#endMember();
      else if (byte === 0x7b || byte === 0x5b) {
        if (this.#inEntries && this.#depth === 2 && byte === 0x7b) {
          this.#entry = { offset: this.#offset + i, line: this.#line, pieces: [], length: 0, tooLong: false };
          from = i;
        }
        this.#open(byte === 0x7b ? OBJECT : ARRAY);
      } else if (byte === 0x7d || byte === 0x5d) {
        this.#close(byte === 0x7d ? OBJECT : ARRAY);
        if (this.#entry && this.#depth === 2) {
          this.#keep(chunk.subarray(from, i + 1));
          yield this.#endEntry(this.#entry);
        }
      }
    }
    if (this.#entry) this.#keep(chunk.subarray(from));
    this.#offset += chunk.length;
  }

  /** @throws SyntaxError when the text ended before its last bracket */
  finish(): void {
    if (!this.#ended) throw new SyntaxError('the Bundle is cut off');
  }

  /** Jumps over a string; returns the index of its last byte in this chunk. */
  #string(chunk: Buffer, start: number): number {
    for (let i = start; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte === NEWLINE && i > start) this.#line++;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        return i;
      }
      if (this.#depth === 1 && this.#token.length < TOKEN_BYTES_MAX) this.#token.push(byte);
    }
    return chunk.length;
  }

  #open(kind: number): void {
    if (this.#depth >= DEPTH_MAX) throw new SyntaxError('the Bundle is nested too deep');
    this.#containers[this.#depth++] = kind;
    if (this.#depth === 2) this.#inEntries = kind === ARRAY && this.#afterColon && this.#key === 'entry';
  }

  #close(kind: number): void {
    if (this.#depth === 0 || this.#containers[--this.#depth] !== kind) throw new SyntaxError('brackets do not match');
    if (this.#depth > 0) return;
    this.#endMember();
    this.#ended = true;
  }

  #endMember(): void {
    if (this.#afterColon && this.#key === 'resourceType')
      this.resourceType = Buffer.from(this.#token).toString('latin1');
    this.#afterColon = false;
  }

  #keep(bytes: Buffer): void {
    const entry = this.#entry;
    if (!entry) return;
    entry.length += bytes.length;
    if (entry.length > this.#entryBytesMax) {
      entry.tooLong = true;
      entry.pieces = [];
    } else if (!entry.tooLong) entry.pieces.push(Buffer.from(bytes));
  }

  #endEntry({ offset, line, pieces, tooLong }: OpenEntry): ScannedEntry | LongEntry {
    this.#entry = undefined;
    const index = this.#index++;
    return tooLong
      ? { kind: 'too-long', offset, line, index }
      : { kind: 'entry', bytes: Buffer.concat(pieces), offset, line, index };
  }
}
