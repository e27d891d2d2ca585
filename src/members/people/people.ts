import { type Json, objectsIn, textIn } from '#/fhir/loose-json.ts';
import { rtOf } from '#/fhir/resource-types.ts';
import { readMemberResource, readMemberResources } from '#/fhir/store/read-resources.ts';
import type { TenantDatabase } from '#/platform/db/database.ts';
import { selectRepresented } from './representative-store.ts';

/** A member as a page names him or her. */
export interface Person {
  readonly patientId: string;
  /** First name and last name. */
  readonly name: string;
  /** `yyyy-mm-dd`, or what is known of it; '' when nothing is. */
  readonly birthDate: string;
  /** The RelatedPerson that the one who signed in is to this member; undefined: it is he or she. */
  readonly relatedPersonId: string | undefined;
}

/** A person has a handful of coverages; more than so many are no person’s. */
const COVERAGES_MAX = 200;

/** The person who signed in, first, and those for whom the plan has recorded that he or she may act. */
export async function peopleOf(
  db: TenantDatabase,
  account: { readonly umb: string; readonly patientId: string },
): Promise<readonly Person[]> {
  const represented = await selectRepresented(db, account.umb);
  const wanted = [{ patientId: account.patientId, relatedPersonId: undefined }, ...represented];
  const people = await Promise.all(wanted.map((row) => readPerson(db, row)));
  return people.filter((person) => person !== undefined);
}

/** Undefined when the plan has no such member any more. */
export async function readPerson(
  db: TenantDatabase,
  { patientId, relatedPersonId }: { readonly patientId: string; readonly relatedPersonId: string | undefined },
): Promise<Person | undefined> {
  const patient = await readMemberResource(db, patientId, rtOf('Patient'), patientId);
  if (!patient || patient.deleted) return undefined;
  const json = JSON.parse(patient.content) as Json;
  return { patientId, relatedPersonId, name: nameOf(json), birthDate: textIn(json.birthDate) ?? '' };
}

/**
 * Has the person a coverage on a day? In doubt he or she has: a coverage without an end goes on, and a plan that sends no
 * coverages is not to keep its members out.
 *
 * @param day `yyyy-mm-dd`
 */
export async function isMemberOn(db: TenantDatabase, patientId: string, day: string): Promise<boolean> {
  const stored = await readMemberResources(db, patientId, rtOf('Coverage'), COVERAGES_MAX);
  const coverages = stored.map(({ content }) => JSON.parse(content) as Json);
  if (coverages.length === 0) return true;
  return coverages.some((coverage) => {
    if (coverage.status === 'cancelled' || coverage.status === 'entered-in-error') return false;
    const end = textIn((coverage.period as Json | undefined)?.end);
    // A year or a month alone lasts to its end.
    return end === undefined || end.slice(0, day.length) >= day.slice(0, end.length);
  });
}

/** Whole years from a birth date to a day; undefined when the birth date is not known to the day. */
export function ageOn(birthDate: string, day: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(birthDate)) return undefined;
  const years = Number(day.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return day.slice(5) < birthDate.slice(5) ? years - 1 : years;
}

function nameOf(patient: Json): string {
  const names = objectsIn(patient.name);
  const name = names.find(({ use }) => use === 'official') ?? names.find(({ use }) => use === 'usual') ?? names[0];
  if (!name) return '';
  const given = Array.isArray(name.given) ? (textIn(name.given[0]) ?? '') : '';
  const whole = [given, textIn(name.family) ?? ''].filter((part) => part !== '').join(' ');
  return whole === '' ? (textIn(name.text) ?? '') : whole;
}
