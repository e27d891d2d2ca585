import { isIP } from 'node:net';

export type RedirectUriProblem =
  | 'not-absolute'
  | 'characters'
  | 'too-long'
  | 'fragment'
  | 'userinfo'
  | 'wildcard'
  | 'scheme'
  | 'ip-literal'
  | 'loopback'
  | 'http';

export const REDIRECT_URI_CHARACTERS_MAX = 2_000;
export const REDIRECT_URIS_PER_CLIENT_MAX = 20;

/** Reverse-domain schemes of installed apps, for example `com.example.app:` (RFC 8252 7.1). */
const PRIVATE_SCHEME = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:$/;

/**
 * Why a redirect URI may not be registered, or undefined. `http` and loopback are for sandboxes only.
 *
 * Source: authorization.md 5; RFC 6749 3.1.2, RFC 9700 2.1.
 */
export function redirectUriProblem(
  text: string,
  environment: 'sandbox' | 'production',
): RedirectUriProblem | undefined {
  if (text.length > REDIRECT_URI_CHARACTERS_MAX) return 'too-long';
  // The URL parser forgives spaces, line ends and backslashes, and browsers forgive them differently.
  if (!/^[!-[\]-~]+$/.test(text)) return 'characters';
  if (!URL.canParse(text)) return 'not-absolute';
  const url = new URL(text);
  if (text.includes('#')) return 'fragment';
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?]*@/.test(text)) return 'userinfo';
  if (text.includes('*')) return 'wildcard';
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return PRIVATE_SCHEME.test(url.protocol) ? undefined : 'scheme';
  if (!/^https?:\/\/[^/]/i.test(text)) return 'not-absolute';
  if (isLoopbackHost(url.hostname)) return environment === 'production' ? 'loopback' : undefined;
  if (isIP(bareHost(url.hostname)) !== 0) return 'ip-literal';
  return url.protocol === 'http:' && environment === 'production' ? 'http' : undefined;
}

/** Does the host name the caller's own machine? */
export function isLoopbackHost(host: string): boolean {
  const bare = bareHost(host);
  return (
    bare === 'localhost' ||
    bare.endsWith('.localhost') ||
    bare === '::1' ||
    bare === '0.0.0.0' ||
    (isIP(bare) === 4 && bare.startsWith('127.'))
  );
}

/** Without the brackets of IPv6, and without the final dot, with which `localhost.` is the same host. */
function bareHost(host: string): string {
  return host.replace(/^\[|\]$|\.$/g, '').toLowerCase();
}
