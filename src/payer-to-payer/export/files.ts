import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';

/** `{Type}_{hex}.ndjson`: letters of a resource type and 16 hex digits, so a name can never climb out of its folder. */
const FILE_NAME = /^[A-Z][A-Za-z]{1,63}_[0-9a-f]{8,32}\.ndjson$/;
const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isFileName = (name: string): boolean => FILE_NAME.test(name);
export const isJobId = (id: string): boolean => JOB_ID.test(id);

/** A new name, unique in the tenant. Names are no secrets: each request for a file is authorised against its job. */
export function newFileName(type: string): string {
  return `${type}_${randomBytes(8).toString('hex')}.ndjson`;
}

/** Where one file stands: `{tenant}/{job}/{name}`. */
export interface FilePlace {
  readonly tenantId: number;
  readonly jobId: string;
  readonly name: string;
}

/**
 * The one way in which a place is written as a path.
 *
 * @throws TypeError for anything that we did not name ourselves
 */
export function pathOfJob(tenantId: number, jobId: string): string {
  if (!Number.isInteger(tenantId) || !isJobId(jobId))
    throw new TypeError('export files stand under a tenant number and a job UUID');
  return `${tenantId}/${jobId}`;
}

export function pathOfFile({ tenantId, jobId, name }: FilePlace): string {
  if (!isFileName(name)) throw new TypeError('an export file has a name of our own making');
  return `${pathOfJob(tenantId, jobId)}/${name}`;
}

/** A file being written. One write at a time; the bytes may be used again when it has resolved. */
export interface FileSink {
  write(bytes: Buffer): Promise<void>;
  /** The file is whole. Durable once `sync` of the files has resolved. */
  close(): Promise<void>;
  /** Ends the writing and removes what there is. Never fails. */
  abandon(): Promise<void>;
}

/**
 * The files of all exports. A file is written once and then only read: nothing here can write over one.
 * Implementations: a folder (folder-files.ts), object storage (s3-files.ts), and one that encrypts what any of them
 * keeps (sealed-files.ts).
 */
export interface ExportFiles {
  /** Makes ready for the files of a job. */
  prepare(tenantId: number, jobId: string): Promise<void>;
  /** @throws Error when there is a file of this name */
  create(place: FilePlace): Promise<FileSink>;
  /** The bytes as they were written. The file is open when it resolves: removing it does not cut the reader short. */
  open(place: FilePlace): Promise<Readable>;
  /** The files of a job, also those that no row knows. Empty when there are none. */
  list(tenantId: number, jobId: string): Promise<readonly string[]>;
  /** The jobs of a tenant that have files. */
  jobs(tenantId: number): Promise<readonly string[]>;
  remove(tenantId: number, jobId: string, names: readonly string[]): Promise<void>;
  /** Makes closed files durable, their content and their names. */
  sync(tenantId: number, jobId: string, names: readonly string[]): Promise<void>;
  removeJob(tenantId: number, jobId: string): Promise<void>;
}
