import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FHIR_JSON } from '#/fhir/outcome.ts';
import { accepts, acceptsGzip } from '#/platform/http/negotiation.ts';
import { notJson } from './refusals.ts';

const MEDIA_TYPES = ['application/fhir+json', 'application/json', 'text/json'];
const FORMATS = ['json', ...MEDIA_TYPES];
/** Smaller answers cost more to compress than they save. */
const GZIP_BYTES_MIN = 2_048;
const compress = promisify(gzip);

/** How the caller wants its answer. */
export interface Wishes {
  readonly pretty: boolean;
  /** `Prefer: handling=strict`. */
  readonly strict: boolean;
}

/**
 * FHIR R4 as JSON is all there is. `_format` says more than `Accept` (FHIR R4 http.html#mime-type); in it a plus sign that
 * nobody escaped arrives as a space.
 *
 * @param format, pretty the values of `_format` and `_pretty`, from the address or a form
 * @throws FhirRefusal 406
 */
export function readWishes(request: FastifyRequest, format: string | undefined, pretty: string | undefined): Wishes {
  const accept = request.headers.accept;
  const asked = format ?? (accept === undefined || accept === 'json' ? 'json' : undefined);
  const isWanted =
    asked === undefined
      ? accepts(accept, MEDIA_TYPES)
      : FORMATS.includes(asked.split(';', 1)[0]!.trim().replace(' ', '+').toLowerCase());
  const version = /;\s*fhirVersion\s*=\s*"?([\d.]+)/i.exec(format ?? accept ?? '')?.[1];
  if (!isWanted || (version !== undefined && !/^4\.0(\.1)?$/.test(version))) throw notJson();
  return { pretty: pretty === 'true', strict: /\bhandling\s*=\s*strict\b/i.test(String(request.headers.prefer ?? '')) };
}

/** Sends FHIR JSON, indented or compressed where that is wanted. */
export async function sendFhir(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
  wishes: Pick<Wishes, 'pretty'>,
): Promise<FastifyReply> {
  const body = wishes.pretty ? indented(text) : text;
  reply.code(200).header('content-type', FHIR_JSON).header('vary', 'accept, accept-encoding, origin');
  if (body.length < GZIP_BYTES_MIN || !acceptsGzip(String(request.headers['accept-encoding'] ?? '')))
    return reply.send(body);
  return reply.header('content-encoding', 'gzip').send(await compress(body, { level: 1 }));
}

/** Canonical JSON with line breaks and two spaces a level; strings and digits stay as they are. */
export function indented(text: string): string {
  let depth = 0;
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (token, at: number) => {
    switch (token) {
      case '{':
      case '[':
        if (text[at + 1] === '}' || text[at + 1] === ']') return token;
        depth++;
        return `${token}\n${'  '.repeat(depth)}`;
      case '}':
      case ']':
        if (text[at - 1] === '{' || text[at - 1] === '[') return token;
        depth--;
        return `\n${'  '.repeat(depth)}${token}`;
      case ',':
        return `,\n${'  '.repeat(depth)}`;
      case ':':
        return ': ';
      default:
        return token;
    }
  });
}
