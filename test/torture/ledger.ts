import type { KnownMember } from './plan.ts';

/** A kick-off that was answered 202. */
export interface PromisedExport {
  readonly client: number;
  readonly group: string;
  readonly jobId: string;
  /** Whose record it is; undefined: everybody's in the standing group. */
  readonly member: KnownMember | undefined;
  /** The generation that was in for sure when it was asked for. */
  readonly generation: number;
}

/** A match that was answered 200. */
export interface PromisedMatch {
  readonly client: number;
  readonly member: KnownMember;
  readonly body: string;
  readonly group: string;
}

/** What the program has said to somebody outside: it must hold, whatever was killed since. */
export interface Ledger {
  readonly exports: PromisedExport[];
  readonly matches: PromisedMatch[];
  /** `jti` of each token that was handed out. */
  readonly tokens: string[];
  /** Names of files whose last byte arrived. */
  readonly downloads: string[];
  /** The generation whose load was reported as done. */
  generation: number;
  /** The one that is being loaded, or the same. */
  newest: number;
  /** Loads that were killed, or lost the database, before they said how they ended. */
  silentLoads: number;
  /** Answers of 500 and of other kinds that no outage excuses. */
  readonly wrongAnswers: string[];
}

export function newLedger(): Ledger {
  return {
    exports: [],
    matches: [],
    tokens: [],
    downloads: [],
    generation: 1,
    newest: 1,
    silentLoads: 0,
    wrongAnswers: [],
  };
}
