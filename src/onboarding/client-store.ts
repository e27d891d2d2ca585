import type { Queryable, TenantDatabase } from '#/platform/db/database.ts';
import type { AccessType, Client, ClientKeys, Environment, LaunchProfile } from './clients.ts';
import type { PublicKey } from './public-keys.ts';

interface ClientRow {
  client_id: string;
  name: string;
  access_type: AccessType;
  kind: Client['kind'];
  jwks: { keys: PublicKey[] } | null;
  jwks_uri: string | null;
  key_environments: Environment[];
  redirect_uris: string[];
  launch_profile: LaunchProfile | null;
  publisher: string | null;
  terms_url: string | null;
  privacy_url: string | null;
  every_sandbox: boolean;
  disabled_as: 'suspended' | 'revoked' | null;
  organization: {
    id: string;
    name: string;
    npis: string[];
    naics: string[];
    payer_ids: string[];
    eins: string[];
  } | null;
  tenants: { id: number; status: 'active' | 'suspended' | 'revoked' }[];
  secrets: {
    id: string;
    sha256: string;
    hint: string;
    environments: Environment[];
    created: string;
    ends: string | null;
    used: string | null;
  }[];
}

const SELECT = `
  select c.client_id, c.name, c.access_type, c.kind, c.jwks, c.jwks_uri, c.key_environments, c.redirect_uris, c.launch_profile, c.publisher, c.terms_url, c.privacy_url, c.every_sandbox, c.disabled_as,
         (select to_jsonb(o) from organization o where o.id = c.organization_id) as organization,
         coalesce((select jsonb_agg(jsonb_build_object('id', t.tenant_id, 'status', t.status)) from client_tenant t
                    where t.client_id = c.client_id), '[]') as tenants,
         coalesce((select jsonb_agg(jsonb_build_object('id', s.id::text, 'sha256', encode(s.sha256, 'hex'), 'hint', s.hint,
                            'environments', s.environments, 'created', s.created_at, 'ends', s.expires_at, 'used', s.last_used_at)
                            order by s.id) from client_secret s
                    where s.client_id = c.client_id and (s.expires_at is null or s.expires_at > now())), '[]') as secrets
    from client c`;

export async function selectClient(db: Queryable, clientId: string): Promise<Client | undefined> {
  const result = await db.query<ClientRow>(`${SELECT} where c.client_id = $1`, [clientId]);
  return result.rows[0] && fromRow(result.rows[0]);
}

/** One prepared statement gives all that a sign-in or a request needs of a client (authorization.md 10, rule 7). */
export async function selectLiveClient(db: TenantDatabase, clientId: string): Promise<Client | undefined> {
  const result = await db.read<ClientRow>({
    name: 'client',
    text: `${SELECT} where c.client_id = $1`,
    values: [clientId],
  });
  return result.rows[0] && fromRow(result.rows[0]);
}

export async function selectClients(db: Queryable): Promise<readonly Client[]> {
  const result = await db.query<ClientRow>(`${SELECT} order by c.created_at, c.client_id`);
  return result.rows.map(fromRow);
}

export interface NewClient {
  readonly clientId: string;
  readonly name: string;
  readonly accessType: AccessType;
  readonly kind: Client['kind'];
  readonly organizationId: string | undefined;
  readonly redirectUris: readonly string[];
  /** Of a client of kind `jwks`. */
  readonly keys: ClientKeys | undefined;
  /** Undefined: active at every sandbox tenant. */
  readonly tenantIds: readonly number[] | undefined;
}

export async function insertClient(tx: Queryable, client: NewClient): Promise<void> {
  await tx.query(
    `insert into client (client_id, name, access_type, kind, organization_id, redirect_uris, jwks, jwks_uri, key_environments, every_sandbox)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      client.clientId,
      client.name,
      client.accessType,
      client.kind,
      client.organizationId ?? null,
      client.redirectUris,
      ...keyColumns(client.keys),
      client.tenantIds === undefined,
    ],
  );
  await tx.query(
    `insert into client_tenant (client_id, tenant_id, status) select $1, id, 'active' from unnest($2::int[]) as t (id)`,
    [client.clientId, client.tenantIds ?? []],
  );
}

/**
 * Gives a client keys to sign in with, in place of what it had; a secret of a client with keys is none.
 *
 * @returns whether the client was there and not revoked
 */
export async function updateKeys(tx: Queryable, clientId: string, keys: ClientKeys): Promise<boolean> {
  const result = await tx.query(
    `update client set kind = 'jwks', jwks = $2, jwks_uri = $3, key_environments = $4
      where client_id = $1 and disabled_as is distinct from 'revoked'`,
    [clientId, ...keyColumns(keys)],
  );
  if (result.rowCount === 0) return false;
  await announce(tx, clientId);
  return true;
}

/** @returns whether the client was there and could be: a revoked one stays so, and only a suspended one is resumed */
export async function updateStatus(tx: Queryable, clientId: string, status: Client['status']): Promise<boolean> {
  const result = await tx.query(
    `update client set disabled_at = case $2 when 'active' then null else now() end, disabled_as = nullif($2, 'active')
      where client_id = $1 and case $2 when 'active' then disabled_as = 'suspended' else disabled_as is distinct from 'revoked' end`,
    [clientId, status],
  );
  if (result.rowCount === 0) return false;
  await announce(tx, clientId);
  return true;
}

/** The same for one tenant; the client must be known there. A row is made where it was valid without one. */
export async function updateTenantStatus(
  tx: Queryable,
  clientId: string,
  tenantId: number,
  status: Client['status'],
): Promise<boolean> {
  const result = await tx.query(
    status === 'active'
      ? `update client_tenant set status = $3, synced_at = now() where client_id = $1 and tenant_id = $2 and status = 'suspended'`
      : `insert into client_tenant as t (client_id, tenant_id, status) values ($1, $2, $3)
         on conflict (client_id, tenant_id) do update set status = excluded.status, synced_at = now() where t.status <> 'revoked'`,
    [clientId, tenantId, status],
  );
  if (result.rowCount === 0) return false;
  await announce(tx, clientId);
  return true;
}

/** Every process forgets what it knew of the client when this is committed (authorization.md 8). */
export async function announce(tx: Queryable, clientId: string): Promise<void> {
  await tx.query(`select pg_notify('auth_revoked', $1)`, [JSON.stringify({ client: clientId })]);
}

function keyColumns(
  keys: ClientKeys | undefined,
): [jwks: string | null, uri: string | null, environments: readonly string[]] {
  return [
    keys?.kind === 'inline' ? JSON.stringify({ keys: keys.keys }) : null,
    keys?.kind === 'url' ? keys.url : null,
    keys?.environments ?? [],
  ];
}

function keysOf(row: ClientRow): ClientKeys | undefined {
  const environments = row.key_environments;
  if (row.jwks_uri !== null) return { kind: 'url', url: row.jwks_uri, environments };
  return row.jwks === null ? undefined : { kind: 'inline', keys: row.jwks.keys, environments };
}

function fromRow(row: ClientRow): Client {
  const { organization } = row;
  return {
    clientId: row.client_id,
    name: row.name,
    accessType: row.access_type,
    kind: row.kind,
    redirectUris: row.redirect_uris,
    launchProfile: row.launch_profile ?? (row.kind === 'public' ? 'smart' : 'classic'),
    publisher: row.publisher ?? undefined,
    termsUrl: row.terms_url ?? undefined,
    privacyUrl: row.privacy_url ?? undefined,
    organization: organization
      ? {
          id: organization.id,
          name: organization.name,
          npis: organization.npis,
          naics: organization.naics,
          payerIds: organization.payer_ids,
          eins: organization.eins,
        }
      : undefined,
    status: row.disabled_as ?? 'active',
    everySandbox: row.every_sandbox,
    tenants: new Map(row.tenants.map(({ id, status }) => [id, status])),
    keys: keysOf(row),
    secrets: row.secrets.map(({ id, sha256, hint, environments, created, ends, used }) => ({
      id,
      sha256: Buffer.from(sha256, 'hex'),
      hint,
      environments,
      createdAt: new Date(created),
      endsAt: ends === null ? undefined : new Date(ends),
      lastUsedAt: used === null ? undefined : new Date(used),
    })),
  };
}
