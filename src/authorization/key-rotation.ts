/** A key is published as `next` before it signs, signs as `current`, and stays published as `retiring` until its last token is out. */
export type KeyState = 'next' | 'current' | 'retiring' | 'retired';

/** How long a key signs. */
export const KEY_ROTATION_DAYS = 90;
/** How long a key is published before it signs, so that whoever keeps our keys has it in time. */
export const KEY_PUBLISHED_BEFORE_HOURS = 24;
/** Longer than any token lives that a key signed (3600 s), and than anyone should keep our keys. */
export const KEY_RETIRING_HOURS = 24;

const HOUR_MS = 3_600_000;

export interface KeyInTime {
  readonly kid: string;
  readonly state: KeyState;
  /** Since when it is in this state. */
  readonly since: Date;
}

export interface KeySteps {
  /** A next key must be made and published. */
  readonly publish: boolean;
  /** This key signs from now on; the current one begins to retire. */
  readonly promote: string | undefined;
  readonly retire: readonly string[];
}

/**
 * What is due for the keys of one algorithm of one issuer.
 *
 * Source: authorization.md 11.
 */
export function keySteps(keys: readonly KeyInTime[], now: Date): KeySteps {
  const hoursIn = (key: KeyInTime): number => (now.getTime() - key.since.getTime()) / HOUR_MS;
  const current = keys.find(({ state }) => state === 'current');
  const next = keys.find(({ state }) => state === 'next');
  const rotationHours = KEY_ROTATION_DAYS * 24;
  return {
    publish: current !== undefined && !next && hoursIn(current) >= rotationHours - KEY_PUBLISHED_BEFORE_HOURS,
    promote:
      current && next && hoursIn(current) >= rotationHours && hoursIn(next) >= KEY_PUBLISHED_BEFORE_HOURS
        ? next.kid
        : undefined,
    retire: keys.filter((key) => key.state === 'retiring' && hoursIn(key) >= KEY_RETIRING_HOURS).map(({ kid }) => kid),
  };
}
