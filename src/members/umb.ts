import { sha256 } from '#/platform/crypto/hash.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';

/** HRex's code system for what v2-0203 lacks; its code UMB is the unique member identifier. */
export const HREX_IDENTIFIER_TYPES = 'http://hl7.org/fhir/us/davinci-hrex/CodeSystem/hrex-temp';

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const DERIVED_LENGTH = 16;

/**
 * The unique member identifier (UMB) of a person for whom the plan has set none: one for each person and tenant, the
 * same whenever it is asked for, and no number of any card (HRex, member-match; payer-to-payer.md 1.4). 80 bits.
 *
 * @param patientId id of the Patient resource that stands for the person
 */
export function derivedUmb(tenantId: number, patientId: string): string {
  const hash = sha256(`umb|${tenantId}|Patient/${patientId}`);
  let bits = hash.readBigUInt64BE(0) * 65_536n + BigInt(hash.readUInt16BE(8));
  let text = '';
  for (let i = 0; i < DERIVED_LENGTH; i++) {
    text = LETTERS[Number(bits % 32n)] + text;
    bits /= 32n;
  }
  return `U-${text}`;
}

/** The identifier system of a plan's unique member identifiers. */
export function memberNamespaceOf(tenants: Tenants, tenant: Tenant): string {
  return tenant.settings.memberNamespace ?? `${tenants.issuer(tenant)}/ids/member`;
}

/** Stands for a member in the audit record, which never holds the identifier itself. 32 hex digits. */
export function memberAuditKey(tenantId: number, umb: string): string {
  return sha256(`audit|${tenantId}|${umb}`).toString('hex').slice(0, 32);
}
