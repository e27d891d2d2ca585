import { type FuzzReport, megabytes } from './fuzz.ts';
import type { Holdings } from './target.ts';

/** What was sent, how it was answered, and what the process held before and after. */
export function renderFuzzReport({ requests, seconds, routes, answers, problems, before, after }: FuzzReport): string {
  const counts = Object.entries(answers)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${kind} ${count}`);
  const held = (holdings: Holdings): string =>
    `heap ${megabytes(holdings.heapBytes)}, resident ${megabytes(holdings.rssBytes)}, ${holdings.files} files, ${holdings.sockets} sockets, ${holdings.connections} callers`;
  return [
    `${requests} hostile requests over ${routes} routes in ${seconds.toFixed(0)} s (${Math.round(requests / seconds)}/s): ${counts.join(', ')}`,
    `held after the first requests: ${held(before)}`,
    `held at the end: ${held(after)}`,
    ...(problems.length === 0 ? ['no problem'] : ['problems:', ...problems]),
  ].join('\n');
}
