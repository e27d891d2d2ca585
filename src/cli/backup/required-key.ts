import { readFile } from 'node:fs/promises';
import { CommandRefused } from '#/platform/cli/command.ts';
import { type Config, parseMasterKey } from '#/platform/config/config.ts';
import { generatedKeyFile, isKeyGiven, readMasterKey } from '#/platform/config/master-key.ts';
import { makeSealer } from '#/platform/crypto/sealer.ts';
import type { BackupDescription } from './format.ts';

/**
 * A backup is of use with its own master key only: the one in it, or one that is here already.
 *
 * @throws CommandRefused when it has none and none is here, and when the one that is here is another
 */
export async function requireMasterKey(config: Config, backup: BackupDescription): Promise<void> {
  const found = isKeyGiven(config)
    ? await readMasterKey(config)
    : parseMasterKey(await readFile(generatedKeyFile(config), 'utf8').catch(() => ''));
  if (found ? makeSealer(found).keyId === backup.master_key_id : backup.master_key_included) return;
  throw new CommandRefused(
    'master-key-missing',
    found
      ? `The master key that is here (${makeSealer(found).keyId}) is not the one of this backup (${backup.master_key_id}). Give that one, by the settings or as ${generatedKeyFile(config)}. Nothing was changed.`
      : `The master key is not in this backup, and none is given. Give the key ${backup.master_key_id}: by COVERED_BRIDGE_MASTER_KEY or COVERED_BRIDGE_MASTER_KEY_FILE, or as ${generatedKeyFile(config)}. Nothing was changed.`,
  );
}
