import type { FastifyRequest } from 'fastify';
import { FhirRefusal } from '#/fhir/outcome.ts';
import { accepts } from '#/platform/http/negotiation.ts';

const MEDIA_TYPES = ['application/fhir+json', 'application/json'];
const FORMATS = ['json', ...MEDIA_TYPES];

/**
 * We answer FHIR JSON only. `_format` says more than `Accept` (FHIR R4 http, content types); in it a plus sign that
 * nobody escaped arrives as a space.
 *
 * @throws FhirRefusal 406
 */
export function requireJsonAnswer(request: FastifyRequest): void {
  const { _format: format } = request.query as { _format?: unknown };
  const isWanted =
    format === undefined
      ? accepts(request.headers.accept, MEDIA_TYPES)
      : FORMATS.includes(String(format).split(';', 1)[0]!.trim().replace(' ', '+').toLowerCase());
  if (!isWanted)
    throw new FhirRefusal(406, {
      severity: 'error',
      code: 'not-supported',
      text: 'Only FHIR JSON can be answered here.',
    });
}
