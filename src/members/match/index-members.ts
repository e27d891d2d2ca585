import { rtOf } from '#/fhir/resource-types.ts';
import { memberKey } from '#/fhir/store/prepare.ts';
import type { Queryable } from '#/platform/db/database.ts';
import { coverageRows, type PatientRows, patientRows } from './index-rows.ts';
import {
  deleteIdentifiers,
  deleteNames,
  insertIdentifiers,
  insertNames,
  type OwnedIdentifier,
  type OwnedName,
  type Source,
  selectNotMatchable,
} from './member-index-store.ts';

/** A resource as the store has just written it. */
export interface ChangedResource {
  readonly type: string;
  readonly id: string;
  /** Id of the Patient it belongs to. */
  readonly owner: string | null;
  /** Its JSON. */
  readonly text: string;
}

export interface DeletedResource {
  readonly rt: number;
  readonly id: string;
}

type TenantQueryable = Queryable & { readonly tenantId: number };

/**
 * Brings the member index in line with resources that the caller's transaction has written or deleted. Only Patient and
 * Coverage matter. A Coverage may come before its Patient or after: rows are keyed by the member, and a member can be
 * found once both are there. What a resource brought before is replaced, so nothing of a corrected number stays.
 */
export async function indexMembers(
  transaction: TenantQueryable,
  changed: readonly ChangedResource[],
  deleted: readonly DeletedResource[] = [],
): Promise<void> {
  const patientRt = rtOf('Patient');
  const coverageRt = rtOf('Coverage');
  const sources: Source[] = [];
  const identifiers: OwnedIdentifier[] = [];
  const names: OwnedName[] = [];
  const patients: string[] = [];

  for (const { rt, id } of deleted) {
    if (rt === patientRt || rt === coverageRt) sources.push({ rt, id });
    if (rt === patientRt) patients.push(id);
  }
  for (const resource of changed) {
    if (resource.type !== 'Patient' && resource.type !== 'Coverage') continue;
    const source: Source = { rt: resource.type === 'Patient' ? patientRt : coverageRt, id: resource.id };
    const memberId = resource.type === 'Patient' ? resource.id : resource.owner;
    sources.push(source);
    if (memberId === null) continue;
    const owned = { mk: String(memberKey(transaction.tenantId, memberId)), memberId };
    const json = JSON.parse(resource.text);
    if (resource.type === 'Patient') {
      const rows = patientRows(transaction.tenantId, resource.id, json);
      patients.push(resource.id);
      names.push(...namesOf(rows, owned));
      identifiers.push(...rows.identifiers.map((row) => ({ ...row, ...owned, source })));
    } else identifiers.push(...coverageRows(json).map((row) => ({ ...row, ...owned, source })));
  }
  if (sources.length === 0) return;
  await deleteIdentifiers(transaction, sources);
  if (patients.length > 0)
    await deleteNames(
      transaction,
      patients.map((id) => ({ mk: String(memberKey(transaction.tenantId, id)), memberId: id })),
    );
  if (names.length > 0) await insertNames(transaction, names);
  if (identifiers.length > 0) await insertIdentifiers(transaction, identifiers);
}

/**
 * How many members of the tenant nobody can ever match: they have no member id, subscriber id or coverage id, no usable
 * name, or no full birth date. To be asked at the end of a feed, because a Coverage may come long after its Patient.
 */
export function countNotMatchable(queryable: TenantQueryable): Promise<number> {
  return selectNotMatchable(queryable);
}

function namesOf(rows: PatientRows, owned: { mk: string; memberId: string }): readonly OwnedName[] {
  const { birthDate } = rows;
  if (birthDate === undefined) return [];
  return rows.names.map((name) => ({
    ...name,
    ...owned,
    birthDate,
    gender: rows.gender ?? null,
    postalCodes: rows.postalCodes,
    umb: rows.umb,
  }));
}
