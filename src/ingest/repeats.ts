/** Units that are prepared at once after a batch turned out to be mostly new, before it is tried again. */
const PAUSE_UNITS = 64;

/**
 * Is it worth asking first whether lines were read before? Of a feed that comes again, yes: nothing else has to be done
 * then. Of a new one, no: it would be prepared only when its turn comes to be stored, instead of ahead.
 */
export class Repeats {
  readonly #isLikely: boolean;
  #pause = 0;

  /** @param isLikely has anything been read into this plan before? */
  constructor(isLikely: boolean) {
    this.#isLikely = isLikely;
  }

  /** To be asked once for each unit. */
  sightsNext(): boolean {
    if (this.#pause > 0) this.#pause--;
    else return this.#isLikely;
    return false;
  }

  /** What became of a batch: of the lines that were only looked at, so many were known. */
  note(sighted: number, known: number): void {
    if (known * 2 < sighted) this.#pause = PAUSE_UNITS;
  }
}
