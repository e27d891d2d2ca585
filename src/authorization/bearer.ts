import { P2P_OUTCOME_CODES } from '#/fhir/our-canonicals.ts';
import { FhirRefusal } from '#/fhir/outcome.ts';

/** RFC 6750 2.1; a token in the address or in a body is not taken. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header?.trim() ?? '')?.[1];
}

export function unauthenticated(error: 'invalid_token' | undefined): FhirRefusal {
  return new FhirRefusal(
    401,
    {
      severity: 'error',
      code: 'login',
      text: error
        ? 'The access token is not valid here: it may have expired, been taken back, or belong to another plan.'
        : 'An access token is needed. Send it as "Authorization: Bearer ...".',
      coding: { system: P2P_OUTCOME_CODES, code: 'unauthenticated' },
    },
    { headers: { 'www-authenticate': `Bearer realm="fhir"${error ? `, error="${error}"` : ''}` } },
  );
}

const FORBIDDEN = {
  'not-approved': 'This client is not approved for this plan or its environment.',
  'access-type': 'This client is not registered for the payer-to-payer exchange.',
  scope: 'The token’s scope does not permit this.',
  member: 'This needs a member’s authorization: the token is of a system.',
} as const;

export function forbidden(reason: keyof typeof FORBIDDEN): FhirRefusal {
  return new FhirRefusal(
    403,
    {
      severity: 'error',
      code: 'forbidden',
      text: FORBIDDEN[reason],
      coding: { system: P2P_OUTCOME_CODES, code: 'not-authorized' },
    },
    { headers: { 'www-authenticate': 'Bearer realm="fhir", error="insufficient_scope"' } },
  );
}
