import type { Outline } from './json-outline.ts';

const COMMA = 0x2c;
const CURRENCY_NUMBER = Buffer.from('4217');
/** Rooms are cut from a slab: a buffer of its own for each line of some kilobytes costs more than its content. */
const SLAB_BYTES = 256 * 1024;
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabUsed = 0;

function room(length: number): Buffer {
  if (length > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(length);
  if (slabUsed + length > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

/** Short runs are copied byte by byte: a call costs more. */
const SHORT_RUN_BYTES = 64;

/**
 * A line under rewriting: what is cut out of its bytes and what is put in, in the order of the text. Everything else is
 * kept as it stands.
 */
export class Rewriting {
  line: Outline;
  /** Could the currency system ISO 4217 be named anywhere? A look at the bytes that saves one at each `system`. */
  namesCurrencySystem = false;
  /** Edits, one after the other: from, to, and the text that comes there. The arrays never shrink: that is slow. */
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #text: string[] = [];
  #edits = 0;

  constructor(line: Outline) {
    this.line = line;
    this.begin(line);
  }

  /** Begins anew, with another line: what was edited before is forgotten. */
  begin(line: Outline): this {
    this.line = line;
    // Behind an escape anything may stand.
    this.namesCurrencySystem = line.hasEscapes || line.bytes.includes(CURRENCY_NUMBER);
    this.#edits = 0;
    return this;
  }

  /** A mark to which `undo` can return: the number of edits so far. */
  get mark(): number {
    return this.#edits;
  }

  /** Takes back every edit since the mark: what they were about goes as a whole. */
  undo(mark: number): void {
    this.#edits = mark;
  }

  cut(from: number, to: number): void {
    const last = this.#edits - 1;
    // What goes together is one cut.
    if (last >= 0 && this.#to[last] === from && this.#text[last] === '') this.#to[last] = to;
    else this.put(from, to, '');
  }

  /** Puts a text, in latin1, in the place of some bytes. Edits are made from the left to the right. */
  put(from: number, to: number, text: string): void {
    const edit = this.#edits++;
    this.#from[edit] = from;
    this.#to[edit] = to;
    this.#text[edit] = text;
  }

  /** Fills in a text that could not be known when its place was passed. */
  fill(mark: number, text: string): void {
    this.#text[mark] = text;
  }

  /** What is left of a node, its bytes as characters. */
  textOf(node: number): string {
    return this.mark === 0 ? this.line.textOf(node) : this.bytesOf(node).toString('latin1');
  }

  /** What is left of a node, as bytes. */
  bytesOf(node: number): Buffer {
    const { bytes } = this.line;
    const end = this.line.end[node]!;
    let from = this.line.start[node]!;
    let length = end - from;
    for (let i = 0; i < this.#edits; i++) length += this.#text[i]!.length - (this.#to[i]! - this.#from[i]!);
    const out = room(length);
    let at = 0;
    for (let i = 0; i < this.#edits; i++) {
      at = copied(bytes, from, this.#from[i]!, out, at);
      const text = this.#text[i]!;
      if (text !== '') at += out.write(text, at, 'latin1');
      from = this.#to[i]!;
    }
    copied(bytes, from, end, out, at);
    return out;
  }
}

function copied(bytes: Buffer, from: number, to: number, out: Buffer, at: number): number {
  if (to - from > SHORT_RUN_BYTES) bytes.copy(out, at, from, to);
  else for (let i = 0; i < to - from; i++) out[at + i] = bytes[from + i]!;
  return at + to - from;
}

/** Decides on one value and what is in it. False: it goes, whatever was edited in it. */
export type Rewrite = (rewriting: Rewriting, node: number) => boolean;

/**
 * Asks for each member or element whether it stays, and cuts out those that do not, with one of the commas around each.
 *
 * @returns false when none stays
 */
export function eachPart(rewriting: Rewriting, node: number, stays: Rewrite): boolean {
  const { line } = rewriting;
  const { bytes } = line;
  const last = line.next[node]!;
  let isEmpty = true;
  for (let part = node + 1; part < last; part = line.next[part]!) {
    const { mark } = rewriting;
    if (stays(rewriting, part)) {
      isEmpty = false;
      continue;
    }
    rewriting.undo(mark);
    const from = line.key[part]! >= 0 ? line.key[part]! : line.start[part]!;
    const to = line.end[part]!;
    if (!isEmpty) rewriting.cut(from - 1, to);
    else rewriting.cut(from, bytes[to] === COMMA ? to + 1 : to);
  }
  return !isEmpty;
}
