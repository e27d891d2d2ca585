import type { Day } from './calendar.ts';
import { ETHNICITIES, FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES, PLACES, RACES, STREETS } from './catalogue/names.ts';
import type { Person } from './person.ts';
import type { Rng } from './rng.ts';

/** `n` in 100 says how often a row is drawn. */
function weighted<T extends readonly [string, string, number]>(
  rng: Rng,
  rows: readonly T[],
): readonly [string, string] {
  let left = rng.int(1, 100);
  for (const [code, text, share] of rows) {
    left -= share;
    if (left <= 0) return [code, text];
  }
  throw new Error('the shares of the rows are less than 100');
}

/**
 * A household with one subscriber: alone, a couple, or a family. At most `room` members.
 *
 * @param idOf the id of the n-th member of the household, from 0
 */
export function drawHousehold(rng: Rng, idOf: (index: number) => string, room: number, today: Day): Person[] {
  const size = Math.min(room, rng.pick([1, 1, 1, 2, 2, 3, 4, 5]));
  const subscriberAge = size > 2 ? rng.int(27, 54) : rng.int(22, 88);
  const [city, state, postalCode] = rng.pick(PLACES);
  const address = { line: [`${rng.int(1, 900)} ${rng.pick(STREETS)}`], city, state, postalCode, country: 'US' };
  const family = rng.pick(FAMILY_NAMES);
  const race = weighted(rng, RACES);
  const ethnicity = weighted(rng, ETHNICITIES);
  const subscriberId = rng.digits(9);
  const persons: Person[] = [];
  for (let index = 0; index < size; index++) {
    const relationship = index === 0 ? 'self' : index === 1 && size !== 3 ? 'spouse' : 'child';
    const gender = relationship === 'spouse' ? opposite(persons[0]!.gender) : rng.chance(0.5) ? 'female' : 'male';
    const age =
      relationship === 'self'
        ? subscriberAge
        : relationship === 'spouse'
          ? subscriberAge + rng.int(-4, 4)
          : rng.int(0, Math.min(20, subscriberAge - 20));
    const given = [rng.pick(gender === 'female' ? FEMALE_NAMES : MALE_NAMES)];
    const dependent = String(index + 1).padStart(2, '0');
    persons.push({
      id: idOf(index),
      given,
      family,
      birth: today - age * 365 - Math.floor(age / 4) - rng.int(60, 364),
      gender,
      race,
      ethnicity,
      address,
      phone: `617-555-01${rng.digits(2)}`,
      memberId: `${subscriberId}${dependent}`,
      subscriberId,
      relationship,
      dependent,
      subscriberName: index === 0 ? { given, family } : { given: persons[0]!.given, family: persons[0]!.family },
    });
  }
  return persons;
}

const opposite = (gender: Person['gender']): Person['gender'] => (gender === 'female' ? 'male' : 'female');
