import { readFile } from 'node:fs/promises';
import { type CommandInput, type CommandOption, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import type { Config } from '#/platform/config/config.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import type { ClientKeys, Environment } from './clients.ts';
import { jwksUriProblem } from './jwks-uri.ts';
import { KEYS_PER_CLIENT_MAX, type KeySetProblem, type PublicKey, parseKeySet } from './public-keys.ts';

export interface OnboardingServices {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly config: Pick<Config, 'jwksAllowLoopback'>;
}

export const KEY_OPTIONS = {
  'jwks-file': { type: 'string', placeholder: 'F', description: 'a file with its public keys, instead of a secret' },
  'jwks-uri': { type: 'string', placeholder: 'U', description: 'where its public keys are, instead of a secret' },
} as const satisfies Record<string, CommandOption>;

export const ENVIRONMENT_OPTION = {
  environment: {
    type: 'string',
    multiple: true,
    placeholder: 'sandbox|production',
    description: 'where it is good; default: where the credentials that the client has are good',
  },
} as const satisfies Record<string, CommandOption>;

/** @throws CommandRefused `unknown-tenant` */
export async function requireTenant(services: OnboardingServices, slug: string): Promise<Tenant> {
  const tenant = await services.tenants.bySlug(slug);
  if (!tenant) throw new CommandRefused('unknown-tenant', `There is no plan ${slug}.`);
  return tenant;
}

/** What `--environment` says, once each; empty: it was not used. */
export function environmentsOf(input: CommandInput): readonly Environment[] {
  const named = [...new Set(input.texts('environment'))];
  if (!named.every((name): name is Environment => name === 'sandbox' || name === 'production'))
    throw new UsageError('--environment is sandbox or production.');
  return named;
}

/**
 * The public keys that `--jwks-file` or `--jwks-uri` names; undefined: neither was used.
 *
 * @throws CommandRefused `jwks-unreadable`, `jwks-uri-refused`
 */
export async function readKeys(
  input: CommandInput,
  environments: readonly Environment[],
  allowLoopback: boolean,
): Promise<ClientKeys | undefined> {
  const [file, url] = [input.text('jwks-file'), input.text('jwks-uri')];
  if (file !== undefined && url !== undefined) throw new UsageError('Use --jwks-file or --jwks-uri, not both.');
  if (url !== undefined) {
    const problem = jwksUriProblem(url, allowLoopback);
    if (problem === 'private-address')
      throw new CommandRefused('jwks-uri-refused', 'Keys are fetched from public addresses only (private-address).');
    if (problem) throw new UsageError(`--jwks-uri must be an https address (${problem}).`);
    return { kind: 'url', url, environments };
  }
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandRefused('jwks-unreadable', `The file ${file} cannot be read.`);
  });
  const keys = parseKeySet(text);
  if ('kind' in keys) throw new CommandRefused('jwks-unreadable', `The file ${file} cannot be used: ${sentence(keys)}`);
  return { kind: 'inline', keys, environments };
}

/** Keys as commands show them. */
export function describeKeys(keys: ClientKeys) {
  return {
    jwks_uri: keys.kind === 'url' ? keys.url : null,
    kids: keys.kind === 'inline' ? keys.keys.map(({ kid }: PublicKey) => kid) : null,
    environments: keys.environments,
  };
}

const SENTENCES: Readonly<Record<KeySetProblem['kind'], string>> = {
  'not-a-key-set': 'it must be a JWKS of public keys, {"keys": [...]}, of at most 64 KiB.',
  'no-keys': 'it has no key.',
  'too-many-keys': `it has more than ${KEYS_PER_CLIENT_MAX} keys.`,
  private: 'it has a private or secret part. Register public keys only, and make a new pair: this one has been shown.',
  'not-rsa-or-ec': 'its kty must be RSA or EC.',
  'no-kid': 'it needs a kid of at most 200 characters.',
  'kid-twice': 'an earlier key has the same kid.',
  'not-for-signing': 'it must be for signing (use "sig", key_ops with "verify", or neither).',
  algorithm: 'it must be for RS384, ES384, RS256 or ES256, with the curve that belongs to it.',
  weak: 'an RSA key has 2048 to 8192 bits.',
  malformed: 'it is no JWK (RFC 7517).',
};

function sentence(problem: KeySetProblem): string {
  return `${'index' in problem ? `key ${problem.index + 1}: ` : ''}${SENTENCES[problem.kind]}`;
}
