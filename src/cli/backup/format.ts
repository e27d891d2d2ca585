import os from 'node:os';
import path from 'node:path';
import { createGunzip, createZstdCompress, createZstdDecompress, constants as zlib } from 'node:zlib';

/**
 * A backup is a tar archive, compressed with zstd, of these parts in this order:
 *
 *     covered-bridge-backup.json   what it is: see `BackupDescription`
 *     postgres.password            of the cluster's owner
 *     master.key                   only where the program had made it itself, and unless it was left out
 *     postgres/...                 the cluster, with the log that makes it consistent
 *     exports/{tenant}/{job}/...   the files of exports, as they are stored
 *     SHA256SUMS                   the hash of every file before it, as `sha256sum -c` reads it; without it a backup is not one
 */
export const DESCRIPTION = 'covered-bridge-backup.json';
export const SUMS = 'SHA256SUMS';
export const PASSWORD = 'postgres.password';
export const MASTER_KEY = 'master.key';
export const CLUSTER = 'postgres';
export const EXPORTS = 'exports';

export const FORMAT = 1;
const ZSTD_LEVEL = 1;
const BUFFER_BYTES = 1024 * 1024;

export interface BackupDescription {
  readonly format: number;
  readonly program: string;
  readonly created_at: string;
  /** The last migration of the program that made it. */
  readonly migration: number;
  /** PostgreSQL's version, for example `18.4`. */
  readonly postgresql: string;
  /** A physical copy runs on the same kind of machine only, for example `linux-x64`. */
  readonly machine: string;
  readonly master_key_id: string;
  readonly master_key_included: boolean;
}

export const machine = (): string => `${process.platform}-${os.arch()}`;

/** `18.4` is 18: a cluster runs under every minor version of its major one. */
export const majorOf = (version: string): string => version.split('.')[0] ?? '';

export const compress = () =>
  createZstdCompress({ params: { [zlib.ZSTD_c_compressionLevel]: ZSTD_LEVEL }, chunkSize: BUFFER_BYTES });

/** By its first bytes: what was made is zstd; somebody may have packed it anew with gzip, or not at all. */
export function decompressorFor(head: Buffer) {
  if (head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])))
    return createZstdDecompress({ chunkSize: BUFFER_BYTES });
  if (head[0] === 0x1f && head[1] === 0x8b) return createGunzip({ chunkSize: BUFFER_BYTES });
  return undefined;
}

/** Where a file of the archive belongs, below a folder. */
export const inFolder = (folder: string, archived: string): string =>
  path.join(folder, ...archived.split('/').slice(1));
