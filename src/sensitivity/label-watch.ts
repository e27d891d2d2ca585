import type { Database } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { sensitiveBeyondLabels } from './labels-now.ts';

/** What the rules say of a resource, beside its labels. */
export type BeyondLabels = (resource: Readonly<Record<string, unknown>>) => boolean;

/** So long an answer about the labels of a plan is used again; changed settings ask at once. */
const TRUSTED_MS = 2_000;

/**
 * Like `sensitiveBeyondLabels`, for what asks at every request: undefined while the labels of what a plan holds are those that
 * its rules give.
 */
export function makeLabelWatch(database: Database): (tenant: Tenant, now: Date) => Promise<BeyondLabels | undefined> {
  const known = new Map<
    number,
    { readonly settings: unknown; readonly until: number; readonly answer: BeyondLabels | undefined }
  >();
  return async (tenant, now) => {
    const before = known.get(tenant.id);
    if (before && before.settings === tenant.settings && now.getTime() < before.until) return before.answer;
    const answer = await sensitiveBeyondLabels(database.tenant(tenant.id), tenant, now);
    known.set(tenant.id, { settings: tenant.settings, until: now.getTime() + TRUSTED_MS, answer });
    return answer;
  };
}
