import type { FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { AuditSink } from '#/audit/audit-sink.ts';
import { sendMemberPage } from '#/members/pages/frame.ts';
import type { ClientDirectory } from '#/onboarding/client-directory.ts';
import type { Client } from '#/onboarding/clients.ts';
import type { Clock } from '#/platform/clock/clock.ts';
import { safeEqual } from '#/platform/crypto/hash.ts';
import type { Sealer } from '#/platform/crypto/sealer.ts';
import type { Database, TenantDatabase } from '#/platform/db/database.ts';
import type { Assets } from '#/platform/html/assets.ts';
import type { Html } from '#/platform/html/html.ts';
import type { PagePolicy } from '#/platform/html/page.ts';
import { chooseLanguage, LANGUAGES, type Language } from '#/platform/html/texts.ts';
import type { Mailer } from '#/platform/mail/mailer.ts';
import type { Tenant, Tenants } from '#/tenants/tenants.ts';
import type { Engines } from '../engine.ts';
import { type Issuer, tenantIssuer } from '../issuer.ts';
import { rulesOf, type SegmentRules } from '../segment.ts';
import type { InteractionState } from './interaction-state.ts';
import { deleteState, selectState, upsertState } from './interaction-state-store.ts';
import type { FormTarget } from './pages/page-form.ts';
import type { Problem } from './pages/problem.ts';
import { type InteractionText, interactionTexts } from './texts/texts.ts';

export interface InteractionDeps {
  readonly database: Database;
  readonly tenants: Tenants;
  readonly clients: ClientDirectory;
  readonly engines: Engines;
  readonly sealer: Sealer;
  readonly audit: AuditSink;
  readonly assets: Assets;
  readonly mailer: Mailer;
  readonly clock: Clock;
  /** Does a code stand on the page? Only where no mail leaves and nobody else can look. */
  readonly showsCodes: boolean;
}

/** The engine's record of an authorization that waits for a member, as far as it is of use here. */
type EngineInteraction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** Nothing more can be done with this authorization; the member reads why. */
export class FlowProblem extends Error {
  readonly problem: Problem;
  readonly status: number;
  constructor(problem: Problem, status: number) {
    super(problem);
    this.problem = problem;
    this.status = status;
  }
}

/** One authorization at one of its pages: who asks, for whom, in which language, and what it has come to. */
export interface Flow {
  readonly deps: InteractionDeps;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly tenant: Tenant;
  readonly db: TenantDatabase;
  readonly issuer: Issuer;
  readonly engine: Provider;
  readonly interaction: EngineInteraction;
  readonly uid: string;
  readonly client: Client;
  readonly rules: SegmentRules;
  readonly scopes: readonly string[];
  readonly state: InteractionState;
  readonly language: Language;
  readonly t: InteractionText;
  /** The form that was posted; empty for a page that was opened. */
  readonly form: URLSearchParams;
  /** The language was switched: the page is to be shown again with what was typed, and nothing is to be done. */
  readonly isLanguageSwitch: boolean;
}

const LANGUAGE_COOKIE = 'cb_language';
const LANGUAGE_COOKIE_SECONDS = 365 * 24 * 3_600;

/**
 * Finds the authorization that a page belongs to: by the engine's signed cookie, which is good for this address only. A post
 * also carries a token that only our page could have (AUTH-19).
 *
 * @throws FlowProblem
 */
export async function openFlow(
  deps: InteractionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  tenant: Tenant,
): Promise<Flow> {
  const issuer = tenantIssuer(deps.tenants, tenant);
  const engine = await deps.engines.of(issuer);
  const interaction = await findInteraction(engine, request, reply);
  const { uid } = request.params as { uid: string };
  if (interaction.uid !== uid) throw new FlowProblem('ended', 400);
  const db = deps.database.tenant(tenant.id);
  const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
  if (request.method === 'POST' && !isOurForm(deps.sealer, uid, form)) throw new FlowProblem('form', 403);

  const client = await deps.clients.find(String(interaction.params.client_id));
  if (!client) throw new FlowProblem('app', 400);
  const before = await selectState(db, uid);
  const switched = switchOf(request, form);
  const state = switched === undefined ? before : { ...before, language: switched };
  if (switched !== undefined) await upsertState(db, uid, state);
  const language = chooseLanguage(
    state.language,
    textOf(interaction.params.ui_locales),
    cookieOf(request, LANGUAGE_COOKIE),
    request.headers['accept-language'],
  );
  const secure = issuer.url.startsWith('https:') ? '; Secure' : '';
  if (switched !== undefined)
    reply.header(
      'set-cookie',
      `${LANGUAGE_COOKIE}=${switched}; Path=/; Max-Age=${LANGUAGE_COOKIE_SECONDS}; SameSite=Lax${secure}`,
    );
  return {
    deps,
    request,
    reply,
    tenant,
    db,
    issuer,
    engine,
    interaction,
    uid,
    client,
    rules: rulesOf(interaction.params.segment === 'payer2payer' ? 'payer2payer' : 'patient-access'),
    scopes: String(interaction.params.scope ?? '').split(' '),
    state,
    language,
    t: interactionTexts(language),
    form,
    isLanguageSwitch: request.method === 'POST' && switched !== undefined,
  };
}

async function findInteraction(
  engine: Provider,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<EngineInteraction> {
  try {
    return await engine.interactionDetails(request.raw, reply.raw);
  } catch (error) {
    if (error instanceof errors.SessionNotFound) throw new FlowProblem('ended', 400);
    throw error;
  }
}

/** Keeps what the authorization has come to. @returns the flow with it */
export async function saveState(flow: Flow, change: Partial<InteractionState>): Promise<Flow> {
  const state = { ...flow.state, ...change };
  await upsertState(flow.db, flow.uid, state);
  return { ...flow, state };
}

/** The authorization is decided: nothing of what it had come to is kept. */
export function forgetState(flow: Flow, db: Pick<TenantDatabase, 'query' | 'tenantId'>): Promise<void> {
  return deleteState(db, flow.uid);
}

/** An address of this authorization, with the path that the browser knows. */
export function pathOf(flow: Flow, page: string): string {
  return `${new URL(flow.issuer.url).pathname.replace(/\/$/, '')}/interaction/${flow.uid}${page === '' ? '' : `/${page}`}`;
}

export function formTarget(flow: Flow, page: string): FormTarget {
  return { action: pathOf(flow, page), csrf: csrfToken(flow.deps.sealer, flow.uid), language: flow.language };
}

export function sendStep(flow: Flow, title: string, main: Html, policy: PagePolicy = {}): FastifyReply {
  const { tenant, language } = flow;
  return sendMemberPage(flow.reply, flow.deps.assets, { tenant, language, title, main, hasForm: true }, policy);
}

/** After a post: the next page, opened anew, so that going back and reloading do no harm. */
export function goTo(flow: Flow, page: string): FastifyReply {
  return flow.reply.code(303).header('cache-control', 'no-store').header('location', pathOf(flow, page)).send();
}

/** Gives the engine what the member decided, and sends the browser on to it. */
export async function finish(flow: Flow, result: Parameters<Provider['interactionResult']>[2]): Promise<FastifyReply> {
  const location = await flow.engine.interactionResult(flow.request.raw, flow.reply.raw, result, {
    mergeWithLastSubmission: false,
  });
  return flow.reply.code(303).header('cache-control', 'no-store').header('location', location).send();
}

/** The browser's session with the engine ends; the authorization that is under way no longer asks for it. */
export async function endSession(flow: Flow): Promise<void> {
  const { session } = flow.interaction;
  if (session?.uid === undefined) return;
  const found = await flow.engine.Session.findByUid(session.uid);
  await found?.destroy();
  Object.assign(flow.interaction, { session: undefined });
  await flow.interaction.save(flow.interaction.exp - Math.floor(Date.now() / 1_000));
}

export function csrfToken(sealer: Sealer, uid: string): string {
  return sealer.mac(uid, 'interaction-csrf').toString('base64url');
}

function isOurForm(sealer: Sealer, uid: string, form: URLSearchParams): boolean {
  const given = Buffer.from(form.get('csrf') ?? '');
  return safeEqual(given, Buffer.from(csrfToken(sealer, uid)));
}

/** The switch posts a second `language`; a link to the same page carries one in its address. */
function switchOf(request: FastifyRequest, form: URLSearchParams): Language | undefined {
  const inForm = form.getAll('language');
  const inAddress = (request.query as { language?: unknown } | undefined)?.language;
  const wanted = inForm.length > 1 ? inForm.at(-1) : request.method === 'GET' ? inAddress : undefined;
  return LANGUAGES.find((language) => language === wanted);
}

export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
