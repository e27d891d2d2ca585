import { parentPort, workerData } from 'node:worker_threads';
import { makeLabeller } from '#/sensitivity/label-resource.ts';
import { packUnit } from './pack-unit.ts';
import type { Unit } from './prepare-unit.ts';
import type { ThreadSettings } from './worker-pool.ts';

const { rules, ...settings } = workerData as ThreadSettings;
const packing = { ...settings, labeller: makeLabeller(rules) };

/** A thread of a feed: prepares one unit after the other. It reaches neither files nor the database. */
parentPort?.on('message', ({ id, unit }: { id: number; unit: Unit }) => {
  try {
    const packed = packUnit(unit, packing);
    parentPort?.postMessage({ id, packed }, [packed.bytes.buffer, packed.places.buffer]);
  } catch (error) {
    // Only the kind of error crosses over: a message might quote content.
    const { name, stack } = error as Error;
    parentPort?.postMessage({ id, failure: `${name} ${stack?.split('\n')[1]?.trim() ?? ''}` });
  }
});
