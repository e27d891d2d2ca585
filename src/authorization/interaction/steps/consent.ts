import type { FastifyReply } from 'fastify';
import { recordAudit } from '#/audit/audit.ts';
import { recordGrant } from '#/consent/grants/grants.ts';
import type { Account } from '#/members/accounts/account.ts';
import { findAccount } from '#/members/accounts/accounts.ts';
import { findPatients } from '#/members/match/find-members.ts';
import { type Person, peopleOf } from '#/members/people/people.ts';
import { memberAuditKey } from '#/members/umb.ts';
import { longDate } from '#/platform/html/texts.ts';
import { choicesOf, grantedScopes } from '../consent-choices.ts';
import {
  endSession,
  type Flow,
  FlowProblem,
  finish,
  forgetState,
  formTarget,
  goTo,
  saveState,
  sendStep,
} from '../flow.ts';
import { sendShared } from '../mails.ts';
import { chooserPage } from '../pages/chooser.ts';
import { consentPage } from '../pages/consent.ts';
import { kindTexts } from '../texts/kinds.ts';

const DAY_MS = 24 * 3_600_000;

/** The member who signed in, and those for whom he or she may act. */
interface Deciding {
  readonly account: Account;
  readonly people: readonly Person[];
  /** Whose information it is about; undefined: it has to be chosen first. */
  readonly person: Person | undefined;
}

/** M3 or M4, whichever is next. */
export async function showDecision(flow: Flow): Promise<FastifyReply> {
  const deciding = await decidingOf(flow);
  return deciding.person ? showConsent(flow, deciding, deciding.person) : showChooser(flow, deciding.people);
}

/** M3 was answered. Only somebody for whom the member may act can be chosen. */
export async function takePerson(flow: Flow): Promise<FastifyReply> {
  const { people } = await decidingOf(flow);
  const chosen = people.find(({ patientId }) => patientId === flow.form.get('person'));
  if (flow.isLanguageSwitch || !chosen) return showChooser(flow, people);
  return goTo(await saveState(flow, { personId: chosen.patientId }), '');
}

/** "Not you?": the session ends, and the same request begins anew with the sign-in. */
export async function takeSignOut(flow: Flow): Promise<FastifyReply> {
  await endSession(flow);
  await forgetState(flow, flow.db);
  await flow.interaction.destroy();
  const { segment, resource: _audience, prompt: _prompt, ...asked } = flow.interaction.params;
  const parameters = new URLSearchParams(
    Object.entries({ ...asked, aud: flow.issuer.audience }).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  );
  return flow.reply
    .code(303)
    .header('cache-control', 'no-store')
    .header('location', `${flow.issuer.url}/oauth2/authorize/${String(segment)}?${parameters}`)
    .send();
}

/** M4 was answered. */
export async function takeConsent(flow: Flow): Promise<FastifyReply> {
  const deciding = await decidingOf(flow);
  const { account, person } = deciding;
  if (!person) return showChooser(flow, deciding.people);
  const decision = flow.form.get('decision');
  if (!flow.isLanguageSwitch && decision === 'do-not-share') return refuse(flow, account);
  const ticked = new Set(flow.form.getAll('share'));
  const choices = choicesOf(flow.scopes, flow.rules.mayShare);
  const isSensitiveTicked = flow.form.get('sensitive') === 'yes';
  const typed = { ticked, isSensitiveTicked };
  if (flow.isLanguageSwitch || decision !== 'share') return showConsent(flow, deciding, person, typed);
  const scopes = grantedScopes(flow.scopes, choices, ticked);
  const sharesSomething = choices.optional.some(({ id }) => ticked.has(id)) || choices.optional.length === 0;
  if (!sharesSomething) return showConsent(flow, deciding, person, { ...typed, nothingTicked: true });
  return share(flow, account, person, scopes, asksAboutSensitive(flow) && isSensitiveTicked);
}

async function decidingOf(flow: Flow): Promise<Deciding> {
  const accountId = flow.interaction.session?.accountId;
  const account = accountId === undefined ? undefined : await findAccount(flow.db, accountId);
  if (!account) throw new FlowProblem('ended', 400);
  const people = await peopleOf(flow.db, account);
  if (people.length === 0) throw new FlowProblem('ended', 400);
  const chosen = people.find(({ patientId }) => patientId === flow.state.personId);
  return { account, people, person: chosen ?? (people.length === 1 ? people[0] : undefined) };
}

function showChooser(flow: Flow, people: readonly Person[]): FastifyReply {
  const main = chooserPage(flow.t, {
    form: formTarget(flow, 'person'),
    people: people.map((person) => ({
      patientId: person.patientId,
      name: person.name,
      birthYear: person.birthDate.slice(0, 4),
      isSelf: person.relatedPersonId === undefined,
    })),
    chosen: flow.state.personId ?? people[0]?.patientId ?? '',
  });
  return sendStep(flow, flow.t('chooserTitle'), main);
}

function showConsent(
  flow: Flow,
  { people }: Deciding,
  person: Person,
  typed?: {
    readonly ticked: ReadonlySet<string>;
    readonly isSensitiveTicked: boolean;
    readonly nothingTicked?: boolean;
  },
): FastifyReply {
  const { client, t, language, tenant } = flow;
  const kind = kindTexts(language);
  const choices = choicesOf(flow.scopes, flow.rules.mayShare);
  const main = consentPage(t, {
    form: formTarget(flow, 'consent'),
    signOut: formTarget(flow, 'sign-out'),
    app: {
      name: client.name,
      maker: client.publisher ?? client.organization?.name,
      logoHref: undefined,
      termsUrl: client.termsUrl,
      privacyUrl: client.privacyUrl,
      isReviewed: false,
    },
    signedInAs: people.find(({ relatedPersonId }) => relatedPersonId === undefined)?.name ?? person.name,
    actsFor: person.relatedPersonId === undefined ? undefined : person.name,
    required: choices.required.map(({ id }) => kind(id)),
    // What the app asked for starts ticked.
    choices: choices.optional.map(({ id }) => ({
      id,
      label: kind(id),
      hint: undefined,
      checked: typed === undefined || typed.ticked.has(id),
    })),
    sensitive: asksAboutSensitive(flow) ? { checked: typed?.isSensitiveTicked ?? false } : undefined,
    until: lastsBeyondAnHour(flow) ? longDate(language, endOf(flow), tenant.settings.timeZone) : undefined,
    sharingPage: sharingPage(flow),
    nothingTicked: typed?.nothingTicked ?? false,
  });
  const redirect = String(flow.interaction.params.redirect_uri);
  return sendStep(flow, t('consentTitle', { app: client.name }), main, {
    status: typed?.nothingTicked ? 422 : 200,
    // Browsers apply the rule to the redirect that follows the answer.
    formTargets: [formTargetOf(redirect)],
  });
}

async function share(
  flow: Flow,
  account: Account,
  person: Person,
  scopes: readonly string[],
  releasesSensitive: boolean,
): Promise<FastifyReply> {
  const now = flow.deps.clock.now();
  const ends = endOf(flow);
  const grant = new flow.engine.Grant({
    accountId: account.id,
    clientId: flow.client.clientId,
    expiresIn: Math.max(1, Math.floor((ends.getTime() - now.getTime()) / 1_000)),
  } as never);
  grant.addOIDCScope(scopes.filter((scope) => STATIC_SCOPES.has(scope)).join(' '));
  grant.addResourceScope(flow.issuer.audience, scopes.join(' '));
  const grantId = await grant.save();
  const umb = await umbOf(flow, account, person);
  await flow.db.transaction(async (tx) => {
    await recordGrant(
      tx,
      {
        id: grantId,
        clientId: flow.client.clientId,
        accountId: account.id,
        umb,
        patientId: person.patientId,
        relatedPersonId: person.relatedPersonId,
        segment: flow.rules.segment,
        scopes,
        releasesSensitive,
        ial: account.ial,
        acr: account.ial,
        expiresAt: ends,
      },
      flow.request.id,
    );
    const { timeZone } = flow.tenant.settings;
    await sendShared(flow, tx, account.email, {
      on: longDate(flow.language, now, timeZone),
      until: longDate(flow.language, ends, timeZone),
      address: sharingPage(flow),
    });
    await forgetState(flow, tx);
  });
  // The engine intersects what is granted with what was asked, letter by letter: narrower scopes would vanish otherwise.
  flow.interaction.params.scope = scopes.join(' ');
  await flow.interaction.save(flow.interaction.exp - Math.floor(Date.now() / 1_000));
  return finish(flow, { consent: { grantId } });
}

async function refuse(flow: Flow, account: Account): Promise<FastifyReply> {
  await flow.db.transaction((tx) =>
    recordAudit(tx, {
      action: 'grant.refuse',
      outcome: 'success',
      client: flow.client.clientId,
      memberKey: memberAuditKey(flow.tenant.id, account.umb),
      requestId: flow.request.id,
      facts: { segment: flow.rules.segment },
    }),
  );
  return finish(flow, { error: 'access_denied', error_description: 'The member chose not to share.' });
}

/** The unique member identifier of the person whose information it is. */
async function umbOf(flow: Flow, account: Account, person: Person): Promise<string> {
  if (person.relatedPersonId === undefined) return account.umb;
  const [record] = await findPatients(flow.db, [person.patientId]);
  if (!record) throw new FlowProblem('ended', 400);
  return record.umb;
}

const STATIC_SCOPES: ReadonlySet<string> = new Set(['openid', 'fhirUser', 'launch/patient', 'offline_access']);

/** A plan that labels nothing as sensitive has nothing to ask about. */
function asksAboutSensitive(flow: Flow): boolean {
  const { holdsSensitiveData, labelsSensitiveData } = flow.tenant.settings;
  return holdsSensitiveData && labelsSensitiveData;
}

/** Without a refresh token the app can look for an hour only. */
function lastsBeyondAnHour(flow: Flow): boolean {
  return flow.scopes.includes('offline_access') || flow.client.launchProfile === 'classic';
}

function endOf(flow: Flow): Date {
  const { grantDays, accessTokenSeconds } = flow.tenant.settings;
  const now = flow.deps.clock.now().getTime();
  return new Date(lastsBeyondAnHour(flow) ? now + grantDays * DAY_MS : now + accessTokenSeconds * 1_000 + CODE_MS);
}

/** The code is redeemed within five minutes, and then the hour begins. */
const CODE_MS = 300_000;

function sharingPage(flow: Flow): string {
  return `${new URL(flow.issuer.url).origin}/member/${flow.tenant.slug}/sharing`;
}

/** An origin, or the scheme of an installed app, as `form-action` names it. */
function formTargetOf(redirectUri: string): string {
  const url = new URL(redirectUri);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.origin : url.protocol;
}
