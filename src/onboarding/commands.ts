import assert from 'node:assert';
import { readFile } from 'node:fs/promises';
import { recordAudit } from '#/audit/audit.ts';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import { randomIdentifier, randomToken } from '#/platform/crypto/random.ts';
import type { Database } from '#/platform/db/database.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { insertClient, insertSecret, selectClient, selectClients, updateStatus } from './client-store.ts';
import { ACCESS_TYPES, type AccessType, type Client, type Environment } from './clients.ts';
import { organizationCommands } from './organization-commands.ts';
import { requireOrganization } from './organization-store.ts';
import { REDIRECT_URIS_PER_CLIENT_MAX, redirectUriProblem } from './redirect-uris.ts';

const NAME_CHARACTERS_MAX = 200;
const JWKS_BYTES_MAX = 64 * 1024;

export interface OnboardingServices {
  readonly database: Database;
  readonly tenants: Tenants;
}

const create: Command<OnboardingServices> = {
  path: ['client', 'create'],
  summary: 'make an approved client; its secret is shown this once',
  options: {
    'access-type': {
      type: 'string',
      required: true,
      placeholder: ACCESS_TYPES.join('|'),
      description: 'what it is for',
    },
    name: { type: 'string', required: true, placeholder: 'NAME', description: 'its name as people read it' },
    tenant: {
      type: 'string',
      multiple: true,
      placeholder: 'T',
      description: 'where it is active; without it at every sandbox plan, later ones too',
    },
    'redirect-uri': {
      type: 'string',
      multiple: true,
      placeholder: 'U',
      description: 'where an app gets its answers; several may be comma separated',
    },
    organization: { type: 'string', placeholder: 'ID', description: 'the organization it belongs to' },
    public: { type: 'boolean', description: 'an app that cannot keep a secret' },
    'jwks-file': { type: 'string', placeholder: 'F', description: 'a file with its public keys, instead of a secret' },
    'jwks-uri': { type: 'string', placeholder: 'U', description: 'where its public keys are, instead of a secret' },
  },
  async run(input, services) {
    const accessType = input.text('access-type') as AccessType;
    if (!ACCESS_TYPES.includes(accessType)) throw new UsageError(`--access-type is one of ${ACCESS_TYPES.join(', ')}.`);
    const name = input.text('name')?.trim() ?? '';
    if (name === '' || name.length > NAME_CHARACTERS_MAX)
      throw new UsageError(`--name must have 1 to ${NAME_CHARACTERS_MAX} characters.`);
    const slugs = [...new Set(input.texts('tenant'))];
    const tenants = await Promise.all(slugs.map((slug) => requireTenant(services, slug)));
    const environments: Environment[] =
      tenants.length === 0 ? ['sandbox'] : [...new Set(tenants.map(({ kind }) => kind))];
    const redirectUris = input.texts('redirect-uri').flatMap((uris) => uris.split(',').map((uri) => uri.trim()));
    requireRedirectUris(accessType, redirectUris, environments);
    const keys = await readKeys(input.text('jwks-file'), input.text('jwks-uri'));
    const isPublic = input.flag('public');
    if (isPublic && (keys.kind === 'jwks' || accessType !== 'patient-access'))
      throw new UsageError('--public is for patient-access apps without keys.');
    const kind: Client['kind'] = isPublic ? 'public' : keys.kind;
    const clientId = randomIdentifier(22);
    const secret = kind === 'secret' ? randomToken(32) : undefined;
    await services.database.platform.transaction(async (tx) => {
      const organization = input.text('organization');
      if (organization !== undefined) await requireOrganization(tx, organization);
      await insertClient(tx, {
        clientId,
        name,
        accessType,
        kind,
        organizationId: organization,
        redirectUris,
        jwks: keys.jwks,
        jwksUri: keys.jwksUri,
        tenantIds: tenants.length === 0 ? undefined : tenants.map(({ id }) => id),
      });
      if (secret !== undefined)
        assert(await insertSecret(tx, { clientId, sha256: sha256(secret), hint: secret.slice(-4), environments }));
      await recordAudit(tx, {
        action: 'client.create',
        outcome: 'success',
        client: clientId,
        organization,
        facts: { accessType, kind, tenants: tenants.map(({ slug }) => slug) },
      });
    });
    const sandboxes = (await services.tenants.list()).filter(({ kind: environment }) => environment === 'sandbox');
    const active = (tenants.length === 0 ? sandboxes : tenants).map(({ slug }) => slug);
    const json = {
      client_id: clientId,
      ...(secret === undefined ? {} : { client_secret: secret }),
      access_type: accessType,
      tenants: active,
      redirect_uris: redirectUris,
    };
    const lines = [
      `client_id      ${clientId}`,
      ...(secret === undefined ? [] : [`client_secret  ${secret}   (shown this once)`]),
      `active at      ${active.join(', ') || 'every sandbox plan to come'}`,
    ];
    return { exitCode: 0, json, text: lines.join('\n') };
  },
};

const list: Command<OnboardingServices> = {
  path: ['client', 'list'],
  summary: 'all clients',
  async run(_input, services) {
    const slugs = new Map((await services.tenants.list()).map((tenant) => [tenant.id, tenant.slug]));
    const clients = await selectClients(services.database.platform);
    const json = clients.map((client) => ({
      client_id: client.clientId,
      name: client.name,
      access_type: client.accessType,
      status: client.status,
      organization: client.organization?.id ?? null,
      tenants: client.everySandbox
        ? ['every sandbox']
        : [...client.tenants.keys()].map((id) => slugs.get(id) ?? String(id)),
      redirect_uris: client.redirectUris,
    }));
    const text = json.map((row) => `${row.client_id}\t${row.access_type}\t${row.status}\t${row.name}`).join('\n');
    return { exitCode: 0, json, text: text || 'There are no clients yet.' };
  },
};

function disable(word: 'suspend' | 'revoke', status: 'suspended' | 'revoked'): Command<OnboardingServices> {
  return {
    path: ['client', word],
    summary:
      word === 'suspend'
        ? 'stop a client for now; its tokens stop within 5 seconds'
        : 'end a client for good; its tokens stop within 5 seconds',
    positionals: [{ name: 'ID', description: 'its client id' }],
    async run(input, services) {
      const [clientId = ''] = input.positionals;
      const done = await services.database.platform.transaction(async (tx) => {
        const changed = (await selectClient(tx, clientId)) !== undefined && (await updateStatus(tx, clientId, status));
        if (changed) await recordAudit(tx, { action: `client.${word}`, outcome: 'success', client: clientId });
        return changed;
      });
      if (!done) throw new CommandRefused('unknown-client', 'There is no such client, or it is revoked already.');
      return { exitCode: 0, json: { client_id: clientId, status }, text: `The client ${clientId} is ${status}.` };
    },
  };
}

export const onboardingCommands = [
  create,
  list,
  disable('suspend', 'suspended'),
  disable('revoke', 'revoked'),
  ...organizationCommands,
] as const;

async function requireTenant(services: OnboardingServices, slug: string) {
  const tenant = await services.tenants.bySlug(slug);
  if (!tenant) throw new CommandRefused('unknown-tenant', `There is no plan ${slug}.`);
  return tenant;
}

function requireRedirectUris(
  accessType: AccessType,
  uris: readonly string[],
  environments: readonly Environment[],
): void {
  if (accessType === 'payer-to-payer' && uris.length > 0)
    throw new UsageError('A payer-to-payer client signs in by itself and has no redirect URI.');
  if (accessType !== 'payer-to-payer' && uris.length === 0) throw new UsageError('--redirect-uri is missing.');
  if (uris.length > REDIRECT_URIS_PER_CLIENT_MAX)
    throw new CommandRefused(
      'redirect-uri-refused',
      `A client has at most ${REDIRECT_URIS_PER_CLIENT_MAX} redirect URIs.`,
    );
  for (const uri of uris)
    for (const environment of environments) {
      const problem = redirectUriProblem(uri, environment);
      if (problem) throw new CommandRefused('redirect-uri-refused', `The redirect URI ${uri} is refused (${problem}).`);
    }
}

async function readKeys(
  file: string | undefined,
  uri: string | undefined,
): Promise<{ kind: 'secret' | 'jwks'; jwks?: unknown; jwksUri?: string }> {
  if (file !== undefined && uri !== undefined) throw new UsageError('Use --jwks-file or --jwks-uri, not both.');
  if (uri !== undefined) {
    if (!URL.canParse(uri) || new URL(uri).protocol !== 'https:')
      throw new UsageError('--jwks-uri must be an https address.');
    return { kind: 'jwks', jwksUri: uri };
  }
  if (file === undefined) return { kind: 'secret' };
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandRefused('jwks-unreadable', `The file ${file} cannot be read.`);
  });
  const jwks = text.length <= JWKS_BYTES_MAX ? parsePublicKeys(text) : undefined;
  if (jwks) return { kind: 'jwks', jwks };
  throw new CommandRefused('jwks-unreadable', `The file ${file} must be a JWKS of public keys: {"keys": [...]}.`);
}

/** A JWK set of RSA and EC keys without any private part; undefined: something else. */
function parsePublicKeys(text: string): object | undefined {
  try {
    const jwks = JSON.parse(text) as { keys?: { kty?: unknown; d?: unknown }[] } | null;
    const keys = jwks?.keys;
    if (!jwks || !Array.isArray(keys) || keys.length === 0) return undefined;
    const isPublic = keys.every((key) => (key?.kty === 'RSA' || key?.kty === 'EC') && !('d' in key));
    return isPublic ? jwks : undefined;
  } catch {
    return undefined;
  }
}
