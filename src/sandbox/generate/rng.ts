/**
 * Deterministic random numbers: the same key gives the same stream on every machine and in every version of Node.
 * sfc32 (a small fast counter generator, public domain), seeded by four FNV-1a hashes of the key.
 */
export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(key: string) {
    this.#a = fnv1a(key, 0x811c9dc5);
    this.#b = fnv1a(key, 0x01000193);
    this.#c = fnv1a(key, 0x9e3779b9);
    this.#counter = 1;
    for (let i = 0; i < 12; i++) this.next32();
  }

  /** 32 random bits as a number from 0. */
  next32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor((this.next32() / 4294967296) * (max - min + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next32() / 4294967296 < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }

  /** `count` different entries of the list, in the list's order. */
  some<T>(list: readonly T[], count: number): T[] {
    const chosen = new Set<number>();
    while (chosen.size < Math.min(count, list.length)) chosen.add(this.int(0, list.length - 1));
    return list.filter((_, index) => chosen.has(index));
  }

  digits(count: number): string {
    let text = '';
    while (text.length < count) text += String(this.int(0, 9));
    return text;
  }
}

/** FNV-1a over UTF-16 units with a chosen start value, finished by a mixing step so that short keys spread. */
function fnv1a(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** Four characters of [0-9a-z] that tell the ids of one seed from those of another. */
export function seedTag(seed: string): string {
  return (fnv1a(seed, 0x2545f491) >>> 0).toString(36).padStart(7, '0').slice(-4);
}
