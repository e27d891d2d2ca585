import { Worker } from 'node:worker_threads';
import type { LabelRules } from '#/sensitivity/rules.ts';
import type { FeedUnit } from './feed-item.ts';
import { type PackedUnit, unpackUnit } from './pack-unit.ts';
import type { Unit } from './prepare-unit.ts';

export interface WorkerPool {
  readonly size: number;
  /** Prepares a unit on the thread with the least to do. The unit's bytes are handed over and gone. */
  prepare(unit: Unit): Promise<FeedUnit>;
  close(): Promise<void>;
}

/** What each thread is given. */
export interface ThreadSettings {
  readonly tenantId: number;
  /** The beginning of the keys of lines. */
  readonly program: Uint8Array;
  /** What it labels as sensitive. */
  readonly rules: LabelRules;
}

interface Waiting {
  readonly done: (prepared: FeedUnit) => void;
  readonly failed: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/**
 * A small nursery keeps a thread at 40 MB where it takes 150 MB without, at the same speed (340 MB of synthetic records);
 * the other bound is what a resource of 64 MB needs to be parsed.
 */
const HEAP = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 1024 };

/** Threads that prepare units; as many as cores, more did not help (storage.md 5: 3 on 2 cores no faster than 2). */
export function openWorkerPool(size: number, settings: ThreadSettings): WorkerPool {
  let lastId = 0;
  let isClosed = false;
  const threads: Thread[] = Array.from({ length: size }, () => {
    const waiting = new Map<number, Waiting>();
    const worker = new Worker(new URL('./prepare-worker.ts', import.meta.url), {
      resourceLimits: HEAP,
      workerData: settings,
    });
    worker.on('message', (message: { id: number; packed?: PackedUnit; failure?: string }) => {
      const { done, failed } = waiting.get(message.id) as Waiting;
      waiting.delete(message.id);
      if (message.packed) done(unpackUnit(message.packed));
      else failed(new Error(`preparing resources failed: ${message.failure}`));
    });
    const lost = (cause?: Error): void => {
      for (const { failed } of waiting.values()) failed(new Error('a thread that prepares resources ended', { cause }));
      waiting.clear();
    };
    worker.on('error', lost);
    worker.on('exit', () => {
      if (!isClosed) lost();
    });
    return { worker, waiting };
  });
  return {
    size: threads.length,
    prepare: (unit) =>
      new Promise((done, failed) => {
        const thread = threads.reduce((least, each) => (each.waiting.size < least.waiting.size ? each : least));
        const id = ++lastId;
        thread.waiting.set(id, { done, failed });
        thread.worker.postMessage({ id, unit }, buffersOf(unit));
      }),
    async close() {
      isClosed = true;
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

function buffersOf(unit: Unit): ArrayBuffer[] {
  if (unit.kind !== 'lines' && unit.kind !== 'document') return [];
  const { buffer, byteLength } = unit.bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
