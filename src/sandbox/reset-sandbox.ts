import { recordAudit } from '#/audit/audit.ts';
import { removeAllGrants } from '#/consent/grants/grants.ts';
import { removeAllAccounts } from '#/members/accounts/accounts.ts';
import { deleteAllExports } from '#/payer-to-payer/export/delete-export.ts';
import { endMatchGroups } from '#/payer-to-payer/groups/groups.ts';
import type { TenantConnection } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { isSandboxPlan, loadSandbox, type SandboxServices, settleSandbox } from './fill-sandbox.ts';
import { dayOfDate, isoDay } from './generate/calendar.ts';
import { restartFill } from './sandbox-store.ts';

export interface ResetReport {
  readonly tenant: string;
  readonly as_of: string;
  readonly resources: number;
  /** Resources that the plan held and that are not part of it. */
  readonly removed: number;
  /** What was ended, by kind. */
  readonly ended: Readonly<Record<string, number>>;
}

/**
 * What a reset ends beside the records: the one list. Each entry belongs to the domain that owns the rows.
 */
const ENDINGS: Readonly<Record<string, (tx: TenantConnection, now: Date) => Promise<number>>> = {
  exports: deleteAllExports,
  groups: endMatchGroups,
  grants: async (tx) => (await removeAllGrants(tx)).length,
  accounts: removeAllAccounts,
};

/**
 * Brings a sandbox plan back to how it was made, with its dates as of today. First what others use ends, then the
 * records change: nobody exports a plan that is half old and half new. Broken off, it is completed by the next start.
 *
 * @returns undefined when the tenant is not one of the sandbox plans
 */
export async function resetSandbox(services: SandboxServices, tenant: Tenant): Promise<ResetReport | undefined> {
  if (!isSandboxPlan(tenant)) return undefined;
  const now = services.clock.now();
  const asOf = dayOfDate(now);
  const ended = await services.database.tenant(tenant.id).transaction(async (tx) => {
    const counts: Record<string, number> = {};
    for (const [kind, end] of Object.entries(ENDINGS)) counts[kind] = await end(tx, now);
    await restartFill(tx, isoDay(asOf));
    await recordAudit(tx, { action: 'sandbox.reset', outcome: 'success', subject: tenant.slug, facts: counts });
    return counts;
  });
  const report = await loadSandbox(services, tenant, asOf, true);
  await settleSandbox(services, tenant);
  return { tenant: tenant.slug, as_of: isoDay(asOf), resources: report.read, removed: report.vanished, ended };
}
