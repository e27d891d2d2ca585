import type { Database, Queryable } from '#/platform/db/database.ts';
import { settingsOf } from './settings.ts';
import type { Tenant, Tenants } from './tenants.ts';

/** A tenant made beside a running server is served within this time (product.md: 5 s). */
const CACHE_MS = 2_000;
const COLUMNS = 'id, slug, name, kind, hosts, canonical_host, settings';

interface TenantRow {
  id: number;
  slug: string;
  name: string;
  kind: 'sandbox' | 'production';
  hosts: string[];
  canonical_host: string | null;
  settings: Record<string, unknown>;
}

export interface NewTenant {
  readonly slug: string;
  readonly name: string;
  readonly kind: 'sandbox' | 'production';
  readonly hosts?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** All tenants are few: they are read together and kept for two seconds. */
export function makeTenants(database: Database, publicUrl: string): Tenants {
  let known: readonly Tenant[] = [];
  let readAt = 0;
  let reading: Promise<readonly Tenant[]> | undefined;

  async function read(): Promise<readonly Tenant[]> {
    const result = await database.platform.query<TenantRow>(`select ${COLUMNS} from tenant order by slug`);
    known = result.rows.map(fromRow);
    readAt = Date.now();
    return known;
  }
  async function list(): Promise<readonly Tenant[]> {
    if (Date.now() - readAt < CACHE_MS) return known;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }
  const find = async (matches: (tenant: Tenant) => boolean): Promise<Tenant | undefined> =>
    (await list()).find(matches);
  const issuer = (tenant: Tenant): string =>
    tenant.canonicalHost === undefined ? `${publicUrl}/v1/${tenant.slug}` : `https://${tenant.canonicalHost}`;

  return {
    list,
    bySlug: (slug) => find((tenant) => tenant.slug === slug),
    byId: (id) => find((tenant) => tenant.id === id),
    byHost: (host) => find((tenant) => tenant.canonicalHost === host || tenant.hosts.includes(host)),
    issuer,
    fhirBase: (tenant) => `${issuer(tenant)}/r4`,
    bulkBase: (tenant) => `${issuer(tenant)}/bulk-data/r4`,
    forget() {
      readAt = 0;
    },
  };
}

/** @returns undefined when the slug is taken */
export async function insertTenant(queryable: Queryable, tenant: NewTenant): Promise<Tenant | undefined> {
  const result = await queryable.query<TenantRow>(
    `insert into tenant (slug, name, kind, hosts, settings) values ($1, $2, $3, $4, $5)
     on conflict (slug) do nothing returning ${COLUMNS}`,
    [tenant.slug, tenant.name, tenant.kind, tenant.hosts ?? [], tenant.settings ?? {}],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

/** Merges settings (null takes one back to its default) and, when given, name and hosts. */
export async function updateTenant(
  queryable: Queryable,
  slug: string,
  change: {
    name?: string;
    hosts?: readonly string[];
    canonicalHost?: string | null;
    settings: Readonly<Record<string, unknown>>;
  },
): Promise<Tenant | undefined> {
  const result = await queryable.query<TenantRow>(
    `update tenant set settings = jsonb_strip_nulls(settings || $2), name = coalesce($3, name), hosts = coalesce($4, hosts),
            canonical_host = case when $5 then $6 else canonical_host end, changed_at = now()
      where slug = $1 returning ${COLUMNS}`,
    [
      slug,
      change.settings,
      change.name ?? null,
      change.hosts ?? null,
      change.canonicalHost !== undefined,
      change.canonicalHost ?? null,
    ],
  );
  return result.rows[0] && fromRow(result.rows[0]);
}

function fromRow(row: TenantRow): Tenant {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    kind: row.kind,
    hosts: row.hosts,
    canonicalHost: row.canonical_host ?? undefined,
    settings: settingsOf(row.kind, row.settings),
  };
}
