import type { FastifyRequest } from 'fastify';
import { badParameter, wrongBody } from './refusals.ts';
import type { Pair } from './search-request.ts';

/**
 * The parameters of a form or of the part of an address behind `?`, decoded, in their order. A plus sign is a space.
 *
 * @throws FhirRefusal 400
 */
export function parsePairs(text: string): readonly Pair[] {
  return text.split('&').flatMap((part) => {
    if (part === '') return [];
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    return [[decode(name), equals < 0 ? '' : decode(part.slice(equals + 1))] as const];
  });
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '));
    // A database stores no such character, and no parameter needs one.
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Refused below.
  }
  throw badParameter('', 'The parameters are not encoded as addresses are.', 'structure');
}

/** Those of the address. */
export function queryPairs(request: FastifyRequest): readonly Pair[] {
  const at = request.raw.url?.indexOf('?') ?? -1;
  return at < 0 ? [] : parsePairs((request.raw.url ?? '').slice(at + 1));
}

/**
 * Those of the address, then those of a form.
 *
 * @throws FhirRefusal 415 for a body that is no form
 */
export function formPairs(request: FastifyRequest): readonly Pair[] {
  const body = bodyOf(request);
  if (body !== '' && mediaTypeOf(request) !== 'application/x-www-form-urlencoded')
    throw wrongBody('application/x-www-form-urlencoded');
  return [...queryPairs(request), ...parsePairs(body)];
}

/**
 * Those of the address, then those of a Parameters resource: simple values only.
 *
 * @throws FhirRefusal 415 for a body that is no JSON; 400 for one that is no Parameters
 */
export function resourcePairs(request: FastifyRequest): readonly Pair[] {
  const body = bodyOf(request);
  if (body === '') return queryPairs(request);
  if (!/^application\/(fhir\+)?json$/.test(mediaTypeOf(request))) throw wrongBody('application/fhir+json');
  const parsed = parseJson(body) as { resourceType?: unknown; parameter?: unknown } | null | undefined;
  const list = parsed?.parameter ?? [];
  if (parsed?.resourceType !== 'Parameters' || !Array.isArray(list))
    throw badParameter('', 'The body must be a Parameters resource.', 'structure');
  return [...queryPairs(request), ...list.map(pairOf)];
}

function pairOf(parameter: unknown): Pair {
  const { name, ...rest } = (parameter ?? {}) as Record<string, unknown>;
  const [value, more] = Object.entries(rest).flatMap(([key, one]) => (/^value[A-Z]/.test(key) ? [one] : []));
  const isSimple = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  if (typeof name !== 'string' || !isSimple || more !== undefined || String(value).includes('\0'))
    throw badParameter(typeof name === 'string' ? name : '', 'Every parameter takes one simple value.', 'structure');
  return [name, String(value)];
}

const bodyOf = (request: FastifyRequest): string => (typeof request.body === 'string' ? request.body : '');
const mediaTypeOf = (request: FastifyRequest): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
