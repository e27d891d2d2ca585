import type { MemberFacts } from '#/members/identity/member-facts.ts';
import type { AttemptKey, AttemptRule } from '#/members/limits/attempt-limits.ts';
import type { Tenant } from '#/tenants/tenants.ts';

/** Five failures in a quarter of an hour; then a pause that doubles, up to a day (authorization.md 13). */
const IDENTITY: AttemptRule = { failuresMax: 5, windowSeconds: 900, lockSeconds: 900, lockSecondsMax: 86_400 };
/** Of one authorization: then it has to be started anew. */
const PER_INTERACTION: AttemptRule = { failuresMax: 3, windowSeconds: 3_600, lockSeconds: 900, lockSecondsMax: 900 };

/**
 * What an attempt to show who one is counts for: the caller's address, the member id that was typed, and this authorization. In
 * production the member id counts from everywhere; in a sandbox for each address, so that developers do not lock each other out.
 */
export function identityKeys(tenant: Tenant, facts: MemberFacts, address: string, uid: string): readonly AttemptKey[] {
  const memberId = tenant.kind === 'production' ? facts.memberIdN : `${facts.memberIdN}|${address}`;
  return [
    { name: `identity-address|${address}`, rule: IDENTITY },
    { name: `identity-member|${memberId}`, rule: IDENTITY },
    { name: `identity-interaction|${uid}`, rule: PER_INTERACTION },
  ];
}
