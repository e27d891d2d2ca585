import { makeTexts, type TranslationOf } from '#/platform/html/texts.ts';

/** What stands around every member page. */
const EN = {
  skip: 'Skip to the main part',
  sandbox: 'Sandbox: invented people, no real health information',
  help: 'Need help? Call {phone}.',
  helpHours: 'Need help? Call {phone}, {hours}.',
  helpWithout: 'Need help? Call the number on your plan card.',
  privacy: 'How {plan} protects your privacy',
  languageHelp: 'Help in other languages',
  switchTo: 'Español',
  logo: '{plan} logo',
} as const;

const ES: TranslationOf<typeof EN> = {
  skip: 'Ir a la parte principal',
  sandbox: 'Entorno de prueba: personas inventadas, sin información de salud real',
  help: '¿Necesita ayuda? Llame al {phone}.',
  helpHours: '¿Necesita ayuda? Llame al {phone}, {hours}.',
  helpWithout: '¿Necesita ayuda? Llame al número que aparece en su tarjeta del plan.',
  privacy: 'Cómo protege {plan} su privacidad',
  languageHelp: 'Ayuda en otros idiomas',
  switchTo: 'English',
  logo: 'Logotipo de {plan}',
};

export const frameTexts = makeTexts(EN, ES);
/** For the tests of words. */
export const FRAME_CATALOGS = { en: EN, es: ES };
