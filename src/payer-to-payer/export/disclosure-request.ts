import type { ConsentPolicy } from '#/consent/consent.ts';
import type { DisclosureRequest } from '#/disclosure/disclose-line.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { ExportJob } from './export-job.ts';

/** What the disclosure policy has to know. The window of service dates counts from the kick-off, also after a restart. */
export function disclosureRequest(tenant: Tenant, job: ExportJob, consentPolicy: ConsentPolicy): DisclosureRequest {
  return { accessType: 'payer-to-payer', consentPolicy, now: job.createdAt, tenant: tenant.settings };
}
