import { recordAudit } from '#/audit/audit.ts';
import { lockTenant } from '#/fhir/store/locator.ts';
import { mergeBatch } from '#/fhir/store/merge.ts';
import { prepareResource } from '#/fhir/store/prepare.ts';
import { readContents, type StoredContent } from '#/fhir/store/resource-keys.ts';
import type { Database, WriteTransaction } from '#/platform/db/database.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type Labeller, makeLabeller } from './label-resource.ts';
import { beginWalk, endWalk, type LabelWalk, saveWalk } from './label-store.ts';
import { labelRulesOf } from './rules.ts';

/** Resources in one transaction: some 20 ms of work between two looks at the signal. */
const PAGE = 500;

export interface RelabelOptions {
  readonly signal: AbortSignal;
  /** Stop after the page that is under way then; the walk goes on where it was. */
  readonly deadline?: Date;
  readonly tell?: (walk: LabelWalk) => void;
}

/** What a walk did: all of it, with those before it that it took up; or it stopped, by the deadline or for another. */
export interface RelabelReport {
  readonly state: 'done' | 'more' | 'superseded';
  readonly checked: number;
  readonly changed: number;
}

class Superseded extends Error {}

/**
 * Labels everything that a plan holds by its rules as they are now. What changes gets a new version and a new `changed_at`,
 * so that `_since` sees it; what does not is not touched. Pages are transactions of their own with the position, so that a walk
 * that was broken off goes on, and feeds come in between.
 *
 * Source: storage.md 11.4.
 */
export async function relabel(
  { database }: { readonly database: Database },
  tenant: Tenant,
  { signal, deadline, tell }: RelabelOptions,
): Promise<RelabelReport> {
  const rules = labelRulesOf(tenant.settings);
  const labeller = makeLabeller(rules);
  const db = database.tenant(tenant.id);
  let walk = await beginWalk(db, rules.fingerprint);
  const report = (state: RelabelReport['state']): RelabelReport => ({
    state,
    checked: walk.checked,
    changed: walk.changed,
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await db.writeTransaction((tx) => relabelPage(tx, walk, labeller));
      if (next === undefined) break;
      walk = next;
      tell?.(walk);
      if (deadline !== undefined && Date.now() >= deadline.getTime()) return report('more');
    }
    await db.transaction(async (tx) => {
      if (!(await endWalk(tx, walk))) throw new Superseded();
      const facts = { checked: walk.checked, changed: walk.changed };
      await recordAudit(tx, { action: 'labels.apply', outcome: 'success', subject: tenant.slug, facts });
    });
    return report('done');
  } catch (error) {
    if (error instanceof Superseded) return report('superseded');
    throw error;
  }
}

/** @returns undefined when nothing is left */
async function relabelPage(tx: WriteTransaction, walk: LabelWalk, labeller: Labeller): Promise<LabelWalk | undefined> {
  // Before the reading: what a feed writes meanwhile would be overwritten by what it was.
  await lockTenant(tx);
  const contents = await readContents(tx, walk.after, PAGE);
  const last = contents.at(-1);
  if (last === undefined) return undefined;
  const changed = contents.flatMap((content) => relabelled(content, labeller));
  if (changed.length > 0) await mergeBatch(tx, changed, []);
  const next = {
    attempt: walk.attempt,
    after: { rt: last.rt, id: last.id },
    checked: walk.checked + contents.length,
    changed: walk.changed + changed.length,
  };
  if (!(await saveWalk(tx, next))) throw new Superseded();
  return next;
}

function relabelled({ content }: StoredContent, labeller: Labeller) {
  const labelled = labeller.stored(content, JSON.parse(content) as Record<string, unknown>);
  if (labelled.text === content) return [];
  const prepared = prepareResource(labelled.resource, labelled.text);
  return 'refused' in prepared ? [] : [prepared];
}
