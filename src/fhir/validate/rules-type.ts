import { isCertainlyAfter } from './dates.ts';
import { base64Bytes } from './primitives.ts';
import { has, hasChoice, must, type Rule } from './rule.ts';
import { isObject } from './run.ts';

const UCUM = 'http://unitsofmeasure.org';

const qty3 = must('qty-3', 'must have a system when it has a code', (q) => !has(q, 'code') || has(q, 'system'));

/** Invariants of data types: https://hl7.org/fhir/R4/datatypes.html, https://hl7.org/fhir/R4/metadatatypes.html */
export const typeRules: Readonly<Record<string, readonly Rule[]>> = {
  Extension: [
    must(
      'ext-1',
      'must have either a value or extensions, not both',
      (e) => (e.extension !== undefined) !== hasChoice(e, 'value'),
    ),
    must(
      'extensibility',
      'must name its definition without a version',
      (e) => typeof e.url !== 'string' || !e.url.includes('|'),
    ),
  ],
  Quantity: [qty3],
  Age: [
    qty3,
    must(
      'age-1',
      'must have a code with a value, in UCUM, above zero',
      (a) => isUcumWithCode(a) && !(Number(a.value) <= 0),
    ),
  ],
  Count: [
    qty3,
    must(
      'cnt-3',
      'must be a whole number of 1 in UCUM',
      (c) => isUcumWithCode(c) && (!has(c, 'code') || c.code === '1') && isWhole(c.value),
    ),
  ],
  Distance: [qty3, must('dis-1', 'must have a code with a value, in UCUM', isUcumWithCode)],
  Duration: [
    qty3,
    must(
      'drt-1',
      'must have a value in UCUM when it has a code',
      (d) => !has(d, 'code') || (d.system === UCUM && has(d, 'value')),
    ),
  ],
  Money: [
    // The list of currencies (ISO 4217) is not in the specification, its form is.
    must(
      'currencies',
      'must have a currency of three capital letters',
      (m) => typeof m.currency !== 'string' || /^[A-Z]{3}$/.test(m.currency),
    ),
  ],
  Attachment: [
    must('att-1', 'must have a contentType when it has data', (a) => !has(a, 'data') || has(a, 'contentType')),
    must('size', 'must state the size that its data have', hasStatedSize),
  ],
  ContactPoint: [must('cpt-2', 'must have a system when it has a value', (c) => !has(c, 'value') || has(c, 'system'))],
  Period: [
    must(
      'per-1',
      'must not start after it ends',
      ({ start, end }) => !(isText(start) && isText(end) && isCertainlyAfter(start, end)),
    ),
  ],
  Range: [must('rng-2', 'must not have a low above its high', (range) => isOrdered(range.low, range.high))],
  Ratio: [
    must(
      'rat-1',
      'must have numerator and denominator, or neither and an extension',
      (r) => has(r, 'numerator') === has(r, 'denominator') && (has(r, 'numerator') || r.extension !== undefined),
    ),
  ],
  Expression: [
    must('exp-1', 'must have an expression or a reference', (e) => has(e, 'expression') || has(e, 'reference')),
  ],
  'Timing.repeat': [
    must(
      'tim-1',
      'must have a durationUnit when it has a duration',
      (t) => !has(t, 'duration') || has(t, 'durationUnit'),
    ),
    must('tim-2', 'must have a periodUnit when it has a period', (t) => !has(t, 'period') || has(t, 'periodUnit')),
    must('tim-4', 'must not have a duration below zero', (t) => !(Number(t.duration) < 0)),
    must('tim-5', 'must not have a period below zero', (t) => !(Number(t.period) < 0)),
    must('tim-6', 'must have a period when it has a periodMax', (t) => !has(t, 'periodMax') || has(t, 'period')),
    must(
      'tim-7',
      'must have a duration when it has a durationMax',
      (t) => !has(t, 'durationMax') || has(t, 'duration'),
    ),
    must('tim-8', 'must have a count when it has a countMax', (t) => !has(t, 'countMax') || has(t, 'count')),
    must('tim-9', 'must have a fitting when when it has an offset', (t) => !has(t, 'offset') || isOffsetFrom(t.when)),
    must('tim-10', 'must not have both timeOfDay and when', (t) => !has(t, 'timeOfDay') || !has(t, 'when')),
  ],
  TriggerDefinition: [
    must('trd-1', 'must not have both data and timing', (t) => !has(t, 'data') || !hasChoice(t, 'timing')),
    must('trd-2', 'must have data when it has a condition', (t) => !has(t, 'condition') || has(t, 'data')),
  ],
  'DataRequirement.codeFilter': [
    must('drq-1', 'must have either path or searchParam', (f) => has(f, 'path') !== has(f, 'searchParam')),
  ],
  'DataRequirement.dateFilter': [
    must('drq-2', 'must have either path or searchParam', (f) => has(f, 'path') !== has(f, 'searchParam')),
  ],
};

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isUcumWithCode(quantity: Parameters<Rule>[0]): boolean {
  return (has(quantity, 'code') || !has(quantity, 'value')) && (!has(quantity, 'system') || quantity.system === UCUM);
}

function isWhole(value: unknown): boolean {
  return value === undefined || Number.isInteger(value);
}

/** Numbers of different units are not compared. */
function isOrdered(low: unknown, high: unknown): boolean {
  if (!isObject(low) || !isObject(high)) return true;
  if (low.code !== high.code || low.system !== high.system || low.unit !== high.unit) return true;
  return !(typeof low.value === 'number' && typeof high.value === 'number' && low.value > high.value);
}

function isOffsetFrom(when: unknown): boolean {
  return Array.isArray(when) && !when.some((code) => ['C', 'CM', 'CD', 'CV'].includes(code));
}

function hasStatedSize(attachment: Parameters<Rule>[0]): boolean {
  if (typeof attachment.data !== 'string' || typeof attachment.size !== 'number') return true;
  const bytes = base64Bytes(attachment.data);
  return bytes === undefined || bytes === attachment.size;
}
