import { ASSERTION_ALGORITHMS } from '#/onboarding/public-keys.ts';
import { INTROSPECTION_PATH, type Issuer, REVOCATION_PATH } from './issuer.ts';
import { LITERAL_SCOPES } from './scopes.ts';

const SCOPES = ['system/*.read', 'system/*.rs', ...Object.keys(LITERAL_SCOPES)];
const SIGN_IN_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/**
 * RFC 8414 and OpenID Connect Discovery: only what this issuer does today. Members cannot sign in yet, so there is no
 * `authorization_endpoint` (RFC 8414 2 demands one only where a grant type uses it) and no response type.
 */
export function issuerMetadata(issuer: Issuer): object {
  return {
    issuer: issuer.url,
    token_endpoint: issuer.tokenEndpoint,
    jwks_uri: issuer.jwksUri,
    ...(issuer.tenant === undefined
      ? {}
      : {
          introspection_endpoint: `${issuer.url}${INTROSPECTION_PATH}`,
          introspection_endpoint_auth_methods_supported: SIGN_IN_METHODS,
          introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
          revocation_endpoint: `${issuer.url}${REVOCATION_PATH}`,
          revocation_endpoint_auth_methods_supported: SIGN_IN_METHODS,
          revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
        }),
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: SIGN_IN_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    scopes_supported: SCOPES,
  };
}

/**
 * SMART App Launch 2.2, `.well-known/smart-configuration`, for system clients. `issuer` is left out where
 * `sso-openid-connect` is not offered; `code_challenge_methods_supported` must be there and name S256 in any case.
 *
 * Source: patient-access.md 2.1, payer-to-payer.md 8.1.
 */
export function smartConfiguration(issuer: Issuer): object {
  return {
    token_endpoint: issuer.tokenEndpoint,
    jwks_uri: issuer.jwksUri,
    introspection_endpoint: `${issuer.url}${INTROSPECTION_PATH}`,
    revocation_endpoint: `${issuer.url}${REVOCATION_PATH}`,
    token_endpoint_auth_methods_supported: SIGN_IN_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    grant_types_supported: ['client_credentials'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: SCOPES,
    capabilities: ['client-confidential-symmetric', 'client-confidential-asymmetric', 'permission-v1', 'permission-v2'],
  };
}
