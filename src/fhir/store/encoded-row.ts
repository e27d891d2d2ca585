import { rtOf } from '../resource-types.ts';
import { CopyWriter, microsecondsOf, withoutNull } from './copy-writer.ts';
import { sharedReferencesOf } from './owner.ts';
import { memberKey, type PreparedResource } from './prepare.ts';

/** The columns of the staging table, in the order of a row: those of fixed size first, so that their places are known. */
export const STAGE_COLUMNS = [
  'version int',
  'last_updated timestamptz',
  'rt smallint',
  'mk bigint',
  'hash bytea',
  // The key of the line that it was read from; zeros when there is none.
  'source bytea',
  'financial boolean',
  'date_lo timestamptz',
  'date_hi timestamptz',
  'id text collate "C"',
  'member_id text collate "C"',
  'tokens text[] collate "C"',
  'refs text[] collate "C"',
  // The shared resources that the resource names.
  'shared_rt smallint[]',
  'shared_id text[] collate "C"',
  'extra jsonb',
  'content text',
] as const;

/** Places in a row, from its start. Each value stands behind the four bytes of its length. */
const VERSION_AT = 6;
const LAST_UPDATED_AT = 14;
const RT_AT = 26;
const MK_AT = 32;
const HASH_AT = 44;
/** Of a hash, and of the key of a line. */
const KEY_BYTES = 16;
const NO_SOURCE = new Uint8Array(KEY_BYTES);
const SOURCE_AT = 64;
const DATE_LO_AT = 89;

/** Stands where the write time goes, in the column and in the content, until it is known. */
const UNKNOWN_TIME = -(2n ** 63n);
const UNKNOWN_TIME_TEXT = '0000-00-00T00:00:00.000Z';
const BEFORE_TIME = '","lastUpdated":"';

/** Rows for the staging table, one behind the other, and for each row where it starts, where its content and its version's digit are. */
export interface RowBlock {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly places: Uint32Array<ArrayBuffer>;
}

/** Numbers for each row in `places`: start, length of the content, digit of the version in the content. */
const PLACES = 3;

/** A resource whose row is made, but for its version and its write time. */
export interface EncodedResource {
  readonly type: string;
  readonly rt: number;
  readonly id: string;
  /** Id of the Patient it belongs to; null for shared resources. */
  readonly owner: string | null;
  readonly block: RowBlock;
  /** Its place in the block. */
  readonly row: number;
  /** Its canonical JSON, where someone still needs it. */
  readonly text: string | undefined;
}

/**
 * Makes rows of the staging table as PostgreSQL's binary COPY reads them. On the thread that parsed the resource, because
 * then the values need not be copied to another: handing over the objects took longer than making them.
 */
export class RowEncoder {
  readonly #tenantId: number;
  readonly #writer: CopyWriter;
  readonly #places: number[] = [];
  #lastOwner = '';
  #lastKey = 0n;

  /** @param bytes about as many as will be needed */
  constructor(tenantId: number, bytes: number) {
    this.#tenantId = tenantId;
    this.#writer = new CopyWriter(bytes);
  }

  /**
   * @param owner the resource's, or that of its target
   * @param source the key of the line that it was read from, if whatever becomes of the line is told by it alone
   * @returns the row's place in the block
   */
  add(resource: PreparedResource, owner: string | null, source: Uint8Array = NO_SOURCE): number {
    const { at } = this.#writer;
    const time = usableTime(resource.sourceLastUpdated);
    this.#writer.row(STAGE_COLUMNS.length);
    this.#writer.int4(1);
    this.#writer.int8(time === undefined ? UNKNOWN_TIME : microsecondsOf(time));
    this.#writer.int2(resource.rt);
    this.#writer.int8(owner === null ? 0n : this.#keyOf(owner));
    this.#writer.bytes(resource.hash);
    this.#writer.bytes(source);
    this.#writer.boolean(resource.financial);
    this.#writer.timestamp(resource.dateLo);
    this.#writer.timestamp(resource.dateHi);
    this.#writer.text(resource.id);
    this.#writer.text(owner ?? '');
    this.#writer.textArray(resource.tokens);
    this.#writer.textArray(resource.refs);
    const shared = owner === null ? [] : sharedReferencesOf(resource.refs);
    this.#writer.int2Array(shared.map(({ type }) => rtOf(type)));
    this.#writer.textArray(shared.map(({ id }) => id));
    if (resource.extra === undefined) this.#writer.null();
    else this.#writer.jsonb(jsonbText(resource.extra));
    const contentAt = this.#writer.at;
    const versionAt = this.#content(resource, time ?? UNKNOWN_TIME_TEXT);
    this.#places.push(at, contentAt, versionAt);
    return this.#places.length / PLACES - 1;
  }

  finish(): RowBlock {
    return { bytes: this.#writer.finish(), places: Uint32Array.from([...this.#places, this.#writer.at]) };
  }

  /** A member's resources of one type mostly lie together in a feed. */
  #keyOf(owner: string): bigint {
    if (owner !== this.#lastOwner) {
      this.#lastKey = memberKey(this.#tenantId, owner);
      this.#lastOwner = owner;
    }
    return this.#lastKey;
  }

  /** The text as it is stored and sent, with the version and the time in meta. Returns where the version's digit is. */
  #content({ text, metaAt, hasMeta }: PreparedResource, time: string): number {
    const head = text.slice(0, metaAt) + (hasMeta ? '"versionId":"' : ',"meta":{"versionId":"');
    const tail = (hasMeta ? '",' : '"}') + text.slice(metaAt);
    const middle = `1${BEFORE_TIME}${time}`;
    this.#writer.texts(head, middle, tail);
    return this.#writer.at - Buffer.byteLength(tail) - middle.length;
  }
}

export const hashOf = ({ block, row }: EncodedResource): Buffer => {
  const start = startOf(block, row) + HASH_AT;
  return block.bytes.subarray(start, start + KEY_BYTES);
};

/** Zeros when there is none. */
export const sourceOf = ({ block, row }: EncodedResource): Buffer => {
  const start = startOf(block, row) + SOURCE_AT;
  return block.bytes.subarray(start, start + KEY_BYTES);
};

export const mkOf = ({ block, row }: EncodedResource): string =>
  String(block.bytes.readBigInt64BE(startOf(block, row) + MK_AT));

/**
 * The row with its version and, unless the source gave a time, its write time.
 *
 * @param writeTime ISO, milliseconds
 */
export function finishedRow({ block, row }: EncodedResource, version: number, writeTime: string): Buffer {
  const { bytes, places } = block;
  const start = startOf(block, row);
  const contentAt = places[row * PLACES + 1] as number;
  const versionAt = places[row * PLACES + 2] as number;
  const end = startOf(block, row + 1);
  bytes.writeInt32BE(version, start + VERSION_AT);
  if (bytes.readBigInt64BE(start + LAST_UPDATED_AT) === UNKNOWN_TIME) {
    bytes.writeBigInt64BE(microsecondsOf(writeTime), start + LAST_UPDATED_AT);
    bytes.write(writeTime, versionAt + 1 + BEFORE_TIME.length, 'latin1');
  }
  const digits = String(version);
  if (digits.length === 1) {
    bytes[versionAt] = digits.charCodeAt(0);
    return bytes.subarray(start, end);
  }
  const longer = Buffer.concat([
    bytes.subarray(start, versionAt),
    Buffer.from(digits),
    bytes.subarray(versionAt + 1, end),
  ]);
  longer.writeInt32BE(end - contentAt - 4 + digits.length - 1, contentAt - start);
  return longer;
}

export const rowBytes = ({ block, row }: EncodedResource): number => startOf(block, row + 1) - startOf(block, row);

/** What rows are sorted by, so that those of one member lie together, by type and date (storage.md 5, locality). */
export interface StorageOrder {
  readonly mk: number;
  readonly rt: number;
  readonly date: number;
}

export function storageOrderOf({ block, row }: EncodedResource): StorageOrder {
  const { bytes } = block;
  const start = startOf(block, row);
  const hasDate = bytes.readInt32BE(start + DATE_LO_AT - 4) > 0;
  return {
    // Rounded: two members may share it, which costs a little locality and nothing else.
    mk: Number(bytes.readBigInt64BE(start + MK_AT)),
    rt: bytes.readInt16BE(start + RT_AT),
    date: hasDate ? Number(bytes.readBigInt64BE(start + DATE_LO_AT)) : Number.MAX_VALUE,
  };
}

export const compareStorageOrder = (a: StorageOrder, b: StorageOrder): number =>
  a.mk - b.mk || a.rt - b.rt || a.date - b.date;

const startOf = ({ places }: RowBlock, row: number): number => places[row * PLACES] as number;

/** The source's time if it is given and not in the future (product.md, two times). */
function usableTime(sourceLastUpdated: string | undefined): string | undefined {
  return sourceLastUpdated !== undefined && Date.parse(sourceLastUpdated) <= Date.now() ? sourceLastUpdated : undefined;
}

/** PostgreSQL's jsonb can hold neither U+0000 nor half of a surrogate pair. */
function jsonbText(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes('\\u')) return text;
  return JSON.stringify(value, (_key, each) => (typeof each === 'string' ? withoutNull(each).toWellFormed() : each));
}
