import { type EncodedResource, hashOf, rowBytes } from '#/fhir/store/encoded-row.ts';
import type { PreparedResource } from '#/fhir/store/prepare.ts';

/** Where in its file: the line counts from 1 (of the unit for `lines`, of the file otherwise), the entry from 0. */
export interface Place {
  readonly line: number;
  readonly entry?: string;
}

/** One thing that a feed says, in the order it says it. */
export type PreparedItem<R> =
  | (Place & { readonly kind: 'resource'; readonly resource: R })
  | (Place & { readonly kind: 'delete'; readonly rt: number; readonly id: string })
  | (Place & RefusedItem);

export interface RefusedItem {
  readonly kind: 'refused';
  /** A word from a closed set; never a value of the content. */
  readonly reason: string;
  /** The element at fault. */
  readonly path?: string;
  /** Which resource it would have been, where that could be told. */
  readonly rt?: number;
  readonly id?: string;
}

export interface PreparedUnit<R> {
  readonly items: readonly PreparedItem<R>[];
  /** Line ends in the unit. */
  readonly lines: number;
  /** Was anything in it FHIR, good or bad? */
  readonly isFhir: boolean;
}

/** A resource as the thread that prepared it hands it over: its row, or all of it where the owner has to be asked first. */
export type FeedResource = EncodedResource | PreparedResource;
export type FeedItem = PreparedItem<FeedResource>;
export type FeedUnit = PreparedUnit<FeedResource>;

export const resourceHash = (resource: FeedResource): Uint8Array =>
  'block' in resource ? hashOf(resource) : resource.hash;

/** A line that was only looked at (`sight.ts`): whether it was read before, the store can tell. */
export interface SightedItem {
  readonly kind: 'sighted';
  readonly line: number;
  readonly rt: number;
  readonly id: string;
  /** The key of the line. */
  readonly source: Buffer;
  readonly text: Buffer;
}

/** A line that was read before: the resource is what it says. */
export interface KnownItem extends Place {
  readonly kind: 'known';
  readonly rt: number;
  readonly id: string;
}

export type IncomingItem = FeedItem | SightedItem;
export type SettledItem = FeedItem | KnownItem;

/** A refusal before anything could be recognised says nothing for the file being FHIR. */
export function isFhir(item: PreparedItem<unknown> | KnownItem): boolean {
  return item.kind !== 'refused' || item.rt !== undefined || item.entry !== undefined || item.reason === 'unknown-type';
}

/** Of its row, or of its text: for the size of a batch. */
export const resourceBytes = (resource: FeedResource): number =>
  'block' in resource ? rowBytes(resource) : resource.text.length;
