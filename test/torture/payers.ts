import { setTimeout as sleep } from 'node:timers/promises';
import type { Rng } from '../../src/sandbox/generate/rng.ts';
import { matchBody } from '../support/exchange.ts';
import type { Ledger, PromisedExport } from './ledger.ts';
import { type KnownMember, type Plan, TENANT } from './plan.ts';
import type { Rig } from './rig.ts';

const ANSWER_TIMEOUT_MS = 15_000;
/** What an outage may look like from outside: no connection, a connection that breaks, 503. Never 500. */
const EXCUSED = new Set([503]);
const TOKEN_PATH = '/auth/realms/dev-portal/protocol/openid-connect/token';

/** Other plans that go on asking whatever happens, and keep what they were promised. */
export interface Payers {
  /** Asks until it is answered; retries what an outage broke. */
  ask(client: number, path: string, init?: RequestInit): Promise<Answer>;
  /** One try. */
  tryOnce(client: number, path: string, init?: RequestInit): Promise<Answer | undefined>;
  match(client: number, member: KnownMember): Promise<string | undefined>;
  /** One try of a kick-off. */
  kickOff(client: number, group: string, member: KnownMember | undefined): Promise<PromisedExport | undefined>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export function makePayers(rig: Rig, plan: Plan, ledger: Ledger, rng: Rng): Payers {
  const tokens = new Map<number, string>();
  const server = (): string => rng.pick(rig.servers).baseUrl;

  async function send(url: string, init: RequestInit): Promise<Answer | undefined> {
    try {
      const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      const text = await answer.text();
      if (EXCUSED.has(answer.status)) return undefined;
      if (answer.status >= 500) {
        ledger.wrongAnswers.push(
          `${init.method ?? 'GET'} ${new URL(url).pathname}: ${answer.status} ${text.slice(0, 300)}`,
        );
        return undefined;
      }
      return { status: answer.status, headers: answer.headers, text };
    } catch {
      return undefined;
    }
  }

  async function tokenOf(client: number): Promise<string | undefined> {
    const known = tokens.get(client);
    if (known) return known;
    const { client_id, client_secret } = plan.clients[client]!;
    const form = { client_id, client_secret, grant_type: 'client_credentials', scope: 'member-match|read' };
    const answer = await send(`${server()}${TOKEN_PATH}`, { method: 'POST', body: new URLSearchParams(form) });
    if (answer?.status !== 200) {
      if (answer) ledger.wrongAnswers.push(`token: ${answer.status} ${answer.text.slice(0, 300)}`);
      return undefined;
    }
    const token: string = JSON.parse(answer.text).access_token;
    ledger.tokens.push(JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).jti);
    tokens.set(client, token);
    return token;
  }

  const payers: Payers = {
    async tryOnce(client, path, init = {}) {
      const token = await tokenOf(client);
      if (token === undefined) return undefined;
      return send(`${server()}${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
    },
    async ask(client, path, init) {
      const until = Date.now() + 60_000;
      while (Date.now() < until) {
        const answer = await payers.tryOnce(client, path, init);
        if (answer) return answer;
        await sleep(50);
      }
      throw new Error(`${path} was not answered for a minute`);
    },
    async match(client, member) {
      // Each request says something else, so that each makes a group of its own.
      const end = `203${rng.int(0, 9)}-${String(rng.int(1, 12)).padStart(2, '0')}-${String(rng.int(1, 28)).padStart(2, '0')}`;
      const body = JSON.stringify({ ...matchBody(member, { end }), id: `m-${rng.digits(9)}` });
      const answer = await payers.tryOnce(client, `/v1/${TENANT}/member-match/$member-match`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      if (!answer) return undefined;
      const parameters = answer.status === 200 ? JSON.parse(answer.text).parameter : [];
      const group = parameters.find((p: any) => p.name === 'groupId')?.valueString;
      const umb = parameters.find((p: any) => p.name === 'MemberIdentifier')?.valueIdentifier?.value;
      if (group === undefined || umb !== member.umb) {
        ledger.wrongAnswers.push(`match of a known member: ${answer.status} ${answer.text.slice(0, 300)}`);
        return undefined;
      }
      ledger.matches.push({ client, member, body, group });
      return group;
    },
    async kickOff(client, group, member) {
      const { generation } = ledger;
      const answer = await payers.tryOnce(client, `/v1/${TENANT}/bulk-data/r4/Group/${group}/$export`, {
        headers: { prefer: 'respond-async' },
      });
      // 429: a kick-off whose answer was lost had begun one.
      if (!answer || answer.status === 429) return undefined;
      if (answer.status !== 202) {
        ledger.wrongAnswers.push(`kick-off: ${answer.status} ${answer.text.slice(0, 300)}`);
        return undefined;
      }
      const jobId = answer.headers.get('content-location')!.split('/').pop()!;
      const promised = { client, group, jobId, member, generation };
      ledger.exports.push(promised);
      return promised;
    },
  };
  return payers;
}
