import { isResourceType } from '../resource-types.ts';
import { type Fields, isObject, type Run } from './run.ts';

/** `Patient/123`, also with a version; https://hl7.org/fhir/R4/references.html#literal */
const LITERAL = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
/** `Practitioner?identifier=…`: stands for the one match, in transactions and feeds cut out of them. */
const CONDITIONAL = /^([A-Z][A-Za-z]+)\?\S+$/;
/** An absolute address that ends like a FHIR one: its type can be known. */
const ABSOLUTE = /^https?:\/\/\S+\/([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
/** `https:`, `urn:`, `mailto:` ... */
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/**
 * Checks `Reference.reference`: a fragment, an absolute address, `Type/id` or `Type?search`; and that the type it
 * names is one the element allows. A type inside an absolute address only counts when R4 knows it.
 *
 * @param targets allowed types, or undefined for any
 */
export function checkReference(value: unknown, targets: ReadonlySet<string> | undefined, run: Run): void {
  if (!isObject(value)) return;
  const { reference } = value;
  if (typeof reference === 'string') checkLiteral(reference, targets, run);
  const type = (value as Fields).type;
  if (targets && typeof type === 'string' && isResourceType(type) && !targets.has(type)) {
    run.add('structure', 'names a type that this reference does not allow', '.type');
  }
}

function checkLiteral(reference: string, targets: ReadonlySet<string> | undefined, run: Run): void {
  if (reference.charCodeAt(0) === 35 /* # */) {
    run.fragments.push(reference);
    if (reference.length > 1 && run.containedIds?.has(reference.slice(1)) !== true) {
      run.add('invariant', 'must name a contained resource that is there (ref-1)', '.reference');
    }
    return;
  }
  const relative = LITERAL.exec(reference) ?? CONDITIONAL.exec(reference);
  if (relative) {
    const type = relative[1]!;
    if (!isResourceType(type)) run.add('value', 'must name a resource type of R4', '.reference');
    else if (targets && !targets.has(type))
      run.add('structure', 'points at a type that is not allowed here', '.reference');
    return;
  }
  if (!SCHEME.test(reference)) {
    if (reference !== '') run.add('value', 'must be an absolute address, Type/id or #id', '.reference');
    return;
  }
  if (!targets) return;
  const type = ABSOLUTE.exec(reference)?.[1];
  if (type !== undefined && isResourceType(type) && !targets.has(type)) {
    run.add('structure', 'points at a type that is not allowed here', '.reference');
  }
}
