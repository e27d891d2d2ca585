import { execFileSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

/** A user of the operating system that PostgreSQL runs as. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root: started by root it runs as `postgres` (made if missing), or else `nobody`.
 * Any other user runs it as himself: `undefined`.
 */
export async function databaseUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const known = (await findUser('postgres')) ?? (await makeUser('postgres')) ?? (await findUser('nobody'));
  if (!known)
    throw new Error('PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as.');
  return known;
}

async function findUser(name: string): Promise<SystemUser | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n');
  const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
  return fields ? { name, uid: Number(fields[2]), gid: Number(fields[3]) } : undefined;
}

async function makeUser(name: string): Promise<SystemUser | undefined> {
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', name], { stdio: 'ignore' });
  } catch {
    return undefined; // no useradd here, or a read-only /etc: `nobody` does as well
  }
  return findUser(name);
}

/** May this user enter the folder, by the mode bits of it and of all folders above it? */
export async function mayEnter(folder: string, user: SystemUser): Promise<boolean> {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const info = await stat(at).catch(() => undefined);
    if (info) {
      const bit = info.uid === user.uid ? 0o100 : info.gid === user.gid ? 0o010 : 0o001;
      if ((info.mode & bit) === 0) return false;
    }
    if (at === path.dirname(at)) return true;
  }
}
