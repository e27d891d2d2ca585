import type { Queryable } from '#/platform/db/database.ts';

interface Key {
  readonly rt: number;
  readonly id: string;
}

/**
 * The next keys of a tenant in the locator's order, deleted ones left out; for walks over everything there is.
 *
 * @param after the last key of the page before
 */
export async function readKeys(
  db: Queryable & { readonly tenantId: number },
  after: Key | undefined,
  limit: number,
): Promise<readonly Key[]> {
  const result = await db.query<Key>(
    `select rt, id from resource_locator
      where tenant_id = $1 and hash <> '' and (rt, id) > ($2::smallint, $3::text) order by rt, id limit $4`,
    [db.tenantId, after?.rt ?? 0, after?.id ?? '', limit],
  );
  return result.rows;
}

export interface StoredContent extends Key {
  /** The canonical text as it is sent. */
  readonly content: string;
}

/** Like `readKeys`, with what each resource says now. */
export async function readContents(
  db: Queryable & { readonly tenantId: number },
  after: Key | undefined,
  limit: number,
): Promise<readonly StoredContent[]> {
  const result = await db.query<{ rt: number; id: string; content: string }>(
    `select k.rt, k.id, coalesce(r.content, s.content) as content
       from (select rt, id, mk, member_id from resource_locator
              where tenant_id = $1 and hash <> '' and (rt, id) > ($2::smallint, $3::text) order by rt, id limit $4) k
       left join resource r on r.tenant_id = $1 and r.mk = k.mk and r.rt = k.rt and r.id = k.id and r.member_id = k.member_id
       left join shared_resource s on k.member_id = '' and s.tenant_id = $1 and s.id = k.id and s.rt = k.rt
      order by k.rt, k.id`,
    [db.tenantId, after?.rt ?? 0, after?.id ?? '', limit],
  );
  return result.rows;
}
