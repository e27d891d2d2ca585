import { request } from 'node:http';
import { expect } from 'vitest';
import type { Payer } from './exchange.ts';

// Answers of the export compared whole: status, headers, body.

export interface Answer {
  readonly status: number;
  /** All but those that say when, which request and how the bytes travel. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON parsed; '' when there is none. */
  readonly body: unknown;
}

const PASSING = new Set(['date', 'connection', 'keep-alive', 'x-request-id', 'content-length', 'transfer-encoding']);

/** Calls by node:http: fetch adds headers of its own. */
export function call(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string | string[]>>;
    readonly body?: string;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: options.method ?? 'GET', headers: { ...options.headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer
        .on('data', (chunk) => chunks.push(chunk))
        .on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: answer.statusCode!,
            headers: Object.fromEntries(
              Object.entries(answer.headers as Record<string, string>).filter(([name]) => !PASSING.has(name)),
            ),
            body: text === '' ? '' : JSON.parse(text),
          });
        });
    });
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** Calls below the bulk base of a tenant, as one payer unless another is named. */
export const callerAt =
  (root: string, payer: Payer) =>
  (
    path: string,
    {
      as = payer,
      headers,
      ...rest
    }: NonNullable<Parameters<typeof call>[1]> & { readonly as?: { readonly headers: object } } = {},
  ): Promise<Answer> =>
    call(path.startsWith('http') ? path : `${root}/${path}`, { ...rest, headers: { ...as.headers, ...headers } });

/** Headers of every answer. */
export const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'cache-control': 'no-store',
};
export const FHIR_JSON = { ...ALWAYS, 'content-type': 'application/fhir+json; charset=utf-8' };
export const JSON_TYPE = { ...ALWAYS, 'content-type': 'application/json; charset=utf-8' };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const issue = (severity: string, code: string, text: string, ours?: string, diagnostics?: string) => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity,
      code,
      details: {
        ...(ours && { coding: [{ system: 'https://covered-bridge.org/fhir/CodeSystem/p2p-outcome', code: ours }] }),
        text,
      },
      ...(diagnostics && { diagnostics }),
    },
  ],
});

export const refusal = (
  status: number,
  code: string,
  ours: string,
  text: string,
  diagnostics?: string,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({
  status,
  headers: { ...FHIR_JSON, ...headers },
  body: issue('error', code, text, ours, diagnostics),
});

export const locationOf = (answer: Answer): string => answer.headers['content-location']!;

/** The golden answer of a kick-off; what chance makes is checked for its form. */
export function expectAccepted(answer: Answer, root: string, headers: Readonly<Record<string, string>> = {}): void {
  const status = locationOf(answer);
  expect(status.slice(0, status.lastIndexOf('/'))).toBe(`${root}/$export/job`);
  expect(status.slice(status.lastIndexOf('/') + 1)).toMatch(UUID);
  expect(answer).toEqual({
    status: 202,
    headers: { ...FHIR_JSON, 'content-location': status, ...headers },
    body: {
      ...issue('information', 'informational', `Asynchronous export running. Track job at ${status}`),
      id: expect.stringMatching(UUID),
    },
  });
}

/** Waits for the end, whichever way the status says it. */
export async function ended(statusUrl: string, payer: Payer): Promise<Answer> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; ) {
    const answer = await call(statusUrl, { headers: { ...payer.headers } });
    if ((answer.headers['x-export-status'] ?? String(answer.status)).startsWith('200')) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the export did not end in time');
}
