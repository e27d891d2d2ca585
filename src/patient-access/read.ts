import { namesShared, readNamedShared } from '#/fhir/store/named-shared.ts';
import { SHARED_TYPES } from '#/fhir/store/owner.ts';
import { type ReachedResource, readReached, readVersions, type StoredVersion } from '#/fhir/store/read-reached.ts';
import { type Caller, mayRead } from './caller.ts';
import { isWithheld } from './includes.ts';
import { gone, notFound, outOfScope } from './refusals.ts';

/** Versions that one history shows; older ones are read by their number. */
export const HISTORY_MAX = 100;
const ID = /^[A-Za-z0-9.-]{1,64}$/;
const VERSION = /^[1-9]\d{0,8}$/;

/**
 * The resource as it is now.
 *
 * @throws FhirRefusal 403 for a type or a kind out of the scopes; 404 for what is not there, is another member's or is withheld
 *   (all alike); 410 for what was deleted and could have been seen
 */
export async function readCurrent(caller: Caller, type: string, id: string): Promise<ReachedResource> {
  const isSelf = isFhirUser(caller, type, id);
  if (!isSelf) requireType(caller, type);
  if (!ID.test(id) || !(await isNamed(caller, type, id))) throw notFound();
  const found = await readReached(caller.db, caller.read, type, id);
  if (!found || found.withheld) throw notFound();
  if (found.deleted) throw await afterDeletion(caller, type, id);
  if (isWithheld(caller, found)) throw notFound();
  if (!found.permitted && !isSelf) throw outOfScope('The token does not permit this kind of resource.');
  return found;
}

/**
 * One version of a resource that the caller may read now; what an older version said is judged by itself, too.
 *
 * @throws FhirRefusal as `readCurrent`; 404 for a version that is not kept
 */
export async function readVersion(caller: Caller, type: string, id: string, version: string): Promise<StoredVersion> {
  await readOrGone(caller, type, id);
  if (!VERSION.test(version)) throw notFound();
  const [found] = await readVersions(caller.db, caller.read.patientId, type, id, 1, Number(version));
  if (!found) throw notFound();
  if (found.deleted) throw gone();
  if (!isFhirUser(caller, type, id) && !mayRead(caller, type, JSON.parse(found.content))) throw notFound();
  return found;
}

/** The versions of a resource, newest first; those that the caller may not see are left out. */
export async function readHistory(caller: Caller, type: string, id: string): Promise<readonly StoredVersion[]> {
  await readOrGone(caller, type, id);
  const versions = await readVersions(caller.db, caller.read.patientId, type, id, HISTORY_MAX);
  const isSelf = isFhirUser(caller, type, id);
  return versions.filter(({ deleted, content }) => deleted || isSelf || mayRead(caller, type, JSON.parse(content)));
}

/** The history of what was deleted may be read. */
async function readOrGone(caller: Caller, type: string, id: string): Promise<void> {
  try {
    await readCurrent(caller, type, id);
  } catch (error) {
    if ((error as { status?: number }).status !== 410) throw error;
  }
}

/** @throws FhirRefusal 403 */
export function requireType(caller: Caller, type: string, reach = caller.read): void {
  if (reach.of(type).kind === 'none') throw outOfScope();
}

/** Deleted resources say no more what they were: their last text tells whether the caller could have seen them. */
async function afterDeletion(caller: Caller, type: string, id: string): Promise<Error> {
  const versions = await readVersions(caller.db, caller.read.patientId, type, id, 2);
  const last = versions.find(({ deleted }) => !deleted);
  return last && mayRead(caller, type, JSON.parse(last.content)) ? gone() : notFound();
}

async function isNamed(caller: Caller, type: string, id: string): Promise<boolean> {
  if (!SHARED_TYPES.has(type)) return true;
  const { db, types } = caller;
  for (const reach of [caller.read, caller.search]) if (await namesShared(db, reach, types, { type, id })) return true;
  const named = await readNamedShared(db, caller.read, types);
  return named.get(type)?.has(id) === true;
}

/** Who signed in can be read with any scope (SMART App Launch, `fhirUser`). */
function isFhirUser({ access }: Caller, type: string, id: string): boolean {
  return access.fhirUser.endsWith(`/${type}/${id}`);
}
