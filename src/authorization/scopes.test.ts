import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RESOURCE_TYPES } from '#/fhir/resource-types.ts';
import {
  grantedBy,
  LITERAL_SCOPES,
  narrowForSystem,
  parseScope,
  renderScope,
  SCOPE_PARAMETER_BYTES_MAX,
  SCOPE_TOKENS_MAX,
  splitScopes,
} from './scopes.ts';

const narrow = (parameter: string): string => narrowForSystem(splitScopes(parameter) ?? []).join(' ');
const may = (parameter: string): string[] =>
  [...grantedBy(narrowForSystem(splitScopes(parameter) ?? [])).permissions].sort();
const types = (parameter: string): 'all' | string[] => {
  const granted = grantedBy(narrowForSystem(splitScopes(parameter) ?? []));
  return granted.types === 'all' ? 'all' : [...granted.types].sort();
};
const PDEX_GROUP =
  'system.Group.u?code=http://hl7.org/fhir/us/davinci-pdex/ValueSet/PDexMultiMemberMatchResultVS|match';

const v1 = fc.constantFrom('read', 'write', '*');
const v2 = fc.subarray(['c', 'r', 'u', 'd', 's'], { minLength: 1 }).map((letters) => letters.join(''));
const fhirScope = fc
  .tuple(fc.constantFrom('patient', 'user', 'system'), fc.constantFrom('*', ...RESOURCE_TYPES), fc.oneof(v1, v2))
  .map(([context, type, permissions]) => `${context}/${type}.${permissions}`);
const anyScope = fc.oneof(
  fhirScope,
  fc.constantFrom(...Object.keys(LITERAL_SCOPES), 'openid', 'launch', 'offline_access', 'online_access'),
  fc.string({ maxLength: 30 }),
);

describe('grammar', () => {
  test('AUTH-13 member-match|read is one token: RFC 6749 allows the bar', () => {
    expect(parseScope('member-match|read')).toEqual({ kind: 'literal', name: 'member-match|read' });
    expect(splitScopes('member-match|read')).toEqual(['member-match|read']);
  });

  test.each(['system/Patient.cruds', 'system/*.r', 'patient/Observation.rs?category=x|y', 'user/*.*', PDEX_GROUP])(
    '%s is a scope, and is rendered as it was read',
    (token) => {
      const scope = parseScope(token);
      expect(scope && renderScope(scope)).toBe(token);
    },
  );

  test.each([
    ['system/Patient.sr', 'letters out of order'],
    ['system/Patient.', 'no permission'],
    ['system/Patient', 'no permission'],
    ['system/Nothing.read', 'no resource type of R4'],
    ['system/patient.read', 'resource types have capitals'],
    ['org/Patient.read', 'no such context'],
    ['system/Patient.read?x=y', 'v1 scopes have no query'],
    ['member-match|write', 'not in the table'],
    ['MEMBER-MATCH|READ', 'compared literally'],
    ['toString', 'a name of every object'],
    ['__proto__', 'a name of every object'],
    ['system/Patient.read"', 'a character that RFC 6749 3.3 leaves out'],
    ['', 'nothing'],
  ])('%s is none: %s', (token) => {
    expect(parseScope(token)).toBeUndefined();
  });

  test('every token is read or refused, and what is read is rendered as it was', () => {
    fc.assert(
      fc.property(anyScope, (token) => {
        const scope = parseScope(token);
        if (scope) expect(renderScope(scope)).toBe(token);
      }),
    );
  });

  test('a parameter of 8 KiB or 200 tokens passes, one more does not', () => {
    const tokens = (count: number): string => Array.from({ length: count }, (_, i) => `t${i}`).join(' ');
    expect(splitScopes(tokens(SCOPE_TOKENS_MAX))).toHaveLength(SCOPE_TOKENS_MAX);
    expect(splitScopes(tokens(SCOPE_TOKENS_MAX + 1))).toBeUndefined();
    expect(splitScopes('a'.repeat(SCOPE_PARAMETER_BYTES_MAX))).toHaveLength(1);
    expect(splitScopes('a'.repeat(SCOPE_PARAMETER_BYTES_MAX + 1))).toBeUndefined();
  });
});

describe('narrowing of system clients (authorization.md 6)', () => {
  test.each([
    ['member-match|read', 'member-match|read'],
    ['member-match read', 'member-match|read'],
    ['read member-match', 'member-match|read'],
    ['member-match|read read', 'member-match|read'],
    ['member-match', 'member-match'],
    ['read', 'read'],
    ['system/*.cruds', 'system/*.rs'],
    ['system/Patient.*', 'system/Patient.read'],
    ['system/Patient.write', ''],
    ['system/Patient.cud', ''],
    ['patient/*.read user/*.read', ''],
    ['openid fhirUser launch/patient offline_access online_access', ''],
    ['system/Patient.read nonsense read', 'system/Patient.read read'],
    ['system/Observation.rs?category=laboratory', ''],
    [`${PDEX_GROUP} system/Group.rs`, `${PDEX_GROUP} system/Group.rs`],
    ['  read   read ', 'read'],
  ])('"%s" gets "%s"', (asked, granted) => {
    expect(narrow(asked)).toBe(granted);
  });

  test('what was granted asks for no more: narrowing again changes nothing, and nothing but reading is ever in it', () => {
    fc.assert(
      fc.property(fc.array(anyScope, { maxLength: 12 }), (asked) => {
        const granted = narrowForSystem(splitScopes(asked.join(' ')) ?? []);
        expect(narrowForSystem(granted)).toEqual(granted);
        expect(new Set(granted).size).toBe(granted.length);
        for (const token of granted) {
          const scope = parseScope(token);
          expect(scope).toBeDefined();
          if (scope?.kind === 'fhir') {
            expect(scope.context).toBe('system');
            expect(scope.permissions).toMatch(/^(read|rs?|s)$/);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('P2P-73 scopes to permissions (payer-to-payer.md 8.2)', () => {
  const all = ['bulk-member-match', 'export', 'member-match', 'read'];
  test.each([
    ['member-match|read', all],
    ['member-match read', all],
    ['member-match', ['bulk-member-match', 'member-match']],
    ['read', ['export', 'read']],
    ['http://hl7.org/fhir/us/davinci-hrex/OperationDefinition/member-match', ['member-match']],
    ['http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/BulkMemberMatch', ['bulk-member-match']],
    ['http://hl7.org/fhir/us/davinci-pdex/OperationDefinition/bulk-member-match', ['bulk-member-match']],
    [PDEX_GROUP, ['export', 'read']],
    ['system/Group.rs', ['export', 'read']],
    ['system/*.read', ['export', 'read']],
    ['system/Patient.rs', ['export', 'read']],
    ['system/Patient.s', []],
  ])('%s permits %j', (scope, permissions) => {
    expect(may(scope)).toEqual(permissions);
  });

  test.each([
    ['member-match|read', 'all'],
    ['system/*.read', 'all'],
    ['system/Group.rs', 'all'],
    ['system/Patient.rs system/*.rs', 'all'],
    ['system/Patient.rs', ['Patient']],
    ['member-match|read system/Patient.read system/Coverage.rs', ['Coverage', 'Patient']],
    ['system/Group.rs system/Patient.rs', ['Patient']],
    ['system/Patient.s', []],
  ])('with %s the output may hold %j', (scope, expected) => {
    expect(types(scope)).toEqual(expected);
  });

  test('scopes never widen: more tokens never take a permission away, and a named type never adds another one to the output', () => {
    fc.assert(
      fc.property(fc.array(fhirScope, { maxLength: 6 }), fhirScope, (tokens, more) => {
        const before = grantedBy(narrowForSystem(tokens));
        const after = grantedBy(narrowForSystem([...tokens, more]));
        for (const permission of before.permissions) expect(after.permissions.has(permission)).toBe(true);
        for (const permission of after.permissions) expect(['export', 'read']).toContain(permission);
        if (after.types !== 'all')
          for (const type of after.types)
            expect([...tokens, more].some((token) => token.startsWith(`system/${type}.`))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
