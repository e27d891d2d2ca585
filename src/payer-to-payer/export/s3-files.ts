import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Config } from '#/platform/config/s3-config.ts';
import { type ExportFiles, type FileSink, isFileName, isJobId, pathOfFile, pathOfJob } from './files.ts';

/**
 * Larger files go up in parts of exactly this size, at least 5 MiB by S3's rule; smaller ones in one request. A writer
 * holds two of them at most: one that is filled while the other is on its way.
 */
const PART_BYTES = 8 * 1024 * 1024;
const LIST_PAGES_MAX = 10_000;
const DELETES_AT_ONCE = 8;
const CONNECT_TIMEOUT_MS = 5_000;
/** A connection without a byte for so long is dead. A reader that takes longer between two reads is cut. */
const SOCKET_TIMEOUT_MS = 5 * 60_000;
const ATTEMPTS = 4;

/** Export files as objects `{prefix}{tenant}/{job}/{name}`. An object appears whole, when its file is closed. */
export function makeS3Files(options: S3Config): ExportFiles & { check(): Promise<void> } {
  const { bucket: Bucket, prefix } = options;
  const client = new S3Client({
    region: options.region,
    forcePathStyle: options.pathStyle,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
    // The newer checksum headers are unknown to many services that speak S3; the signature covers the body's hash.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const encrypted = {
    ...(options.encryption === undefined ? {} : { ServerSideEncryption: options.encryption }),
    ...(options.kmsKeyId === undefined ? {} : { SSEKMSKeyId: options.kmsKeyId }),
  };
  const jobPrefix = (tenantId: number, jobId: string): string => `${prefix}${pathOfJob(tenantId, jobId)}/`;

  async function list(under: string, delimiter?: string): Promise<{ keys: string[]; folders: string[] }> {
    const keys: string[] = [];
    const folders: string[] = [];
    let token: string | undefined;
    for (let page = 0; page < LIST_PAGES_MAX; page++) {
      const answer = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: under, Delimiter: delimiter, ContinuationToken: token }),
      );
      for (const { Key } of answer.Contents ?? []) if (Key !== undefined) keys.push(Key);
      for (const { Prefix } of answer.CommonPrefixes ?? []) if (Prefix !== undefined) folders.push(Prefix);
      token = answer.IsTruncated ? answer.NextContinuationToken : undefined;
      if (token === undefined) return { keys, folders };
    }
    throw new Error(`more than ${LIST_PAGES_MAX} pages of objects`);
  }
  async function removeKeys(keys: readonly string[]): Promise<void> {
    // One by one: for deletes of many in one request, services disagree about which checksum they demand.
    for (let from = 0; from < keys.length; from += DELETES_AT_ONCE)
      await Promise.all(
        keys.slice(from, from + DELETES_AT_ONCE).map((Key) => client.send(new DeleteObjectCommand({ Bucket, Key }))),
      );
  }
  /** What a killed process had sent of a file in parts. Not every service can list them; a lifecycle rule does the same. */
  async function abortUploads(under: string): Promise<void> {
    const open = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: under })).catch(() => undefined);
    for (const { Key, UploadId } of open?.Uploads ?? [])
      if (Key?.startsWith(under))
        await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
  }

  return {
    async check() {
      await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: 1 }));
    },
    prepare: async () => undefined,
    async create(place) {
      return uploadOf(client, { Bucket, Key: prefix + pathOfFile(place) }, encrypted);
    },
    async open(place) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: prefix + pathOfFile(place) }));
      if (!Body) throw new Error('object storage answered without the object');
      return Body as Readable; // in Node it is the response itself
    },
    async list(tenantId, jobId) {
      const under = jobPrefix(tenantId, jobId);
      return (await list(under)).keys.map((key) => key.slice(under.length)).filter(isFileName);
    },
    async jobs(tenantId) {
      const under = `${prefix}${tenantId}/`;
      return (await list(under, '/')).folders.map((folder) => folder.slice(under.length, -1)).filter(isJobId);
    },
    remove: (tenantId, jobId, names) => removeKeys(names.map((name) => prefix + pathOfFile({ tenantId, jobId, name }))),
    // An object that was accepted is durable.
    sync: async () => undefined,
    async removeJob(tenantId, jobId) {
      const under = jobPrefix(tenantId, jobId);
      await abortUploads(under);
      await removeKeys((await list(under)).keys);
    },
  };
}

/** Sends a file in parts as it grows, or in one request when it stays small. */
function uploadOf(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
  encrypted: Pick<ConstructorParameters<typeof PutObjectCommand>[0], 'ServerSideEncryption' | 'SSEKMSKeyId'>,
): FileSink {
  const created = { ...object, ...encrypted, ContentType: 'application/fhir+ndjson' };
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let uploadId: string | undefined;
  let onItsWay: Promise<void> = Promise.resolve();
  const parts: CompletedPart[] = [];

  /** Takes this many bytes off what is pending. */
  function take(bytes: number): Buffer {
    const all = Buffer.concat(pending, pendingBytes);
    pending = bytes < pendingBytes ? [all.subarray(bytes)] : [];
    pendingBytes -= bytes;
    return all.subarray(0, bytes);
  }
  async function send(body: Buffer): Promise<void> {
    await onItsWay;
    uploadId ??= (await client.send(new CreateMultipartUploadCommand(created))).UploadId;
    if (uploadId === undefined) throw new Error('object storage began no upload');
    const PartNumber = parts.length + 1;
    const part: { PartNumber: number; ETag?: string } = { PartNumber };
    parts.push(part);
    onItsWay = client
      .send(new UploadPartCommand({ ...object, UploadId: uploadId, PartNumber, Body: body }))
      .then(({ ETag }) => {
        if (ETag !== undefined) part.ETag = ETag;
      });
    // Awaited by the next part or by close; until then a failure is nobody's unhandled rejection.
    onItsWay.catch(() => undefined);
  }
  return {
    async write(bytes) {
      pending.push(Buffer.from(bytes));
      pendingBytes += bytes.length;
      while (pendingBytes >= PART_BYTES) await send(take(PART_BYTES));
    },
    async close() {
      if (uploadId === undefined) {
        await client.send(new PutObjectCommand({ ...created, Body: take(pendingBytes) }));
        return;
      }
      if (pendingBytes > 0) await send(take(pendingBytes));
      await onItsWay;
      await client.send(
        new CompleteMultipartUploadCommand({ ...object, UploadId: uploadId, MultipartUpload: { Parts: parts } }),
      );
    },
    async abandon() {
      pending = [];
      await onItsWay.catch(() => undefined);
      if (uploadId !== undefined)
        await client.send(new AbortMultipartUploadCommand({ ...object, UploadId: uploadId })).catch(() => undefined);
      // It may have been completed by a request whose answer was lost.
      await client.send(new DeleteObjectCommand(object)).catch(() => undefined);
    },
  };
}
