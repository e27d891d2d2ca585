import type { TenantDatabase } from '#/platform/db/database.ts';
import { rtOf } from '../resource-types.ts';
import type { Criterion } from '../search/search-query.ts';
import { criterionSql } from './criteria-sql.ts';
import { SHARED_TYPES } from './owner.ts';
import { memberKey } from './prepare.ts';
import { type SqlValues, sqlValues } from './sql-parts.ts';

/** Which resources of a type: none, all of the member's, or those that one of the searches finds. */
export type TypeReach =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'some'; readonly anyOf: readonly (readonly Criterion[])[] };

/**
 * What one caller reaches of one member's resources. Every statement of a caller's takes its rows through
 * `startStatement` and `reachedRows`, so that no path is wider than another.
 */
export interface Reach {
  readonly patientId: string;
  /** Keys of `tokens` (labels): a row with one of them is withheld. */
  readonly withheld: readonly string[];
  /** Criteria that the columns of a row cannot decide let nothing through. */
  of(type: string): TypeReach;
}

/** A statement under way: its first four values are the tenant, the member's key, the member and what is withheld. */
export interface ReachStatement {
  readonly values: SqlValues;
  readonly reach: Reach;
}

export function startStatement(db: TenantDatabase, reach: Reach): ReachStatement {
  const values = sqlValues();
  values.add(db.tenantId);
  values.add(String(memberKey(db.tenantId, reach.patientId)));
  values.add(reach.patientId);
  values.add(reach.withheld);
  return { values, reach };
}

/**
 * The condition under which rows of the member's may be in an answer: the tenant, the member (by key and by exact id, keys
 * may collide), not deleted, of these types as far as the caller reaches them, and no label that withholds.
 *
 * @param row alias of a row of `resource`
 */
export function reachedRows(statement: ReachStatement, row: string, types: readonly string[]): string {
  return `${ofMember(row)} and not ${row}.deleted and ${ofTypes(statement, row, types)} and ${released(row)}`;
}

/** The same without a word about types and labels: for what has to tell why a row is not answered. */
export const ofMember = (row: string): string => `${row}.tenant_id = $1 and ${row}.mk = $2 and ${row}.member_id = $3`;

/** Of a row of `shared_resource`: it has no owner; the statement's values of the member are given and decide nothing. */
export const ofNobody = (row: string): string =>
  `${row}.tenant_id = $1 and $2::bigint is not null and $3::text is not null`;

export const released = (row: string): string => `not (${row}.tokens && $4::text[])`;

/** The condition on type and scope alone. */
export function ofTypes({ values, reach }: ReachStatement, row: string, types: readonly string[]): string {
  const whole: number[] = [];
  const parts: string[] = [];
  for (const type of types) {
    const typeReach = reach.of(type);
    switch (typeReach.kind) {
      case 'none':
        break;
      case 'all':
        whole.push(rtOf(type));
        break;
      case 'some': {
        const some = someSql(typeReach.anyOf, row, values);
        if (some !== undefined) parts.push(`(${row}.rt = ${values.add(rtOf(type), 'smallint')} and (${some}))`);
        break;
      }
      default:
        return typeReach satisfies never;
    }
  }
  if (whole.length === 1) parts.unshift(`${row}.rt = ${values.add(whole[0], 'smallint')}`);
  else if (whole.length > 1) parts.unshift(`${row}.rt = any(${values.add(whole, 'smallint[]')})`);
  return parts.length === 0 ? 'false' : parts.length === 1 ? parts[0]! : `(${parts.join(' or ')})`;
}

function someSql(anyOf: readonly (readonly Criterion[])[], row: string, values: SqlValues): string | undefined {
  const arms = anyOf.flatMap((criteria) => {
    // A restriction without a condition would be none; one that columns cannot decide must not let everything through.
    const conditions = criteria.map((criterion) => criterionSql(criterion, row, values, new Date(0)));
    return criteria.length > 0 && conditions.every((condition) => condition !== undefined)
      ? [`(${conditions.join(' and ')})`]
      : [];
  });
  return arms.length === 0 ? undefined : arms.join(' or ');
}

/** The types of the member's own that a caller reaches; what is shared is reached through them. */
export function reachedTypes(reach: Reach, types: readonly string[]): readonly string[] {
  return types.filter((type) => !SHARED_TYPES.has(type) && reach.of(type).kind !== 'none');
}
