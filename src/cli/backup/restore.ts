import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { exportFolderOf } from '#/payer-to-payer/export/storage.ts';
import { ArchiveDamaged, readTar, type TarEntry } from '#/platform/archive/tar.ts';
import { type CommandIo, CommandRefused } from '#/platform/cli/command.ts';
import type { Config } from '#/platform/config/config.ts';
import { generatedKeyFile } from '#/platform/config/master-key.ts';
import { binariesOf, type ClusterPlace, placeOf } from '#/platform/db/embedded/cluster.ts';
import { startEmbedded } from '#/platform/db/embedded/embedded.ts';
import { newestMigration } from '#/platform/db/migrate.ts';
import { openArchive } from './archive-reader.ts';
import * as format from './format.ts';
import { requireMasterKey } from './required-key.ts';
import { contentOf, type Described, partsOf, unfinished, unpack } from './unpack.ts';

export interface RestoreReport {
  readonly file: string;
  readonly created_at: string;
  readonly program: string;
  readonly seconds: number;
  readonly files: number;
  readonly bytes: number;
  readonly export_files: number;
  readonly master_key_id: string;
}

/**
 * Makes an installation of a backup, in a data folder that holds none. Every file is compared with its hash before
 * anything gets its name; the cluster is then started once, which brings it to its consistent end. A restore that was
 * killed is begun anew by the same command, and nothing starts on the folder before.
 *
 * @throws CommandRefused in words for the operator; then the folder is as it was
 */
export async function restoreBackup(config: Config, source: string, io: CommandIo): Promise<RestoreReport> {
  if (config.databaseUrl !== undefined)
    throw new CommandRefused(
      'external-database',
      'The database of DATABASE_URL is restored with its own tools. See docs/how-to/back-up.md.',
    );
  const file = path.resolve(source);
  const began = performance.now();
  const entries = readTar(await openArchive(file))[Symbol.asyncIterator]();
  let place: ClusterPlace | undefined;
  try {
    const { description, sum } = await readDescription(entries);
    // All that can be refused is, before the folder is touched.
    requireSameKind(description);
    if (description.migration > (await newestMigration()))
      throw new CommandRefused(
        'newer-backup',
        `This backup was made by a newer Covered Bridge (${description.program}). Restore it with that version or a later one.`,
      );
    place = await emptyPlace(config);
    await requireSamePostgres(description, place);
    await requireMasterKey(config, description);
    await writeFile(place.restoreMarker, `${process.pid}\n`, { mode: 0o600 });
    io.stderr.write('Unpacking and checking ...\n');
    const unpacked = await unpack(entries, config, place, { description, sum }, io.signal);
    await giveNames(config, place);
    await rm(place.restoreMarker);
    io.stderr.write('Starting the database once ...\n');
    await (await startEmbedded(config.dataDir)).stop();
    return {
      file,
      created_at: description.created_at,
      program: description.program,
      seconds: Math.round(performance.now() - began) / 1_000,
      ...unpacked,
      master_key_id: description.master_key_id,
    };
  } catch (error) {
    if (place && existsSync(place.restoreMarker)) await clear(config, place);
    throw explained(error);
  } finally {
    await entries.return?.(undefined);
  }
}

async function readDescription(entries: AsyncIterator<TarEntry>): Promise<Described> {
  const first = await entries.next().catch((error) => {
    throw error instanceof ArchiveDamaged ? notABackup() : error;
  });
  if (first.done || first.value.path !== format.DESCRIPTION || first.value.sizeBytes > 65_536) throw notABackup();
  const text = await contentOf(first.value);
  const description = parsed(text);
  if (description.format !== format.FORMAT)
    throw new CommandRefused(
      'other-format',
      `This backup has the form ${description.format}; this program reads form ${format.FORMAT}. It was made by Covered Bridge ${description.program}.`,
    );
  return { description, sum: createHash('sha256').update(text).digest('hex') };
}

function parsed(text: Buffer): format.BackupDescription {
  try {
    return JSON.parse(text.toString('utf8')) as format.BackupDescription;
  } catch {
    throw notABackup();
  }
}

const notABackup = (): CommandRefused =>
  new CommandRefused('not-a-backup', 'This file is no backup of Covered Bridge, or its beginning is damaged.');

function requireSameKind({ machine }: format.BackupDescription): void {
  if (machine !== format.machine())
    throw new CommandRefused(
      'other-machine',
      `This backup was made on ${machine} and this is ${format.machine()}. The copy of a database runs on its own kind of machine only.`,
    );
}

async function requireSamePostgres(
  { postgresql }: format.BackupDescription,
  place: Pick<ClusterPlace, 'user'>,
): Promise<void> {
  const { postgres } = await binariesOf(place);
  const { stdout } = await promisify(execFile)(postgres, ['--version'], { cwd: '/' });
  const ours = /\d+(\.\d+)?/.exec(stdout)?.[0] ?? '';
  if (format.majorOf(ours) !== format.majorOf(postgresql))
    throw new CommandRefused(
      'other-postgresql',
      `This backup is of PostgreSQL ${postgresql} and this program has PostgreSQL ${ours}. Restore it with a Covered Bridge that has PostgreSQL ${format.majorOf(postgresql)}.`,
    );
}

/** @throws CommandRefused when there is an installation already */
async function emptyPlace(config: Config): Promise<ClusterPlace> {
  const place = await placeOf(config.dataDir);
  if (existsSync(place.restoreMarker)) {
    if (await isRunning(place.restoreMarker))
      throw new CommandRefused('restore-running', `Another restore into ${place.home} is running.`);
    await clear(config, place);
  }
  const there = [place.folder, place.passwordFile, exportFolderOf(config)].find((each) => existsSync(each));
  if (there !== undefined)
    throw new CommandRefused(
      'not-empty',
      `${place.home} holds an installation already (${path.basename(there)}). Restore into another DATA_DIR, or move that one away first. Nothing was changed.`,
    );
  return place;
}

/** Does the process that wrote the marker still run? */
async function isRunning(marker: string): Promise<boolean> {
  const pid = Number(await readFile(marker, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // The number may have gone to another program since.
  if (process.platform !== 'linux') return true;
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('restore');
}

/** The cluster last: until then nothing takes the folder for an installation. */
async function giveNames(config: Config, place: ClusterPlace): Promise<void> {
  for (const final of partsOf(config, place)) if (existsSync(unfinished(final))) await rename(unfinished(final), final);
}

/** Takes away what a restore that did not end has left. Only ever called while its marker stands. */
async function clear(config: Config, place: ClusterPlace): Promise<void> {
  const parts = partsOf(config, place);
  // A key that has its name already may have been there before.
  const named = parts.filter((part) => part !== generatedKeyFile(config));
  for (const part of [...named, ...parts.map(unfinished)]) await rm(part, { recursive: true, force: true });
  await rm(place.restoreMarker, { force: true });
}

function explained(error: unknown): unknown {
  if (error instanceof ArchiveDamaged || /^(ERR_ZSTD|Z_|ZSTD_)/.test((error as NodeJS.ErrnoException).code ?? ''))
    return new CommandRefused(
      'damaged',
      'The backup is damaged or not complete, so nothing was restored. A backup that was broken off is no backup.',
    );
  const code = (error as NodeJS.ErrnoException).code;
  if ((error as Error).name === 'AbortError') return new CommandRefused('stopped', 'Stopped. Nothing was restored.');
  if (code === 'ENOSPC') return new CommandRefused('disk-full', 'The disk is full. Nothing was restored.');
  return error;
}
