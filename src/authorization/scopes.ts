import { isResourceType } from '#/fhir/resource-types.ts';

/** A scope token, read. */
export type Scope =
  | {
      readonly kind: 'fhir';
      readonly context: 'patient' | 'user' | 'system';
      /** A resource type, or `*`. */
      readonly type: string;
      /** `read`, `write`, `*` (v1), or letters of `cruds` in this order (v2). */
      readonly permissions: string;
      readonly style: 'v1' | 'v2';
      readonly query: string | undefined;
    }
  | { readonly kind: 'static'; readonly name: string }
  | { readonly kind: 'literal'; readonly name: string };

/** What a token may do at a payer-to-payer surface (payer-to-payer.md 8.2). */
export type Permission = 'member-match' | 'bulk-member-match' | 'export' | 'read';

/** What granted scopes come to, worked out once for a token. */
export interface Granted {
  readonly permissions: ReadonlySet<Permission>;
  /** Which resource types may appear in the output. */
  readonly types: 'all' | ReadonlySet<string>;
}

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

/** One token: RFC 6749 allows the bar in it. */
export const QUICK_START_SCOPE = 'member-match|read';

/** Scopes that are compared as they are, with what they permit (payer-to-payer.md 8.2). */
export const LITERAL_SCOPES: Readonly<Record<string, readonly Permission[]>> = {
  [QUICK_START_SCOPE]: ['member-match', 'bulk-member-match', 'export', 'read'],
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
  return { kind: 'fhir', context: context as 'patient' | 'user' | 'system', type, permissions, style, query };
}

/** A scope as its token; what `parseScope` reads comes out as it was. */
export function renderScope(scope: Scope): string {
  if (scope.kind !== 'fhir') return scope.name;
  return `${scope.context}/${scope.type}.${scope.permissions}${scope.query === undefined ? '' : `?${scope.query}`}`;
}

/** The tokens of a `scope` parameter, each once; undefined when it is too long or has too many. */
export function splitScopes(parameter: string): readonly string[] | undefined {
  if (Buffer.byteLength(parameter) > SCOPE_PARAMETER_BYTES_MAX) return undefined;
  const tokens = parameter.split(' ').filter((token) => token !== '');
  return tokens.length > SCOPE_TOKENS_MAX ? undefined : [...new Set(tokens)];
}

/**
 * What a system client is granted of what it asks: unknown tokens and those of member flows drop, permissions are cut to
 * reading. Order and spelling stay, but `member-match` and `read` together are the one token `member-match|read`.
 *
 * A scope with a query (`?category=...`) drops: an export cannot keep to it, and without it the scope would be wider.
 *
 * @returns empty: `invalid_scope`
 */
export function narrowForSystem(tokens: readonly string[]): readonly string[] {
  const granted = new Set(tokens.flatMap((token) => narrowOne(token) ?? []));
  const isBoth = granted.has(QUICK_START_SCOPE) || (granted.has('member-match') && granted.has('read'));
  if (!isBoth) return [...granted];
  return [
    ...new Set([...granted].map((token) => (token === 'member-match' || token === 'read' ? QUICK_START_SCOPE : token))),
  ];
}

function narrowOne(token: string): string | undefined {
  const scope = parseScope(token);
  switch (scope?.kind) {
    case undefined:
    case 'static':
      return undefined;
    case 'literal':
      return token;
    case 'fhir': {
      const permissions = readingPart(scope.permissions);
      if (scope.context !== 'system' || scope.query !== undefined || permissions === undefined) return undefined;
      return renderScope({ ...scope, permissions });
    }
    default:
      return scope satisfies never;
  }
}

/** `cruds` becomes `rs`; `.write` drops; v1 `.*` becomes `.read`; v1 stays v1 and v2 stays v2. */
export function readingPart(permissions: string): string | undefined {
  if (permissions === 'read' || permissions === '*') return 'read';
  if (permissions === 'write') return undefined;
  const kept = [...permissions].filter((permission) => permission === 'r' || permission === 's').join('');
  return kept === '' ? undefined : kept;
}

/**
 * What granted system scopes come to.
 *
 * A FHIR scope that reads lets own Groups be read and exported. Those that name types restrict the output to them, also beside a
 * literal scope; a scope for Group alone is about the handle, not the content. Nothing here widens what the organization's
 * status, the ownership of a group and the consent allow: those are asked besides.
 */
export function grantedBy(tokens: readonly string[]): Granted {
  const permissions = new Set<Permission>();
  const types = new Set<string>();
  let isRestricted = false;
  for (const token of tokens) {
    const scope = parseScope(token);
    if (scope?.kind === 'literal')
      for (const permission of LITERAL_SCOPES[scope.name] ?? []) permissions.add(permission);
    if (scope?.kind !== 'fhir' || scope.context !== 'system' || scope.query !== undefined) continue;
    const reads = scope.permissions === 'read' || scope.permissions === '*' || scope.permissions.includes('r');
    if (reads) permissions.add('read').add('export');
    if (scope.type === 'Group') continue;
    isRestricted = true;
    if (reads) types.add(scope.type);
  }
  return { permissions, types: isRestricted && !types.has('*') ? types : 'all' };
}
