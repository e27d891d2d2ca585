import { CommandRefused } from '#/platform/cli/command.ts';
import type { Queryable } from '#/platform/db/database.ts';
import type { Organization } from './organizations.ts';

interface OrganizationRow {
  id: string;
  name: string;
  npis: string[];
  naics: string[];
  payer_ids: string[];
  eins: string[];
}

export async function insertOrganization(tx: Queryable, organization: Organization): Promise<void> {
  await tx.query('insert into organization (id, name, npis, naics, payer_ids, eins) values ($1, $2, $3, $4, $5, $6)', [
    organization.id,
    organization.name,
    organization.npis,
    organization.naics,
    organization.payerIds,
    organization.eins,
  ]);
}

export async function selectOrganizations(db: Queryable): Promise<readonly Organization[]> {
  const result = await db.query<OrganizationRow>(
    'select id, name, npis, naics, payer_ids, eins from organization order by name, id',
  );
  return result.rows.map((row) => ({
    id: row.id,
    name: row.name,
    npis: row.npis,
    naics: row.naics,
    payerIds: row.payer_ids,
    eins: row.eins,
  }));
}

/** @throws CommandRefused `unknown-organization` */
export async function requireOrganization(db: Queryable, id: string): Promise<void> {
  const found = await db.query('select 1 from organization where id = $1', [id]);
  if (found.rowCount === 0) throw new CommandRefused('unknown-organization', `There is no organization ${id}.`);
}
