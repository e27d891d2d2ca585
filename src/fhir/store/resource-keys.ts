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
