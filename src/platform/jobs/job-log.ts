import { type LogLevel as JobLogLevel, Logger } from 'graphile-worker';
import type { Log } from '../log/log.ts';

/** The job library's messages in our log: without payloads, and errors without row values. */
export function jobLog(log: Log): Logger {
  return new Logger(() => (level: JobLogLevel, message: string, meta?: Record<string, unknown>) => {
    const error = meta?.error ?? meta?.failureError;
    const details = error === undefined ? {} : { err: error };
    // Its own failure messages quote the thrown message a second time, and its stack.
    const text = error === undefined ? message : message.split('\n')[0]?.slice(0, 120);
    log[level === 'error' ? 'error' : level === 'warning' ? 'warn' : 'debug'](details, `jobs: ${text}`);
  });
}

export const silentJobLog = new Logger(() => () => undefined);
