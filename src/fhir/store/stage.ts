import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { WriteTransaction } from '#/platform/db/database.ts';

/** One row of the staging table: what the merge statements read. */
export interface StagedRow {
  readonly rt: number;
  readonly id: string;
  /** As text; '0' for shared resources. */
  readonly mk: string;
  readonly memberId: string;
  readonly version: number;
  readonly lastUpdated: string;
  readonly hash: Uint8Array;
  readonly financial: boolean;
  readonly dateLo: string | undefined;
  readonly dateHi: string | undefined;
  readonly tokens: readonly string[];
  readonly refs: readonly string[];
  readonly extra: unknown;
  readonly content: string;
}

const COLUMNS =
  'rt, id, mk, member_id, version, last_updated, hash, financial, date_lo, date_hi, tokens, refs, extra, content';
/** Bytes that are handed to the connection at a time. */
const CHUNK_CHARACTERS = 256 * 1024;

/**
 * Fills the connection's staging table. It is a temporary table: COPY FROM and row-level security exclude each other, and
 * nobody else can see it.
 */
export async function stageRows(tx: WriteTransaction, rows: readonly StagedRow[]): Promise<void> {
  await tx.query(`create temporary table if not exists stage (
    rt smallint, id text collate "C", mk bigint, member_id text collate "C", version int, last_updated timestamptz, hash bytea,
    financial boolean, date_lo timestamptz, date_hi timestamptz, tokens text[] collate "C", refs text[] collate "C",
    extra jsonb, content text) on commit delete rows`);
  await tx.query('truncate stage');
  await pipeline(chunks(rows), tx.client.query(copyFrom(`copy stage (${COLUMNS}) from stdin`)));
}

function* chunks(rows: readonly StagedRow[]): Generator<string> {
  let text = '';
  for (const row of rows) {
    text += line(row);
    if (text.length >= CHUNK_CHARACTERS) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

function line(row: StagedRow): string {
  return `${[
    row.rt,
    row.id,
    row.mk,
    escaped(row.memberId),
    row.version,
    row.lastUpdated,
    `\\\\x${Buffer.from(row.hash).toString('hex')}`,
    row.financial ? 't' : 'f',
    row.dateLo ?? '\\N',
    row.dateHi ?? '\\N',
    arrayOf(row.tokens),
    arrayOf(row.refs),
    row.extra === undefined ? '\\N' : escaped(JSON.stringify(row.extra).replaceAll('\\u0000', '')),
    escaped(row.content),
  ].join('\t')}\n`;
}

function arrayOf(values: readonly string[]): string {
  if (values.length === 0) return '{}';
  return escaped(
    `{${values.map((value) => `"${value.replaceAll('\u0000', '').replace(/["\\]/g, '\\$&')}"`).join(',')}}`,
  );
}

/** COPY's text form: backslash, tab, newline and carriage return are written as escapes. */
function escaped(text: string): string {
  if (!/[\\\t\n\r]/.test(text)) return text;
  return text.replace(/[\\\t\n\r]/g, (char) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[char] ?? char);
}
