import { parentPort, workerData } from 'node:worker_threads';
import { makeLabeller } from '#/sensitivity/label-resource.ts';
import type { LabelRules } from '#/sensitivity/rules.ts';
import { prepareUnit, type Unit } from './prepare-unit.ts';

const labeller = makeLabeller(workerData as LabelRules);

/** A thread of a feed: prepares one unit after the other. It reaches neither files nor the database. */
parentPort?.on('message', ({ id, unit }: { id: number; unit: Unit }) => {
  try {
    parentPort?.postMessage({ id, prepared: prepareUnit(unit, labeller) });
  } catch (error) {
    // Only the kind of error crosses over: a message might quote content.
    const { name, stack } = error as Error;
    parentPort?.postMessage({ id, failure: `${name} ${stack?.split('\n')[1]?.trim() ?? ''}` });
  }
});
