import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditSink } from '#/audit/audit-sink.ts';
import type { AccessContext } from '#/authorization/access.ts';
import { CanonicalRefusal, canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { FHIR_BASES } from '#/fhir/capability/fhir-route.ts';
import { fhirErrorHandler } from '#/fhir/fhir-errors.ts';
import { FHIR_JSON, FhirRefusal } from '#/fhir/outcome.ts';
import { validateResource } from '#/fhir/validate/validate.ts';
import { sha256 } from '#/platform/crypto/hash.ts';
import { isUnavailable } from '#/platform/db/database.ts';
import { Refusal } from '#/platform/refusal.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { requireJsonAnswer } from '../json-answer.ts';
import { answerMemberMatch, type MemberMatchDeps } from './answer-member-match.ts';
import { coded, inputRefusal, withSurfaceCode } from './match-outcomes.ts';
import type { MatchCall } from './match-recorder.ts';
import { type InputProblem, parseMemberMatch } from './parse-member-match.ts';
import { renderAnswer } from './render-answer.ts';

/** A match has four resources; one that is larger than this carries something else. */
const BODY_BYTES_MAX = 1_048_576;
/** The database is usually back after a restart of this length. */
const RETRY_WHEN_DOWN_SECONDS = 10;

const OPERATION = {
  kind: 'operation',
  type: 'Patient',
  name: 'member-match',
  definition: 'http://hl7.org/fhir/us/davinci-hrex/OperationDefinition/member-match',
} as const;

export interface MemberMatchRouteDeps extends MemberMatchDeps {
  readonly audit: AuditSink;
  readonly requireAccess: (
    request: FastifyRequest,
    tenant: Tenant,
    permission: 'member-match',
  ) => Promise<AccessContext>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the body is read: who calls may be refused without reading what was sent. */
    payerAccess?: AccessContext;
  }
}

/**
 * `$member-match` on its three addresses, with one decision behind them (P2P-1): the standard one on both names of the
 * FHIR base, and the two of the quick start. To be mounted under `/v1/:tenant`.
 *
 * Source: HRex, operation member-match; payer-to-payer.md 1.1, 1.4, 1.7.
 */
export function memberMatchRoutes(deps: MemberMatchRouteDeps): FastifyPluginAsync {
  return async (server) => {
    server.setErrorHandler(renderRefusal);
    acceptFhirJson(server);
    const mount = (url: string, endpoint: MatchCall['endpoint']): void => {
      server.post(url, {
        bodyLimit: BODY_BYTES_MAX,
        ...(endpoint === 'standard' ? { config: { fhir: OPERATION } } : {}),
        onRequest: async (request) => {
          request.payerAccess = await enter(deps, endpoint, request);
        },
        handler: (request, reply) => answer(deps, endpoint, request, reply),
      });
      server.route({
        method: ['GET', 'PUT', 'PATCH', 'DELETE'],
        url,
        onRequest: async (request) => {
          await requireEndpoint(deps, endpoint, request);
          throw new FhirRefusal(
            405,
            { severity: 'error', code: 'not-supported', text: 'This operation takes POST only.' },
            { headers: { allow: 'POST' } },
          );
        },
        handler: async () => undefined,
      });
    };
    for (const base of FHIR_BASES) mount(`${base}/Patient/$member-match`, 'standard');
    mount('/member-match/$member-match', 'founding');
    mount('/member-match-sandbox/$member-match', 'founding-sandbox');
  };
}

/** The bytes as they came; they are read once it is clear who sent them. */
function acceptFhirJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    ['application/json', 'application/fhir+json'],
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  );
}

/** The address of a sandbox does not exist on a production tenant (P2P-18). */
async function requireEndpoint(
  deps: MemberMatchRouteDeps,
  endpoint: MatchCall['endpoint'],
  request: FastifyRequest,
): Promise<Tenant> {
  const tenant = await resolveTenant(deps.tenants, request);
  if (endpoint === 'founding-sandbox' && tenant.kind !== 'sandbox')
    throw new FhirRefusal(404, { severity: 'error', code: 'not-found', text: 'There is no such operation here.' });
  return tenant;
}

async function enter(
  deps: MemberMatchRouteDeps,
  endpoint: MatchCall['endpoint'],
  request: FastifyRequest,
): Promise<AccessContext> {
  const tenant = await requireEndpoint(deps, endpoint, request);
  const access = await deps.requireAccess(request, tenant, 'member-match');
  requireJsonAnswer(request);
  return access;
}

async function answer(
  deps: MemberMatchRouteDeps,
  endpoint: MatchCall['endpoint'],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const access = request.payerAccess!;
  const { tenant } = access;
  const text = readBody(request.body);
  const strict = tenant.settings.strictMemberMatch || wantsStrict(request.headers.prefer);
  const parsed =
    text === undefined
      ? { kind: 'refused' as const, problems: [NOT_JSON] }
      : parseMemberMatch(JSON.parse(text), { strict, validate: validateResource });
  if (parsed.kind === 'refused') {
    await deps.audit.append(tenant.id, {
      action: 'match.refused',
      outcome: 'refused',
      client: access.client,
      organization: access.organization?.id,
      requestId: access.requestId,
      tokenId: access.tokenId,
      address: request.ip,
      facts: { endpoint, strict, reason: parsed.problems[0]?.code, problems: parsed.problems.length },
    });
    throw inputRefusal(parsed.problems);
  }
  const requestHash = sha256(text ?? '');
  const matched = await answerMemberMatch(access, parsed.request, { endpoint, address: request.ip, requestHash }, deps);
  return reply
    .code(200)
    .header('content-type', FHIR_JSON)
    .send(JSON.stringify(renderAnswer(matched, tenant, endpoint === 'standard' ? 'standard' : 'founding')));
}

const NOT_JSON: InputProblem = {
  code: 'malformed',
  text: 'The body must be one JSON object in UTF-8, without duplicate keys.',
  expression: undefined,
};

/** @returns the body without the white space between its parts; undefined when it is no JSON object */
function readBody(body: unknown): string | undefined {
  try {
    return Buffer.isBuffer(body) ? canonicalise(body) : undefined;
  } catch (error) {
    if (error instanceof CanonicalRefusal) return undefined;
    throw error;
  }
}

function wantsStrict(prefer: string | string[] | undefined): boolean {
  const [handling] = /(?<=^|[,;\s])handling\s*=\s*"?(strict|lenient)/i.exec([prefer ?? []].flat().join(',')) ?? [];
  return handling !== undefined && /strict$/i.test(handling);
}

function renderRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return fhirErrorHandler(asRefusal(error, request), request, reply);
}

/** Every refusal has the code that a payer's program switches on; what we do not know is our own fault. */
function asRefusal(error: unknown, request: FastifyRequest): unknown {
  if (error instanceof FhirRefusal) return withSurfaceCode(error);
  if (error instanceof Refusal && error.code === 'unknown-tenant')
    return new FhirRefusal(404, {
      severity: 'error',
      code: 'not-found',
      text: 'There is no plan of this name here.',
      coding: coded('unknown-tenant'),
    });
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status < 500) return error;
  if (isUnavailable(error))
    return new FhirRefusal(
      503,
      {
        severity: 'error',
        code: 'transient',
        text: 'The service is not ready. Try again shortly.',
        coding: coded('internal'),
      },
      { headers: { 'retry-after': String(RETRY_WHEN_DOWN_SECONDS) }, cause: error },
    );
  request.log.error({ err: error }, 'request failed');
  return new FhirRefusal(500, {
    severity: 'fatal',
    code: 'exception',
    text: `Something went wrong on our side. Quote request ${request.id} when you report it.`,
    coding: coded('internal'),
  });
}
