import { type Day, isoTime } from './calendar.ts';

/** A FHIR resource as plain data. The generator writes fresh literals; nothing changes one after it was made. */
export interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

export interface Coding {
  readonly system: string;
  readonly code: string;
}

export interface CodeableConcept {
  readonly coding?: readonly Coding[];
  readonly text?: string;
}

export interface Reference {
  readonly reference: string;
  readonly display?: string;
}

export interface Period {
  readonly start: string;
  readonly end?: string;
}

export interface Meta {
  readonly lastUpdated: string;
  readonly profile: readonly string[];
  readonly security?: readonly Coding[];
}

/**
 * A code without display: displays of licensed code systems must not be shipped, and a display in other words than
 * the system's own is an error, so our own words go into `text` (patient-access.md 5.1).
 */
export function concept(system: string, code: string, text?: string): CodeableConcept {
  return text === undefined ? { coding: [{ system, code }] } : { coding: [{ system, code }], text };
}

/** Amounts are counted in whole cents so that sums are exact. */
export type Cents = number;

export const money = (cents: Cents): { value: number; currency: 'USD' } => ({ value: cents / 100, currency: 'USD' });

export const reference = (resource: Resource): Reference => ({
  reference: `${resource.resourceType}/${resource.id}`,
});

/** UCUM quantity; `unit` is what a person reads, by default the code. */
export const quantity = (value: number, code: string, unit: string = code) => ({
  value,
  unit,
  system: 'http://unitsofmeasure.org',
  code,
});

/** `lastUpdated` is the source system's own time: noon of `day`, never after `asOf`. */
export function meta(profile: readonly string[], day: Day, asOf: Day): Meta {
  return { lastUpdated: day < asOf ? isoTime(day, 720) : isoTime(asOf, 0), profile };
}

/** The same resource with security labels. */
export const labelled = (resource: Resource, security: readonly Coding[]): Resource => ({
  ...resource,
  meta: { ...(resource.meta as Meta), security },
});
