import type { Queryable, TenantDatabase } from '#/platform/db/database.ts';
import { type AccessType, type Client, type Environment, LIVE_SECRETS_MAX } from './clients.ts';

interface ClientRow {
  client_id: string;
  name: string;
  access_type: AccessType;
  kind: Client['kind'];
  redirect_uris: string[];
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
  secrets: { id: string; sha256: string; environments: Environment[]; used: string | null }[];
}

const SELECT = `
  select c.client_id, c.name, c.access_type, c.kind, c.redirect_uris, c.every_sandbox, c.disabled_as,
         (select to_jsonb(o) from organization o where o.id = c.organization_id) as organization,
         coalesce((select jsonb_agg(jsonb_build_object('id', t.tenant_id, 'status', t.status)) from client_tenant t
                    where t.client_id = c.client_id), '[]') as tenants,
         coalesce((select jsonb_agg(jsonb_build_object('id', s.id::text, 'sha256', encode(s.sha256, 'hex'),
                            'environments', s.environments, 'used', s.last_used_at)) from client_secret s
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
  readonly jwks: unknown;
  readonly jwksUri: string | undefined;
  /** Undefined: active at every sandbox tenant. */
  readonly tenantIds: readonly number[] | undefined;
}

export async function insertClient(tx: Queryable, client: NewClient): Promise<void> {
  await tx.query(
    `insert into client (client_id, name, access_type, kind, organization_id, redirect_uris, jwks, jwks_uri, every_sandbox)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      client.clientId,
      client.name,
      client.accessType,
      client.kind,
      client.organizationId ?? null,
      client.redirectUris,
      client.jwks === undefined ? null : JSON.stringify(client.jwks),
      client.jwksUri ?? null,
      client.tenantIds === undefined,
    ],
  );
  await tx.query(
    `insert into client_tenant (client_id, tenant_id, status) select $1, id, 'active' from unnest($2::int[]) as t (id)`,
    [client.clientId, client.tenantIds ?? []],
  );
}

/**
 * Adds a secret, in a transaction of the caller's.
 *
 * @returns false when the client has as many live ones as it may have in one of the environments
 */
export async function insertSecret(
  tx: Queryable,
  secret: { clientId: string; sha256: Buffer; hint: string; environments: readonly Environment[] },
): Promise<boolean> {
  // The row of the client is the lock: two that come at once are counted one after the other.
  await tx.query('select from client where client_id = $1 for update', [secret.clientId]);
  const result = await tx.query(
    `insert into client_secret (client_id, sha256, hint, environments)
     select $1, $2, $3, $4::text[]
      where not exists (select from unnest($4::text[]) as wanted (environment)
                         where (select count(*) from client_secret s where s.client_id = $1 and s.environments @> array[wanted.environment]
                                   and (s.expires_at is null or s.expires_at > now())) >= $5)`,
    [secret.clientId, secret.sha256, secret.hint, secret.environments, LIVE_SECRETS_MAX],
  );
  await tx.query(`select pg_notify('auth_revoked', $1)`, [JSON.stringify({ client: secret.clientId })]);
  return result.rowCount === 1;
}

export async function updateSecretUse(db: Queryable, id: string, intervalSeconds: number): Promise<void> {
  await db.query(
    `update client_secret set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - make_interval(secs => $2))`,
    [id, intervalSeconds],
  );
}

/** @returns whether the client was there and not revoked already */
export async function updateStatus(tx: Queryable, clientId: string, status: 'suspended' | 'revoked'): Promise<boolean> {
  const result = await tx.query(
    `update client set disabled_at = now(), disabled_as = $2 where client_id = $1 and disabled_as is distinct from 'revoked'`,
    [clientId, status],
  );
  if (result.rowCount === 0) return false;
  // Every process forgets what it knew of the client (authorization.md 8).
  await tx.query(`select pg_notify('auth_revoked', $1)`, [JSON.stringify({ client: clientId })]);
  return true;
}

function fromRow(row: ClientRow): Client {
  const { organization } = row;
  return {
    clientId: row.client_id,
    name: row.name,
    accessType: row.access_type,
    kind: row.kind,
    redirectUris: row.redirect_uris,
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
    secrets: row.secrets.map(({ id, sha256, environments, used }) => ({
      id,
      sha256: Buffer.from(sha256, 'hex'),
      environments,
      lastUsedAt: used === null ? undefined : new Date(used),
    })),
  };
}
