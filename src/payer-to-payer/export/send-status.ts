import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { OUR_CANONICAL, P2P_OUTCOME_CODES } from '#/fhir/our-canonicals.ts';
import { type OperationOutcome, operationOutcome, sendOutcome } from '#/fhir/outcome.ts';
import type { Refusal } from '#/platform/refusal.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { ExportDeps } from './export-deps.ts';
import { type ExportRefusalCode, exportOutcomes, exportRefusal } from './export-refusals.ts';
import { type ExportStatus, readFiles } from './export-store.ts';
import {
  renderJobDone,
  renderJobInProgress,
  renderManifest,
  renderProgress,
  retryAfterSeconds,
} from './status-document.ts';

/**
 * Answers how a job is. With `separate-export-status` the HTTP status is that of this request, 200, and the job's own one
 * stands in `X-Export-Status` (Bulk Data 3).
 *
 * @throws Refusal `job-failed`, `job-unknown`
 */
export async function sendStatus(
  deps: Pick<ExportDeps, 'clock' | 'database' | 'tenants'>,
  tenant: Tenant,
  { job, progress }: ExportStatus,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const code = (status: number): FastifyReply =>
    job.separateStatus
      ? reply.code(200).header('x-export-status', `${status} ${STATUS_CODES[status]}`)
      : reply.code(status);
  switch (job.state) {
    case 'queued':
    case 'running':
      code(202)
        .header('x-progress', renderProgress(job.state, progress))
        .header('retry-after', retryAfterSeconds(job, deps.clock.now()));
      // The standard has no body here; callers of the quick start read the job document (payer-to-payer.md 3.6).
      return job.flavour === 'standard'
        ? reply.send()
        : reply.type('application/json').send(JSON.stringify(renderJobInProgress(job, progress)));
    case 'complete': {
      const files = await readFiles(deps.database.tenant(tenant.id), job.id);
      const links = { bulkBase: deps.tenants.bulkBase(tenant), canonical: OUR_CANONICAL };
      const document =
        job.flavour === 'standard'
          ? renderManifest(job, progress, files, links)
          : renderJobDone(job, progress, files, links);
      return code(200)
        .type('application/json')
        .header('expires', job.expiresAt!.toUTCString())
        .send(JSON.stringify(document));
    }
    case 'failed': {
      const refusal = exportRefusal('job-failed');
      if (!job.separateStatus) throw refusal;
      const { status } = exportOutcomes[refusal.code];
      return sendOutcome(reply, 200, outcomeOf(refusal), { 'x-export-status': `${status} ${STATUS_CODES[status]}` });
    }
    case 'cancelled':
      throw exportRefusal('job-unknown');
    default:
      return job.state satisfies never;
  }
}

/** A refusal in FHIR's form: our code for programs, our words, and what it is about. */
export function outcomeOf({ code, facts }: Refusal<ExportRefusalCode>): OperationOutcome {
  const { issue, text } = exportOutcomes[code];
  const { parameter, type, search } = facts;
  const named = [parameter, type].filter((word) => word !== undefined && word !== '').join('=');
  const diagnostics = search === undefined ? named : `${named}?${search}`;
  return operationOutcome({
    severity: 'error',
    code: issue,
    text,
    coding: { system: P2P_OUTCOME_CODES, code },
    ...(diagnostics !== '' && { diagnostics }),
  });
}
