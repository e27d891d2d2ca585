import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Config, ConfigError, parseMasterKey } from './config.ts';

/** Where the key is that the program made for itself. */
export const generatedKeyFile = (config: Pick<Config, 'dataDir'>): string => path.join(config.dataDir, 'master.key');

/** Is the key given by the settings? Then it is the operator's to keep. */
export const isKeyGiven = (config: Config): boolean =>
  config.masterKey !== undefined || config.masterKeyFile !== undefined;

/**
 * The 32-byte key that seals private signing keys: from the environment, from a file, or (never in production mode)
 * generated once into the data folder, readable by this user only.
 *
 * @throws ConfigError when the file cannot be read or holds something else
 */
export async function readMasterKey(config: Config): Promise<Buffer> {
  if (config.masterKey !== undefined) return requireKey(config.masterKey, 'COVERED_BRIDGE_MASTER_KEY');
  if (config.masterKeyFile !== undefined) {
    const text = await readFile(config.masterKeyFile, 'utf8').catch(() => {
      throw new ConfigError([`The file ${config.masterKeyFile} of COVERED_BRIDGE_MASTER_KEY_FILE cannot be read.`]);
    });
    return requireKey(text, config.masterKeyFile);
  }
  const file = generatedKeyFile(config);
  await mkdir(config.dataDir, { recursive: true });
  try {
    await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return requireKey(await readFile(file, 'utf8'), file);
}

function requireKey(text: string, where: string): Buffer {
  const key = parseMasterKey(text);
  if (!key) throw new ConfigError([`${where} must hold 32 bytes, written in base64 or hex.`]);
  return key;
}
