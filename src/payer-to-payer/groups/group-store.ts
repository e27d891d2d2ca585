import type { Queryable } from '#/platform/db/database.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

export interface GroupRow {
  readonly id: string;
  readonly client: string | null;
  readonly organization: string | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
}

export interface GroupMemberRow {
  readonly mk: string;
  readonly member_id: string;
  readonly umb: string;
  readonly consent_id: string | null;
}

export async function selectGroup(db: TenantQueryable, id: string): Promise<GroupRow | undefined> {
  const result = await db.query<GroupRow>(
    `select id, client, organization, created_at, expires_at from payer_group where tenant_id = $1 and id = $2`,
    [db.tenantId, id],
  );
  return result.rows[0];
}

/** All members of a group, or those of the given records that are in it. */
export async function selectGroupMembers(
  db: TenantQueryable,
  groupId: string,
  records?: readonly { readonly mk: string; readonly memberId: string }[],
): Promise<readonly GroupMemberRow[]> {
  const columns = 'm.mk::text as mk, m.member_id, m.umb, m.consent_id';
  const result = records
    ? await db.query<GroupMemberRow>(
        `select ${columns} from unnest($3::bigint[], $4::text[]) w (mk, member_id)
           join group_member m on m.tenant_id = $1 and m.group_id = $2 and m.mk = w.mk and m.member_id = w.member_id
          order by m.mk, m.member_id`,
        [db.tenantId, groupId, records.map((record) => record.mk), records.map((record) => record.memberId)],
      )
    : await db.query<GroupMemberRow>(
        `select ${columns} from group_member m where m.tenant_id = $1 and m.group_id = $2 order by m.mk, m.member_id`,
        [db.tenantId, groupId],
      );
  return result.rows;
}

/**
 * Memberships in groups that the client may use at that moment, its own and the standing one.
 *
 * @param members only of these records; undefined for everybody
 */
export async function selectMembershipsOfClient(
  db: TenantQueryable,
  client: string,
  members: readonly { readonly mk: string; readonly memberId: string }[] | undefined,
  at: Date,
): Promise<readonly GroupMemberRow[]> {
  const columns = 'm.mk::text as mk, m.member_id, m.umb, m.consent_id';
  const usable = '(g.client = $2 or g.client is null) and (g.expires_at is null or g.expires_at > $3)';
  const result = members
    ? await db.query<GroupMemberRow>(
        `select distinct ${columns}
           from unnest($4::bigint[], $5::text[]) w (mk, member_id)
           join group_member m on m.tenant_id = $1 and m.mk = w.mk and m.member_id = w.member_id
           join payer_group g on g.tenant_id = $1 and g.id = m.group_id
          where ${usable}
          order by m.member_id`,
        [db.tenantId, client, at, members.map((member) => member.mk), members.map((member) => member.memberId)],
      )
    : await db.query<GroupMemberRow>(
        `select distinct ${columns}
           from payer_group g
           join group_member m on m.tenant_id = $1 and m.group_id = g.id
          where g.tenant_id = $1 and ${usable}
          order by m.member_id`,
        [db.tenantId, client, at],
      );
  return result.rows;
}

export async function insertGroup(
  db: TenantQueryable,
  group: {
    readonly id: string;
    readonly client: string | null;
    readonly organization: string | null;
    readonly createdAt: Date;
    readonly expiresAt: Date | null;
  },
): Promise<void> {
  await db.query(
    `insert into payer_group (tenant_id, id, client, organization, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)
     on conflict do nothing`,
    [db.tenantId, group.id, group.client, group.organization, group.createdAt, group.expiresAt],
  );
}

export async function insertGroupMembers(
  db: TenantQueryable,
  groupId: string,
  members: readonly {
    readonly mk: string;
    readonly memberId: string;
    readonly umb: string;
    readonly consentId: string | null;
  }[],
  at: Date,
): Promise<void> {
  await db.query(
    `insert into group_member (tenant_id, group_id, mk, member_id, umb, consent_id, added_at)
     select $1, $2, m.mk, m.member_id, m.umb, m.consent_id, $7
       from unnest($3::bigint[], $4::text[], $5::text[], $6::uuid[]) m (mk, member_id, umb, consent_id)`,
    [
      db.tenantId,
      groupId,
      members.map((member) => member.mk),
      members.map((member) => member.memberId),
      members.map((member) => member.umb),
      members.map((member) => member.consentId),
      at,
    ],
  );
}

export async function deleteGroupMembers(db: TenantQueryable, groupId: string): Promise<void> {
  await db.query(`delete from group_member where tenant_id = $1 and group_id = $2`, [db.tenantId, groupId]);
}

export async function deleteGroupsOfClients(db: TenantQueryable): Promise<number> {
  const result = await db.query(`delete from payer_group where tenant_id = $1 and client is not null`, [db.tenantId]);
  return result.rowCount ?? 0;
}
