import { isDate, isDateTime, isInstant, isTime } from './dates.ts';
import type { Check } from './run.ts';

/** Forms of FHIR R4 primitives: https://hl7.org/fhir/R4/datatypes.html#primitive */
const CODE = /^[^\s]+(?:\s[^\s]+)*$/;
const ID = /^[A-Za-z0-9.-]{1,64}$/;
const URI = /^\S+$/;
const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const UUID = /^urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
/**
 * Characters below 32 are not allowed "except for u0009 (horizontal tab), u0010 (carriage return) and u0013 (line
 * feed)", says R4 (datatypes.html#string). It meant 10 and 13 decimal; both readings are let through, as the common
 * test suite of validators does.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about them
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e\u000f\u0011\u0012\u0014-\u001f]/;

const INTEGER_MIN = -2_147_483_648;
const INTEGER_MAX = 2_147_483_647;

/** Checks of a present value, by primitive type; a JSON null and the `_` sibling are the caller's. */
export const PRIMITIVES: Readonly<Record<string, Check>> = {
  boolean: (value, run) => {
    if (typeof value !== 'boolean') run.add('value', 'must be true or false');
  },
  integer: wholeNumber(INTEGER_MIN, 'must be a whole number of 32 bits'),
  unsignedInt: wholeNumber(0, 'must be a whole number from 0 to 2147483647'),
  positiveInt: wholeNumber(1, 'must be a whole number from 1 to 2147483647'),
  decimal: (value, run) => {
    if (typeof value !== 'number') run.add('value', 'must be a number');
    else if (!Number.isFinite(value)) run.add('value', 'is a number too large to be kept');
  },
  string: (value, run) => {
    checkString(value, run);
  },
  markdown: (value, run) => {
    checkString(value, run);
  },
  code: (value, run) => {
    if (checkString(value, run) && !CODE.test(value as string)) {
      run.add('value', 'must be a code: no space at the ends, none doubled');
    }
  },
  id: (value, run) => {
    if (checkString(value, run) && !ID.test(value as string)) {
      run.add('value', 'must be an id: 1 to 64 letters, digits, hyphens and dots');
    }
  },
  uri: uri(),
  url: uri(),
  canonical: uri(),
  oid: uri(OID, 'must be an OID as urn:oid:...'),
  uuid: uri(UUID, 'must be a UUID as urn:uuid:...'),
  date: form(isDate, 'must be a date: YYYY, YYYY-MM or YYYY-MM-DD, of a day that exists'),
  dateTime: form(isDateTime, 'must be a date, or a date and a time with seconds and a time zone, of a day that exists'),
  instant: form(isInstant, 'must be a date and a time with seconds and a time zone, of a day that exists'),
  time: form(isTime, 'must be a time: hh:mm:ss'),
  base64Binary: (value, run) => {
    if (checkString(value, run) && base64Bytes(value as string) === undefined) run.add('value', 'must be base64');
  },
};

/** Any string of FHIR: not empty, no control characters. */
function checkString(value: unknown, run: Parameters<Check>[1]): boolean {
  if (typeof value !== 'string') {
    run.add('structure', 'must be a JSON string');
    return false;
  }
  if (value === '') {
    run.add('value', 'must not be empty (ele-1)');
    return false;
  }
  if (CONTROL.test(value)) {
    run.add('value', 'must not hold control characters');
    return false;
  }
  return true;
}

function wholeNumber(min: number, message: string): Check {
  return (value, run) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > INTEGER_MAX) {
      run.add('value', message);
    }
  };
}

function form(isForm: (text: string) => boolean, message: string): Check {
  return (value, run) => {
    if (typeof value !== 'string') run.add('structure', 'must be a JSON string');
    else if (!isForm(value)) run.add('value', message);
  };
}

/** Addresses hold no white space; those that say they are OIDs or UUIDs have their form. `#id` points inside (dom-3). */
function uri(only?: RegExp, message = ''): Check {
  return (value, run) => {
    if (typeof value !== 'string') {
      run.add('structure', 'must be a JSON string');
      return;
    }
    if (!URI.test(value)) {
      run.add('value', 'must be an address without white space');
      return;
    }
    if (only && !only.test(value)) {
      run.add('value', message);
      return;
    }
    const first = value.charCodeAt(0);
    if (first === 35 /* # */) run.fragments.push(value);
    else if (first === 117 /* u */ && value.startsWith('urn:')) {
      if (value.startsWith('urn:uuid:') && !UUID.test(value)) run.add('value', 'must be a UUID as urn:uuid:...');
      else if (value.startsWith('urn:oid:') && !OID.test(value)) run.add('value', 'must be an OID as urn:oid:...');
    }
  };
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const SPACE = /\s+/g;

/** How many bytes a base64 text stands for, or undefined when it is none. White space between is allowed (R4). */
export function base64Bytes(text: string): number | undefined {
  const packed = /\s/.test(text) ? text.replace(SPACE, '') : text;
  if (packed.length % 4 !== 0 || !BASE64.test(packed)) return undefined;
  const padding = packed.endsWith('==') ? 2 : packed.endsWith('=') ? 1 : 0;
  return (packed.length / 4) * 3 - padding;
}
