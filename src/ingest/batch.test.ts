import { expect, test } from 'vitest';
import { sha256 } from '#/platform/crypto/hash.ts';
import { countBatch, keysOf, writesOf } from './batch.ts';
import type { FeedItem } from './feed-item.ts';

const put = (id: string, content = id): FeedItem =>
  ({ kind: 'resource', line: 1, resource: { rt: 1, id, hash: sha256(content) } }) as unknown as FeedItem;
const remove = (id: string): FeedItem => ({ kind: 'delete', line: 1, rt: 1, id });
const refuse: FeedItem = { kind: 'refused', line: 1, reason: 'not-json' };
const key = (id: string) => ({ rt: 1, id });

test('of several items for one resource only the last goes to the store', () => {
  const writes = writesOf([put('a', '1'), remove('b'), put('a', '2'), refuse, put('b'), put('c'), remove('c')]);
  expect(writes.resources.map((resource) => resource.id)).toEqual(['a', 'b']);
  expect(writes.resources[0]).toMatchObject({ hash: sha256('2') });
  expect(writes.deletes).toEqual([key('c')]);
});

test('read = stored + unchanged + deleted + refused, whatever became of each', () => {
  const items = [put('new'), put('old'), remove('there'), remove('gone'), refuse];
  const counts = countBatch(items, { changed: [key('new')], deleted: 1, waiting: [] });
  expect(counts).toEqual({ stored: 1, unchanged: 2, deleted: 1, refused: 1, superseded: 0 });
});

test('what waits for the end of the feed is counted then, not before', () => {
  const counts = countBatch([put('a'), put('later')], { changed: [key('a')], deleted: 0, waiting: [key('later')] });
  expect(counts).toMatchObject({ stored: 1, unchanged: 0 });
});

test('a resource that comes again with other content is superseded, and a second load finds all unchanged', () => {
  const items = [put('a', '1'), put('a', '2'), put('b'), put('b')];
  expect(countBatch(items, { changed: [key('a'), key('b')], deleted: 0, waiting: [] })).toEqual({
    stored: 3,
    unchanged: 1,
    deleted: 0,
    refused: 0,
    superseded: 1,
  });
  expect(countBatch(items, { changed: [], deleted: 0, waiting: [] })).toMatchObject({ stored: 0, unchanged: 4 });
});

test('a snapshot has seen what it holds, also what of it was refused', () => {
  expect(keysOf([put('a'), remove('b'), refuse, { ...refuse, rt: 1, id: 'c' }])).toEqual([
    key('a'),
    key('b'),
    key('c'),
  ]);
});
