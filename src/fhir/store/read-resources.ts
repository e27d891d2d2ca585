import type { Queryable, TenantDatabase } from '#/platform/db/database.ts';
import { typeOf } from '../resource-types.ts';
import { memberKey } from './prepare.ts';

export interface StoredResource {
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: Date;
  readonly deleted: boolean;
  /** The canonical text as it is sent. */
  readonly content: string;
}

interface Row {
  id: string;
  version: number;
  last_updated: Date;
  deleted: boolean;
  content: string;
}

/** One resource of one member, or undefined. A deleted one says so. */
export async function readMemberResource(
  db: TenantDatabase,
  patientId: string,
  rt: number,
  id: string,
): Promise<StoredResource | undefined> {
  const result = await db.read<Row>({
    name: 'member-resource',
    text: `select id, version, last_updated, deleted, content from resource
            where tenant_id = $1 and mk = $2 and rt = $3 and id = $4 and member_id = $5`,
    values: [db.tenantId, String(memberKey(db.tenantId, patientId)), rt, id, patientId],
  });
  return result.rows[0] && fromRow(result.rows[0]);
}

/** A member's resources of one type, newest first; at most `limit`. */
export async function readMemberResources(
  db: TenantDatabase,
  patientId: string,
  rt: number,
  limit: number,
): Promise<readonly StoredResource[]> {
  const result = await db.read<Row>({
    name: 'member-resources',
    text: `select id, version, last_updated, deleted, content from resource
            where tenant_id = $1 and mk = $2 and rt = $3 and member_id = $4 and not deleted
            order by date_lo desc, id limit $5`,
    values: [db.tenantId, String(memberKey(db.tenantId, patientId)), rt, patientId, limit],
  });
  return result.rows.map(fromRow);
}

/** A shared resource that a member's resources name; undefined for one that they do not. */
export async function readSharedResource(
  db: TenantDatabase,
  patientId: string,
  rt: number,
  id: string,
): Promise<StoredResource | undefined> {
  const result = await db.read<Row>({
    name: 'shared-resource',
    text: `select id, version, last_updated, deleted, content from shared_resource s
            where tenant_id = $1 and id = $3 and rt = $4
              and exists (select from member_ref m where m.tenant_id = $1 and m.mk = $2 and m.member_id = $5 and m.rt = $4 and m.id = $3)`,
    values: [db.tenantId, String(memberKey(db.tenantId, patientId)), id, rt, patientId],
  });
  return result.rows[0] && fromRow(result.rows[0]);
}

/** One version of a member's resource, the current one or one from the history. */
export async function readMemberResourceVersion(
  db: TenantDatabase,
  patientId: string,
  key: { readonly rt: number; readonly id: string; readonly version: number },
): Promise<StoredResource | undefined> {
  const result = await db.read<Row>({
    name: 'member-resource-version',
    text: `select id, version, last_updated, deleted, content from resource
            where tenant_id = $1 and mk = $2 and rt = $3 and id = $4 and member_id = $5 and version = $6
           union all
           select id, version, last_updated, deleted, content from resource_history
            where tenant_id = $1 and mk = $2 and rt = $3 and id = $4 and member_id = $5 and version = $6`,
    values: [db.tenantId, String(memberKey(db.tenantId, patientId)), key.rt, key.id, patientId, key.version],
  });
  return result.rows[0] && fromRow(result.rows[0]);
}

/**
 * Members' resources by type and id, whosever they are: for what has to be decided about the resources that another one
 * names. The caller compares `memberId`. Deleted ones and shared ones are not among them.
 */
export async function readCurrentByKey(
  db: Queryable & { readonly tenantId: number },
  keys: readonly { readonly rt: number; readonly id: string }[],
): Promise<readonly { readonly reference: string; readonly memberId: string; readonly content: string }[]> {
  const result = await db.query<{ rt: number; id: string; member_id: string; content: string }>(
    `select r.rt, r.id, r.member_id, r.content
       from unnest($2::smallint[], $3::text[]) as k (rt, id)
       join resource_locator l on l.tenant_id = $1 and l.rt = k.rt and l.id = k.id
       join resource r on r.tenant_id = $1 and r.mk = l.mk and r.rt = l.rt and r.id = l.id and r.member_id = l.member_id
      where not r.deleted`,
    [db.tenantId, keys.map(({ rt }) => rt), keys.map(({ id }) => id)],
  );
  return result.rows.map(({ rt, id, member_id: memberId, content }) => ({
    reference: `${typeOf(rt)}/${id}`,
    memberId,
    content,
  }));
}

function fromRow(row: Row): StoredResource {
  return {
    id: row.id,
    version: row.version,
    lastUpdated: row.last_updated,
    deleted: row.deleted,
    content: row.content,
  };
}
