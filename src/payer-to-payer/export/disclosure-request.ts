import type { DisclosureRequest } from '#/disclosure/disclose-line.ts';
import type { SliceWork } from './slice-work.ts';

/** What the disclosure policy has to know. The window of service dates counts from the kick-off, also after a restart. */
export function disclosureRequest({ tenant, job, claim, isSensitiveToo }: SliceWork): DisclosureRequest {
  const { createdAt: now } = job;
  return { accessType: 'payer-to-payer', consentPolicy: claim.policy, now, tenant: tenant.settings, isSensitiveToo };
}
