import assert from 'node:assert';
import { recordAudit } from '#/audit/audit.ts';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import { randomIdentifier, randomToken } from '#/platform/crypto/random.ts';
import { clientKeyCommands } from './client-key-commands.ts';
import { insertSecret } from './client-secret-store.ts';
import { clientStatusCommands } from './client-status-commands.ts';
import { insertClient, selectClient, selectClients } from './client-store.ts';
import { ACCESS_TYPES, type AccessType, type Client, type Environment, isActiveAt } from './clients.ts';
import { describeKeys, KEY_OPTIONS, type OnboardingServices, readKeys, requireTenant } from './command-input.ts';
import { organizationCommands } from './organization-commands.ts';
import { requireOrganization } from './organization-store.ts';
import { REDIRECT_URIS_PER_CLIENT_MAX, redirectUriProblem } from './redirect-uris.ts';

const NAME_CHARACTERS_MAX = 200;

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
    ...KEY_OPTIONS,
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
    const keys = await readKeys(input, environments, services.config.jwksAllowLoopback);
    const isPublic = input.flag('public');
    if (isPublic && (keys || accessType !== 'patient-access'))
      throw new UsageError('--public is for patient-access apps without keys.');
    const kind: Client['kind'] = isPublic ? 'public' : keys ? 'jwks' : 'secret';
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
        keys,
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

const show: Command<OnboardingServices> = {
  path: ['client', 'show'],
  summary: 'one client: where it is active, its secrets (without their values) and its keys',
  positionals: [{ name: 'ID', description: 'its client id' }],
  async run(input, services) {
    const client = await selectClient(services.database.platform, input.positionals[0] ?? '');
    if (!client) throw new CommandRefused('unknown-client', 'There is no such client.');
    const tenants = (await services.tenants.list()).flatMap((tenant) => {
      const status = client.tenants.get(tenant.id) ?? (isActiveAt(client, tenant) ? 'active' : undefined);
      return status === undefined ? [] : [{ tenant: tenant.slug, status }];
    });
    const json = {
      client_id: client.clientId,
      name: client.name,
      access_type: client.accessType,
      status: client.status,
      organization: client.organization?.id ?? null,
      tenants,
      redirect_uris: client.redirectUris,
      secrets: client.secrets.map((secret) => ({
        id: secret.id,
        hint: secret.hint,
        environments: secret.environments,
        created_at: secret.createdAt.toISOString(),
        ends_at: secret.endsAt?.toISOString() ?? null,
        last_used_at: secret.lastUsedAt?.toISOString() ?? null,
      })),
      keys: client.keys ? describeKeys(client.keys) : null,
    };
    const lines = [
      `${client.clientId}  ${client.name}  (${client.accessType}, ${client.status})`,
      ...tenants.map(({ tenant, status }) => `plan    ${tenant}  ${status}`),
      ...json.secrets.map(
        ({ id, hint, environments, ends_at }) =>
          `secret  ${id}  ...${hint}  ${environments.join(', ')}${ends_at === null ? '' : `  ends ${ends_at}`}`,
      ),
      ...(json.keys
        ? [`keys    ${json.keys.jwks_uri ?? json.keys.kids?.join(', ')}  ${json.keys.environments.join(', ')}`]
        : []),
    ];
    return { exitCode: 0, json, text: lines.join('\n') };
  },
};

export const onboardingCommands = [
  create,
  list,
  show,
  ...clientKeyCommands,
  ...clientStatusCommands,
  ...organizationCommands,
] as const;

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
