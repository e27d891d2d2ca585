import { ASSERTION_ALGORITHMS } from '#/onboarding/public-keys.ts';
import { SHAREABLE_TYPES } from './interaction/consent-choices.ts';
import { INTROSPECTION_PATH, type Issuer, REVOCATION_PATH } from './issuer.ts';
import { LITERAL_SCOPES } from './scopes.ts';

const SYSTEM_SCOPES = ['system/*.read', 'system/*.rs', ...Object.keys(LITERAL_SCOPES)];
/** Each of them works; those of SMART 1 are the ones that CARIN names (patient-access.md 2.3). */
const MEMBER_SCOPES = [
  'openid',
  'fhirUser',
  'launch/patient',
  'offline_access',
  ...['patient', 'user'].flatMap((context) => [
    `${context}/*.rs`,
    `${context}/*.read`,
    ...SHAREABLE_TYPES.map((type) => `${context}/${type}.rs`),
    ...['ExplanationOfBenefit', 'Coverage', 'Patient', 'Organization', 'Practitioner'].map(
      (type) => `${context}/${type}.read`,
    ),
  ]),
];
const SYSTEM_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
const METHODS = [...SYSTEM_METHODS, 'none'];

/** SMART App Launch 2.2, capabilities; what C4BB and the certification kits look for (patient-access.md 2.1). */
const CAPABILITIES = [
  'launch-standalone',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-standalone-patient',
  'permission-offline',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
];

/** The addresses of a tenant's issuer that apps of members need. */
export function memberAddresses(issuer: Issuer) {
  const segment = issuer.tenant?.kind === 'sandbox' ? 'test' : 'patient-access';
  return {
    authorize: `${issuer.url}/oauth2/authorize/${segment}`,
    token: issuer.tokenEndpoint,
    introspect: `${issuer.url}${INTROSPECTION_PATH}`,
    revoke: `${issuer.url}${REVOCATION_PATH}`,
    manage: `${issuer.url}/manage`,
  };
}

/** RFC 8414 and OpenID Connect Discovery 1.0: only what this issuer does. The platform's knows no members. */
export function issuerMetadata(issuer: Issuer): object {
  const common = {
    issuer: issuer.url,
    token_endpoint: issuer.tokenEndpoint,
    jwks_uri: issuer.jwksUri,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  };
  if (issuer.tenant === undefined)
    return {
      ...common,
      grant_types_supported: ['client_credentials'],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: SYSTEM_METHODS,
      scopes_supported: SYSTEM_SCOPES,
    };
  const addresses = memberAddresses(issuer);
  return {
    ...common,
    authorization_endpoint: addresses.authorize,
    introspection_endpoint: addresses.introspect,
    introspection_endpoint_auth_methods_supported: METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint: addresses.revoke,
    revocation_endpoint_auth_methods_supported: METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'auth_time', 'acr', 'fhirUser'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: METHODS,
    scopes_supported: [...MEMBER_SCOPES, ...SYSTEM_SCOPES],
    ui_locales_supported: ['en', 'es'],
    authorization_response_iss_parameter_supported: true,
  };
}

/**
 * SMART App Launch 2.2, `.well-known/smart-configuration`.
 *
 * Source: patient-access.md 2.1, payer-to-payer.md 8.1.
 */
export function smartConfiguration(issuer: Issuer): object {
  const addresses = memberAddresses(issuer);
  return {
    issuer: issuer.url,
    jwks_uri: issuer.jwksUri,
    authorization_endpoint: addresses.authorize,
    token_endpoint: issuer.tokenEndpoint,
    introspection_endpoint: addresses.introspect,
    revocation_endpoint: addresses.revoke,
    management_endpoint: addresses.manage,
    token_endpoint_auth_methods_supported: METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: [...MEMBER_SCOPES, ...SYSTEM_SCOPES],
    capabilities: CAPABILITIES,
  };
}
