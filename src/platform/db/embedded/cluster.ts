import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '../../crypto/hash.ts';
import { randomToken } from '../../crypto/random.ts';
import { DatabaseUnusable } from '../database-unusable.ts';
import { type Binaries, locateBinaries } from './binaries.ts';
import { databaseUser, mayEnter, type SystemUser } from './system-user.ts';

/** Where the folder of this installation is, when the database's user may not enter the data folder. */
const FALLBACK_ROOT = '/var/lib/covered-bridge';

export const SUPERUSER = 'covered_bridge';
const TCP_PORT_BASE = 40_000; // only where there are no UNIX sockets

/** The files of one embedded database. */
export interface Cluster {
  readonly folder: string;
  readonly password: string;
  readonly logFile: string;
  /** The folder of the UNIX socket, or undefined where the database listens on loopback instead (Windows). */
  readonly socketFolder: string | undefined;
  readonly port: number;
  readonly user: SystemUser | undefined;
  readonly binaries: Binaries;
}

/** Stands in a data folder while a backup is being restored into it. */
const RESTORE_MARKER = 'restore.unfinished';

/** Where the parts of an installation are, whether they exist yet or not. */
export interface ClusterPlace {
  /** The data folder, as the file system knows it. */
  readonly home: string;
  /** The cluster itself. Not in `home` where the database's user may not enter that. */
  readonly folder: string;
  readonly passwordFile: string;
  readonly restoreMarker: string;
  readonly id: string;
  readonly user: SystemUser | undefined;
}

/** Makes the data folder if need be, and decides where its cluster belongs. */
export async function placeOf(dataDir: string): Promise<ClusterPlace> {
  const isNew = !existsSync(dataDir);
  await mkdir(dataDir, { recursive: true });
  const user = await databaseUser();
  // Run by root, the database's user must pass through the folder to reach its own; nothing in it is readable to others.
  if (user && isNew) await chmod(dataDir, 0o711);
  const home = await realpath(dataDir);
  const id = sha256(home).subarray(0, 6).toString('hex');
  const base = user && !(await mayEnter(home, user)) ? path.join(FALLBACK_ROOT, id) : home;
  if (base !== home) {
    await mkdir(base, { recursive: true, mode: 0o711 });
    await writeFile(path.join(home, 'postgres.location'), `${base}\n`);
  }
  return {
    home,
    folder: path.join(base, 'postgres'),
    passwordFile: path.join(home, 'postgres.password'),
    restoreMarker: path.join(home, RESTORE_MARKER),
    id,
    user,
  };
}

/** The programs of the embedded PostgreSQL, where the database's user can run them. */
export const binariesOf = (place: Pick<ClusterPlace, 'user'>): Promise<Binaries> =>
  locateBinaries(place.user, FALLBACK_ROOT);

/**
 * Finds or makes the cluster of a data folder. Making it is atomic: `initdb` works in a folder beside it, which is
 * then renamed, so that a start that was killed, or a second start at the same time, leaves nothing half-made.
 *
 * @throws DatabaseUnusable while a restore into the folder is not finished
 */
export async function openCluster(dataDir: string): Promise<Cluster> {
  const place = await placeOf(dataDir);
  const { home, folder, id, user } = place;
  if (existsSync(place.restoreMarker))
    throw new DatabaseUnusable(
      `A restore into ${home} has not ended. Wait for it; if it was broken off, run the same \`covered-bridge restore\` again.`,
    );
  const binaries = await binariesOf(place);
  const password = await readOrMake(place.passwordFile);
  if (!existsSync(path.join(folder, 'PG_VERSION'))) await makeCluster(binaries, folder, password, user);
  return {
    folder,
    password,
    logFile: path.join(home, 'postgres.log'),
    socketFolder: process.platform === 'win32' ? undefined : socketFolderOf(id, user),
    port: process.platform === 'win32' ? TCP_PORT_BASE + (Number.parseInt(id.slice(0, 4), 16) % 20_000) : 5432,
    user,
    binaries,
  };
}

async function readOrMake(file: string): Promise<string> {
  try {
    await writeFile(file, randomToken(), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}

async function makeCluster(binaries: Binaries, folder: string, password: string, user: SystemUser | undefined) {
  const unfinished = `${folder}.making-${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  const passwordFile = `${unfinished}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) {
    await chown(unfinished, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  try {
    // The builtin C.UTF-8 locale keeps sort order independent of the machine's own locales.
    await promisify(execFile)(
      binaries.initdb,
      [
        ...['--pgdata', unfinished, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
        ...['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
        ...['--data-checksums', '--no-instructions'],
      ],
      { cwd: '/', env: cleanEnvironment(), ...ids(user) },
    );
    await rename(unfinished, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another start was faster; its cluster is the one.
      if (!existsSync(path.join(folder, 'PG_VERSION'))) throw error;
    });
  } finally {
    await rm(passwordFile, { force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * A UNIX socket's path may have some hundred characters at most and the data folder may be longer, so the socket
 * lives in a short folder of its own, which nobody else may enter.
 */
function socketFolderOf(id: string, user: SystemUser | undefined): string {
  const owner = user?.uid ?? process.getuid?.() ?? 0;
  return path.join(os.tmpdir().length <= 60 ? os.tmpdir() : '/tmp', `covered-bridge-${owner}-${id}`);
}

/** Made anew before each start: whoever stopped the server last removed it. */
async function makeSocketFolder(folder: string, user: SystemUser | undefined): Promise<void> {
  const owner = user?.uid ?? process.getuid?.() ?? 0;
  await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
  // Made by root, by us or by another start a moment ago, it goes to the database's user.
  if (user && (await lstat(folder)).uid === process.getuid?.()) await chown(folder, user.uid, user.gid);
  const info = await lstat(folder);
  if (!info.isDirectory() || info.uid !== owner || (info.mode & 0o077) !== 0)
    throw new Error(`${folder} is not a private folder of the database's user. Remove it and start again.`);
}

/** Starts the server process in a session of its own, so that Ctrl-C in a terminal reaches only the program. */
export async function spawnPostgres(
  cluster: Cluster,
  extra: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  if (cluster.socketFolder !== undefined) await makeSocketFolder(cluster.socketFolder, cluster.user);
  const settings: Record<string, string> = {
    listen_addresses: cluster.socketFolder ? '' : '127.0.0.1',
    unix_socket_directories: cluster.socketFolder ?? '',
    unix_socket_permissions: '0700',
    port: String(cluster.port),
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '120',
    shared_buffers: '256MB',
    effective_cache_size: '2GB',
    maintenance_work_mem: '128MB',
    random_page_cost: '1.1',
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    jit: 'off',
    // After a crash one call for the whole file system instead of one for each of some thousand files: measured 0.45 s until
    // it answers again, against 1.2 to 2.6 s, on a disk that others use too. Only Linux has it.
    ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
    // Its log never holds what a row or a statement said: messages of level ERROR quote values.
    log_min_messages: 'fatal',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_statement: 'none',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    ...extra,
  };
  const log = openSync(cluster.logFile, 'a', 0o600);
  const child = spawn(
    cluster.binaries.postgres,
    ['-D', cluster.folder, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    { cwd: '/', detached: true, stdio: ['ignore', log, log], env: cleanEnvironment(), ...ids(cluster.user) },
  );
  child.on('error', () => undefined); // seen by the caller as a database that does not answer
  child.unref();
  return child;
}

/** The process id in postmaster.pid, if that process is alive and is the PostgreSQL of this cluster. */
export async function runningPid(cluster: Cluster): Promise<number | undefined> {
  const file = path.join(cluster.folder, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  if (process.platform === 'linux') {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // After a crash of the whole machine the number may belong to another program: then the file is stale, and
    // PostgreSQL itself would refuse to start because of it.
    if (!command.includes(cluster.folder)) {
      await rm(file, { force: true });
      return undefined;
    }
  }
  return pid;
}

function ids(user: SystemUser | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', SystemRoot: process.env.SystemRoot };
}
