import { isAt, type Outline } from './json-outline.ts';
import { mayHoldMoney, withoutMoney } from './money-values.ts';
import { eachPart, type Rewrite } from './rewriting.ts';

export type { Rewrite } from './rewriting.ts';

const UNDERSCORE = 0x5f;

/** The keys of one level that are kept. What is not named here goes: an allow-list (payer-to-payer.md 6.3). */
export type Rule = Readonly<Record<string, Rewrite>>;

/** Kept as it is, but for money in extensions and Quantities inside. */
export const keep: Rewrite = (rewriting, node) => !mayHoldMoney(rewriting, node) || withoutMoney(rewriting, node);

export const drop: Rewrite = () => false;

/** A rule in which every named key is kept. */
export function keepAll(...keys: readonly string[]): Rule {
  return Object.fromEntries(keys.map((key) => [key, keep]));
}

/** Rewrites an object by a rule; it goes with its last member. A primitive's companion (`_status`) is kept where the primitive is. */
export function objectBy(rule: Rule): Rewrite {
  const find = compileRule(rule);
  const stays: Rewrite = (rewriting, member) => find(rewriting.line, member)(rewriting, member);
  return (rewriting, node) => rewriting.line.isObject(node) && eachPart(rewriting, node, stays);
}

/** Rewrites each element of an array; the array goes with its last element. */
export function eachBy(rewrite: Rewrite): Rewrite {
  return (rewriting, node) => rewriting.line.isArray(node) && eachPart(rewriting, node, rewrite);
}

interface Entry {
  readonly key: string;
  readonly rewrite: Rewrite;
}

/** What a rule says about a member; `drop` for what it does not name. */
export type FindRewrite = (line: Outline, member: number) => Rewrite;

/** Finds a key by its length and its ends before comparing it: no text has to be made of it. */
export function compileRule(rule: Rule): FindRewrite {
  const byShape = new Map<number, Entry[]>();
  for (const [key, rewrite] of Object.entries(rule)) {
    const shape = shapeOf(Buffer.from(key), 0, key.length);
    byShape.set(shape, [...(byShape.get(shape) ?? []), { key, rewrite }]);
  }
  const find = (bytes: Buffer, from: number, length: number): Rewrite | undefined => {
    const entries = byShape.get(shapeOf(bytes, from, length));
    if (entries === undefined) return undefined;
    for (const entry of entries) if (isAt(bytes, from, entry.key)) return entry.rewrite;
    return undefined;
  };
  return (line, member) => {
    const { bytes } = line;
    const from = line.key[member]! + 1;
    const length = line.keyLength(member);
    const rewrite = find(bytes, from, length);
    if (rewrite !== undefined || bytes[from] !== UNDERSCORE) return rewrite ?? drop;
    return find(bytes, from + 1, length - 1) === keep ? keep : drop;
  };
}

const shapeOf = (bytes: Buffer, from: number, length: number): number =>
  (length << 16) ^ ((bytes[from] ?? 0) << 8) ^ (bytes[from + length - 1] ?? 0);
