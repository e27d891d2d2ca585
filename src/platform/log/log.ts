import pino from 'pino';

export type Log = pino.Logger;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * JSON lines on standard error (standard output belongs to the ready line and to command results).
 *
 * What may be logged: request ids, route patterns, statuses, durations, tenant slugs, client ids, job ids, counts,
 * refusal codes. Never names, birth dates, member ids, tokens, codes, cookies, bodies or query values. Errors are
 * written by `safeError`: PostgreSQL's `detail` and `where` quote row values, so they are left out.
 */
export function makeLog(
  level: LogLevel,
  destination: pino.DestinationStream = pino.destination({ fd: 2, sync: true }),
): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: safeError } },
    destination,
  );
}

/** An error as a log line may hold it: kind, code, message and stack, causes included, no row values. */
export function safeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, severity, constraint, table } = error as Error & Record<string, unknown>;
  const fromDatabase = typeof severity === 'string';
  return {
    type: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(fromDatabase ? { constraint, table } : {}),
    // PostgreSQL quotes offending input in messages of class 22 and 23 ("invalid input syntax for type date: ...").
    message: fromDatabase && /^2[23]/.test(String(code)) ? `database error ${String(code)}` : error.message,
    stack: fromDatabase ? error.stack?.split('\n').slice(1).join('\n') : error.stack,
    ...(error.cause !== undefined && depth < 5 ? { cause: safeError(error.cause, depth + 1) } : {}),
  };
}
