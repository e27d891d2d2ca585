import type { TenantDatabase } from '#/platform/db/database.ts';

/** Failed sign-ins of one client id from one address in a minute; then 429 (authorization.md 13). */
export const FAILED_SIGN_INS_PER_MINUTE = 20;
/** Token requests of one client in a minute, in this process. */
export const TOKEN_REQUESTS_PER_MINUTE = 600;

const WINDOW_SECONDS = 60;

/** Counts one hit; right in parallel and across processes, because the count is one upsert. */
export async function countHit(db: TenantDatabase, key: string): Promise<number> {
  const result = await db.query<{ hits: number }>(
    `insert into rate_bucket (tenant_id, key, window_start, hits)
     values ($1, $2, to_timestamp(floor(extract(epoch from now()) / ${WINDOW_SECONDS}) * ${WINDOW_SECONDS}), 1)
     on conflict (tenant_id, key, window_start) do update set hits = rate_bucket.hits + 1 returning hits`,
    [db.tenantId, key],
  );
  return result.rows[0]?.hits ?? 0;
}

export async function readHits(db: TenantDatabase, key: string): Promise<number> {
  const result = await db.read<{ hits: number }>({
    name: 'rate-hits',
    text: `select hits from rate_bucket where tenant_id = $1 and key = $2
              and window_start = to_timestamp(floor(extract(epoch from now()) / ${WINDOW_SECONDS}) * ${WINDOW_SECONDS})`,
    values: [db.tenantId, key],
  });
  return result.rows[0]?.hits ?? 0;
}

/** Windows that have passed say nothing any more. */
export async function purgeHits(db: TenantDatabase): Promise<void> {
  await db.query(`delete from rate_bucket where tenant_id = $1 and window_start < now() - interval '10 minutes'`, [
    db.tenantId,
  ]);
}

/** A flood is held off in memory, before it costs anything. */
export function makeFloodGate(perMinute: number, now: () => number = Date.now): (key: string) => boolean {
  let window = 0;
  let counts = new Map<string, number>();
  return (key) => {
    const current = Math.floor(now() / 60_000);
    if (current !== window) {
      window = current;
      counts = new Map();
    }
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count <= perMinute;
  };
}
