import { blockMember, unblockMember } from '#/consent/consents.ts';
import type { FeedReport } from '#/ingest/feed.ts';
import { type FeedServices, loadFeed } from '#/ingest/load-feed.ts';
import { findPatients } from '#/members/match/find-members.ts';
import { setStandingGroup } from '#/payer-to-payer/groups/standing-group.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type Day, dayOfDate, isoDay, parseDay } from './generate/calendar.ts';
import { BLOCKED_MEMBERS, GROUP_MEMBERS, type SandboxTenant, sandboxMembers } from './sandbox-members.ts';
import { SANDBOX_PLANS, sandboxResources, settingsOfPlan } from './sandbox-plan.ts';
import { beginFill, endFill } from './sandbox-store.ts';

export interface SandboxServices extends FeedServices {
  readonly clock: Clock;
}

/** The plans that a first start makes, as `insertTenant` wants them. */
export const SANDBOX_TENANTS = (['demo', 'bison'] as const).map((slug) => ({
  slug,
  name: SANDBOX_PLANS[slug].name,
  kind: 'sandbox' as const,
  hosts: [`${slug}.localhost`],
  settings: settingsOfPlan(SANDBOX_PLANS[slug]),
}));

/** Resources go to the feed in pieces of about this size. */
const PIECE_CHARS = 256 * 1024;

export const isSandboxPlan = (tenant: Tenant): tenant is Tenant & { slug: SandboxTenant } =>
  tenant.kind === 'sandbox' && Object.hasOwn(SANDBOX_PLANS, tenant.slug);

/**
 * Fills one of the sandbox plans with its members, once: a plan that is filled stays as it is, one whose filling broke
 * off is completed, as of the day on which it was begun. Safe when several processes start at once.
 *
 * @returns what was loaded; undefined when there was nothing to do
 */
export async function fillSandbox(services: SandboxServices, tenant: Tenant): Promise<FeedReport | undefined> {
  if (!isSandboxPlan(tenant)) return undefined;
  const fill = await beginFill(services.database.tenant(tenant.id), isoDay(dayOfDate(services.clock.now())));
  if (fill.isFilled) return undefined;
  const report = await loadSandbox(services, tenant, parseDay(fill.asOf) as Day, false);
  await settleSandbox(services, tenant);
  return report;
}

/**
 * Loads what the plan holds as of a day.
 *
 * @param replaces everything else that is in the plan is deleted
 */
export function loadSandbox(
  services: SandboxServices,
  tenant: Tenant & { slug: SandboxTenant },
  asOf: Day,
  replaces: boolean,
): Promise<FeedReport> {
  return loadFeed(
    services,
    tenant,
    [{ kind: 'lines', name: `sandbox ${tenant.slug}`, lines: linesOf(tenant.slug, asOf) }],
    {
      fullSnapshot: replaces,
      confirmDeletions: replaces,
      maxRefused: { count: 0 },
      // 2,000 resources: a second thread takes longer to start than the first one needs for all of them.
      workers: 1,
    },
  );
}

async function* linesOf(tenant: SandboxTenant, asOf: Day): AsyncGenerator<Buffer> {
  let piece = '';
  for (const resource of sandboxResources(tenant, asOf)) {
    piece += `${JSON.stringify(resource)}\n`;
    if (piece.length < PIECE_CHARS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  yield Buffer.from(piece);
}

/** What is not a resource: who is in the standing group, who has forbidden the exchange; then the filling is done. */
export async function settleSandbox(
  services: SandboxServices,
  tenant: Tenant & { slug: SandboxTenant },
): Promise<void> {
  const now = services.clock.now();
  const db = services.database.tenant(tenant.id);
  const idsOf = (ids?: readonly string[]): string[] =>
    sandboxMembers(tenant.slug, ids).map(({ patientId }) => patientId);
  await setStandingGroup(services.database, tenant, idsOf(GROUP_MEMBERS), now);
  const everyone = await findPatients(db, idsOf());
  const blocked = await findPatients(db, idsOf(BLOCKED_MEMBERS));
  await db.transaction(async (tx) => {
    await unblockMember(tx, everyone, now);
    if (blocked.length > 0) await blockMember(tx, blocked, now);
    await endFill(tx, now);
  });
}
