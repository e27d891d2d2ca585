import { purgeEmailCodes } from '#/members/accounts/email-codes.ts';
import { purgeAttempts } from '#/members/limits/attempt-limits.ts';
import type { Database, TenantDatabase } from '#/platform/db/database.ts';
import { enqueueJob, type JobHandlers } from '#/platform/jobs/jobs.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { purgeArtifacts } from './artifact-store.ts';
import { purgeDenied } from './denylist-store.ts';
import { purgeInteractionStates } from './interaction/interaction-state.ts';
import type { SigningKeys } from './keys.ts';
import { purgeHits } from './rate-limits.ts';

const SWEEP = 'authorization.sweep';
const SWEEP_INTERVAL_MS = 3_600_000;
/** Batches of 5,000 rows that one sweep deletes of a kind; what is left waits for the next. */
const BATCHES_MAX = 200;
const PLATFORM = 0;

export interface SweepDeps {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly keys: SigningKeys;
}

/** What has ended is deleted, and keys move on, every hour. */
export function makeAuthorizationJobs(deps: SweepDeps): JobHandlers {
  return {
    [SWEEP]: async (_payload, { signal }) => {
      await sweep(deps, new Date(), signal);
      await scheduleAuthorizationSweep(deps.database, new Date(Date.now() + SWEEP_INTERVAL_MS));
    },
  };
}

/** The sweep asks for its own next run; the program asks for the first at every start. */
export async function scheduleAuthorizationSweep(database: Database, at: Date = new Date()): Promise<void> {
  await enqueueJob(database.platform, { name: SWEEP, payload: {}, key: SWEEP, runAt: at });
}

export async function sweep(deps: SweepDeps, now: Date, signal: AbortSignal): Promise<void> {
  const tenantIds = [PLATFORM, ...(await deps.tenants.list()).map(({ id }) => id)];
  for (const tenantId of tenantIds) {
    signal.throwIfAborted();
    const db: TenantDatabase = deps.database.tenant(tenantId);
    await untilNone(() => purgeArtifacts(db));
    await untilNone(() => purgeHits(deps.database, tenantId));
    await untilNone(() => purgeInteractionStates(db));
    await untilNone(() => purgeEmailCodes(db));
    await untilNone(() => purgeAttempts(db));
    await deps.keys.rotate(tenantId, now);
  }
  // After the artifacts: what was stored while its grant was being revoked is found by the grant's entry here.
  await untilNone(() => purgeDenied(deps.database.platform));
}

async function untilNone(purge: () => Promise<number>): Promise<void> {
  for (let batches = 0; batches < BATCHES_MAX; batches++) if ((await purge()) === 0) return;
}
