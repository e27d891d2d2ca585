import { MARK } from './hostile.ts';
import type { HostileRequest } from './requests.ts';
import type { WireAnswer, WireResult } from './wire.ts';

/** What belongs to somebody that no hostile caller may see. */
export interface Victim {
  /** Texts of the member's record. */
  readonly facts: readonly string[];
  /** Ids of the other payer's group, job and files: callers know them, and may use none. */
  readonly ids: readonly string[];
}

/** Words of a stack, of our tree, of the database or of the runtime, that belong into a log only. */
const INSIDE =
  /node_modules|node:internal|\.ts:\d|\n\s{2,}at |\\n\s{2,}at |SQLSTATE|ECONN|ENOENT|duplicate key value|at or near|relation \\?"|pg_catalog|TypeError|RangeError|Cannot read prop|is not a function|FST_ERR/;
const MARK_FORMS = [MARK, encodeURIComponent(MARK), Buffer.from(MARK).toString('base64').slice(0, 14)];

/** @returns what is wrong with an answer, in words; undefined when it is right */
export function judge(request: HostileRequest, result: WireResult, victim: Victim): string | undefined {
  if (result.kind === 'silent') return 'no answer';
  if (result.kind === 'closed') return request.malformed ? undefined : 'the connection was closed without an answer';
  const { answer } = result;
  const body = answer.body.toString('latin1');
  const whole = `${[...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n${body}`;
  if (answer.status >= 500) return `${answer.status}: ${body.slice(0, 300)}`;
  if (INSIDE.test(whole)) return `the answer shows the inside: ${INSIDE.exec(whole)![0]}`;
  const fact = victim.facts.find((text) => whole.includes(text));
  if (fact !== undefined) return `the answer shows somebody's record: ${fact}`;
  const path = request.target.split('?', 1)[0]!;
  const isAsked = (id: string): boolean => path.includes(id) && request.bytes.includes(id);
  if (answer.status < 300 && request.method !== 'OPTIONS' && victim.ids.some(isAsked))
    return `${answer.status} for what belongs to another: ${body.slice(0, 200)}`;
  if (answer.status < 400) return undefined;
  if (MARK_FORMS.some((form) => whole.includes(form))) return 'a refusal repeats what was sent';
  return isInItsWords(request, answer, body)
    ? undefined
    : `${answer.status} in words of no surface: ${body.slice(0, 200)}`;
}

/** What a person opens in a browser: refused by a page, with the number to quote. */
const PAGES = /^\/v1\/[^/]*\/(oauth2\/auth(orize)?(\/|$)|interaction\/|manage(\/|$))/;

/** Below a plan's address a refusal is an OperationOutcome, an OAuth error or a page; elsewhere a code and a message. */
function isInItsWords(request: HostileRequest, answer: WireAnswer, body: string): boolean {
  if (request.method === 'HEAD' || request.malformed || answer.status === 431) return true;
  if (answer.headers.get('content-type')?.startsWith('text/html'))
    return (
      PAGES.test(request.target.split(/[?#]/, 1)[0] ?? '') &&
      body.startsWith('<!doctype html>') &&
      (answer.headers.get('content-security-policy') ?? '').startsWith("default-src 'none'")
    );
  try {
    const said = JSON.parse(body);
    return said.resourceType === 'OperationOutcome'
      ? said.issue.length > 0 && typeof said.issue[0].code === 'string'
      : typeof (said.error ?? said.code) === 'string';
  } catch {
    return false;
  }
}
