import type { FastifyReply } from 'fastify';
import type { Account } from '#/members/accounts/account.ts';
import { openAccount, recordSignIn } from '#/members/accounts/accounts.ts';
import { ageOn, isMemberOn, peopleOf } from '#/members/people/people.ts';
import { alert } from '#/platform/html/forms.ts';
import { html } from '#/platform/html/html.ts';
import { maskedAddress } from '#/platform/mail/mail.ts';
import { calendarDay } from '../calendar-day.ts';
import { endSession, type Flow, finish, saveState, sendStep } from '../flow.ts';
import { sendMoved } from '../mails.ts';
import { showOwnEmail } from './email.ts';

/** Opens the account of a member who has shown who he or she is and whose address it is, and signs in. */
export async function openAndSignIn(flow: Flow): Promise<FastifyReply> {
  const { verified, email } = flow.state;
  if (!verified || email === undefined) throw new Error('nobody was verified');
  const opened = await flow.db.transaction(async (tx) => {
    const result = await openAccount(tx, flow.tenant, { ...verified, email }, flow.request.id);
    if (result.kind === 'account' && result.formerEmail !== undefined)
      await sendMoved(flow, tx, result.formerEmail, maskedAddress(email));
    return result;
  });
  if (opened.kind === 'email-taken') {
    await recordRefusal(flow, 'email-taken');
    const again = await saveState(flow, { emailProved: false });
    return showOwnEmail(again, email, 'emailTaken');
  }
  return signIn(flow, opened.account);
}

/** Signs a member in, unless this app is not for him or her; then the page says so and nothing is shared. */
export async function signIn(flow: Flow, account: Account): Promise<FastifyReply> {
  const refusal = await refusalOf(flow, account);
  if (refusal) {
    await recordRefusal(flow, refusal.reason);
    return sendStep(
      flow,
      flow.t('problemTitle'),
      html`<h1 class="ds-text-heading--3xl">${flow.t('problemTitle')}</h1>
${alert('warn', undefined, html`<p>${refusal.text}</p>`)}`,
      { status: 403 },
    );
  }
  // Somebody else was signed in in this browser before.
  if (flow.interaction.session?.accountId !== undefined && flow.interaction.session.accountId !== account.id)
    await endSession(flow);
  await flow.db.transaction((tx) => recordSignIn(tx, flow.tenant, account, flow.request.id));
  return finish(flow, {
    login: { accountId: account.id, acr: account.ial, amr: [account.verifiedBy], remember: false },
  });
}

async function refusalOf(
  flow: Flow,
  account: Account,
): Promise<{ readonly reason: 'former-member' | 'too-young'; readonly text: string } | undefined> {
  const { tenant, t } = flow;
  const today = calendarDay(flow.deps.clock.now(), tenant.settings.timeZone);
  const people = await peopleOf(flow.db, account);
  const self = people.find(({ relatedPersonId }) => relatedPersonId === undefined);
  const { minimumAge } = tenant.settings;
  const age = self && ageOn(self.birthDate, today);
  if (minimumAge !== undefined && age !== undefined && age < minimumAge)
    return { reason: 'too-young', text: t('tooYoung', { age: minimumAge }) };
  if (flow.rules.takesFormerMembers) return undefined;
  // Who acts for somebody who is a member may come in, too.
  const members = await Promise.all(people.map(({ patientId }) => isMemberOn(flow.db, patientId, today)));
  return members.some(Boolean) ? undefined : { reason: 'former-member', text: t('formerMember') };
}

/** Without any of what was typed. */
export async function recordRefusal(
  flow: Flow,
  reason: 'no-member' | 'paused' | 'email-taken' | 'former-member' | 'too-young',
): Promise<void> {
  await flow.deps.audit.append(flow.tenant.id, {
    action: 'identity.refuse',
    outcome: 'refused',
    client: flow.client.clientId,
    requestId: flow.request.id,
    address: flow.request.ip,
    facts: { reason, segment: flow.rules.segment },
  });
}
