import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { isUnavailable } from '#/platform/db/database.ts';
import { Refusal } from '#/platform/refusal.ts';
import { FhirRefusal, type IssueType, type OutcomeIssue, operationOutcome, sendOutcome } from './outcome.ts';

/**
 * The error handler of every FHIR plugin (`plugin.setErrorHandler(fhirErrorHandler)`): an OperationOutcome with the
 * right status, whatever was thrown.
 *
 * - `FhirRefusal`: what it says
 * - `Refusal` `unknown-tenant`: 404
 * - the HTTP server's own refusals (body too large, wrong media type, unreadable JSON): their status, in our words
 * - a database that is away or full: 503 with Retry-After
 * - anything else: 500 with the request id and nothing more; the log gets the error whole
 */
export function fhirErrorHandler(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof FhirRefusal) {
    Object.assign(request.logFacts, error.facts);
    return sendOutcome(reply, error.status, operationOutcome(error.issues), error.headers);
  }
  if (error instanceof Refusal && error.code === 'unknown-tenant') {
    return sendOutcome(reply, 404, operationOutcome(UNKNOWN_TENANT));
  }
  const status = (error as Partial<FastifyError>).statusCode ?? 500;
  if (status >= 400 && status < 500) return sendOutcome(reply, status, operationOutcome(clientIssue(status)));
  request.log.error({ err: error }, 'request failed');
  if (status === 503 || isUnavailable(error))
    return sendOutcome(reply, 503, operationOutcome(UNAVAILABLE), { 'retry-after': String(RETRY_WHEN_DOWN_SECONDS) });
  return sendOutcome(reply, 500, operationOutcome(ourFault(request.id)));
}

/** The not-found handler of a FHIR plugin: an address of the FHIR base that nothing answers. */
export function fhirNotFoundHandler(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendOutcome(reply, 404, operationOutcome(clientIssue(404)));
}

/** The database is usually back after a restart of this length. */
const RETRY_WHEN_DOWN_SECONDS = 5;

const UNKNOWN_TENANT: OutcomeIssue = {
  severity: 'error',
  code: 'not-found',
  text: 'There is no plan of this name here.',
};
const UNAVAILABLE: OutcomeIssue = {
  severity: 'error',
  code: 'transient',
  text: 'The service is not ready. Try again shortly.',
};

function ourFault(requestId: string): OutcomeIssue {
  return {
    severity: 'fatal',
    code: 'exception',
    text: `Something went wrong on our side. Quote request ${requestId} when you report it.`,
  };
}

const CLIENT_ISSUES: Readonly<Record<number, readonly [IssueType, string]>> = {
  400: ['invalid', 'The request could not be understood: the body must be one JSON document in UTF-8.'],
  401: ['login', 'This needs an access token.'],
  403: ['forbidden', 'This access token does not allow that.'],
  404: ['not-found', 'There is nothing at this address.'],
  405: ['not-supported', 'This address does not take that method.'],
  406: ['not-supported', 'Only FHIR JSON can be answered here.'],
  408: ['timeout', 'The request did not arrive in time.'],
  413: ['too-long', 'The request body is too large.'],
  414: ['too-long', 'The address is too long.'],
  415: ['not-supported', 'The body must be sent as application/fhir+json or application/json.'],
  429: ['throttled', 'Too many requests. Wait before you try again.'],
};

function clientIssue(status: number): OutcomeIssue {
  const [code, text] = CLIENT_ISSUES[status] ?? ['invalid', 'The request could not be understood.'];
  return { severity: 'error', code, text };
}
