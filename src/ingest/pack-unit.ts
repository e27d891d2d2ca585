import { rtOf } from '#/fhir/resource-types.ts';
import { RowEncoder } from '#/fhir/store/encoded-row.ts';
import type { PreparedResource } from '#/fhir/store/prepare.ts';
import type { Labeller } from '#/sensitivity/label-resource.ts';
import type { FeedItem, FeedUnit, PreparedItem } from './feed-item.ts';
import { prepareUnit, type Unit } from './prepare-unit.ts';
import { sourceKey } from './source-key.ts';

/** What the member index reads once more; of everything else the row is enough. */
const TEXT_WANTED: ReadonlySet<string> = new Set(['Patient', 'Coverage']);
/** A row is its text and about as much again of search values. */
const ROW_BYTES_PER_BYTE = 2;

/**
 * A prepared unit on its way between threads: its rows as bytes that are handed over, and beside them one text. As objects with
 * their search values, 60,000 resources cost the receiving thread 3 s, and the collectors of all threads 5 s.
 */
export interface PackedUnit {
  readonly lines: number;
  readonly isFhir: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: Uint32Array<ArrayBuffer>;
  /** JSON of `PackedRow[]`. */
  readonly rows: string;
  /** What is no row, with its place among the items. */
  readonly others: readonly (readonly [number, PreparedItem<PreparedResource>])[];
}

type PackedRow = readonly [
  item: number,
  line: number,
  entry: string | null,
  type: string,
  id: string,
  owner: string | null,
  text: string | null,
];

export interface Packing {
  readonly tenantId: number;
  /** The beginning of the keys of lines. */
  readonly program: Uint8Array;
  readonly labeller: Labeller;
}

/** Prepares a unit and makes its rows, one resource after the other, so that little of one outlives it. */
export function packUnit(unit: Unit, { tenantId, program, labeller }: Packing): PackedUnit {
  const encoder = new RowEncoder(tenantId, ROW_BYTES_PER_BYTE * sizeOf(unit));
  const { items, lines, isFhir } = prepareUnit(unit, {
    labeller,
    keep(resource, line) {
      // Whose it is, only the store can tell.
      if (resource.targets) return resource;
      encoder.add(resource, resource.owner, line && sourceKey(program, line));
      const { type, id, owner, text } = resource;
      return { type, id, owner, text: TEXT_WANTED.has(type) ? text : null };
    },
  });
  const rows: PackedRow[] = [];
  const others: [number, PreparedItem<PreparedResource>][] = [];
  items.forEach((item, i) => {
    if (item.kind !== 'resource') others.push([i, item]);
    else if ('rt' in item.resource) others.push([i, { ...item, resource: item.resource }]);
    else {
      const { type, id, owner, text } = item.resource;
      rows.push([i, item.line, item.entry ?? null, type, id, owner, text]);
    }
  });
  return { lines, isFhir, ...encoder.finish(), rows: JSON.stringify(rows), others };
}

/** The items of a unit, on the thread that stores them. */
export function unpackUnit({ lines, isFhir, bytes, places, rows, others }: PackedUnit): FeedUnit {
  const block = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), places };
  const items: FeedItem[] = [];
  (JSON.parse(rows) as PackedRow[]).forEach(([item, line, entry, type, id, owner, text], row) => {
    const resource = { type, rt: rtOf(type), id, owner, block, row, text: text ?? undefined };
    items[item] = { kind: 'resource', line, ...(entry === null ? {} : { entry }), resource };
  });
  for (const [i, item] of others) items[i] = item;
  return { items, lines, isFhir };
}

function sizeOf(unit: Unit): number {
  switch (unit.kind) {
    case 'lines':
    case 'document':
      return unit.bytes.length;
    case 'entries':
      return unit.entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
    case 'unread':
      return 0;
    default:
      return unit satisfies never;
  }
}
