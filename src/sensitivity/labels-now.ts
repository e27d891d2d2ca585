import { readContents } from '#/fhir/store/resource-keys.ts';
import type { Queryable } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { compileRules } from './find-categories.ts';
import { insertApplied, noteStored, selectApplied } from './label-store.ts';
import { type LabelRules, labelRulesOf } from './rules.ts';

type TenantQueryable = Queryable & { readonly tenantId: number };

/** Are the labels of what is stored those that the plan’s rules give today? Where nothing is stored, yes. */
export async function areLabelsCurrent(db: TenantQueryable, tenant: Tenant): Promise<boolean> {
  const applied = await selectApplied(db);
  if (applied?.fingerprint === labelRulesOf(tenant.settings).fingerprint) return true;
  return (await readContents(db, undefined, 1)).length === 0;
}

/**
 * What must be asked beside the labels of resources as they were at a moment: nothing, when they were up to date by then;
 * else the rules themselves, so that nothing leaves only because its label has not been written yet.
 */
export async function sensitiveBeyondLabels(
  db: TenantQueryable,
  tenant: Tenant,
  at: Date,
): Promise<((resource: Readonly<Record<string, unknown>>) => boolean) | undefined> {
  const rules = labelRulesOf(tenant.settings);
  const applied = await selectApplied(db);
  if (applied?.fingerprint === rules.fingerprint && applied.since < at) return undefined;
  const find = compileRules(rules);
  return (resource) => find(resource).length > 0;
}

/** A feed begins: a plan without any resource needs no walk. */
export async function beginLabelling(tx: TenantQueryable, rules: LabelRules): Promise<void> {
  if ((await readContents(tx, undefined, 1)).length === 0) await insertApplied(tx, rules.fingerprint);
}

/** A feed stored something under these rules. Within its transaction, behind the store's lock. */
export async function noteLabelled(tx: TenantQueryable, rules: LabelRules): Promise<void> {
  await noteStored(tx, rules.fingerprint);
}
