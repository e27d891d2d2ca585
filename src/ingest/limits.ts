/** The bounds of a feed, each with its unit. docs/reference/cli.md names those a plan can meet. */
export const FEED_LIMITS = {
  /** Of text handed to a thread at a time. Blocks of 4 MB were no faster and took 400 MB more memory. */
  blockBytes: 1024 * 1024,
  /** One line of NDJSON, one entry of a Bundle. */
  resourceBytes: 64 * 1024 * 1024,
  /** A Bundle up to this size is read whole; a larger one entry by entry. */
  documentBytes: 16 * 1024 * 1024,
  /** `urn:` names of entries that are kept to rewrite references in a Bundle that is read entry by entry. */
  bundleLinks: 1_000_000,
  /** Resources in one transaction, or this many bytes of them, whichever comes first. */
  batchResources: 5_000,
  batchBytes: 8 * 1024 * 1024,
  /** Blocks that are in work for each thread: together they make a batch, which is prepared while another is stored. */
  blocksPerWorker: 4,
  /** Files of one feed. */
  files: 1_000_000,
  /** Bytes at a file's start that tell what it is. */
  sniffBytes: 64 * 1024,
  /** The manifest of a bulk export, and the pages it may continue on. */
  manifestBytes: 64 * 1024 * 1024,
  manifestPages: 1_000,
  /** One file of a bulk export after decompression (payer-to-payer.md 10.2). */
  downloadBytes: 5 * 1024 * 1024 * 1024,
  /** Without a byte from the other side. */
  downloadIdleSeconds: 60,
  /** Redirects followed for one address. */
  redirects: 5,
  /** Attempts for one file; each takes up behind what came before. */
  downloadAttempts: 5,
  /** A full snapshot that would delete more than this share is refused unless confirmed. */
  snapshotDeletedShare: 0.05,
  /** How long a second run waits for one that is just ending. */
  lockWaitSeconds: 20,
} as const;
