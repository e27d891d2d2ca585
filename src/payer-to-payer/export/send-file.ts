import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessContext } from '#/authorization/access.ts';
import { acceptsGzip } from '#/platform/http/negotiation.ts';
import { type AttachmentPlace, openAttachment } from './attachment-download.ts';
import { findDownload, openDownload } from './download.ts';
import type { ExportDeps } from './export-deps.ts';

const NDJSON = 'application/fhir+ndjson';
/** The lowest level: on NDJSON it already saves nine bytes in ten, and it keeps up with a disk (storage.md 6). */
const GZIP_LEVEL = 1;

/**
 * Answers a file, compressed for a caller that takes it so. HEAD has the headers of GET; nothing is read, and nothing is
 * recorded as disclosed.
 *
 * @throws Refusal `file-unknown`, `file-suppressed`
 */
export async function sendFile(
  deps: ExportDeps,
  access: AccessContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { name } = request.params as { name: string };
  const packed = acceptsGzip(request.headers['accept-encoding']);
  if (request.method === 'HEAD') {
    const { sizeBytes } = await findDownload(deps, access, name);
    reply.type(NDJSON).header('vary', 'accept-encoding');
    if (packed) reply.header('content-encoding', 'gzip');
    else if (sizeBytes !== undefined) reply.header('content-length', sizeBytes);
    return reply.send();
  }
  const { content, sizeBytes } = await openDownload(deps, access, name);
  reply.type(NDJSON).header('vary', 'accept-encoding');
  if (packed) {
    const gzip = createGzip({ level: GZIP_LEVEL });
    pipeline(content, gzip, () => undefined);
    return reply.header('content-encoding', 'gzip').send(gzip);
  }
  if (sizeBytes !== undefined) reply.header('content-length', sizeBytes);
  return reply.send(content);
}

/**
 * Answers the content of an attachment, to be kept and not to be shown: what a provider sent in may be anything.
 *
 * @throws Refusal `file-unknown`, `file-suppressed`
 */
export async function sendAttachment(
  deps: ExportDeps,
  access: AccessContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { contentType, bytes } = await openAttachment(deps, access, request.params as AttachmentPlace);
  return reply.type(contentType).header('content-disposition', 'attachment').send(bytes);
}
