import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from '#/platform/http/public-address.ts';
import { isLoopbackHost } from './redirect-uris.ts';

export type JwksUriProblem = 'not-absolute' | 'too-long' | 'userinfo' | 'fragment' | 'scheme' | 'private-address';

const CHARACTERS_MAX = 2_000;

/**
 * Why the address of a client's public keys may not be registered, or undefined. Where its name leads is looked at when it is
 * fetched.
 *
 * @param allowLoopback the setting JWKS_ALLOW_LOOPBACK
 *
 * Source: authorization.md 5.
 */
export function jwksUriProblem(text: string, allowLoopback: boolean): JwksUriProblem | undefined {
  if (text.length > CHARACTERS_MAX) return 'too-long';
  if (!/^[!-[\]-~]+$/.test(text) || !URL.canParse(text)) return 'not-absolute';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'userinfo';
  if (text.includes('#')) return 'fragment';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isLocal = isLoopbackHost(host) || isLoopbackAddress(host);
  if (allowLoopback && isLocal && /^https?:$/.test(url.protocol)) return undefined;
  if (url.protocol !== 'https:') return 'scheme';
  return isLocal || (isIP(host) !== 0 && !isPublicAddress(host)) ? 'private-address' : undefined;
}
