import { readdirSync, readFileSync } from 'node:fs';
import { canonicalise } from '#/fhir/canonical/canonicalise.ts';
import { rtOf } from '#/fhir/resource-types.ts';
import { mergeBatch } from '#/fhir/store/merge.ts';
import { type PreparedResource, prepareResource } from '#/fhir/store/prepare.ts';
import type { Json } from './brute-search.ts';
import { generatedWorlds } from './generated.ts';
import type { TestPlatform } from './platform.ts';
import { sharedData, sharedDataPresent } from './shared-data.ts';

/** Of real data, at most this many of a type from one folder. */
const OF_A_TYPE_MAX = 15;
const NOT_FOR_APPS = new Set(['Bundle', 'Patient', 'Parameters', 'CapabilityStatement', 'OperationOutcome', 'Binary']);

/** Generated data of many members. */
export const generated = (): Json[] =>
  generatedWorlds(5).drawn!.filter(({ resourceType }) => resourceType !== 'Patient');

/** Examples of the guides and a published bulk export; empty where they are missing. */
export function published(): Json[] {
  if (!sharedDataPresent) return [];
  const counts = new Map<string, number>();
  const take = (folder: string, resource: Json): boolean => {
    const key = `${folder} ${resource.resourceType}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return !NOT_FOR_APPS.has(resource.resourceType) && counts.get(key)! <= OF_A_TYPE_MAX;
  };
  const examples = ['us-core/6.1.0', 'carin-bb/2.1.0'].flatMap((folder) =>
    readdirSync(sharedData(folder))
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(sharedData(folder, file), 'utf8')) as Json)
      .filter((resource) => typeof resource.id === 'string' && take(folder, resource)),
  );
  const bulk = readdirSync(sharedData('synthea/bulk-us-core'))
    .filter((file) => file.endsWith('.ndjson') && file !== 'log.ndjson')
    .flatMap((file) =>
      readFileSync(sharedData('synthea/bulk-us-core', file), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Json)
        .filter((resource) => take('synthea', resource)),
    );
  return [...examples, ...bulk];
}

/**
 * The resources as they were one member's: every reference to a Patient is to that one, and ids begin with `prefix`, so that
 * worlds do not collide.
 */
export function ownedBy(patientId: string, prefix: string, resources: readonly Json[]): Json[] {
  const ids = new Map<string, string>();
  for (const [i, { resourceType, id }] of resources.entries())
    ids.set(`${resourceType}/${id}`, `${prefix}-${i}-${String(id).slice(0, 40)}`.slice(0, 64));
  const rewritten = (value: any): any => {
    if (Array.isArray(value)) return value.map(rewritten);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => {
        if (key !== 'reference' || typeof child !== 'string') return [key, rewritten(child)];
        const [type, id] = child.split('/');
        if (type === 'Patient') return [key, `Patient/${patientId}`];
        const known = ids.get(`${type}/${id}`);
        return [key, known === undefined ? child : `${type}/${known}`];
      }),
    );
  };
  return resources.map((resource) => ({
    ...rewritten(resource),
    id: ids.get(`${resource.resourceType}/${resource.id}`),
  }));
}

/** Stores resources as a feed does, without validation: published examples are not all valid. */
export async function storeResources(
  platform: TestPlatform,
  slug: string,
  resources: readonly Json[],
  deletes: readonly (readonly [type: string, id: string])[] = [],
): Promise<void> {
  const tenant = await platform.tenant(slug);
  const prepared = resources.map((resource) => {
    const text = canonicalise(Buffer.from(JSON.stringify(resource)));
    const one = prepareResource(JSON.parse(text), text);
    if ('refused' in one) throw new Error(`${resource.resourceType}/${resource.id}: ${one.refused}`);
    return one as PreparedResource;
  });
  const db = platform.services.database.tenant(tenant.id);
  if (deletes.length > 0)
    await db.writeTransaction((tx) =>
      mergeBatch(
        tx,
        [],
        deletes.map(([type, id]) => ({ rt: rtOf(type), id })),
      ),
    );
  // What belongs to the owner of its target comes behind its targets.
  const rounds = [prepared.filter(({ targets }) => !targets), prepared.filter(({ targets }) => targets)];
  for (const round of rounds)
    for (let i = 0; i < round.length; i += 500)
      await db.writeTransaction((tx) => mergeBatch(tx, round.slice(i, i + 500), []));
}
