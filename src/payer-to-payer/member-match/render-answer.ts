import { P2P_EXPORT_GROUP } from '#/fhir/our-canonicals.ts';
import { HREX_IDENTIFIER_TYPES } from '#/members/umb.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import type { MemberMatchAnswer } from './answer-member-match.ts';

/**
 * The Parameters that answer a match. HRex closes its output to further parameters, so the standard address names the
 * group to export in an extension of the MemberIdentifier; the addresses of the quick start have the parameter `groupId`.
 *
 * Source: HRex, hrex-parameters-member-match-out; payer-to-payer.md 1.4.
 */
export function renderAnswer(answer: MemberMatchAnswer, tenant: Tenant, flavour: 'standard' | 'founding'): object {
  const valueIdentifier = {
    type: { coding: [{ system: HREX_IDENTIFIER_TYPES, code: 'UMB' }] },
    system: answer.memberNamespace,
    value: answer.umb,
    assigner: { display: tenant.name },
  };
  const memberId = { name: 'MemberId', valueReference: { reference: `Patient/${answer.memberId}` } };
  return {
    resourceType: 'Parameters',
    parameter:
      flavour === 'founding'
        ? [{ name: 'MemberIdentifier', valueIdentifier }, memberId, { name: 'groupId', valueString: answer.groupId }]
        : [
            {
              extension: [{ url: P2P_EXPORT_GROUP, valueReference: { reference: `Group/${answer.groupId}` } }],
              name: 'MemberIdentifier',
              valueIdentifier,
            },
            memberId,
          ],
  };
}
