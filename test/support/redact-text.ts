import { Outline } from '#/disclosure/json-outline.ts';
import { readLine } from '#/disclosure/read-line.ts';
import { type RedactionSettings, redact } from '#/disclosure/redact.ts';

/** The redactor for tests that have text. */
export function redactText(text: string, settings: RedactionSettings): string {
  return redact(readLine(Buffer.from(text), new Outline()), settings).toString('utf8');
}
