import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { isUnavailable } from '../db/database.ts';
import type { Log } from '../log/log.ts';

/** A request must have arrived whole within this time. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const MAX_PARAM_LENGTH = 300;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export interface HttpOptions {
  readonly log: Log;
  readonly bodyLimitBytes: number;
  /** How many proxies stand in front; 0 means X-Forwarded-For is not read. */
  readonly trustedProxies: number;
  /** Strict-Transport-Security is sent when the public address is https. */
  readonly https: boolean;
  /** Gives a request to an alias host its full path; must not wait. */
  readonly rewritePath: (request: IncomingMessage) => string;
  readonly renderError: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => unknown;
  readonly renderNotFound: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** A method and a pattern that something answers. */
export interface MountedRoute {
  readonly method: string;
  readonly url: string;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** All routes of the server, in the order they were mounted. */
    readonly mountedRoutes: readonly MountedRoute[];
  }
  interface FastifyRequest {
    /** Facts for the request's log line: tenant slug, client id, refusal code. No personal data. */
    logFacts: Record<string, string | number>;
  }
}

/** The HTTP server with what every request passes: request id, limits, security headers, one log line. */
export function makeServer(options: HttpOptions): FastifyInstance {
  const server = fastify({
    loggerInstance: options.log,
    // Its own lines would quote addresses; ours is written below.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: options.bodyLimitBytes,
    trustProxy: (_address: string, hop: number) => hop < options.trustedProxies,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // What arrives while the program stops is still answered, and the connection closed.
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    rewriteUrl: (request) => withPlainDollar(options.rewritePath(request as IncomingMessage)),
    frameworkErrors: (error, request, reply) => {
      void options.renderError(error, request, reply);
    },
  }) as unknown as FastifyInstance;

  const mounted: MountedRoute[] = [];
  server.decorate('mountedRoutes', mounted);
  server.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) mounted.push({ method: each, url });
  });
  server.decorateRequest('logFacts');
  server.addHook('onRequest', async (request, reply) => {
    request.logFacts = {};
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
      'cache-control': 'no-store',
    });
    if (options.https) reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains');
  });
  server.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        // The pattern, never the address: addresses carry identifiers.
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 10) / 10,
        ...request.logFacts,
      },
      'request',
    );
  });
  server.setErrorHandler<FastifyError>((error, request, reply) => options.renderError(error, request, reply));
  server.setNotFoundHandler(options.renderNotFound);
  return server;
}

/**
 * `$export` and `%24export` are one operation: FHIR writes the dollar sign, many clients escape it, and the router takes
 * the two for different paths. The query is left as it came.
 */
function withPlainDollar(url: string): string {
  const path = url.split('?', 1)[0]!;
  return path.includes('%24') ? path.replaceAll('%24', '$') + url.slice(path.length) : url;
}

/** What a caller may read of an error that no surface has its own words for; the log gets the rest. */
export function describeError(
  error: FastifyError,
  request: FastifyRequest,
): { status: number; code: string; message: string } {
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return { status, code: clientErrorCode(status), message: clientErrorText(status) };
  request.log.error({ err: error }, 'request failed');
  return status === 503 || isUnavailable(error)
    ? { status: 503, code: 'unavailable', message: 'The service is not ready. Try again shortly.' }
    : {
        status: 500,
        code: 'internal',
        message: `Something went wrong on our side. Quote request ${request.id} when you report it.`,
      };
}

function clientErrorCode(status: number): string {
  return (
    {
      404: 'not-found',
      405: 'method-not-allowed',
      413: 'too-large',
      414: 'too-long',
      415: 'media-type',
      429: 'too-many-requests',
    }[status] ?? 'bad-request'
  );
}

function clientErrorText(status: number): string {
  const texts: Record<number, string> = {
    404: 'There is nothing at this address.',
    405: 'This address does not take that method.',
    413: 'The request body is too large.',
    414: 'The address is too long.',
    415: 'The request body has a media type that is not accepted here.',
    429: 'Too many requests. Wait before you try again.',
  };
  return texts[status] ?? 'The request could not be understood.';
}
