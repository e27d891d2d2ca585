import { eachMember, elementsOf, isArray, isObject } from './json-text.ts';
import { withoutMoney } from './without-money.ts';

/** What happens to one value: a text that stands for it, or undefined when it goes. */
export type Rewrite = (value: string) => string | undefined;

/** The keys of one level that are kept. What is not named here goes: an allow-list (payer-to-payer.md 6.3). */
export type Rule = Readonly<Record<string, Rewrite>>;

/** Kept as it is, but for money in extensions and Quantities inside. */
export const keep: Rewrite = withoutMoney;

/** Rewrites an object by a rule. A primitive's companion (`_status`) is kept where the primitive may be. */
export function objectBy(rule: Rule): Rewrite {
  return (value) => {
    if (!isObject(value)) return undefined;
    let kept = '';
    eachMember(value, 0, (key, member) => {
      const rewrite = Object.hasOwn(rule, key)
        ? rule[key]
        : key.startsWith('_') && rule[key.slice(1)] === keep
          ? keep
          : undefined;
      const rewritten = rewrite?.(member);
      if (rewritten !== undefined) kept += `${kept === '' ? '' : ','}"${key}":${rewritten}`;
    });
    return kept === '' ? undefined : `{${kept}}`;
  };
}

/** Rewrites each element of an array; the array goes with its last element. */
export function eachBy(rewrite: Rewrite): Rewrite {
  return (value) => {
    if (!isArray(value)) return undefined;
    const kept = elementsOf(value).flatMap((element) => rewrite(element) ?? []);
    return kept.length === 0 ? undefined : `[${kept.join(',')}]`;
  };
}

/** A rule in which every named key is kept as it is. */
export function keepAll(...keys: readonly string[]): Rule {
  return Object.fromEntries(keys.map((key) => [key, keep]));
}
