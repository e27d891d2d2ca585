import inject from 'light-my-request';
import type Provider from 'oidc-provider';
import type { Issuer } from './issuer.ts';

export interface EngineRequest {
  readonly method: 'GET' | 'POST';
  /** Below the issuer, with the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
}

export interface EngineAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | number | undefined>>;
  readonly body: string;
}

/**
 * Asks the protocol engine with a request that is made here, so that nothing of a caller's headers or address can change what
 * it answers (AUTH-18). Host and scheme are the issuer's; the engine builds every address on them.
 */
export async function callEngine(engine: Provider, issuer: Issuer, request: EngineRequest): Promise<EngineAnswer> {
  const { host, protocol, pathname } = new URL(issuer.url);
  const base = pathname === '/' ? '' : pathname;
  const handle = engine.callback();
  const answer = await inject(
    (req, res) => {
      // The engine finds out from it under which path it is mounted.
      (req as unknown as { originalUrl: string }).originalUrl = `${base}${req.url}`;
      void handle(req as never, res as never);
    },
    {
      method: request.method,
      url: request.path,
      headers: {
        host,
        'x-forwarded-proto': protocol.slice(0, -1),
        ...(request.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        ...request.headers,
      },
      ...(request.form ? { payload: new URLSearchParams(request.form).toString() } : {}),
    },
  );
  return { status: answer.statusCode, headers: answer.headers, body: answer.payload };
}
