import type { Database } from '#/platform/db/database.ts';
import { enqueueJob, type JobHandlers } from '#/platform/jobs/jobs.ts';
import type { Tenants } from '#/tenants/tenants.ts';
import { areLabelsCurrent } from './labels-now.ts';
import { relabel } from './relabel.ts';

const CHECK = 'labels.check';
const APPLY = 'labels.apply';
const CHECK_INTERVAL_MS = 60_000;
/** A job stays short; the walk goes on in the next one. */
const JOB_MS = 60_000;

export interface LabelDeps {
  readonly database: Database;
  readonly tenants: Tenants;
}

/** Once a minute: is there a plan whose rules changed, by a setting or by a new version of the program? It is labelled anew. */
export function makeLabelJobs(deps: LabelDeps): JobHandlers {
  return {
    [CHECK]: async () => {
      for (const tenant of await deps.tenants.list())
        if (!(await areLabelsCurrent(deps.database.tenant(tenant.id), tenant))) await enqueueApply(deps, tenant.id);
      await scheduleLabelCheck(deps.database, new Date(Date.now() + CHECK_INTERVAL_MS));
    },
    [APPLY]: async ({ tenantId }, { signal }) => {
      const tenant = await deps.tenants.byId(Number(tenantId));
      if (!tenant || (await areLabelsCurrent(deps.database.tenant(tenant.id), tenant))) return;
      const { state } = await relabel(deps, tenant, { signal, deadline: new Date(Date.now() + JOB_MS) });
      if (state === 'more') await enqueueApply(deps, tenant.id);
    },
  };
}

async function enqueueApply({ database }: LabelDeps, tenantId: number): Promise<void> {
  const payload = { tenantId };
  await enqueueJob(database.platform, {
    name: APPLY,
    payload,
    key: `labels:${tenantId}`,
    queue: 'labels',
    priority: 100,
  });
}

/** The check asks for its own next run; the program asks for the first at every start. */
export async function scheduleLabelCheck(database: Database, at: Date = new Date()): Promise<void> {
  await enqueueJob(database.platform, { name: CHECK, payload: {}, key: CHECK, runAt: at });
}
