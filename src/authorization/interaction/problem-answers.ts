import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { memberPage } from '#/members/pages/frame.ts';
import { renderPage, sendPage } from '#/platform/html/page.ts';
import { chooseLanguage } from '#/platform/html/texts.ts';
import { Refusal } from '#/platform/refusal.ts';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import type { Tenant } from '#/tenants/tenants.ts';
import { cookieOf, FlowProblem, type InteractionDeps } from './flow.ts';
import { type Problem, problemPage } from './pages/problem.ts';
import { interactionTexts } from './texts/texts.ts';

/** A form of a member has some hundred bytes; scopes may make it a few thousand. */
const BODY_BYTES_MAX = 64 * 1024;

/** Forms come in as text, and every error leaves as a page (M5). */
export function prepareForms(server: FastifyInstance, deps: InteractionDeps): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => {
      done(null, body.toString('utf8'));
    },
  );
  server.setErrorHandler<FastifyError>((error, request, reply) => sendProblem(deps, request, reply, error));
}

async function sendProblem(
  deps: InteractionDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  error: FastifyError | FlowProblem,
): Promise<FastifyReply> {
  const isUnknownPlan = error instanceof Refusal && error.code === 'unknown-tenant';
  if (isUnknownPlan) return sendNoPlan(deps, request, reply);
  const tenant = await resolveTenant(deps.tenants, request).catch(() => undefined);
  if (error instanceof FlowProblem) return sendProblemPage(deps, request, reply, tenant, error.problem, error.status);
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return sendProblemPage(deps, request, reply, tenant, 'form', status);
  request.log.error({ err: error }, 'a member page failed');
  return sendProblemPage(deps, request, reply, tenant, 'ours', status === 503 ? 503 : 500);
}

/** M5: a page, never a bare error. */
export function sendProblemPage(
  deps: Pick<InteractionDeps, 'assets'>,
  request: FastifyRequest,
  reply: FastifyReply,
  tenant: Tenant | undefined,
  problem: Problem,
  status: number,
): FastifyReply {
  request.logFacts.problem = problem;
  if (!tenant) return sendNoPlan(deps, request, reply);
  const language = chooseLanguage(cookieOf(request, 'cb_language'), request.headers['accept-language']);
  const t = interactionTexts(language);
  const main = problemPage(t, { problem, requestId: request.id, backHref: undefined });
  const page = memberPage(deps.assets, { tenant, language, title: t('problemTitle'), main, hasForm: false });
  return sendPage(reply.header('content-language', language), page, { status });
}

/** There is no plan whose page it could be. */
function sendNoPlan(deps: Pick<InteractionDeps, 'assets'>, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const language = chooseLanguage(cookieOf(request, 'cb_language'), request.headers['accept-language']);
  const t = interactionTexts(language);
  const page = renderPage({
    language,
    title: t('problemTitle'),
    stylesheets: [deps.assets.href('css/design-system.css'), deps.assets.href('css/pages.css')],
    icon: deps.assets.href('favicon.svg'),
    skipLink: t('problemTitle'),
    header: undefined,
    main: problemPage(t, { problem: 'plan', requestId: request.id, backHref: undefined }),
    footer: undefined,
  });
  return sendPage(reply, page, { status: 404 });
}
