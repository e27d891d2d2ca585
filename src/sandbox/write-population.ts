import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { RESOURCE_TYPES } from '#/fhir/resource-types.ts';
import type { Resource } from './generate/fhir.ts';

/** Text kept per type before it is written; with about thirty types the memory stays below 40 MB. */
const BUFFER_CHARS = 512 * 1024;
/** How often progress is told, and the signal looked at. */
const RESOURCES_PER_STEP = 5_000;

export interface Written {
  readonly resources: number;
  readonly bytes: number;
  readonly byType: Readonly<Record<string, number>>;
}

/**
 * Writes one `{Type}.ndjson` for each type into the folder, which is made if need be. Files of those names are
 * replaced; nothing else in the folder is touched. Memory does not grow with the number of resources.
 *
 * @throws what the file system says (ENOSPC, EACCES, ENOTDIR), the signal's reason; the files are then incomplete
 */
export async function writePopulation(
  resources: Iterable<Resource>,
  folder: string,
  signal: AbortSignal,
  step: (written: { resources: number; bytes: number }) => void = () => undefined,
): Promise<Written> {
  mkdirSync(folder, { recursive: true });
  const ours = new Set(RESOURCE_TYPES.map((type) => `${type}.ndjson`));
  for (const name of readdirSync(folder)) if (ours.has(name)) rmSync(path.join(folder, name));
  const files = new Map<string, TypeFile>();
  const state = { resources: 0, bytes: 0 };
  try {
    for (const resource of resources) {
      let file = files.get(resource.resourceType);
      if (!file) {
        file = new TypeFile(path.join(folder, `${resource.resourceType}.ndjson`));
        files.set(resource.resourceType, file);
      }
      state.bytes += file.add(`${JSON.stringify(resource)}\n`);
      state.resources++;
      if (state.resources % RESOURCES_PER_STEP !== 0) continue;
      step(state);
      // Everything here is synchronous: without a turn of the event loop nobody would hear Ctrl-C.
      await turn();
      signal.throwIfAborted();
    }
    for (const file of files.values()) file.flush();
    state.bytes = [...files.values()].reduce((sum, file) => sum + file.bytes, 0);
  } finally {
    for (const file of files.values()) file.close();
  }
  step(state);
  return { ...state, byType: Object.fromEntries([...files].map(([type, file]) => [type, file.count])) };
}

/** One open file with what waits to be written to it. */
class TypeFile {
  count = 0;
  bytes = 0;
  #waiting = '';
  readonly #handle: number;

  constructor(name: string) {
    this.#handle = openSync(name, 'w');
  }

  /** @returns bytes that went to the file now */
  add(line: string): number {
    this.#waiting += line;
    this.count++;
    return this.#waiting.length < BUFFER_CHARS ? 0 : this.flush();
  }

  flush(): number {
    const block = Buffer.from(this.#waiting);
    this.#waiting = '';
    // A disk that fills up may take a part only; the next write then says why.
    for (let written = 0; written < block.length; ) written += writeSync(this.#handle, block, written);
    this.bytes += block.length;
    return block.length;
  }

  close(): void {
    closeSync(this.#handle);
  }
}
