/** What starts a binary COPY: its signature, no flags, no extension; and what ends it. */
export const COPY_START = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
export const COPY_END = Buffer.from([0xff, 0xff]);

/** Where PostgreSQL counts time from. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
/** UTF-16 units up to which a text is written here. */
const SHORT = 80;
/** Types of array elements, by PostgreSQL's fixed numbers. */
const ELEMENT = { bytea: 17, int2: 21, text: 25 } as const;

/**
 * Writes values in the binary form that PostgreSQL reads in COPY and as parameters: each a length and its bytes. The
 * buffer grows as needed.
 */
export class CopyWriter {
  at = 0;
  #buffer: Buffer<ArrayBuffer>;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  /** What was written, in memory of its own that can be handed to another thread. */
  finish(): Buffer<ArrayBuffer> {
    return this.#buffer.subarray(0, this.at);
  }

  /** The number of columns that follow. */
  row(columns: number): void {
    this.#room(2);
    this.at = this.#buffer.writeInt16BE(columns, this.at);
  }

  null(): void {
    this.#raw4(-1);
  }

  boolean(value: boolean): void {
    this.#raw4(1);
    this.#room(1);
    this.#buffer[this.at++] = value ? 1 : 0;
  }

  int2(value: number): void {
    this.#raw4(2);
    this.#room(2);
    this.at = this.#buffer.writeInt16BE(value, this.at);
  }

  int4(value: number): void {
    this.#raw4(4);
    this.#raw4(value);
  }

  int8(value: bigint): void {
    this.#raw4(8);
    this.#room(8);
    this.at = this.#buffer.writeBigInt64BE(value, this.at);
  }

  bytes(value: Uint8Array): void {
    this.#raw4(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.at);
    this.at += value.length;
  }

  text(value: string): void {
    this.#room(4 + bytesAtMost(value));
    const start = this.at + 4;
    const end = value.length <= SHORT ? this.#writeShort(value, start) : start + this.#buffer.write(value, start);
    this.#buffer.writeInt32BE(end - start, this.at);
    this.at = end;
  }

  /** Most texts are search tokens, for which a call into the runtime takes longer than writing them. Returns their end. */
  #writeShort(value: string, start: number): number {
    const buffer = this.#buffer;
    let at = start;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code < 0x80) buffer[at++] = code;
      else if (code < 0x800) {
        buffer[at++] = 0xc0 | (code >> 6);
        buffer[at++] = 0x80 | (code & 0x3f);
      } else if (code < 0xd800 || code > 0xdfff) {
        buffer[at++] = 0xe0 | (code >> 12);
        buffer[at++] = 0x80 | ((code >> 6) & 0x3f);
        buffer[at++] = 0x80 | (code & 0x3f);
      } else return start + buffer.write(value, start);
    }
    return at;
  }

  /** A value made of several texts. */
  texts(...parts: readonly string[]): void {
    const start = this.at;
    this.#raw4(0);
    for (const part of parts) {
      this.#room(bytesAtMost(part));
      this.at += this.#buffer.write(part, this.at);
    }
    this.#buffer.writeInt32BE(this.at - start - 4, start);
  }

  jsonb(value: string): void {
    this.texts('\u0001', value);
  }

  timestamp(instant: string | undefined): void {
    if (instant === undefined) this.null();
    else this.int8(microsecondsOf(instant));
  }

  textArray(values: readonly string[]): void {
    this.#array(ELEMENT.text, values.length, () => {
      for (const value of values) this.text(withoutNull(value));
    });
  }

  int2Array(values: readonly number[]): void {
    this.#array(ELEMENT.int2, values.length, () => {
      for (const value of values) this.int2(value);
    });
  }

  /** One dimension, nothing null; an empty array has no dimension. */
  #array(oid: number, length: number, writeValues: () => void): void {
    const start = this.at;
    this.#raw4(0);
    this.arrayHead(oid, length);
    writeValues();
    this.#buffer.writeInt32BE(this.at - start - 4, start);
  }

  /** What stands before the values of an array that is a parameter of its own. */
  arrayHead(oid: number, length: number): void {
    this.#raw4(length === 0 ? 0 : 1);
    this.#raw4(0);
    this.#raw4(oid);
    if (length === 0) return;
    this.#raw4(length);
    this.#raw4(1);
  }

  #raw4(value: number): void {
    this.#room(4);
    this.at = this.#buffer.writeInt32BE(value, this.at);
  }

  #room(bytes: number): void {
    const wanted = this.at + bytes;
    if (wanted <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.at));
    this.#buffer = larger;
  }
}

/** PostgreSQL's text cannot hold U+0000. */
export function withoutNull(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '') : text;
}

/** Three bytes are the most that UTF-8 needs for a UTF-16 unit; counting is only worth it where much would be wasted. */
function bytesAtMost(text: string): number {
  return text.length < 64 * 1024 ? text.length * 3 : Buffer.byteLength(text);
}

/** Arrays as parameters of a statement. */
export const int2Array = (values: readonly number[]): Buffer =>
  arrayOf(ELEMENT.int2, values, (writer, value) => writer.int2(value));
export const textArray = (values: readonly string[]): Buffer =>
  arrayOf(ELEMENT.text, values, (writer, value) => writer.text(value));
export const byteaArray = (values: readonly Uint8Array[]): Buffer =>
  arrayOf(ELEMENT.bytea, values, (writer, value) => writer.bytes(value));

function arrayOf<T>(oid: number, values: readonly T[], write: (writer: CopyWriter, value: T) => void): Buffer {
  const writer = new CopyWriter(values.length * 40 + 20);
  writer.arrayHead(oid, values.length);
  for (const value of values) write(writer, value);
  return writer.finish();
}

/** Microseconds from 2000 on, as a timestamp is stored; PostgreSQL rounds what is finer, and we cut it. */
export function microsecondsOf(instant: string): bigint {
  const fraction = /\.\d{3}(\d{1,3})/.exec(instant)?.[1];
  const microseconds = BigInt(Date.parse(instant) - EPOCH_MS) * 1000n;
  return fraction === undefined ? microseconds : microseconds + BigInt(fraction.padEnd(3, '0'));
}
