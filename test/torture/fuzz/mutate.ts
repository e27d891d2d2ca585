import type { Rng } from '../../../src/sandbox/generate/rng.ts';
import { type Hostile, hostileValue } from './hostile.ts';

const MUTATIONS_MAX = 4;
const ODD_BYTES: readonly Buffer[] = [
  Buffer.from([0x00]),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xef, 0xbb, 0xbf]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from('\\u0000'),
  Buffer.from('\\ud800'),
  Buffer.from('"'),
  Buffer.from('}'),
  Buffer.from(',,'),
  Buffer.from('1e99999'),
];

/** A copy of a document with one to four things wrong in it. */
export function mutateJson(rng: Rng, document: unknown, hostile: Hostile): unknown {
  const copy = { root: structuredClone(document) };
  for (let i = rng.int(1, MUTATIONS_MAX); i > 0; i--) mutateOnce(rng, copy, hostile);
  return copy.root;
}

type Holder = Record<string, unknown>;

function mutateOnce(rng: Rng, root: Holder, { strings }: Hostile): void {
  const [holder, key] = rng.pick(placesOf(root));
  const value = holder[key];
  switch (rng.int(0, 6)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (holder !== root) delete holder[key];
      break;
    case 1:
      holder[key] = [value];
      break;
    case 2:
      if (Array.isArray(value)) value.push(value[0]);
      else holder[key] = hostileValue(rng, strings);
      break;
    case 3:
      if (value !== null && typeof value === 'object' && !Array.isArray(value))
        (value as Holder)[rng.pick(['', '_id', 'extension', 'contained', 'resourceType', 'id', rng.pick(strings)])] =
          hostileValue(rng, strings);
      else holder[key] = hostileValue(rng, strings);
      break;
    default:
      holder[key] = hostileValue(rng, strings);
  }
}

/** Every place of a document: what holds it, and its key there. Deep ones are left alone. */
function placesOf(root: Holder): readonly (readonly [Holder, string])[] {
  const places: [Holder, string][] = [];
  const walk = (holder: Holder, depth: number): void => {
    for (const [key, value] of Object.entries(holder)) {
      places.push([holder, key]);
      if (value !== null && typeof value === 'object' && depth < 12 && places.length < 500)
        walk(value as Holder, depth + 1);
    }
  };
  walk(root, 0);
  return places;
}

/** Bytes that were cut, doubled, turned over or got something put in. */
export function mutateBytes(rng: Rng, bytes: Buffer): Buffer {
  const at = rng.int(0, bytes.length);
  const rest = bytes.subarray(at);
  switch (rng.int(0, 4)) {
    case 0:
      return Buffer.from(bytes.subarray(0, at));
    case 1:
      return Buffer.concat([bytes.subarray(0, at), rng.pick(ODD_BYTES), rest]);
    case 2:
      return Buffer.concat([bytes, bytes.subarray(0, at)]);
    case 3: {
      const turned = Buffer.from(bytes);
      for (let i = rng.int(1, 8); i > 0 && turned.length > 0; i--)
        turned[rng.int(0, turned.length - 1)]! ^= 1 << rng.int(0, 7);
      return turned;
    }
    default:
      return Buffer.concat([bytes.subarray(0, at), rest.subarray(rng.int(0, rest.length))]);
  }
}
