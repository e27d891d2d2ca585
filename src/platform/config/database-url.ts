import { isLoopback } from './loopback.ts';

const FORM =
  'DATABASE_URL must be postgres://user:password@host:port/database; in user and password, characters such as @ : / ? # % are written as %40 %3A %2F %3F %23 %25.';
const UNPROTECTED =
  'DATABASE_URL must say in production mode how the way to another machine is protected: end it with ?sslmode=verify-full (or with ?sslmode=disable where the network itself encrypts).';

/**
 * What is wrong with the address of the database; undefined: nothing. The text never quotes it, because it holds a password.
 *
 * `pg` takes an address without a word about TLS as one without TLS. Members' data would then cross a network in clear and
 * nobody would have decided so.
 */
export function databaseUrlProblem(text: string, production: boolean): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(text)) return 'DATABASE_URL must begin with postgres:// or postgresql://.';
  // A socket's folder stands in `?host=`; the part between @ and / is then empty, which only pg understands.
  const bare = text.replace('@/', '@localhost/');
  if (!URL.canParse(bare)) return FORM;
  const url = new URL(bare);
  try {
    for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part);
  } catch {
    return FORM;
  }
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  const isHere = host === '' || host.startsWith('/') || isLoopback(host);
  const isDecided = url.searchParams.has('sslmode') || url.searchParams.has('ssl');
  return production && !isHere && !isDecided ? UNPROTECTED : undefined;
}
