import { parentPort } from 'node:worker_threads';
import { prepareUnit, type Unit } from './prepare-unit.ts';

/** A thread of a feed: prepares one unit after the other. It reaches neither files nor the database. */
parentPort?.on('message', ({ id, unit }: { id: number; unit: Unit }) => {
  try {
    parentPort?.postMessage({ id, prepared: prepareUnit(unit) });
  } catch (error) {
    // Only the kind of error crosses over: a message might quote content.
    const { name, stack } = error as Error;
    parentPort?.postMessage({ id, failure: `${name} ${stack?.split('\n')[1]?.trim() ?? ''}` });
  }
});
