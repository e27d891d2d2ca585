import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { recordAudit } from '#/audit/audit.ts';
import { knowsSources } from '#/fhir/store/locator.ts';
import { countNotMatchable } from '#/members/match/index-members.ts';
import { type Database, isConnectionLost, type TenantDatabase } from '#/platform/db/database.ts';
import { beginLabelling } from '#/sensitivity/labels-now.ts';
import { type LabelRules, labelRulesOf } from '#/sensitivity/rules.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { type FeedOptions, type FeedProgress, FeedRefusal, type FeedReport, type FeedSource } from './feed.ts';
import { withFeedLock } from './feed-lock.ts';
import { closeRun, openRun } from './feed-store.ts';
import { FEED_LIMITS } from './limits.ts';
import { mergeWaiting } from './merge-waiting.ts';
import { ahead, batchesOf, type FeedBatch, type Preparation } from './pipeline.ts';
import { type FeedPlan, planFeed } from './plan.ts';
import { RefusedFile } from './refused-file.ts';
import { Repeats } from './repeats.ts';
import { type FeedCounts, type FeedRun, noCounts, readOf, reportOf, START } from './run.ts';
import { deleteVanished } from './snapshot.ts';
import { programKey } from './source-key.ts';
import { type StoreBatch, type Storing, storeBatch } from './store-batch.ts';
import { openWorkerPool } from './worker-pool.ts';

export interface FeedServices {
  readonly database: Database;
  readonly config: { readonly dataDir: string };
}

/**
 * Takes a feed into a tenant's store: reads, checks and prepares on all cores, stores in the order of the feed, and
 * writes how far it is in the same transaction as what it stored. A run that broke, by whatever, is taken up by the
 * same feed again: nothing is lost and nothing stored twice.
 *
 * @returns the report; refused lines are in it and do not make the feed fail
 * @throws FeedRefusal when the feed as a whole cannot be taken, or stopped half-way (its `report` tells how far)
 */
export async function loadFeed(
  { database, config }: FeedServices,
  tenant: Tenant,
  sources: readonly FeedSource[],
  options: FeedOptions = {},
  progress: (state: FeedProgress) => void = () => undefined,
): Promise<FeedReport> {
  const db = database.tenant(tenant.id);
  const plan = await planFeed(sources, options.signal);
  const refusedFile = (id: string): string =>
    options.refusedFile ?? path.join(config.dataDir, 'feeds', `refused-${tenant.slug}-${id}.ndjson`);
  return withFeedLock(db, options.signal, async () => {
    const fullSnapshot = options.fullSnapshot === true;
    const rules = labelRulesOf(tenant.settings);
    const run: FeedRun = options.dryRun
      ? dryRun(refusedFile(randomUUID()))
      : await db.transaction(async (tx) => {
          await beginLabelling(tx, rules);
          return openRun(tx, { fingerprint: plan.fingerprint, fullSnapshot, refusedFile });
        });
    const loading = new Loading(db, tenant, plan, run, rules, options, progress);
    try {
      return await loading.run();
    } catch (error) {
      throw await loading.stopped(error);
    }
  });
}

function dryRun(refusedFile: string): FeedRun {
  const counts = noCounts();
  return { id: 'none', attempt: 1, isResumed: false, position: START, counts, refusedFile, refusedBytes: 0 };
}

/** One attempt at a run: its counts so far, and what it needs to go on. */
class Loading {
  readonly #db: TenantDatabase;
  readonly #tenant: Tenant;
  readonly #plan: FeedPlan;
  readonly #run: FeedRun;
  readonly #rules: LabelRules;
  readonly #options: FeedOptions;
  readonly #progress: (state: FeedProgress) => void;
  readonly #refused: RefusedFile;
  readonly #startedAt = performance.now();
  #counts: FeedCounts;
  #notMatchable = 0;

  constructor(
    db: TenantDatabase,
    tenant: Tenant,
    plan: FeedPlan,
    run: FeedRun,
    rules: LabelRules,
    options: FeedOptions,
    progress: (state: FeedProgress) => void,
  ) {
    this.#db = db;
    this.#tenant = tenant;
    this.#plan = plan;
    this.#run = run;
    this.#rules = rules;
    this.#options = options;
    this.#progress = progress;
    this.#counts = run.counts;
    this.#refused = new RefusedFile(run.refusedFile, run.refusedBytes);
  }

  async run(): Promise<FeedReport> {
    const program = programKey(this.#rules);
    const settings = { tenantId: this.#tenant.id, program, rules: this.#rules };
    const pool = openWorkerPool(this.#options.workers ?? threadsFor(this.#plan), settings);
    try {
      const by = { pool, program, repeats: new Repeats(await this.#db.connection(knowsSources)) };
      this.#tell('reading');
      for await (const batch of ahead(batchesOf(this.#plan, this.#run.position, by, this.#counts.bytes))) {
        this.#options.signal?.throwIfAborted();
        await this.#store(batch, by);
        this.#tell('reading');
      }
    } finally {
      await pool.close();
    }
    if (!this.#counts.isFhir && this.#plan.files.length > 0)
      throw new FeedRefusal('no-fhir', { path: this.#plan.files[0]?.name ?? '' });
    if (!this.#options.dryRun) {
      this.#tell('waiting');
      this.#counts = await mergeWaiting(this.#storing(), (counts) => this.#requireWithinLimit(counts, true));
      if (this.#options.fullSnapshot) {
        this.#tell('deleting');
        this.#counts = await deleteVanished(this.#storing(), this.#options.confirmDeletions === true);
      }
    }
    await this.#finish();
    this.#tell('done');
    return this.#report();
  }

  /** The report of a run that stopped goes with what stopped it. */
  async stopped(error: unknown): Promise<unknown> {
    await this.#refused.close().catch(() => undefined);
    const refusal = asRefusal(error, this.#options.signal);
    if (refusal === undefined) return error;
    refusal.report = this.#report();
    if (!this.#options.dryRun && refusal.code !== 'database-gone')
      await recordAudit(
        { tenantId: this.#db.tenantId, query: this.#db.query },
        {
          action: 'feed.load',
          outcome: 'failure',
          subject: this.#run.id,
          facts: { ...this.#facts(), code: refusal.code },
        },
      ).catch(() => undefined);
    return refusal;
  }

  async #store(batch: FeedBatch, by: Preparation): Promise<void> {
    const stored = await storeBatch({ ...this.#storing(), by }, this.#named(batch), (counts) =>
      this.#requireWithinLimit(counts, batch.isLast),
    );
    this.#counts = stored.counts;
    if (this.#options.dryRun) this.#notMatchable = stored.notMatchable;
  }

  #named(batch: FeedBatch): StoreBatch {
    const name = (i: number): string => this.#plan.files[batch.files[i] ?? 0]?.name ?? '';
    return { ...batch, nameOf: name };
  }

  #storing(): Storing {
    return {
      db: this.#db,
      run: this.#run,
      rules: this.#rules,
      refused: this.#refused,
      counts: this.#counts,
      seconds: this.#seconds(),
      dryRun: this.#options.dryRun === true,
      fullSnapshot: this.#options.fullSnapshot === true,
      end: { file: this.#plan.files.length, offset: 0, skip: 0, line: 0 },
      signal: this.#options.signal,
    };
  }

  /** A share is judged once enough was read for it to mean something, and at the end. */
  #requireWithinLimit(counts: FeedCounts, isLast: boolean): void {
    const limit = this.#options.maxRefused;
    if (limit === undefined) return;
    const read = readOf(counts);
    const isPassed =
      'count' in limit
        ? counts.refused > limit.count
        : (isLast || read >= SHARE_JUDGED_FROM) && counts.refused * 100 > limit.percent * read;
    if (isPassed) throw new FeedRefusal('limit-passed', { refused: counts.refused, read });
  }

  async #finish(): Promise<void> {
    await this.#refused.close();
    if (this.#options.dryRun) return;
    // This commit waits for the disk, and so for everything before it, which did not (storage.md 5).
    await this.#db.transaction(async (tx) => {
      if (!(await closeRun(tx, this.#run))) throw new FeedRefusal('feed-running');
      this.#notMatchable = await countNotMatchable(tx);
      await recordAudit(tx, { action: 'feed.load', outcome: 'success', subject: this.#run.id, facts: this.#facts() });
    });
  }

  #facts(): Record<string, unknown> {
    const { stored, unchanged, deleted, refused, vanished, bytes } = this.#counts;
    return {
      stored,
      unchanged,
      deleted,
      refused,
      vanished,
      bytes,
      files: this.#plan.files.length,
      attempt: this.#run.attempt,
    };
  }

  #report(): FeedReport {
    return reportOf(
      { ...this.#counts, seconds: this.#seconds() },
      {
        tenant: this.#tenant.slug,
        run: this.#run.id,
        dry_run: this.#options.dryRun === true,
        resumed: this.#run.isResumed,
        files: this.#plan.files.length,
        skipped: this.#plan.skipped,
        refusedFile: this.#refused.bytes > 0 ? this.#run.refusedFile : null,
        notMatchable: this.#notMatchable,
      },
    );
  }

  #tell(phase: FeedProgress['phase']): void {
    this.#progress({
      phase,
      bytes: this.#counts.bytes,
      bytesTotal: this.#plan.bytesTotal,
      read: readOf(this.#counts),
      refused: this.#counts.refused,
      seconds: this.#seconds(),
    });
  }

  /** Of all attempts. */
  #seconds(): number {
    return this.#run.counts.seconds + (performance.now() - this.#startedAt) / 1000;
  }
}

/** A core each, but none for a feed that one thread has read before a second would have started. */
function threadsFor({ bytesTotal }: FeedPlan): number {
  const units = bytesTotal === undefined ? Number.POSITIVE_INFINITY : bytesTotal / FEED_LIMITS.blockBytes;
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(units / 4)));
}

/** Resources read before a share of refused ones is judged. */
const SHARE_JUDGED_FROM = 1_000;

function asRefusal(error: unknown, signal: AbortSignal | undefined): FeedRefusal | undefined {
  if (error instanceof FeedRefusal) return error;
  if (signal?.aborted) return new FeedRefusal('interrupted', {}, { cause: error });
  if (isConnectionLost(error)) return new FeedRefusal('database-gone', {}, { cause: error });
  return undefined;
}
