import { Gauge, type Registry } from 'prom-client';
import type { Database } from '../db/database.ts';

interface JobFigures {
  readonly task: string;
  readonly waiting: number;
  readonly running: number;
  readonly given_up: number;
  readonly oldest_seconds: number;
}

/** Jobs that failed as often as they may stay in the table and are not tried again. */
const FIGURES = `
  select task_identifier as task,
         (count(*) filter (where locked_at is null and attempts < max_attempts and run_at <= now()))::int as waiting,
         (count(*) filter (where locked_at is not null))::int as running,
         (count(*) filter (where locked_at is null and attempts >= max_attempts))::int as given_up,
         coalesce(extract(epoch from now() - min(run_at) filter (where locked_at is null and attempts < max_attempts and run_at <= now())), 0)::float8 as oldest_seconds
    from graphile_worker.jobs group by task_identifier`;

/** One scrape asks once: its gauges collect at the same moment. */
const SAME_SCRAPE_MS = 500;

/**
 * The background work of the whole installation, as the database sees it: asked for at each scrape, and the same from every
 * process, also from one that does not work itself.
 */
export function watchJobs(registry: Registry, database: Pick<Database, 'owner'>): void {
  let asked: { readonly at: number; readonly rows: Promise<readonly JobFigures[]> } | undefined;
  function figures(): Promise<readonly JobFigures[]> {
    if (!asked || performance.now() - asked.at > SAME_SCRAPE_MS) {
      // Without the database there are no figures, and the scrape itself must not fail.
      const rows = database.owner.query<JobFigures>(FIGURES).then(
        (result) => result.rows,
        () => [],
      );
      asked = { at: performance.now(), rows };
    }
    return asked.rows;
  }
  function gauge(name: string, help: string, figureOf: (row: JobFigures) => number): void {
    new Gauge({
      name,
      help,
      labelNames: ['task'],
      registers: [registry],
      async collect() {
        const rows = await figures();
        this.reset();
        for (const row of rows) this.set({ task: row.task }, figureOf(row));
      },
    });
  }
  gauge('jobs_waiting', 'Background jobs that could run and wait for a worker.', (row) => row.waiting);
  gauge('jobs_running', 'Background jobs under way, of all processes.', (row) => row.running);
  gauge('jobs_given_up', 'Background jobs that failed at their last try.', (row) => row.given_up);
  gauge(
    'jobs_oldest_waiting_seconds',
    'How long the oldest job that could run has waited.',
    (row) => row.oldest_seconds,
  );
}
