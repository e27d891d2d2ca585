import type { MemberAccess } from '#/authorization/member-access.ts';
import type { Interaction, TypeAccess } from '#/authorization/member-scopes.ts';
import { compileSearch } from '#/fhir/search/compile-search.ts';
import { parseCriterion } from '#/fhir/search/parse-query.ts';
import { type Criterion, isSearchRefusal } from '#/fhir/search/search-query.ts';
import { tokenKey } from '#/fhir/store/criteria-sql.ts';
import type { Reach, TypeReach } from '#/fhir/store/reach.ts';
import type { CallerReach } from '#/fhir/store/search-rows.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import { isSensitive, SENSITIVE_LABELS } from '#/sensitivity/categories.ts';

/** What an app may get of a member, in the store's words; nothing else of the access decides about rows. */
export interface Caller extends CallerReach {
  readonly access: MemberAccess;
  readonly db: TenantDatabase;
  /** Set while the labels of what is stored are not up to date: what the rules say is withheld, too. */
  readonly withholdsBeyondLabels: ((resource: Readonly<Record<string, unknown>>) => boolean) | undefined;
  readonly now: Date;
}

const WITHHELD: readonly string[] = SENSITIVE_LABELS.map((label) => tokenKey('_security', label));

/**
 * @param types all types that there are for members' apps
 * @param withholdsBeyondLabels see `sensitiveBeyondLabels`; only asked for an access that does not release sensitive data
 */
export function makeCaller(
  access: MemberAccess,
  db: TenantDatabase,
  types: readonly string[],
  withholdsBeyondLabels: Caller['withholdsBeyondLabels'],
  now: Date,
): Caller {
  return {
    access,
    db,
    types,
    search: reachOf(access, 's'),
    read: reachOf(access, 'r'),
    withholdsBeyondLabels: access.releasesSensitive ? undefined : withholdsBeyondLabels,
    now,
  };
}

function reachOf(access: MemberAccess, interaction: Interaction): Reach {
  const known = new Map<string, TypeReach>();
  return {
    patientId: access.patientId,
    withheld: access.releasesSensitive ? [] : WITHHELD,
    of(type) {
      const reach = known.get(type) ?? typeReach(type, access.access(type, interaction));
      known.set(type, reach);
      return reach;
    },
  };
}

/** A restriction that cannot be understood permits nothing. */
function typeReach(type: string, access: TypeAccess): TypeReach {
  if (access.kind !== 'some') return access;
  const anyOf = access.anyOf.flatMap((queries) => {
    const criteria = queries.map(({ parameter, value }) => understood(type, parameter, value));
    return criteria.every((criterion) => criterion !== undefined) ? [criteria as readonly Criterion[]] : [];
  });
  return anyOf.length === 0 ? { kind: 'none' } : { kind: 'some', anyOf };
}

function understood(type: string, parameter: string, value: string): Criterion | undefined {
  try {
    return parseCriterion(type, parameter, value, []);
  } catch (error) {
    if (isSearchRefusal(error)) return undefined;
    throw error;
  }
}

/** May a resource be in an answer to this caller? For texts that did not come through a statement: older versions. */
export function mayRead(caller: Caller, type: string, resource: Readonly<Record<string, unknown>>): boolean {
  const reach = caller.read.of(type);
  if (!caller.access.releasesSensitive && isSensitive(resource)) return false;
  if (caller.withholdsBeyondLabels?.(resource)) return false;
  switch (reach.kind) {
    case 'none':
      return false;
    case 'all':
      return true;
    case 'some':
      return reach.anyOf.some((criteria) => compileSearch({ type, criteria }, caller.now)(resource));
    default:
      return reach satisfies never;
  }
}
