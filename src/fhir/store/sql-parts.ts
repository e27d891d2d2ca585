/** Gathers the values of one statement while its text is put together. */
export interface SqlValues {
  /** Takes a value and gives the placeholder for it. */
  add(value: unknown, type?: string): string;
  readonly list: readonly unknown[];
}

export function sqlValues(): SqlValues {
  const list: unknown[] = [];
  return {
    list,
    add(value, type) {
      list.push(value);
      return `$${list.length}${type === undefined ? '' : `::${type}`}`;
    },
  };
}
