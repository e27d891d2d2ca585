/** One step of a discriminator's path (the restricted FHIRPath of R4, ElementDefinition.slicing). */
export type Step =
  | { readonly kind: 'child'; readonly name: string }
  | { readonly kind: 'extension'; readonly url: string }
  | { readonly kind: 'ofType'; readonly type: string }
  | { readonly kind: 'resolve' };

const known = new Map<string, readonly Step[] | undefined>();

/** `type.coding`, `extension('url').value`, `resolve().code`, `$this`; undefined for what it may not be. */
export function stepsOf(path: string): readonly Step[] | undefined {
  if (!known.has(path)) known.set(path, parse(path));
  return known.get(path);
}

function parse(path: string): Step[] | undefined {
  const steps: Step[] = [];
  const token =
    /(?:^|\.)(?:(\$this)|extension\('([^']+)'\)|ofType\(([A-Za-z]+)\)|(resolve)\(\)|([A-Za-z][A-Za-z0-9]*)(?![A-Za-z0-9(]))/y;
  while (token.lastIndex < path.length) {
    const match = token.exec(path);
    if (!match) return undefined;
    const [, self, url, type, resolve, name] = match;
    if (url !== undefined) steps.push({ kind: 'extension', url });
    else if (type !== undefined) steps.push({ kind: 'ofType', type });
    else if (resolve !== undefined) steps.push({ kind: 'resolve' });
    else if (name !== undefined) steps.push({ kind: 'child', name });
    else if (self === undefined) return undefined;
  }
  return steps;
}
