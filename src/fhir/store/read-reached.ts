import type { TenantDatabase } from '#/platform/db/database.ts';
import { rtOf } from '../resource-types.ts';
import { SHARED_TYPES } from './owner.ts';
import { memberKey } from './prepare.ts';
import { ofMember, ofNobody, ofTypes, type Reach, startStatement } from './reach.ts';
import { runStatement } from './search-rows.ts';

/** A stored resource, and what stands between it and the caller. */
export interface ReachedResource {
  readonly id: string;
  readonly version: number;
  readonly lastUpdated: Date;
  readonly deleted: boolean;
  readonly content: string;
  /** A label of it is among those that the caller is not given. */
  readonly withheld: boolean;
  /** It is of a type, and where scopes say so of a kind, that the caller may read. */
  readonly permitted: boolean;
}

interface Row {
  id: string;
  version: number;
  last_updated: Date;
  deleted: boolean;
  content: string;
  withheld: boolean;
  permitted: boolean;
}

/**
 * One resource of the member, or undefined. Of a shared one the caller has to know already that the member's resources
 * name it.
 */
export async function readReached(
  db: TenantDatabase,
  reach: Reach,
  type: string,
  id: string,
): Promise<ReachedResource | undefined> {
  const statement = startStatement(db, reach);
  const { values } = statement;
  const isShared = SHARED_TYPES.has(type);
  const permitted = ofTypes(statement, 'r', [type]);
  const where = isShared ? ofNobody('r') : ofMember('r');
  const text = `select r.id, r.version, r.last_updated, r.deleted, r.content, r.tokens && $4::text[] as withheld, ${permitted} as permitted
    from ${isShared ? 'shared_resource' : 'resource'} r where ${where} and r.rt = ${values.add(rtOf(type), 'smallint')} and r.id = ${values.add(id, 'text')}`;
  const { rows } = await runStatement<Row>(db, text, values.list);
  const row = rows[0];
  return row && { ...row, lastUpdated: row.last_updated };
}

/** One state of a resource that is, or was, stored. */
export interface StoredVersion {
  readonly version: number;
  readonly lastUpdated: Date;
  readonly deleted: boolean;
  /** `{}` of a deletion. */
  readonly content: string;
}

/**
 * The states of a resource of the member, or of a shared one, newest first.
 *
 * @param only set: this version alone
 */
export async function readVersions(
  db: TenantDatabase,
  patientId: string,
  type: string,
  id: string,
  limit: number,
  only?: number,
): Promise<readonly StoredVersion[]> {
  const isShared = SHARED_TYPES.has(type);
  const columns = 'version, last_updated, deleted, content';
  const key = 'tenant_id = $1 and rt = $2 and id = $3 and ($4::int is null or version = $4)';
  const owner = 'mk = $6 and member_id = $7';
  const current = isShared
    ? `select ${columns} from shared_resource where ${key}`
    : `select ${columns} from resource where ${key} and ${owner}`;
  const { rows } = await db.query<Row>(
    `${current} union all select ${columns} from resource_history where ${key} and ${owner} order by version desc limit $5`,
    [
      db.tenantId,
      rtOf(type),
      id,
      only ?? null,
      limit,
      isShared ? '0' : String(memberKey(db.tenantId, patientId)),
      isShared ? '' : patientId,
    ],
  );
  return rows.map(({ version, last_updated: lastUpdated, deleted, content }) => ({
    version,
    lastUpdated,
    deleted,
    content: content ?? '{}',
  }));
}
