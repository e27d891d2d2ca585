import type { Queryable } from '#/platform/db/database.ts';
import type { AccessType, Client, Environment } from './clients.ts';

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
  secrets: { sha256: string; environments: Environment[] }[];
}

const SELECT = `
  select c.client_id, c.name, c.access_type, c.kind, c.redirect_uris, c.every_sandbox, c.disabled_as,
         (select to_jsonb(o) from organization o where o.id = c.organization_id) as organization,
         coalesce((select jsonb_agg(jsonb_build_object('id', t.tenant_id, 'status', t.status)) from client_tenant t
                    where t.client_id = c.client_id), '[]') as tenants,
         coalesce((select jsonb_agg(jsonb_build_object('sha256', encode(s.sha256, 'hex'), 'environments', s.environments)) from client_secret s
                    where s.client_id = c.client_id and (s.expires_at is null or s.expires_at > now())), '[]') as secrets
    from client c`;

export async function selectClient(db: Queryable, clientId: string): Promise<Client | undefined> {
  const result = await db.query<ClientRow>(`${SELECT} where c.client_id = $1`, [clientId]);
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

export async function insertSecret(
  tx: Queryable,
  secret: { clientId: string; sha256: Buffer; hint: string; environments: readonly Environment[] },
): Promise<void> {
  await tx.query('insert into client_secret (client_id, sha256, hint, environments) values ($1, $2, $3, $4)', [
    secret.clientId,
    secret.sha256,
    secret.hint,
    secret.environments,
  ]);
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
    secrets: row.secrets.map(({ sha256, environments }) => ({ sha256: Buffer.from(sha256, 'hex'), environments })),
  };
}
