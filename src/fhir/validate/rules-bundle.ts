import { each, has, hasChoice, must, type Rule } from './rule.ts';
import { type Fields, isObject, type Run } from './run.ts';

const WITH_REQUESTS = ['batch', 'transaction', 'history'];
const WITH_RESPONSES = ['batch-response', 'transaction-response', 'history'];
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** RFC 5988 link relations that a Bundle can have once only. */
const ONCE = ['self', 'first', 'previous', 'prev', 'next', 'last'];

/** Invariants of Bundle and Parameters: https://hl7.org/fhir/R4/bundle.html#invs, .../parameters.html#invs */
export const bundleRules: Readonly<Record<string, readonly Rule[]>> = {
  Bundle: [
    must(
      'bdl-1',
      'must have a total only as searchset or history',
      (b) => !has(b, 'total') || b.type === 'searchset' || b.type === 'history',
    ),
    must(
      'bdl-9',
      'must have an identifier with system and value as a document',
      (b) =>
        b.type !== 'document' || (isObject(b.identifier) && has(b.identifier, 'system') && has(b.identifier, 'value')),
    ),
    must(
      'bdl-10',
      'must have a timestamp as a document',
      (b) => b.type !== 'document' || typeof b.timestamp === 'string',
    ),
    must(
      'bdl-11',
      'must begin with a Composition as a document',
      (b) => b.type !== 'document' || firstTypeOf(b) === 'Composition',
    ),
    must(
      'bdl-12',
      'must begin with a MessageHeader as a message',
      (b) => b.type !== 'message' || firstTypeOf(b) === 'MessageHeader',
    ),
    must('links', 'must not repeat a paging link', (b) => hasEachLinkOnce(b.link)),
    checkEntries,
  ],
  'Bundle.entry': [
    must(
      'bdl-5',
      'must have a resource, a request or a response',
      (e) => has(e, 'resource') || has(e, 'request') || has(e, 'response'),
    ),
    must(
      'bdl-8',
      'must not have a version in its fullUrl',
      (e) => typeof e.fullUrl !== 'string' || !e.fullUrl.includes('/_history/'),
    ),
    must('fullUrl', 'must have an absolute fullUrl', (e) => typeof e.fullUrl !== 'string' || ABSOLUTE.test(e.fullUrl)),
  ],
  'Parameters.parameter': [must('inv-1', 'must have one of value, resource and part', hasOneContent)],
};

function checkEntries(bundle: Fields, run: Run): void {
  const type = bundle.type as string;
  const fullUrls = new Set<string>();
  each(bundle.entry).forEach((entry, index) => {
    const refuse = (message: string): void => run.add('invariant', message, `.entry[${index}]`);
    if (has(entry, 'search') && type !== 'searchset') refuse('must have search only in a searchset (bdl-2)');
    if (has(entry, 'request') !== WITH_REQUESTS.includes(type))
      refuse('must have a request in batch, transaction and history, and only there (bdl-3)');
    if (has(entry, 'response') !== WITH_RESPONSES.includes(type))
      refuse('must have a response in answers and history, and only there (bdl-4)');
    if (type === 'searchset' && isResult(entry) && typeof (entry.resource as Fields).id !== 'string') {
      refuse('must have an id as a search result');
    }
    if (type === 'history' || typeof entry.fullUrl !== 'string') return;
    const version =
      isObject(entry.resource) && isObject(entry.resource.meta) ? entry.resource.meta.versionId : undefined;
    const key = `${entry.fullUrl} ${version ?? ''}`;
    if (fullUrls.has(key)) refuse('must not share fullUrl and version with another entry (bdl-7)');
    fullUrls.add(key);
  });
}

/** An outcome that rides along with the results needs no id. */
function isResult(entry: Fields): boolean {
  return isObject(entry.resource) && entry.resource.resourceType !== 'OperationOutcome';
}

function firstTypeOf(bundle: Fields): unknown {
  const resource = each(bundle.entry)[0]?.resource;
  return isObject(resource) ? resource.resourceType : undefined;
}

function hasEachLinkOnce(links: unknown): boolean {
  const relations = each(links).map((link) => link.relation as string);
  return ONCE.every((relation) => relations.filter((one) => one === relation).length <= 1);
}

function hasOneContent(parameter: Fields): boolean {
  const count =
    Number(has(parameter, 'part')) + Number(has(parameter, 'resource')) + Number(hasChoice(parameter, 'value'));
  return count === 1;
}
