import type { FastifyReply } from 'fastify';
import { findAccountByEmail } from '#/members/accounts/accounts.ts';
import { checkEmailCode, makeEmailCode } from '#/members/accounts/email-codes.ts';
import { longTime } from '#/platform/html/texts.ts';
import { maskedAddress, parseMailAddress } from '#/platform/mail/mail.ts';
import { type Flow, formTarget, goTo, pathOf, saveState, sendStep } from '../flow.ts';
import { sendCode } from '../mails.ts';
import { type CodeProblem, codePage } from '../pages/code.ts';
import { type EmailProblem, ownEmailPage, signInPage } from '../pages/sign-in.ts';
import { openAndSignIn, signIn } from './login.ts';

/** M0. */
export function showSignIn(flow: Flow, email: string, problem?: EmailProblem): FastifyReply {
  const { t } = flow;
  const main = signInPage(t, {
    form: formTarget(flow, 'sign-in'),
    app: flow.client.name,
    identityHref: pathOf(flow, 'identity'),
    email,
    problem,
    planLogin: undefined,
  });
  return sendStep(flow, t('signInTitle'), main, { status: problem ? 422 : 200 });
}

/** The address after the five facts. */
export function showOwnEmail(flow: Flow, email: string, problem?: EmailProblem | 'emailTaken'): FastifyReply {
  const main = ownEmailPage(flow.t, { form: formTarget(flow, 'email'), email, problem });
  return sendStep(flow, flow.t('ownEmailTitle'), main, { status: problem ? 422 : 200 });
}

/** Sends a code to the address that was typed, whoever's it is: the page says nothing of whether it is known here. */
export async function takeEmail(
  flow: Flow,
  show: (flow: Flow, email: string, problem?: EmailProblem) => FastifyReply,
): Promise<FastifyReply> {
  const typed = flow.form.get('email') ?? '';
  if (flow.isLanguageSwitch) return show(flow, typed);
  if (typed.trim() === '') return show(flow, typed, 'missingEmail');
  const email = parseMailAddress(typed);
  if (email === undefined) return show(flow, typed, 'badEmail');
  const changed = await saveState(flow, { email, emailProved: false });
  const problem = await newCode(changed);
  return problem && problem.kind !== 'wait' ? showCode(changed, problem) : goTo(changed, 'code');
}

/** M2. */
export function showCode(flow: Flow, problem?: CodeProblem): FastifyReply {
  const { email, shownCode } = flow.state;
  if (email === undefined) return goTo(flow, '');
  const main = codePage(flow.t, {
    form: formTarget(flow, 'code'),
    resend: formTarget(flow, 'resend'),
    otherEmailHref: flow.state.verified ? pathOf(flow, 'email') : pathOf(flow, ''),
    address: maskedAddress(email),
    shownCode: flow.deps.showsCodes ? shownCode : undefined,
    problem,
  });
  return sendStep(flow, flow.t('codeTitle'), main, { status: problem ? 422 : 200 });
}

/** "Send a new code". */
export async function resendCode(flow: Flow): Promise<FastifyReply> {
  if (flow.state.email === undefined) return goTo(flow, '');
  const problem = await newCode(flow);
  return problem ? showCode(flow, problem) : goTo(flow, 'code');
}

/** The code was typed. With it the address is the member's: who has an account is signed in, the others show who they are. */
export async function takeCode(flow: Flow): Promise<FastifyReply> {
  const { email } = flow.state;
  if (email === undefined) return goTo(flow, '');
  if (flow.isLanguageSwitch) return showCode(flow);
  const code = flow.form.get('code') ?? '';
  if (code.trim() === '') return showCode(flow, { kind: 'missing' });
  const checked = await checkEmailCode(flow.db, flow.deps.sealer, { boundTo: flow.uid, email, code });
  if (checked.kind !== 'right') return showCode(flow, checked);
  const { shownCode: _used, ...rest } = flow.state;
  const proved = await saveState({ ...flow, state: rest }, { emailProved: true });
  if (proved.state.verified) return openAndSignIn(proved);
  const account = await findAccountByEmail(flow.db, email);
  return account ? signIn(proved, account) : goTo(proved, 'identity');
}

async function newCode(flow: Flow): Promise<CodeProblem | undefined> {
  const email = flow.state.email!;
  const made = await flow.db.transaction(async (tx) => {
    const result = await makeEmailCode(tx, flow.deps.sealer, { boundTo: flow.uid, email });
    if (result.kind === 'code') await sendCode(flow, tx, email, result.code);
    return result;
  });
  switch (made.kind) {
    case 'code':
      if (flow.deps.showsCodes) await saveState(flow, { shownCode: made.code });
      return undefined;
    case 'wait':
      return made;
    case 'too-many':
      return { kind: 'too-many', time: longTime(flow.language, made.until, flow.tenant.settings.timeZone) };
    default:
      return made satisfies never;
  }
}
