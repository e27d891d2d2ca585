/** `fixed[x]`: the same, whole and in the same order; only the order of keys does not matter. */
export function isEqual(value: unknown, fixed: unknown): boolean {
  if (Array.isArray(fixed))
    return (
      Array.isArray(value) && value.length === fixed.length && fixed.every((each, index) => isEqual(value[index], each))
    );
  if (typeof fixed !== 'object' || fixed === null) return value === fixed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(fixed);
  return (
    keys.length === Object.keys(value).length &&
    keys.every((key) => isEqual((value as Record<string, unknown>)[key], (fixed as Record<string, unknown>)[key]))
  );
}

/** `pattern[x]`: what the pattern says is there; objects and lists may have more (R4, ElementDefinition.pattern[x]). */
export function hasPattern(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern))
    return pattern.every((each) => Array.isArray(value) && value.some((one) => hasPattern(one, each)));
  if (typeof pattern !== 'object' || pattern === null) return value === pattern;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern).every(([key, each]) => hasPattern((value as Record<string, unknown>)[key], each));
}
