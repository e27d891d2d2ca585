import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { resolveTenant } from '#/tenants/resolve-tenant.ts';
import { type Flow, goTo, type InteractionDeps, openFlow } from './flow.ts';
import { prepareForms } from './problem-answers.ts';
import { showDecision, takeConsent, takePerson, takeSignOut } from './steps/consent.ts';
import { resendCode, showCode, showOwnEmail, showSignIn, takeCode, takeEmail } from './steps/email.ts';
import { showIdentity, takeIdentity } from './steps/identity.ts';

type Answer = (flow: Flow) => FastifyReply | Promise<FastifyReply>;

/** Pages before the member is signed in; afterwards they lead to the decision. */
const SIGN_IN_PAGES: Readonly<Record<string, { readonly show: Answer; readonly take: Answer }>> = {
  'sign-in': { show: (flow) => showSignIn(flow, ''), take: (flow) => takeEmail(flow, showSignIn) },
  identity: { show: (flow) => showIdentity(flow), take: takeIdentity },
  email: {
    show: (flow) => (flow.state.verified ? showOwnEmail(flow, '') : goTo(flow, 'identity')),
    take: (flow) => (flow.state.verified ? takeEmail(flow, showOwnEmail) : goTo(flow, 'identity')),
  },
  code: { show: (flow) => showCode(flow), take: takeCode },
  resend: { show: (flow) => goTo(flow, 'code'), take: resendCode },
};

/** Pages of the decision; without a sign-in they lead to it. */
const DECISION_PAGES: Readonly<Record<string, { readonly show: Answer; readonly take: Answer }>> = {
  person: { show: showDecision, take: takePerson },
  consent: { show: showDecision, take: takeConsent },
  'sign-out': { show: (flow) => goTo(flow, ''), take: takeSignOut },
};

/** The member's pages during an authorization, under `/v1/:tenant/interaction/:uid`. */
export function interactionRoutes(deps: InteractionDeps): FastifyPluginAsync {
  return async (server) => {
    prepareForms(server, deps);
    const answer = async (request: FastifyRequest, reply: FastifyReply, act: Answer): Promise<FastifyReply> => {
      const tenant = await resolveTenant(deps.tenants, request);
      const flow = await openFlow(deps, request, reply, tenant);
      request.logFacts.client = flow.client.clientId;
      return act(flow);
    };
    server.get('/interaction/:uid', (request, reply) =>
      answer(request, reply, (flow) => (isDecision(flow) ? showDecision(flow) : showSignIn(flow, ''))),
    );
    for (const [page, { show, take }] of Object.entries(SIGN_IN_PAGES)) {
      const only =
        (act: Answer): Answer =>
        (flow) =>
          isDecision(flow) ? goTo(flow, '') : act(flow);
      server.get(`/interaction/:uid/${page}`, (request, reply) => answer(request, reply, only(show)));
      server.post(`/interaction/:uid/${page}`, (request, reply) => answer(request, reply, only(take)));
    }
    for (const [page, { show, take }] of Object.entries(DECISION_PAGES)) {
      const only =
        (act: Answer): Answer =>
        (flow) =>
          isDecision(flow) ? act(flow) : goTo(flow, '');
      server.get(`/interaction/:uid/${page}`, (request, reply) => answer(request, reply, only(show)));
      server.post(`/interaction/:uid/${page}`, (request, reply) => answer(request, reply, only(take)));
    }
  };
}

const isDecision = (flow: Flow): boolean => flow.interaction.prompt.name === 'consent';
