import type { FastifyReply } from 'fastify';
import { type FactField, parseMemberFacts, type TypedFacts } from '#/members/identity/member-facts.ts';
import { beginAttempt, forgive } from '#/members/limits/attempt-limits.ts';
import { findByFacts } from '#/members/match/find-members.ts';
import { longTime } from '#/platform/html/texts.ts';
import { calendarDay } from '../calendar-day.ts';
import { type Flow, formTarget, goTo, pathOf, saveState, sendStep } from '../flow.ts';
import { identityKeys } from '../limits.ts';
import { FACT_FIELDS, type IdentityView, identityPage } from '../pages/identity.ts';
import { pausePage } from '../pages/problem.ts';
import { openAndSignIn, recordRefusal } from './login.ts';

const NOTHING_TYPED: TypedFacts = {
  firstName: '',
  lastName: '',
  birthMonth: '',
  birthDay: '',
  birthYear: '',
  memberId: '',
  postalCode: '',
};

/** M1. */
export function showIdentity(
  flow: Flow,
  view: Partial<Pick<IdentityView, 'typed' | 'problems' | 'notFound'>> = {},
): FastifyReply {
  const main = identityPage(flow.t, {
    form: formTarget(flow, 'identity'),
    typed: view.typed ?? NOTHING_TYPED,
    problems: view.problems ?? {},
    notFound: view.notFound,
    signInHref: pathOf(flow, ''),
  });
  const isRefused = view.notFound !== undefined || Object.keys(view.problems ?? {}).length > 0;
  return sendStep(flow, flow.t('identityTitle'), main, { status: isRefused ? 422 : 200 });
}

/**
 * The five facts were typed. The attempt is counted before it is made, and the same work is done whichever fact is wrong; the
 * answer says no more than that nobody has them (PA-19, AUTH-20).
 */
export async function takeIdentity(flow: Flow): Promise<FastifyReply> {
  const typed = typedFacts(flow.form);
  if (flow.isLanguageSwitch) return showIdentity(flow, { typed });
  const { timeZone } = flow.tenant.settings;
  const parsed = parseMemberFacts(typed, calendarDay(flow.deps.clock.now(), timeZone));
  if (parsed.kind === 'problems') return showIdentity(flow, { typed, problems: parsed.problems });

  const keys = identityKeys(flow.tenant, parsed.facts, flow.request.ip, flow.uid);
  const attempt = await beginAttempt(flow.db, keys);
  if (attempt.kind === 'locked') {
    await recordRefusal(flow, 'paused');
    const seconds = Math.max(1, Math.ceil((attempt.until.getTime() - Date.now()) / 1_000));
    flow.reply.header('retry-after', String(seconds));
    return sendStep(flow, flow.t('pausedTitle'), pausePage(flow.t, longTime(flow.language, attempt.until, timeZone)), {
      status: 429,
    });
  }
  const decision = await findByFacts(flow.db, parsed.facts);
  if (decision.kind === 'none') {
    await recordRefusal(flow, 'no-member');
    return showIdentity(flow, { typed, notFound: { triesLeft: attempt.failuresLeft } });
  }
  await forgive(flow.db, keys);
  const verified = {
    umb: decision.umb,
    patientId: decision.records[0]!.memberId,
    verifiedBy: 'match-email' as const,
    ial: 'match',
  };
  const changed = await saveState(flow, { verified });
  // Who came by a code has shown already whose address it is.
  return changed.state.emailProved ? openAndSignIn(changed) : goTo(changed, 'email');
}

function typedFacts(form: URLSearchParams): TypedFacts {
  const entries = (Object.entries(FACT_FIELDS) as [FactField, string][]).map(([field, name]) => [
    field,
    (form.get(name) ?? '').slice(0, TYPED_CHARACTERS_MAX),
  ]);
  return Object.fromEntries(entries) as unknown as TypedFacts;
}

const TYPED_CHARACTERS_MAX = 300;
