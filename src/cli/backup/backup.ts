import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { recordAudit } from '#/audit/audit.ts';
import { pathOfFile } from '#/payer-to-payer/export/files.ts';
import { exportFolderOf } from '#/payer-to-payer/export/storage.ts';
import { holdRemovals, storedFiles } from '#/payer-to-payer/export/stored-files.ts';
import { readTar } from '#/platform/archive/tar.ts';
import { type CommandIo, CommandRefused } from '#/platform/cli/command.ts';
import { generatedKeyFile, isKeyGiven } from '#/platform/config/master-key.ts';
import { startBaseBackup } from '#/platform/db/embedded/base-backup.ts';
import type { EmbeddedPostgres } from '#/platform/db/embedded/embedded.ts';
import { newestMigration } from '#/platform/db/migrate.ts';
import { PROGRAM_VERSION } from '#/platform/version.ts';
import type { Services } from '../../services.ts';
import { type ArchiveWriter, makeArchive } from './archive-writer.ts';
import * as format from './format.ts';

export interface BackupReport {
  readonly file: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly export_files: number;
  /** Recorded, but not on the disk: removed by hand, or kept in object storage. */
  readonly export_files_missing: number;
  readonly master_key_id: string;
  readonly master_key_included: boolean;
}

type Wanted = Pick<Services, 'config' | 'database' | 'tenants' | 'sealer' | 'embedded'>;

/**
 * Writes everything of an installation into one file, while it goes on working. The database comes as of the end of its
 * copy; the files of exports after it, so that each that the copy knows is there: a file is on the disk before its row, it
 * is never written again, and none is removed until the backup has ended.
 *
 * @throws CommandRefused in words for the operator; then there is no file
 */
export async function writeBackup(
  services: Wanted,
  target: string,
  options: { readonly withoutMasterKey: boolean },
  io: Pick<CommandIo, 'stderr' | 'signal'>,
): Promise<BackupReport> {
  const { config, database, tenants, sealer, embedded } = services;
  if (!embedded)
    throw new CommandRefused(
      'external-database',
      'The database of DATABASE_URL is backed up with its own tools (pg_basebackup, pg_dump, or what its host offers). See docs/how-to/back-up.md.',
    );
  const file = path.resolve(target);
  if (existsSync(file)) throw new CommandRefused('file-exists', `${file} is there already. Nothing was written.`);
  if (!existsSync(path.dirname(file)))
    throw new CommandRefused('no-folder', `There is no folder ${path.dirname(file)} to write into.`);
  const hold = await holdRemovals(database);
  if (!hold) throw new CommandRefused('backup-running', 'Another backup of this installation is running.');
  const began = performance.now();
  const withKey = !isKeyGiven(config) && !options.withoutMasterKey;
  try {
    const archive = await makeArchive(file);
    try {
      const description: format.BackupDescription = {
        format: format.FORMAT,
        program: PROGRAM_VERSION,
        created_at: new Date().toISOString(),
        migration: await newestMigration(),
        postgresql: await versionOf(services),
        machine: format.machine(),
        master_key_id: sealer.keyId,
        master_key_included: withKey,
      };
      const text = Buffer.from(`${JSON.stringify(description, undefined, 2)}\n`);
      await archive.add(format.DESCRIPTION, text.length, one(text));
      await archive.addFile(format.PASSWORD, path.join(config.dataDir, 'postgres.password'));
      if (withKey) await archive.addFile(format.MASTER_KEY, generatedKeyFile(config));
      await addCluster(archive, embedded, io);
      const tenantIds = (await tenants.list()).map(({ id }) => id);
      const files = await addExports(archive, services, tenantIds, io);
      await hold.check();
      const bytes = await archive.finish();
      await recordAudit(database.platform, {
        action: 'backup.create',
        outcome: 'success',
        facts: { bytes, exportFiles: files.added, masterKey: withKey },
      });
      return {
        file,
        bytes,
        seconds: Math.round(performance.now() - began) / 1_000,
        export_files: files.added,
        export_files_missing: files.missing,
        master_key_id: sealer.keyId,
        master_key_included: withKey,
      };
    } catch (error) {
      await archive.abandon();
      throw explained(error);
    }
  } finally {
    await hold.release();
  }
}

async function addCluster(
  archive: ArchiveWriter,
  embedded: EmbeddedPostgres,
  io: Pick<CommandIo, 'stderr' | 'signal'>,
): Promise<void> {
  io.stderr.write('Copying the database ...\n');
  await archive.folder(format.CLUSTER);
  const copy = await startBaseBackup(embedded.connection);
  try {
    for await (const entry of readTar(copy, { mayLackEnd: true })) {
      io.signal.throwIfAborted();
      const name = `${format.CLUSTER}/${entry.path}`;
      if (entry.kind === 'folder') await archive.folder(name);
      else await archive.add(name, entry.sizeBytes, entry.content);
    }
  } finally {
    copy.destroy();
  }
}

async function addExports(
  archive: ArchiveWriter,
  { config, database }: Wanted,
  tenantIds: readonly number[],
  io: Pick<CommandIo, 'stderr' | 'signal'>,
): Promise<{ added: number; missing: number }> {
  const counts = { added: 0, missing: 0 };
  io.stderr.write('Copying the files of exports ...\n');
  for await (const place of storedFiles(database, tenantIds)) {
    io.signal.throwIfAborted();
    const file = path.join(exportFolderOf(config), pathOfFile(place));
    if (await stat(file).catch(() => undefined)) {
      await archive.addFile(`${format.EXPORTS}/${pathOfFile(place)}`, file);
      counts.added++;
    } else counts.missing++;
  }
  return counts;
}

async function versionOf({ database }: Wanted): Promise<string> {
  const result = await database.platform.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  );
  return result.rows[0]!.version.split(' ')[0]!;
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** What an operator can do something about, in words. */
function explained(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if ((error as Error).name === 'AbortError') return new CommandRefused('stopped', 'Stopped. There is no backup.');
  if (code === 'ENOSPC') return new CommandRefused('disk-full', 'The disk is full. There is no backup.');
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new CommandRefused('not-allowed', 'The backup may not be written there. There is no backup.');
  // Class XX: PostgreSQL found a page whose checksum is wrong.
  if (code?.startsWith('XX'))
    return new CommandRefused(
      'database-damaged',
      'PostgreSQL found damaged pages while it copied the database. There is no backup; see postgres.log in the data folder.',
    );
  return error;
}
