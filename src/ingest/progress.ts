import type { FeedProgress } from './feed.ts';

/** A terminal is redrawn, and a log gets a line, at most this often. */
const REDRAW_MS = 200;
const LINE_EVERY_MS = 5_000;
const BAR_WIDTH = 24;

/**
 * Shows how far a feed is: on a terminal one line that is redrawn, with percent, rate and time left; otherwise JSON
 * lines. Both go to standard error.
 */
export function makeProgressWriter(
  out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number },
  now: () => number = () => performance.now(),
): (state: FeedProgress) => void {
  let lastAt = Number.NEGATIVE_INFINITY;
  let lastPhase: FeedProgress['phase'] | undefined;
  return (state) => {
    const isDue = now() - lastAt >= (out.isTTY ? REDRAW_MS : LINE_EVERY_MS) || state.phase !== lastPhase;
    if (!isDue) return;
    lastAt = now();
    lastPhase = state.phase;
    if (out.isTTY)
      out.write(`\r\u001b[2K${lineOf(state).slice(0, (out.columns ?? 120) - 1)}${state.phase === 'done' ? '\n' : ''}`);
    else out.write(`${JSON.stringify(recordOf(state))}\n`);
  };
}

const PHASES: Readonly<Record<FeedProgress['phase'], string>> = {
  reading: '',
  waiting: 'storing what waited for its target',
  deleting: 'deleting what the snapshot does not hold',
  done: 'done',
};

/** `[#####...] 42 %  12,345 resources  9,800/s  55 MB/s  3 refused  1 min 20 s left` */
function lineOf(state: FeedProgress): string {
  const share = shareOf(state);
  const parts = [
    share === undefined
      ? ''
      : `[${'#'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '.')}] ${Math.floor(share * 100)} %`,
    `${state.read.toLocaleString('en-US')} resources`,
    `${rateOf(state.read, state).toLocaleString('en-US')}/s`,
    `${(rateOf(state.bytes, state) / 1e6).toFixed(1)} MB/s`,
    state.refused > 0 ? `${state.refused.toLocaleString('en-US')} refused` : '',
    state.phase === 'reading' ? leftOf(state) : PHASES[state.phase],
  ];
  return parts.filter((part) => part !== '').join('  ');
}

function recordOf(state: FeedProgress): Record<string, unknown> {
  const share = shareOf(state);
  return {
    progress: state.phase,
    read: state.read,
    refused: state.refused,
    bytes: state.bytes,
    ...(share === undefined ? {} : { percent: Math.floor(share * 100) }),
    per_second: rateOf(state.read, state),
    seconds: Math.round(state.seconds * 10) / 10,
  };
}

function leftOf(state: FeedProgress): string {
  const share = shareOf(state);
  if (share === undefined || share < 0.01 || state.seconds < 1) return '';
  const seconds = Math.round((state.seconds * (1 - share)) / share);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min left`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
}

function shareOf({ bytes, bytesTotal, phase }: FeedProgress): number | undefined {
  if (bytesTotal === undefined || bytesTotal === 0) return undefined;
  return phase === 'done' ? 1 : Math.min(1, bytes / bytesTotal);
}

const rateOf = (amount: number, { seconds }: FeedProgress): number => (seconds > 0 ? Math.round(amount / seconds) : 0);
