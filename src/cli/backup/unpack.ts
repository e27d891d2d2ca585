import { createHash } from 'node:crypto';
import { chown, mkdir, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isFileName, isJobId } from '#/payer-to-payer/export/files.ts';
import { exportFolderOf } from '#/payer-to-payer/export/storage.ts';
import { ArchiveDamaged, type TarEntry } from '#/platform/archive/tar.ts';
import type { Config } from '#/platform/config/config.ts';
import { generatedKeyFile } from '#/platform/config/master-key.ts';
import type { ClusterPlace } from '#/platform/db/embedded/cluster.ts';
import * as format from './format.ts';

/** What a backup says it is. */
export interface Described {
  readonly description: format.BackupDescription;
  /** SHA-256 of its text. */
  readonly sum: string;
}

/** Files put on the disk at the same time. */
const SYNC_FILES_MAX = 32;

/** The name of a part until all of them are whole. */
export const unfinished = (final: string): string => `${final}.restoring`;

/**
 * Writes the parts of a backup under unfinished names, compares each file with its hash, and puts all on the disk.
 *
 * @throws ArchiveDamaged
 */
export async function unpack(
  entries: AsyncIterator<TarEntry>,
  config: Config,
  place: ClusterPlace,
  { description, sum }: Described,
  signal: AbortSignal,
): Promise<{ files: number; bytes: number; export_files: number }> {
  const cluster = unfinished(place.folder);
  const exports = unfinished(exportFolderOf(config));
  const sums = new Map([[format.DESCRIPTION, sum]]);
  const counts = { files: 0, bytes: 0, export_files: 0 };
  let expected: string | undefined;
  for (let next = await entries.next(); !next.done; next = await entries.next()) {
    signal.throwIfAborted();
    if (expected !== undefined) throw new ArchiveDamaged('there is something behind the end of the backup');
    const entry = next.value;
    const [root = '', ...below] = entry.path.split('/');
    if (entry.path === format.SUMS) expected = (await contentOf(entry)).toString('utf8');
    else if (entry.kind === 'folder' && root === format.CLUSTER)
      await makeFolder(format.inFolder(cluster, entry.path), place);
    else if (root === format.CLUSTER && below.length > 0)
      sums.set(entry.path, await unpackFile(entry, format.inFolder(cluster, entry.path), place));
    else if (root === format.EXPORTS && isExportPath(below)) {
      const target = format.inFolder(exports, entry.path);
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
      sums.set(entry.path, await unpackFile(entry, target, undefined));
      counts.export_files++;
    } else if (entry.path === format.PASSWORD)
      sums.set(entry.path, await unpackFile(entry, unfinished(place.passwordFile), undefined));
    else if (entry.path === format.MASTER_KEY && description.master_key_included)
      sums.set(entry.path, await unpackFile(entry, unfinished(generatedKeyFile(config)), undefined));
    else throw new ArchiveDamaged('the backup holds something that is no part of one');
    counts.files++;
    counts.bytes += entry.sizeBytes;
  }
  compareSums(expected, sums);
  for (const part of partsOf(config, place)) await syncAll(unfinished(part));
  return counts;
}

const isExportPath = ([tenant = '', job = '', name = '', ...more]: readonly string[]): boolean =>
  /^\d+$/.test(tenant) && isJobId(job) && isFileName(name) && more.length === 0;

function compareSums(expected: string | undefined, found: ReadonlyMap<string, string>): void {
  if (expected === undefined) throw new ArchiveDamaged('the backup is not complete');
  const lines = expected.split('\n').filter((line) => line !== '');
  const same = lines.every((line) => found.get(line.slice(66)) === line.slice(0, 64));
  if (!same || lines.length !== found.size) throw new ArchiveDamaged('a file of the backup is not as it was written');
}

export async function contentOf(entry: TarEntry): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of entry.content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function makeFolder(folder: string, { user }: ClusterPlace): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);
}

/** @returns its SHA-256 */
async function unpackFile(entry: TarEntry, target: string, owner: ClusterPlace | undefined): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(target, 'wx', 0o600);
  try {
    for await (const piece of entry.content) {
      hash.update(piece);
      await handle.writeFile(piece);
    }
    if (owner?.user) await handle.chown(owner.user.uid, owner.user.gid);
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** What an installation consists of, the cluster last. */
export const partsOf = (config: Config, place: ClusterPlace): readonly string[] => [
  exportFolderOf(config),
  generatedKeyFile(config),
  place.passwordFile,
  place.folder,
];

/** Puts a file, or a folder with all that is in it, on the disk. */
async function syncAll(part: string): Promise<void> {
  const info = await stat(part).catch(() => undefined);
  if (!info) return;
  const below = info.isDirectory() ? await readdir(part, { recursive: true, withFileTypes: true }) : [];
  const paths = [part, ...below.map((entry) => path.join(entry.parentPath, entry.name))];
  for (let from = 0; from < paths.length; from += SYNC_FILES_MAX)
    await Promise.all(
      paths.slice(from, from + SYNC_FILES_MAX).map(async (each) => {
        // Windows cannot open a folder to sync it and does not need to.
        const handle = await open(each, 'r').catch(() => undefined);
        await handle?.sync().catch(() => undefined);
        await handle?.close();
      }),
    );
}
