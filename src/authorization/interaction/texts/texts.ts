import { makeTexts } from '#/platform/html/texts.ts';
import { EN } from './en.ts';
import { ES } from './es.ts';

export const interactionTexts = makeTexts(EN, ES);
export type InteractionText = ReturnType<typeof interactionTexts>;
