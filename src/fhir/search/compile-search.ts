import type { Found } from './compile-expression.ts';
import { matchDate, matchNumber, matchQuantity } from './match-ranges.ts';
import { matchIdentifier, matchReference, matchString, matchText, matchToken, matchUri } from './match-words.ts';
import type { Criterion, SearchQuery, ValueTest } from './search-query.ts';

/** Decides one parsed resource of the query's type. */
export type ResourcePredicate = (resource: Readonly<Record<string, unknown>>) => boolean;

type Matches = (found: Found) => boolean;

/**
 * Compiles a query to a closure.
 *
 * @param now what `ap` of a date is near to; the same moment gives the same answer
 */
export function compileSearch(query: SearchQuery, now: Date): ResourcePredicate {
  const tests = query.criteria.map((criterion) => compileCriterion(criterion, now));
  return (resource) => resource.resourceType === query.type && tests.every((test) => test(resource));
}

function compileCriterion(criterion: Criterion, now: Date): ResourcePredicate {
  switch (criterion.kind) {
    case 'missing': {
      const { parameter, missing } = criterion;
      return (resource) => isMissing(parameter, resource) === missing;
    }
    case 'value': {
      const { parameter, negated } = criterion;
      const matches = compileTest(criterion.test, now);
      return (resource) => valuesOf(parameter, resource).some(matches) !== negated;
    }
    case 'composite': {
      const { parameter } = criterion;
      const values = criterion.values.map((parts) => parts.map((part) => compileTest(part, now)));
      return (resource) =>
        parameter
          .extractParts(resource)
          .some((parts) => values.some((tests) => tests.every((test, i) => parts[i]!.some(test))));
    }
    default:
      return criterion satisfies never;
  }
}

function valuesOf(
  parameter: Extract<Criterion, { kind: 'value' }>['parameter'],
  resource: Readonly<Record<string, unknown>>,
): readonly Found[] {
  const found: Found[] = [];
  parameter.extract(resource, found);
  return found;
}

/** A composite is missing where no element has all its parts. */
function isMissing(
  parameter: Extract<Criterion, { kind: 'missing' }>['parameter'],
  resource: Readonly<Record<string, unknown>>,
): boolean {
  return parameter.type === 'composite'
    ? !parameter.extractParts(resource).some((parts) => parts.every((found) => found.length > 0))
    : valuesOf(parameter, resource).length === 0;
}

function compileTest(test: ValueTest, now: Date): Matches {
  switch (test.kind) {
    case 'token':
      return anyOf(test.values.map(matchToken));
    case 'text':
      return anyOf(test.values.map(matchText));
    case 'reference':
      return anyOf(test.values.map(matchReference));
    case 'identifier':
      return anyOf(test.values.map(matchIdentifier));
    case 'date':
      return anyOf(test.values.map((value) => matchDate(value, now)));
    case 'number':
      return anyOf(test.values.map(matchNumber));
    case 'quantity':
      return anyOf(test.values.map(matchQuantity));
    case 'string':
      return anyOf(test.values.map((value) => matchString(value, test.match)));
    case 'uri':
      return anyOf(test.values.map(matchUri));
    default:
      return test satisfies never;
  }
}

function anyOf(tests: readonly Matches[]): Matches {
  const [only] = tests;
  return tests.length === 1 && only ? only : (found) => tests.some((test) => test(found));
}
