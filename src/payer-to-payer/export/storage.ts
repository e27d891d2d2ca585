import path from 'node:path';
import { type Config, ConfigError } from '#/platform/config/config.ts';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database } from '#/platform/db/database.ts';
import { makeFileKeys } from './file-keys.ts';
import type { ExportFiles } from './files.ts';
import { makeExportFolder } from './folder-files.ts';
import { makeSealedFiles } from './sealed-files.ts';

/** Where export files are when they are on this machine. */
export const exportFolderOf = (config: Config): string => path.join(config.dataDir, 'exports');

/**
 * The storage that the settings name: a folder, or object storage that was seen to answer.
 *
 * @throws ConfigError when object storage cannot be used, with its own word for why
 */
export async function openExportFiles(
  config: Config,
  { database, sealer }: { readonly database: Database; readonly sealer: Sealer },
): Promise<ExportFiles> {
  const keys = makeFileKeys(database, sealer);
  return makeSealedFiles(await innermost(config), keys, config.exportEncryption);
}

async function innermost(config: Config): Promise<ExportFiles> {
  if (!config.s3) return makeExportFolder(exportFolderOf(config));
  // Loaded only where it is wanted: the client costs 30 MB of memory.
  const { makeS3Files } = await import('./s3-files.ts');
  const files = makeS3Files(config.s3);
  await files.check().catch((error) => {
    const reason = String((error as Error).name).replace(/[^A-Za-z0-9]/g, '');
    throw new ConfigError([`EXPORT_STORAGE cannot be used: the bucket ${config.s3?.bucket} answers ${reason}.`]);
  });
  return files;
}
