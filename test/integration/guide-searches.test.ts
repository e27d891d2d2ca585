import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bruteSearch, codesIn, type Json, kindOf, parameterOf, valuesAt, wordsIn } from '../support/brute-search.ts';
import { craftedResources } from '../support/crafted-resources.ts';
import { INCLUDES, PARAMETERS, SEARCHES } from '../support/guide-searches.ts';
import { connectMember, idsOf, type MemberApp } from '../support/member-app.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { generated, ownedBy, published, storeResources } from '../support/search-worlds.ts';

// Every row of the guides' tables, on generated, on published and on crafted data of one member, against a search by brute
// force; the plan's other members have the same and more.

const MEMBER = 'demo-g02';
let platform: TestPlatform;
let app: MemberApp;
let pool: Json[];
const worlds = new Map<string, Json[]>();

beforeAll(async () => {
  platform = await startPlatform({ sandbox: true });
  worlds.set('generated', ownedBy(MEMBER, 'g', generated()));
  worlds.set('published', ownedBy(MEMBER, 'p', published()));
  worlds.set('crafted', craftedResources(MEMBER));
  const all = [...worlds.values()].flat();
  // A second person's data of the same kinds.
  await storeResources(platform, 'demo', ownedBy('demo-g01', 'other', craftedResources('x')));
  await storeResources(platform, 'demo', all);
  app = await connectMember(platform, { sensitive: true });
  pool = await everything();
}, 240_000);
afterAll(() => platform.stop());

/** What the member has, as it is on the wire; that it is neither too much nor too little is shown below. */
async function everything(): Promise<Json[]> {
  const found: Json[] = [];
  for (let url: string | undefined = 'r4/Patient/$everything?_count=1000'; url !== undefined; ) {
    const { body } = await app.get(url);
    found.push(...(body.entry ?? []).map(({ resource }: Json) => resource));
    url = body.link.find(({ relation }: Json) => relation === 'next')?.url;
  }
  return found;
}

async function found(type: string, pairs: readonly (readonly [string, string])[]): Promise<string[]> {
  const query = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value]));
  const ids: string[] = [];
  for (let url: string | undefined = `r4/${type}?${query}&_count=1000`; url !== undefined; ) {
    const answer = await app.get(url);
    expect(answer.status, `${type}?${query}: ${answer.text.slice(0, 300)}`).toBe(200);
    ids.push(...idsOf(answer));
    url = answer.body.link.find(({ relation }: Json) => relation === 'next')?.url;
  }
  return ids.sort();
}

/** The forms in which a value of a resource is searched by, as the public kits do (IK-us, IK-c4bb). */
function formsOf(resource: Json, type: string, code: string): string[] {
  const parameter = parameterOf(PARAMETERS, type, code);
  return valuesAt(resource, parameter)
    .flatMap((value): string[] => {
      switch (kindOf(parameter)) {
        case 'token':
          return codesIn(value)
            .filter((one) => one.code !== '' && !/[,|$\\]/.test(one.code))
            .flatMap((one) => (one.system === '' ? [one.code] : [one.code, `${one.system}|${one.code}`]));
        case 'ref': {
          const reference = typeof value === 'string' ? value : value.reference;
          if (typeof reference !== 'string' || reference.startsWith('#') || reference.includes('?')) return [];
          return /^[A-Z]\w+\/[\w.-]+$/.test(reference) ? [reference, reference.split('/')[1]!] : [reference];
        }
        case 'date': {
          const text = typeof value === 'string' ? value : (value.start ?? value.end);
          if (text === undefined) return [];
          const day = text.slice(0, 10);
          return [
            text,
            ...['gt', 'ge', 'lt', 'le', 'ne', 'sa', 'eb'].map((prefix) => prefix + day),
            `ge${day.slice(0, 4)}`,
          ];
        }
        case 'string':
          return wordsIn(value)
            .filter((word) => word !== '' && !/[,|$\\]/.test(word))
            .flatMap((word) => [word, word.slice(0, 3).toUpperCase()]);
        default:
          return [];
      }
    })
    .filter((form) => form !== undefined);
}

/** Searches of a row with values of this resource: each parameter in its forms, with the others in their first. */
function searchesOf(resource: Json, type: string, codes: readonly string[]): (readonly [string, string])[][] {
  const forms = codes.map((code) => [...new Set(formsOf(resource, type, code))]);
  if (forms.some((list) => list.length === 0)) return [];
  return forms.flatMap((list, i) =>
    list.slice(0, 12).map((form) => codes.map((code, j) => [code, i === j ? form : forms[j]![0]!] as const)),
  );
}

const rows = Object.entries(SEARCHES).flatMap(([type, searches]) => searches.map((search) => ({ type, search })));

describe.each(['crafted', 'generated', 'published'])('on %s data', (world) => {
  test.each(rows)('PA-71 PA-72 PA-73 PA-76 PA-97 $type: $search', async ({ type, search }) => {
    const codes = search.split('+');
    const own = new Set(worlds.get(world)!.map(({ resourceType, id }) => `${resourceType}/${id}`));
    const candidates = pool.filter(
      ({ resourceType, id }) =>
        resourceType === type && (own.has(`${type}/${id}`) || (type === 'Patient' && world === 'crafted')),
    );
    const sources = candidates.filter((resource) => searchesOf(resource, type, codes).length > 0);
    // The crafted data have a value for everything but what only some people have.
    if (world === 'crafted' && !/death-date|general-practitioner/.test(search)) expect(sources).not.toEqual([]);
    let leavesOut = sources.length === 0;
    const all = pool.filter(({ resourceType }) => resourceType === type).length;
    // Combinations of all claims' parameters are many; the crafted data go through them in more forms.
    for (const source of world === 'crafted' ? sources.slice(0, 2) : sources.slice(0, 1))
      for (const pairs of searchesOf(source, type, codes).slice(0, world === 'crafted' ? 24 : 10)) {
        const expected = bruteSearch(pool, PARAMETERS, type, pairs);
        expect(await found(type, pairs), JSON.stringify(pairs)).toEqual(expected);
        leavesOut ||= expected.length > 0 && expected.length < all;
      }
    // A member has one Patient; and all that is the member's names the member.
    if (type === 'Patient' || codes.every((code) => /^(patient|beneficiary)$/.test(code)))
      expect(
        await found(
          type,
          codes.map((code) => [code, code.includes('date') ? '1800-01-01' : 'nothing'] as const),
        ),
      ).toEqual([]);
    else expect(leavesOut, 'it found everything, or nothing').toBe(true);
  });

  test.each(INCLUDES)('PA-71 _include=%s', async (include, path) => {
    const [type = '', , target] = include.split(':');
    const answer = await app.get(`r4/${type}?_include=${include}&_count=1000`);
    expect(answer.status, answer.text.slice(0, 300)).toBe(200);
    const ids = new Set(pool.map((resource) => `${resource.resourceType}/${resource.id}`));
    const shown = new Set(idsOf(answer));
    const named = pool
      .filter((resource) => shown.has(`${resource.resourceType}/${resource.id}`))
      .flatMap((resource) => valuesAt(resource, `ref ${path}`).map(({ reference }) => reference as string))
      .filter((reference) => ids.has(reference) && (target === undefined || reference.startsWith(`${target}/`)));
    const expected = [...new Set(named)].filter((name) => !shown.has(name)).sort();
    expect(expected).not.toEqual([]);
    expect(idsOf(answer, 'include').sort().slice(0, 1_000)).toEqual(expected.slice(0, 1_000));
  });
});

test('PA-63 the member gets what is the member’s, and what that names, and nothing else', () => {
  const mine = [...worlds.values()].flat();
  const byName = new Map(pool.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
  expect(byName.size).toBe(pool.length);
  const shared = new Set('Organization Practitioner PractitionerRole Location Medication'.split(' '));
  const served = new Set(Object.keys(SEARCHES));
  const own = mine.filter(({ resourceType }) => served.has(resourceType) && !shared.has(resourceType));
  const missing = own.filter(({ resourceType, id }) => !byName.has(`${resourceType}/${id}`));
  // Published examples of some types name nobody.
  expect(missing.filter((resource) => JSON.stringify(resource).includes(`Patient/${MEMBER}`))).toEqual([]);
  const referred = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value))
      if (key === 'reference' && typeof child === 'string') referred.add(child.replace(/\/_history\/.*/, ''));
      else look(child);
  };
  for (const resource of pool) look(resource);
  const stray = pool.filter(
    ({ resourceType, id }) => shared.has(resourceType) && !referred.has(`${resourceType}/${id}`),
  );
  expect(stray.map(({ resourceType, id }) => `${resourceType}/${id}`)).toEqual([]);
  const unread = mine.filter(
    ({ resourceType, id }) =>
      shared.has(resourceType) && referred.has(`${resourceType}/${id}`) && !byName.has(`${resourceType}/${id}`),
  );
  expect(unread.map(({ resourceType, id }) => `${resourceType}/${id}`)).toEqual([]);
  expect(pool.filter(({ id }) => String(id).startsWith('other'))).toEqual([]);
});
