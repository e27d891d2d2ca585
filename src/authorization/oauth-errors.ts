import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { isUnavailable } from '#/platform/db/database.ts';
import { Refusal } from '#/platform/refusal.ts';
import { OAuthRefusal } from './oauth-refusal.ts';

const NOT_A_FORM = 'The body must be a form (application/x-www-form-urlencoded).';
const RETRY_AFTER_SECONDS = 5;

/** Every error at an OAuth address in the words of RFC 6749; whatever a client can send is a 4xx (AUTH-22). */
export function renderOAuthError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(error, request);
  request.logFacts.refusal = refusal.error;
  return noStore(reply)
    .code(refusal.status)
    .headers(refusal.headers)
    .send({ error: refusal.error, error_description: refusal.message });
}

/** Answers at OAuth addresses are nobody's to keep (RFC 6749 5.1). */
export function noStore(reply: FastifyReply): FastifyReply {
  return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' });
}

function refusalOf(error: FastifyError, request: FastifyRequest): OAuthRefusal {
  if (error instanceof OAuthRefusal && error.status < 500) return error;
  if (error instanceof Refusal && error.code === 'unknown-tenant')
    return new OAuthRefusal(404, 'invalid_request', 'There is no plan of this name here.');
  const status = error.statusCode ?? 500;
  if (status === 413) return new OAuthRefusal(413, 'invalid_request', 'The request body is too large.');
  if (status === 415) return new OAuthRefusal(400, 'invalid_request', NOT_A_FORM);
  if (status >= 400 && status < 500)
    return new OAuthRefusal(status, 'invalid_request', 'The request could not be understood.');
  if (isUnavailable(error))
    return new OAuthRefusal(503, 'temporarily_unavailable', 'The service is not ready. Try again shortly.', {
      'retry-after': String(RETRY_AFTER_SECONDS),
    });
  request.log.error({ err: error }, 'an authorization request failed');
  return new OAuthRefusal(500, 'server_error', `Quote request ${request.id} when you report this.`);
}
