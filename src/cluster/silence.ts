import type { Clock } from '../clock.ts';

/** Notices that nothing comes any more. */
export interface SilenceGuard {
  /** Something came. */
  readonly touch: () => void;
  readonly stop: () => void;
  /** Whether it was too long. */
  readonly tripped: () => boolean;
  /** When something came last (monotonic ms). */
  readonly lastMs: () => number;
}

/** Calls `onSilence` once when nothing came for `limitMs`: half-open connections say nothing by themselves. */
export function guardSilence(clock: Clock, limitMs: number, onSilence: () => void): SilenceGuard {
  let lastMs = clock.monotonicMs();
  let tripped = false;
  let cancel = (): void => {};
  // One timer that looks again, rather than one for every chunk.
  const look = (): void => {
    const restMs = lastMs + limitMs - clock.monotonicMs();
    if (restMs > 0) {
      cancel = clock.after(restMs, look);
      return;
    }
    tripped = true;
    onSilence();
  };
  cancel = clock.after(limitMs, look);
  return {
    touch: () => {
      lastMs = clock.monotonicMs();
    },
    stop: () => cancel(),
    tripped: () => tripped,
    lastMs: () => lastMs,
  };
}
