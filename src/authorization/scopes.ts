import { isResourceType } from '#/fhir/resource-types.ts';

/** A scope token, read. */
export type Scope =
  | {
      readonly kind: 'fhir';
      readonly context: 'patient' | 'user' | 'system';
      readonly type: string;
      readonly permissions: string;
      readonly style: 'v1' | 'v2';
      readonly query: string | undefined;
    }
  | { readonly kind: 'static'; readonly name: string }
  | { readonly kind: 'literal'; readonly name: string };

/** What a token may do at a payer-to-payer surface (payer-to-payer.md 8.2). */
export type Permission = 'member-match' | 'bulk-member-match' | 'export' | 'read';

export const SCOPE_PARAMETER_BYTES_MAX = 8 * 1024;
export const SCOPE_TOKENS_MAX = 200;

const STATIC: ReadonlySet<string> = new Set([
  'openid',
  'fhirUser',
  'launch',
  'launch/patient',
  'offline_access',
  'profile',
]);
const OPERATIONS = 'http://hl7.org/fhir/us/davinci';

/**
 * Scopes that are compared as they are, with what they permit. `member-match|read` is one token: RFC 6749 allows the bar.
 */
export const LITERAL_SCOPES: Readonly<Record<string, readonly Permission[]>> = {
  'member-match|read': ['member-match', 'bulk-member-match', 'export', 'read'],
  'member-match': ['member-match', 'bulk-member-match'],
  read: ['export', 'read'],
  [`${OPERATIONS}-hrex/OperationDefinition/member-match`]: ['member-match'],
  [`${OPERATIONS}-pdex/OperationDefinition/BulkMemberMatch`]: ['bulk-member-match'],
  [`${OPERATIONS}-pdex/OperationDefinition/bulk-member-match`]: ['bulk-member-match'],
  [`system.Group.u?code=${OPERATIONS}-pdex/ValueSet/PDexMultiMemberMatchResultVS|match`]: ['export', 'read'],
};

const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const FHIR = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(?:\?(.+))?$/;

/** Reads one token by the grammar of authorization.md 6; undefined: not a scope that this product knows. */
export function parseScope(token: string): Scope | undefined {
  if (!TOKEN.test(token)) return undefined;
  if (Object.hasOwn(LITERAL_SCOPES, token)) return { kind: 'literal', name: token };
  if (STATIC.has(token)) return { kind: 'static', name: token };
  const match = FHIR.exec(token);
  if (!match) return undefined;
  const [, context, type = '', permissions = '', query] = match;
  if (permissions === '' || (type !== '*' && !isResourceType(type))) return undefined;
  const style = permissions === 'read' || permissions === 'write' || permissions === '*' ? 'v1' : 'v2';
  if (style === 'v1' && query !== undefined) return undefined;
  return { kind: 'fhir', context: context as 'patient', type, permissions, style, query };
}

/** The tokens of a `scope` parameter, each once; undefined when it is too long or has too many. */
export function splitScopes(parameter: string): readonly string[] | undefined {
  if (Buffer.byteLength(parameter) > SCOPE_PARAMETER_BYTES_MAX) return undefined;
  const tokens = parameter.split(' ').filter((token) => token !== '');
  return tokens.length > SCOPE_TOKENS_MAX ? undefined : [...new Set(tokens)];
}

/**
 * What a system client is granted of what it asks: unknown tokens and those of member flows drop, permissions are cut to
 * reading. Order and spelling stay. Empty: `invalid_scope`.
 */
export function narrowForSystem(tokens: readonly string[]): readonly string[] {
  const granted = tokens.flatMap((token) => {
    const scope = parseScope(token);
    if (scope?.kind === 'literal') return [token];
    if (scope?.kind !== 'fhir' || scope.context !== 'system') return [];
    const permissions = readingPart(scope.permissions);
    if (permissions === undefined) return [];
    return [`system/${scope.type}.${permissions}${scope.query === undefined ? '' : `?${scope.query}`}`];
  });
  return [...new Set(granted)];
}

/** `cruds` becomes `rs`; `.write` drops; v1 `.*` becomes `.read`; v1 stays v1 and v2 stays v2. */
function readingPart(permissions: string): string | undefined {
  if (permissions === 'read' || permissions === '*') return 'read';
  if (permissions === 'write') return undefined;
  const kept = [...permissions].filter((permission) => permission === 'r' || permission === 's').join('');
  return kept === '' ? undefined : kept;
}

/** What granted system scopes permit. A FHIR scope lets Groups be read and exported; it never widens a literal one. */
export function permissionsOf(scopes: readonly string[]): ReadonlySet<Permission> {
  const permissions = new Set<Permission>();
  for (const token of scopes) {
    const scope = parseScope(token);
    if (scope?.kind === 'literal')
      for (const permission of LITERAL_SCOPES[scope.name] ?? []) permissions.add(permission);
    else if (scope?.kind === 'fhir' && scope.context === 'system') {
      permissions.add('read');
      permissions.add('export');
    }
  }
  return permissions;
}

/**
 * Which resource types may appear in the output: those that a `system/` scope names, or every type where none does and a
 * literal scope permits reading.
 */
export function typesOf(scopes: readonly string[]): 'all' | ReadonlySet<string> {
  const types = new Set<string>();
  let restricts = false;
  for (const token of scopes) {
    const scope = parseScope(token);
    if (scope?.kind !== 'fhir') continue;
    if (scope.type === '*') return 'all';
    restricts = true;
    types.add(scope.type);
  }
  return restricts ? types : 'all';
}
