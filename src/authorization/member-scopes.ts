import { isResourceType } from '#/fhir/resource-types.ts';
import { parseScope, readingPart, renderScope } from './scopes.ts';

/** What a member flow can be granted besides FHIR scopes. */
const STATIC_OF_MEMBERS: ReadonlySet<string> = new Set(['openid', 'fhirUser', 'launch/patient', 'offline_access']);

/** A restriction that comes with a scope (SMART 2, granular): `category=system|code`. */
export interface ScopeQuery {
  readonly parameter: string;
  readonly value: string;
}

/** May something be done with a type, and with which resources of it? */
export type TypeAccess =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  /** Only resources that at least one of these searches finds. */
  | { readonly kind: 'some'; readonly anyOf: readonly (readonly ScopeQuery[])[] };

/** `r`: read, vread and history of one resource; `s`: search. */
export type Interaction = 'r' | 's';

/** Granted scopes, worked out once for a token. */
export interface MemberScopes {
  /** As they were granted. */
  readonly tokens: readonly string[];
  access(type: string, interaction: Interaction): TypeAccess;
}

/**
 * What an app is granted at most of what it asks in a member's flow (authorization.md 6, narrowing): unknown tokens and those
 * of systems drop, permissions are cut to reading and searching, and types that the segment does not give drop. Order and
 * spelling stay.
 *
 * @param mayShare the policy of the segment
 * @returns no FHIR scope and not `openid` in it: `invalid_scope`
 */
export function narrowForMember(tokens: readonly string[], mayShare: (type: string) => boolean): readonly string[] {
  const granted = tokens.flatMap((token) => {
    const scope = parseScope(token);
    switch (scope?.kind) {
      case undefined:
      case 'literal':
        return [];
      case 'static':
        return STATIC_OF_MEMBERS.has(scope.name) ? [scope.name] : [];
      case 'fhir': {
        const permissions = readingPart(scope.permissions);
        if (permissions === undefined || scope.context === 'system') return [];
        if (scope.type !== '*' && !mayShare(scope.type)) return [];
        if (scope.query !== undefined && parseScopeQuery(scope.query) === undefined) return [];
        return [renderScope({ ...scope, permissions })];
      }
      default:
        return scope satisfies never;
    }
  });
  return [...new Set(granted)];
}

/** Is there anything in it that a member could be asked about? */
export function asksForSomething(scopes: readonly string[]): boolean {
  return scopes.some((token) => token === 'openid' || parseScope(token)?.kind === 'fhir');
}

/** `category=...&status=...`; undefined when it is no list of parameters. */
export function parseScopeQuery(query: string): readonly ScopeQuery[] | undefined {
  const pairs = query.split('&').map((pair) => {
    const at = pair.indexOf('=');
    return at > 0 && at < pair.length - 1
      ? { parameter: decode(pair.slice(0, at)), value: decode(pair.slice(at + 1)) }
      : undefined;
  });
  return pairs.every((pair) => pair !== undefined && pair.parameter !== undefined && pair.value !== undefined)
    ? (pairs as readonly ScopeQuery[])
    : undefined;
}

/**
 * Works out what granted scopes permit. Scopes add up: one without a query lifts the restrictions of the others.
 *
 * @param mayShare the policy of the segment, which no scope can widen
 */
export function compileMemberScopes(tokens: readonly string[], mayShare: (type: string) => boolean): MemberScopes {
  const scopes = tokens.map(parseScope).filter((scope) => scope?.kind === 'fhir');
  const known = new Map<string, TypeAccess>();

  function work(type: string, interaction: Interaction): TypeAccess {
    if (!isResourceType(type) || !mayShare(type)) return { kind: 'none' };
    const covering = scopes.filter(
      (scope) =>
        scope.context !== 'system' &&
        (scope.type === '*' || scope.type === type) &&
        (scope.permissions === 'read' || scope.permissions.includes(interaction)),
    );
    if (covering.length === 0) return { kind: 'none' };
    if (covering.some(({ query }) => query === undefined)) return { kind: 'all' };
    return { kind: 'some', anyOf: covering.map(({ query }) => parseScopeQuery(query ?? '') ?? []) };
  }

  return {
    tokens,
    access(type, interaction) {
      const key = `${interaction}${type}`;
      const access = known.get(key) ?? work(type, interaction);
      known.set(key, access);
      return access;
    },
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
