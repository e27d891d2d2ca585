import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { WriteTransaction } from '#/platform/db/database.ts';
import { COPY_END, COPY_START } from './copy-writer.ts';
import {
  compareStorageOrder,
  type EncodedResource,
  finishedRow,
  STAGE_COLUMNS,
  storageOrderOf,
} from './encoded-row.ts';

/** A row to write, and the version it becomes. */
export interface StagedRow {
  readonly resource: EncodedResource;
  readonly version: number;
}

const NAMES = STAGE_COLUMNS.map((column) => column.split(' ')[0]).join(', ');
/** Bytes that are handed to the connection at a time. */
const CHUNK_BYTES = 512 * 1024;

/**
 * Fills the connection's staging table, in the order in which rows are to be stored. It is a temporary table: COPY FROM
 * and row-level security exclude each other, and nobody else can see it.
 *
 * @param writeTime ISO, milliseconds
 */
export async function stageRows(tx: WriteTransaction, rows: readonly StagedRow[], writeTime: string): Promise<void> {
  await tx.query(`create temporary table if not exists stage (${STAGE_COLUMNS.join(', ')}) on commit delete rows`);
  await tx.query('truncate stage');
  const sorted = rows
    .map((row) => ({ ...row, order: storageOrderOf(row.resource) }))
    .sort((a, b) => compareStorageOrder(a.order, b.order));
  await pipeline(chunks(sorted, writeTime), tx.client.query(copyFrom(`copy stage (${NAMES}) from stdin binary`)));
}

function* chunks(rows: readonly StagedRow[], writeTime: string): Generator<Buffer> {
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = COPY_START.copy(chunk);
  for (const { resource, version } of rows) {
    const row = finishedRow(resource, version, writeTime);
    if (filled + row.length > CHUNK_BYTES) {
      yield chunk.subarray(0, filled);
      chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, row.length));
      filled = 0;
    }
    filled += row.copy(chunk, filled);
  }
  yield chunk.subarray(0, filled);
  yield COPY_END;
}
