import { isIP } from 'node:net';

export type RedirectUriProblem =
  | 'not-absolute'
  | 'fragment'
  | 'userinfo'
  | 'wildcard'
  | 'scheme'
  | 'ip-literal'
  | 'loopback'
  | 'http';

/** Does the host name the caller's own machine? */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return (
    bare === 'localhost' ||
    bare.endsWith('.localhost') ||
    bare === '::1' ||
    bare === '0.0.0.0' ||
    (isIP(bare) === 4 && bare.startsWith('127.'))
  );
}

/**
 * Why a redirect URI may not be registered, or undefined. `http` and loopback are for sandboxes only; private schemes must
 * be reverse domains (RFC 8252 7.1).
 */
export function redirectUriProblem(
  text: string,
  environment: 'sandbox' | 'production',
): RedirectUriProblem | undefined {
  if (!URL.canParse(text)) return 'not-absolute';
  const url = new URL(text);
  if (text.includes('#')) return 'fragment';
  if (url.username !== '' || url.password !== '') return 'userinfo';
  if (text.includes('*')) return 'wildcard';
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    const loopback = isLoopbackHost(url.hostname);
    if (loopback) return environment === 'production' ? 'loopback' : undefined;
    if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) return 'ip-literal';
    return url.protocol === 'http:' && environment === 'production' ? 'http' : undefined;
  }
  return /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:$/.test(url.protocol) ? undefined : 'scheme';
}
