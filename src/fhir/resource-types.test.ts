import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isResourceType, RESOURCE_TYPE_NUMBERS, RESOURCE_TYPES, rtOf, typeOf } from './resource-types.ts';

describe('resource type numbers', () => {
  test('the numbers of the 146 types of R4 stay what they were on the first day: rows in databases carry them', () => {
    const text = Object.entries(RESOURCE_TYPE_NUMBERS)
      .map(([type, number]) => `${type}=${number}`)
      .sort()
      .join(',');
    expect(RESOURCE_TYPES).toHaveLength(146);
    expect(createHash('sha256').update(text).digest('hex').slice(0, 16)).toBe('5d04faadb7dc5ad2');
  });

  test('no number is used twice, and each fits a smallint', () => {
    const numbers = Object.values(RESOURCE_TYPE_NUMBERS);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.every((number) => number > 0 && number < 32_768)).toBe(true);
  });

  test('number of type and type of number are inverse', () => {
    for (const type of RESOURCE_TYPES) expect(typeOf(rtOf(type))).toBe(type);
  });

  test('names that are no R4 type have no number: abstract types, later types, other case, members of Object', () => {
    for (const name of ['DomainResource', 'SubscriptionStatus', 'patient', 'constructor', '__proto__', '', 7, null]) {
      expect(isResourceType(name)).toBe(false);
    }
    expect(() => rtOf('toString')).toThrow(RangeError);
    expect(() => typeOf(0)).toThrow(RangeError);
  });
});
