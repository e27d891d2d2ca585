import { pipeline } from 'node:stream';
import { makeStreamCipher, makeStreamDecipher } from '#/platform/crypto/stream-cipher.ts';
import type { FileKeys } from './file-keys.ts';
import { type ExportFiles, pathOfFile } from './files.ts';

/**
 * Encrypts what another storage keeps: each export has a key of its own, which its row holds, sealed; each file a key made
 * of that (stream-cipher.ts). Files that were written without are read as they are, so that the setting can be changed.
 *
 * @param encrypts whether new files are encrypted
 */
export function makeSealedFiles(inner: ExportFiles, keys: FileKeys, encrypts: boolean): ExportFiles {
  return {
    ...inner,
    async prepare(tenantId, jobId) {
      await inner.prepare(tenantId, jobId);
      if (encrypts) await keys.require(tenantId, jobId);
    },
    async create(place) {
      if (!encrypts) return inner.create(place);
      const cipher = makeStreamCipher(await keys.require(place.tenantId, place.jobId), pathOfFile(place));
      const sink = await inner.create(place);
      return {
        ...sink,
        write: (bytes) => sink.write(cipher.update(bytes)),
        async close() {
          await sink.write(cipher.final());
          await sink.close();
        },
      };
    },
    async open(place) {
      const stored = await inner.open(place);
      const decipher = makeStreamDecipher(() => keys.require(place.tenantId, place.jobId), pathOfFile(place));
      // An error on either side ends both; whoever reads sees it on the decipher.
      return pipeline(stored, decipher, () => undefined);
    },
    async removeJob(tenantId, jobId) {
      keys.forget(tenantId, jobId);
      await inner.removeJob(tenantId, jobId);
    },
  };
}
