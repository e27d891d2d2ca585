import { access, constants, mkdir } from 'node:fs/promises';
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
 * The storage that the settings name: a folder that this user may write, or object storage that was seen to answer. What is
 * wrong with it stops the start, not the first export.
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
  if (!config.s3) {
    const folder = exportFolderOf(config);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK | constants.X_OK);
    return makeExportFolder(folder);
  }
  // Loaded only where it is wanted: the client costs 30 MB of memory.
  const { makeS3Files } = await import('./s3-files.ts');
  const files = makeS3Files(config.s3);
  await files.check().catch((error) => {
    throw new ConfigError([`EXPORT_STORAGE cannot be used: ${reasonOf(error, config.s3?.bucket)}.`]);
  });
  return files;
}

/** The service's own word (`NoSuchBucket`, `AccessDenied`), or why it did not say one. */
function reasonOf(error: unknown, bucket: string | undefined): string {
  const { name, code, $metadata } = error as Error & { code?: string; $metadata?: { httpStatusCode?: number } };
  const word = (text: string): string => text.replace(/[^A-Za-z0-9_]/g, '');
  return $metadata?.httpStatusCode === undefined
    ? `the service cannot be reached (${word(code ?? name)})`
    : `the bucket ${bucket} answers ${word(name)}`;
}
