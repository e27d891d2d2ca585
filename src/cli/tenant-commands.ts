import { recordAudit } from '#/audit/audit.ts';
import { type Command, CommandRefused, UsageError } from '#/platform/cli/command.ts';
import { parseSetting, snakeCase, TENANT_SETTINGS } from '#/tenants/settings.ts';
import { insertTenant, updateTenant } from '#/tenants/tenant-store.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { Services } from '../services.ts';

type Wanted = Pick<Services, 'database' | 'tenants' | 'config'>;

const SLUG = /^[a-z][a-z0-9-]{0,62}$/;
const RESERVED = new Set(['payer2payer', 'test', 'patient-access']);
const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

function describe(tenant: Tenant, services: Wanted): Record<string, unknown> {
  return {
    slug: tenant.slug,
    name: tenant.name,
    kind: tenant.kind,
    issuer: services.tenants.issuer(tenant),
    fhir_base: services.tenants.fhirBase(tenant),
    hosts: tenant.hosts,
    canonical_host: tenant.canonicalHost ?? null,
    settings: Object.fromEntries(TENANT_SETTINGS.map(({ key }) => [snakeCase(key), tenant.settings[key] ?? null])),
  };
}

const create: Command<Wanted> = {
  path: ['tenant', 'create'],
  summary: 'make an empty plan; a running server serves it within 5 seconds',
  positionals: [{ name: 'SLUG', description: 'its name in addresses: lower-case letters, digits and hyphens' }],
  options: {
    name: { type: 'string', required: true, placeholder: 'NAME', description: 'the plan’s name as people read it' },
    kind: { type: 'string', required: true, placeholder: 'sandbox|production', description: 'the environment' },
  },
  async run(input, services) {
    const [slug = ''] = input.positionals;
    const kind = input.text('kind');
    if (kind !== 'sandbox' && kind !== 'production') throw new UsageError('--kind is sandbox or production.');
    if (!SLUG.test(slug))
      throw new UsageError('A slug has lower-case letters, digits and hyphens, and begins with a letter.');
    if (RESERVED.has(slug)) throw new CommandRefused('slug-reserved', `The slug ${slug} is reserved.`);
    const name = input.text('name')?.trim() ?? '';
    if (name === '') throw new UsageError('--name must not be empty.');
    // Sandbox plans answer under their own host name too: demo.localhost.
    const hosts = kind === 'sandbox' ? [`${slug}.localhost`] : [];
    const tenant = await services.database.platform.transaction(async (tx) => {
      const made = await insertTenant(tx, { slug, name, kind, hosts });
      if (made) await recordAudit(tx, { action: 'tenant.create', outcome: 'success', subject: slug, facts: { kind } });
      return made;
    });
    if (!tenant) throw new CommandRefused('slug-taken', `There is a tenant ${slug} already.`);
    services.tenants.forget();
    return {
      exitCode: 0,
      json: describe(tenant, services),
      text: `Made the ${kind} plan ${slug} at ${services.tenants.issuer(tenant)}.`,
    };
  },
};

const list: Command<Wanted> = {
  path: ['tenant', 'list'],
  summary: 'all plans',
  async run(_input, services) {
    const all = await services.tenants.list();
    return {
      exitCode: 0,
      json: all.map((tenant) => describe(tenant, services)),
      text:
        all.map((tenant) => `${tenant.slug}\t${tenant.kind}\t${tenant.name}`).join('\n') || 'There are no plans yet.',
    };
  },
};

const show: Command<Wanted> = {
  path: ['tenant', 'show'],
  summary: 'one plan with all its settings',
  positionals: [{ name: 'SLUG', description: 'the plan' }],
  async run(input, services) {
    const shown = describe(await requireTenant(services, input.positionals[0] ?? ''), services);
    const { settings, ...rest } = shown;
    const lines = Object.entries({ ...rest, ...(settings as object) }).map(
      ([key, value]) => `${key} = ${Array.isArray(value) ? value.join(',') : (value ?? '')}`,
    );
    return { exitCode: 0, json: shown, text: lines.join('\n') };
  },
};

const set: Command<Wanted> = {
  path: ['tenant', 'set'],
  summary: 'change settings of a plan; KEY= takes one back to its default',
  positionals: [
    { name: 'SLUG', description: 'the plan' },
    {
      name: 'KEY=VALUE',
      multiple: true,
      description: 'name, hosts, canonical_host, or a setting that `tenant show` lists',
    },
  ],
  async run(input, services) {
    const [slug = '', ...pairs] = input.positionals;
    await requireTenant(services, slug);
    const settings: Record<string, unknown> = {};
    const change: { name?: string; hosts?: string[]; canonicalHost?: string | null } = {};
    if (pairs.length === 0) throw new UsageError('Name at least one KEY=VALUE.');
    for (const pair of pairs) {
      const at = pair.indexOf('=');
      if (at <= 0) throw new UsageError('Settings are written KEY=VALUE.');
      const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
      if (key === 'name' && value.trim() !== '') change.name = value.trim();
      else if (key === 'hosts') change.hosts = requireHosts(value);
      else if (key === 'canonical_host') change.canonicalHost = value === '' ? null : (requireHosts(value)[0] ?? null);
      else {
        const parsed = parseSetting(key, value);
        if (!parsed) throw new CommandRefused('setting-refused', refusalOf(key));
        settings[parsed[0]] = parsed[1] ?? null;
      }
    }
    const tenant = await services.database.platform.transaction(async (tx) => {
      const changed = await updateTenant(tx, slug, { ...change, settings });
      const names = [...Object.keys(change), ...Object.keys(settings)];
      await recordAudit(tx, { action: 'tenant.change', outcome: 'success', subject: slug, facts: { settings: names } });
      return changed;
    });
    if (!tenant) throw new CommandRefused('unknown-tenant', `There is no plan ${slug}.`);
    services.tenants.forget();
    return { exitCode: 0, json: describe(tenant, services), text: `Changed ${pairs.length} setting(s) of ${slug}.` };
  },
};

function refusalOf(key: string): string {
  const known = TENANT_SETTINGS.find((row) => snakeCase(row.key) === key);
  return known
    ? `${key} must be ${known.allowed}.`
    : `There is no setting ${key}. Settings: ${['name', 'hosts', 'canonical_host', ...TENANT_SETTINGS.map((row) => snakeCase(row.key))].join(', ')}.`;
}

function requireHosts(value: string): string[] {
  const hosts = value
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== '');
  const bad = hosts.find((host) => !HOST.test(host));
  if (bad !== undefined) throw new CommandRefused('setting-refused', `${bad} is not a host name.`);
  return hosts;
}

async function requireTenant(services: Wanted, slug: string): Promise<Tenant> {
  const tenant = await services.tenants.bySlug(slug);
  if (!tenant)
    throw new CommandRefused('unknown-tenant', `There is no plan ${slug}. \`covered-bridge tenant list\` shows them.`);
  return tenant;
}

export const tenantCommands = [create, list, show, set] as const;
