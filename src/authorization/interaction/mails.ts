import { helpSentence } from '#/members/pages/frame.ts';
import type { Queryable } from '#/platform/db/database.ts';
import { makeTexts, type TranslationOf } from '#/platform/html/texts.ts';
import type { Flow } from './flow.ts';

const EN = {
  codeSubject: 'Your code for {plan}',
  code: 'Your code is {code}. It is good for 10 minutes.',
  codeAsked: '{app} wants to connect to your information at {plan}. Somebody typed this email address to sign in.',
  codeNotYou: 'If this was not you, do nothing. Do not give the code to anybody.',
  sharedSubject: 'You share your information with {app}',
  shared: 'On {date} you let {app} see your information at {plan}.',
  sharedUntil: 'It can do so until {date}.',
  sharedStop: 'You can stop it at any time, or see what happened: {address}',
  sharedNotYou: 'If this was not you, stop it there at once and call us.',
  movedSubject: 'Your sign-in at {plan} has another email address now',
  moved: 'Somebody showed again who you are, and signs in with {address} now. This address is no longer used.',
  movedNotYou: 'If this was not you, call us at once.',
} as const;

const ES: TranslationOf<typeof EN> = {
  codeSubject: 'Su código para {plan}',
  code: 'Su código es {code}. Sirve durante 10 minutos.',
  codeAsked:
    '{app} quiere conectarse con su información en {plan}. Alguien escribió este correo electrónico para iniciar sesión.',
  codeNotYou: 'Si no fue usted, no haga nada. No le dé el código a nadie.',
  sharedSubject: 'Usted comparte su información con {app}',
  shared: 'El {date} usted permitió que {app} vea su información en {plan}.',
  sharedUntil: 'Puede hacerlo hasta el {date}.',
  sharedStop: 'Puede dejar de compartir en cualquier momento, o ver lo que pasó: {address}',
  sharedNotYou: 'Si no fue usted, deje de compartir allí enseguida y llámenos.',
  movedSubject: 'Su inicio de sesión en {plan} tiene ahora otro correo electrónico',
  moved: 'Alguien mostró de nuevo quién es usted e inicia sesión ahora con {address}. Este correo ya no se usa.',
  movedNotYou: 'Si no fue usted, llámenos enseguida.',
};

export const mailTexts = makeTexts(EN, ES);
export const MAIL_CATALOGS = { en: EN, es: ES };

/** The same mail whether or not the address is known here. */
export function sendCode(flow: Flow, tx: Queryable, email: string, code: string): Promise<void> {
  const t = mailTexts(flow.language);
  const plan = flow.tenant.name;
  return flow.deps.mailer.send(tx, {
    to: email,
    subject: t('codeSubject', { plan }),
    text: paragraphs(
      t('code', { code }),
      t('codeAsked', { app: flow.client.name, plan }),
      t('codeNotYou'),
      helpSentence(flow.tenant, flow.language),
    ),
  });
}

/** Each new sharing is told to the member (PA-108). */
export function sendShared(
  flow: Flow,
  tx: Queryable,
  email: string,
  words: { readonly on: string; readonly until: string; readonly address: string },
): Promise<void> {
  const t = mailTexts(flow.language);
  const app = flow.client.name;
  return flow.deps.mailer.send(tx, {
    to: email,
    subject: t('sharedSubject', { app }),
    text: paragraphs(
      `${t('shared', { date: words.on, app, plan: flow.tenant.name })} ${t('sharedUntil', { date: words.until })}`,
      t('sharedStop', { address: words.address }),
      t('sharedNotYou'),
      helpSentence(flow.tenant, flow.language),
    ),
  });
}

/** To the address that an account had before. */
export function sendMoved(flow: Flow, tx: Queryable, email: string, maskedNew: string): Promise<void> {
  const t = mailTexts(flow.language);
  return flow.deps.mailer.send(tx, {
    to: email,
    subject: t('movedSubject', { plan: flow.tenant.name }),
    text: paragraphs(t('moved', { address: maskedNew }), t('movedNotYou'), helpSentence(flow.tenant, flow.language)),
  });
}

const paragraphs = (...texts: readonly string[]): string => `${texts.join('\n\n')}\n`;
