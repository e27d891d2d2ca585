import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileKeys } from '../../src/payer-to-payer/export/file-keys.ts';
import type { ExportFiles } from '../../src/payer-to-payer/export/files.ts';
import { makeExportFolder } from '../../src/payer-to-payer/export/folder-files.ts';
import { makeS3Files } from '../../src/payer-to-payer/export/s3-files.ts';
import { makeSealedFiles } from '../../src/payer-to-payer/export/sealed-files.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';

const PART = 8 * 1024 * 1024;
const root = mkdtempSync(path.join(os.tmpdir(), 'covered-bridge-storage-'));
let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3Server();
});
afterAll(async () => {
  await s3.stop();
  rmSync(root, { recursive: true, force: true });
});

const s3Files = (options: Partial<Parameters<typeof makeS3Files>[0]> = {}) =>
  makeS3Files({
    bucket: s3.bucket,
    prefix: 'plans/east/',
    region: 'us-east-2',
    endpoint: s3.endpoint,
    pathStyle: true,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
    encryption: undefined,
    kmsKeyId: undefined,
    ...options,
  });
const keysOf = new Map<string, Buffer>();
const keys: FileKeys = {
  async require(tenantId, jobId) {
    const name = `${tenantId}/${jobId}`;
    if (!keysOf.has(name)) keysOf.set(name, randomBytes(32));
    return keysOf.get(name)!;
  },
  forget: () => undefined,
};
const name = (n = 1): string => `Patient_${String(n).padStart(16, '0')}.ndjson`;
const read = async (stream: Promise<Readable>): Promise<Buffer> => buffer(await stream);

describe.each<[string, () => ExportFiles]>([
  ['a folder', () => makeExportFolder(path.join(root, 'plain'))],
  ['an encrypted folder', () => makeSealedFiles(makeExportFolder(path.join(root, 'sealed')), keys, true)],
  ['object storage', () => s3Files()],
  ['encrypted object storage', () => makeSealedFiles(s3Files({ prefix: 'sealed/' }), keys, true)],
])('%s', (_what, make) => {
  const jobId = randomUUID();
  const place = (n: number) => ({ tenantId: 7, jobId, name: name(n) });
  let files: ExportFiles;
  beforeAll(async () => {
    files = make();
    await files.prepare(7, jobId);
  });

  test('a file comes back as it was written; the buffer may be used again after each write', async () => {
    const sink = await files.create(place(1));
    const block = Buffer.alloc(100_000);
    const expected: Buffer[] = [];
    for (let i = 0; i < 7; i++) {
      block.fill(65 + i);
      expected.push(Buffer.from(block));
      await sink.write(block);
    }
    block.fill(0);
    await sink.close();
    await files.sync(7, jobId, [name(1)]);
    expect((await read(files.open(place(1)))).equals(Buffer.concat(expected))).toBe(true);
  });

  test('a file of several parts, larger than any buffer', async () => {
    const bytes = randomBytes(2 * PART + 123_457);
    const sink = await files.create(place(2));
    for (let at = 0; at < bytes.length; at += 1_000_003) await sink.write(bytes.subarray(at, at + 1_000_003));
    await sink.close();
    expect((await read(files.open(place(2)))).equals(bytes)).toBe(true);
  });

  test('what is there is listed, and what is removed is gone', async () => {
    expect([...(await files.list(7, jobId))].sort()).toEqual([name(1), name(2)]);
    expect(await files.jobs(7)).toEqual([jobId]);
    expect(await files.jobs(8)).toEqual([]);
    await files.remove(7, jobId, [name(1), name(99)]);
    expect(await files.list(7, jobId)).toEqual([name(2)]);
    await expect(files.open(place(1)).then((stream) => buffer(stream))).rejects.toThrow();
  });

  test('a file that is given up leaves nothing, small or in parts', async () => {
    for (const [n, bytes] of [
      [3, 10],
      [4, PART + 10],
    ] as const) {
      const sink = await files.create(place(n));
      await sink.write(Buffer.alloc(bytes, 65));
      await sink.abandon();
    }
    expect(await files.list(7, jobId)).toEqual([name(2)]);
  });

  test('a download under way is not cut by the removal', async () => {
    const sink = await files.create(place(5));
    for (let i = 0; i < 3; i++) await sink.write(Buffer.alloc(1_000_000, 66));
    await sink.close();
    const stream = await files.open(place(5));
    await files.removeJob(7, jobId);
    expect((await buffer(stream)).length).toBe(3_000_000);
    expect(await files.list(7, jobId)).toEqual([]);
    expect(await files.jobs(7)).toEqual([]);
  });

  test('no name or job of another making is a place', async () => {
    await expect(files.create({ tenantId: 7, jobId, name: '../x' })).rejects.toThrow(TypeError);
    await expect(files.open({ tenantId: 7, jobId: '../..', name: name() })).rejects.toThrow(TypeError);
  });
});

describe('export files are unreadable for others', () => {
  test('folders are 0700 and files 0600 whatever the umask and whatever stood there', async () => {
    const folder = path.join(root, 'modes');
    const files = makeExportFolder(folder);
    const jobId = randomUUID();
    const before = process.umask(0);
    try {
      await files.prepare(1, jobId);
      chmodSync(folder, 0o755);
      const again = makeExportFolder(folder);
      await again.prepare(1, jobId);
      const sink = await again.create({ tenantId: 1, jobId, name: name() });
      await sink.close();
    } finally {
      process.umask(before);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(folder, '1', jobId)).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(folder, '1', jobId, name())).mode & 0o777).toBe(0o600);
  });

  test('encrypted at rest: the disk holds none of the text; switched off later, old files are still read and new ones plain', async () => {
    const inner = makeExportFolder(path.join(root, 'rest'));
    const jobId = randomUUID();
    const text = '{"resourceType":"Patient","name":[{"family":"Secret"}]}\n';
    const write = async (files: ExportFiles, n: number) => {
      await files.prepare(1, jobId);
      const sink = await files.create({ tenantId: 1, jobId, name: name(n) });
      await sink.write(Buffer.from(text));
      await sink.close();
    };
    const [on, off] = [makeSealedFiles(inner, keys, true), makeSealedFiles(inner, keys, false)];
    await write(on, 1);
    await write(off, 2);
    const stored = (n: number) => readFileSync(inner.pathOf({ tenantId: 1, jobId, name: name(n) }));
    expect(stored(1).includes('Secret')).toBe(false);
    expect(stored(2).toString()).toBe(text);
    for (const files of [on, off])
      for (const n of [1, 2])
        expect((await read(files.open({ tenantId: 1, jobId, name: name(n) }))).toString()).toBe(text);
  });

  test('an encrypted file under another name or in another job does not open', async () => {
    const inner = makeExportFolder(path.join(root, 'moved'));
    const files = makeSealedFiles(inner, keys, true);
    const jobId = randomUUID();
    await files.prepare(1, jobId);
    const sink = await files.create({ tenantId: 1, jobId, name: name(1) });
    await sink.write(Buffer.from('{}\n'));
    await sink.close();
    const moved = { tenantId: 1, jobId, name: name(2) };
    writeFileSync(inner.pathOf(moved), readFileSync(inner.pathOf({ ...moved, name: name(1) })));
    await expect(read(files.open(moved))).rejects.toThrow('could not be opened');
  });
});

describe('object storage', () => {
  const jobId = randomUUID();
  const place = (n: number) => ({ tenantId: 9, jobId, name: name(n) });
  const write = async (files: ExportFiles, n: number, bytes: number) => {
    const sink = await files.create(place(n));
    for (let left = bytes; left > 0; left -= 1_000_000) await sink.write(Buffer.alloc(Math.min(left, 1_000_000), 67));
    await sink.close();
  };
  const seen = (from: number) => s3.requests.slice(from).map(({ method, url }) => `${method} ${url.split('?')[0]}`);

  test('a wrong secret is refused, and the check at the start says so', async () => {
    const wrong = s3Files({ credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: 'wrong' } });
    await expect(wrong.check()).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    await expect(s3Files({ bucket: 'another' }).check()).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await s3Files().check();
  });

  test('a small file is one request, under prefix, tenant and job', async () => {
    const from = s3.requests.length;
    await write(s3Files(), 1, 5_000);
    expect(seen(from)).toEqual([`PUT /exports/plans/east/9/${jobId}/${name(1)}`]);
  });

  test('a large file goes up in equal parts, each sent once, and one writer holds two of them at most', async () => {
    const from = s3.requests.length;
    await write(s3Files(), 2, 3 * PART + 5);
    const parts = s3.requests.slice(from).filter(({ url }) => url.includes('partNumber='));
    expect(parts.map(({ bytes }) => bytes)).toEqual([PART, PART, PART, 5]);
  });

  test('a part that fails for a moment is sent again; one that keeps failing fails the file, which then leaves nothing', async () => {
    const files = s3Files();
    s3.fail(({ url }) => url.includes('partNumber=1'), 503, 2);
    await write(files, 3, PART + 1);
    expect((await read(files.open(place(3)))).length).toBe(PART + 1);

    s3.fail(({ url }) => url.includes(name(4)) && url.includes('partNumber=2'), 503, 4);
    const from = s3.requests.length;
    const sink = await files.create(place(4));
    await expect(
      (async () => {
        await sink.write(Buffer.alloc(2 * PART + 1));
        await sink.close();
      })(),
    ).rejects.toThrow();
    await sink.abandon();
    expect(s3.requests.slice(from).some(({ method, url }) => method === 'DELETE' && url.includes('uploadId='))).toBe(
      true,
    );
    expect(await files.list(9, jobId)).not.toContain(name(4));
  });

  test('encryption by the service is asked for at every object, with the key that the settings name', async () => {
    const from = s3.requests.length;
    await write(s3Files({ encryption: 'AES256' }), 5, 10);
    await write(s3Files({ encryption: 'aws:kms', kmsKeyId: 'key-1' }), 6, PART + 1);
    const asked = s3.requests.slice(from).map(({ headers }) => headers);
    expect(asked[0]).toMatchObject({ 'x-amz-server-side-encryption': 'AES256' });
    expect(asked[1]).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    });
  });

  test('more files than one answer lists', async () => {
    const files = s3Files();
    const many = randomUUID();
    const names = Array.from({ length: 1_003 }, (_, n) => name(n));
    for (let from = 0; from < names.length; from += 50)
      await Promise.all(
        names.slice(from, from + 50).map(async (each) => {
          const sink = await files.create({ tenantId: 9, jobId: many, name: each });
          await sink.write(Buffer.from('{}\n'));
          await sink.close();
        }),
      );
    expect([...(await files.list(9, many))].sort()).toEqual(names);
    await files.removeJob(9, many);
    expect(await files.list(9, many)).toEqual([]);
  });

  test('an object that is not there is an error, not an empty file', async () => {
    await expect(s3Files().open(place(77))).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});
