import { elementsOf, membersOf } from '#/fhir/bundle/json-text.ts';
import { type Category, LABEL_RULE, labelOf, RESTRICTED, type SecurityLabel } from './categories.ts';
import { compileRules, type FindCategories } from './find-categories.ts';
import type { LabelRules } from './rules.ts';

type Json = Readonly<Record<string, unknown>>;

/** A resource with the labels that the rules give it; the same objects when there is nothing to change. */
export interface Labelled {
  readonly text: string;
  readonly resource: Json;
}

export interface Labeller {
  /**
   * Labels what comes in. Labels that it carries are its source's and stay, also those that a rule of another system like
   * this one gave.
   */
  incoming(text: string, resource: Json): Labelled;
  /** Brings the labels of a stored resource up to date: ours come and go with the rules, the source's stay. */
  stored(text: string, resource: Json): Labelled;
}

/**
 * Writes security labels into canonical text, by what the codes of a resource tell. The text is spliced, so that everything
 * else keeps its digits; equal rules give equal text, so that a feed that brings nothing new still changes nothing.
 */
export function makeLabeller(rules: LabelRules): Labeller {
  const find = compileRules(rules);
  return {
    incoming: (text, resource) => label(text, resource, find, 'source'),
    stored: (text, resource) => label(text, resource, find, 'rule'),
  };
}

/** @param marked whose the labels are that carry the mark of a rule: the source's, or our own of before */
function label(text: string, resource: Json, find: FindCategories, marked: 'source' | 'rule'): Labelled {
  const categories = find(resource);
  const given = (resource.meta as Json | undefined)?.security;
  const isMarked = Array.isArray(given) && given.some((coding) => ruleOf(coding) !== undefined);
  if (categories.length === 0 && !isMarked) return { text, resource };
  const before = Array.isArray(given) ? (given as Json[]) : [];
  const kept = before.flatMap((coding) =>
    ruleOf(coding) === undefined ? [coding] : marked === 'source' ? [withoutRule(coding)] : [],
  );
  const after = [...kept, ...missingLabels(categories, kept)];
  if (JSON.stringify(after) === JSON.stringify(before)) return { text, resource };
  const { security: _security, ...meta } = (resource.meta ?? {}) as Json;
  const { meta: _meta, ...rest } = resource;
  const labelled = after.length > 0 ? { ...meta, security: after } : meta;
  return {
    text: spliceSecurity(text, printed(text, before, after)),
    resource: Object.keys(labelled).length > 0 ? { ...rest, meta: labelled } : rest,
  };
}

function missingLabels(categories: readonly Category[], present: readonly Json[]): Json[] {
  const [first] = categories;
  if (first === undefined) return [];
  const has = ({ system, code }: SecurityLabel): boolean =>
    present.some((coding) => coding?.system === system && coding.code === code);
  const isRestricted = has(RESTRICTED) || has({ ...RESTRICTED, code: 'V' });
  return [
    ...(isRestricted ? [] : [byRule(RESTRICTED, first)]),
    ...[...categories]
      .sort()
      .flatMap((category) => (has(labelOf(category)) ? [] : [byRule(labelOf(category), category)])),
  ];
}

const byRule = (security: SecurityLabel, category: Category): Json => ({
  extension: [{ url: LABEL_RULE, valueCode: category }],
  ...security,
});

function ruleOf(coding: unknown): Json | undefined {
  const extensions = (coding as { extension?: unknown } | null)?.extension;
  return Array.isArray(extensions) ? extensions.find((extension) => extension?.url === LABEL_RULE) : undefined;
}

function withoutRule(coding: Json): Json {
  const { extension, ...rest } = coding;
  const others = (extension as Json[]).filter((each) => each.url !== LABEL_RULE);
  return others.length > 0 ? { extension: others, ...rest } : rest;
}

/** The labels as texts; those that stay are copied as they were written. */
function printed(text: string, before: readonly Json[], after: readonly Json[]): readonly string[] {
  const range = securityOf(text);
  const written =
    range === undefined ? [] : elementsOf(text, range.start).map(({ start, end }) => text.slice(start, end));
  return after.map((coding) => {
    const at = before.indexOf(coding);
    return at >= 0 ? (written[at] as string) : JSON.stringify(coding);
  });
}

function securityOf(text: string): { readonly start: number; readonly end: number } | undefined {
  const meta = membersOf(text, 0).get('meta');
  return meta && membersOf(text, meta.start).get('security');
}

/** Elements of meta that the store sets itself (fhir/canonical/meta.ts). */
const OF_THE_STORE: ReadonlySet<string> = new Set(['versionId', 'lastUpdated']);

/**
 * The text with these labels in `meta.security`, where the source had it. A meta that holds nothing of the source stands behind
 * the first member, as the store puts it: labelling a stored resource gives the same text as labelling it when it comes in.
 */
function spliceSecurity(text: string, labels: readonly string[]): string {
  const security = labels.length > 0 ? `"security":[${labels.join(',')}]` : undefined;
  const members = membersOf(text, 0);
  const meta = members.get('meta');
  const ofMeta = meta ? [...membersOf(text, meta.start)] : [];
  const elements = ofMeta.flatMap(([key, { start, end }]) =>
    key === 'security' ? (security ?? []) : [`"${key}":${text.slice(start, end)}`],
  );
  if (security !== undefined && !ofMeta.some(([key]) => key === 'security')) elements.push(security);
  const isSources = ofMeta.some(([key]) => key !== 'security' && !OF_THE_STORE.has(key)) || hasSourceLabel(labels);
  if (meta && isSources) return `${text.slice(0, meta.start)}{${elements.join(',')}}${text.slice(meta.end)}`;
  const rest = [...members].flatMap(([key, { start, end }]) =>
    key === 'meta' ? [] : [`"${key}":${text.slice(start, end)}`],
  );
  if (elements.length > 0) rest.splice(1, 0, `"meta":{${elements.join(',')}}`);
  return `{${rest.join(',')}}`;
}

const hasSourceLabel = (labels: readonly string[]): boolean =>
  labels.some((label) => ruleOf(JSON.parse(label)) === undefined);
