/** Polls that may come at once. */
export const POLL_BURST = 200;
/** Polls that come back each second. */
export const POLL_REFILL_PER_SECOND = 1;
/** Buckets kept in memory; beyond it the one used longest ago starts anew, which can only be kinder. */
const BUCKETS_MAX = 10_000;

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** One bucket per job, in each process: a limit against storms, not a quota to be shared out exactly. */
export interface PollLimit {
  /** @returns 0 when the poll may pass, else the seconds to wait */
  take(jobId: string, now: Date): number;
}

export function makePollLimit(): PollLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take(jobId, now) {
      const bucket = buckets.get(jobId) ?? { tokens: POLL_BURST, atMs: now.getTime() };
      const elapsedSeconds = Math.max(0, now.getTime() - bucket.atMs) / 1000;
      const tokens = Math.min(POLL_BURST, bucket.tokens + elapsedSeconds * POLL_REFILL_PER_SECOND);
      const passes = tokens >= 1;
      buckets.delete(jobId);
      buckets.set(jobId, { tokens: passes ? tokens - 1 : tokens, atMs: now.getTime() });
      if (buckets.size > BUCKETS_MAX) buckets.delete(buckets.keys().next().value!);
      return passes ? 0 : Math.ceil((1 - tokens) / POLL_REFILL_PER_SECOND);
    },
  };
}
