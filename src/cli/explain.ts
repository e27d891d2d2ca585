import { ConfigError } from '#/platform/config/config.ts';
import { isConnectionLost } from '#/platform/db/database.ts';
import { DatabaseUnusable } from '#/platform/db/database-unusable.ts';

interface SystemError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly hostname?: string;
}

/** Where the program was told to listen. */
export interface Listens {
  readonly port: number | string;
  readonly host: string;
}

/** Why a file or folder cannot be used, by the system's code. */
const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'it is on a file system that is read only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of it is no folder',
  EEXIST: 'it is no folder',
  ENOSPC: 'the disk is full',
};

/**
 * What a person at the terminal needs to know about a failed start or command, and can do about it; undefined when nobody
 * foresaw it. Settings that hold secrets are named and never quoted.
 */
export function explain(error: unknown, listens: Listens | undefined): string | undefined {
  if (error instanceof ConfigError)
    return `The settings are not right:\n${error.problems.map((problem) => `  ${problem}`).join('\n')}`;
  if (error instanceof DatabaseUnusable) return error.message;
  if (!(error instanceof Error)) return undefined;
  return explainListen(error, listens) ?? explainFile(error) ?? explainDatabase(error);
}

function explainListen(error: SystemError, listens: Listens | undefined): string | undefined {
  if (!listens) return undefined;
  const { port, host } = listens;
  const isName = error.syscall === 'getaddrinfo' && error.hostname === host;
  if (error.syscall !== 'listen' && !isName) return undefined;
  if (error.code === 'EADDRINUSE') return `Port ${port} is taken. Set PORT to another one, or stop what uses it.`;
  if (error.code === 'EACCES') return `This user may not listen on port ${port}. Set PORT to one above 1023.`;
  return `HOST is ${host}, and this machine has no such address.`;
}

function explainFile({ code = '', path, syscall }: SystemError): string | undefined {
  const why = FILE_PROBLEMS[code];
  if (why === undefined || path === undefined || syscall === 'connect') return undefined;
  return `${path} cannot be used: ${why}. Look at DATA_DIR and the other settings that name a path, and at who owns it.`;
}

function explainDatabase(error: SystemError): string | undefined {
  const { code = '', message } = error;
  if (code === '28P01') return 'The database refused the user or the password of DATABASE_URL.';
  // pg_hba.conf: the text names host, user, database and whether the connection was encrypted, and no secret.
  if (code === '28000') return `The database refused the connection of DATABASE_URL: ${message}.`;
  if (code === '3D000') return 'The database that DATABASE_URL names does not exist. Create it first.';
  if (code === '42501')
    return `The user of DATABASE_URL may not do what is needed (${message}). It must own the database.`;
  if (code === '53300')
    return 'The database takes no more connections. Raise max_connections there, or lower DATABASE_POOL_SIZE.';
  if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/.test(code))
    return `The certificate of the database is not trusted (${code}). Name the authority that signed it: &sslrootcert=FILE in DATABASE_URL; the host there must be a name that stands in the certificate.`;
  if (message === 'The server does not support SSL connections')
    return 'The database speaks no TLS, and sslmode of DATABASE_URL asks for it.';
  if (code === 'EACCES' && error.syscall === 'connect')
    return 'The database cannot be reached: its socket belongs to another user.';
  if (isConnectionLost(error) || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'The database cannot be reached. Check DATABASE_URL, and that the server runs.';
  return undefined;
}
