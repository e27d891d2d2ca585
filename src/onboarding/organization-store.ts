import { CommandRefused } from '#/platform/cli/command.ts';
import type { Queryable } from '#/platform/db/database.ts';
import type { Attestation } from './attestations.ts';
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

export async function insertAttestation(
  tx: Queryable,
  organizationId: string,
  attestation: Attestation,
): Promise<void> {
  await tx.query(
    `insert into organization_attestation (organization_id, statement, signed_by, title, signed_on, recorded_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      organizationId,
      attestation.statement,
      attestation.signedBy,
      attestation.title,
      attestation.signedOn,
      attestation.recordedAt,
    ],
  );
}

/** The latest that was recorded by then. */
export async function selectAttestation(
  db: Queryable,
  organizationId: string,
  at: Date,
): Promise<Attestation | undefined> {
  const result = await db.query(
    `select statement, signed_by, title, signed_on::text, recorded_at from organization_attestation
      where organization_id = $1 and recorded_at <= $2 order by recorded_at desc, id desc limit 1`,
    [organizationId, at],
  );
  const row = result.rows[0];
  return (
    row && {
      statement: row.statement,
      signedBy: row.signed_by,
      title: row.title,
      signedOn: row.signed_on,
      recordedAt: row.recorded_at,
    }
  );
}

/** @throws CommandRefused `unknown-organization` */
export async function requireOrganization(db: Queryable, id: string): Promise<void> {
  const found = await db.query('select 1 from organization where id = $1', [id]);
  if (found.rowCount === 0) throw new CommandRefused('unknown-organization', `There is no organization ${id}.`);
}
