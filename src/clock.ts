/**
 * Time as the gate meets it: how long something took (monotonic) and when to wake up. Everything that waits takes a
 * `Clock`, so that tests run ten minutes of waiting in a few milliseconds.
 */
export interface Clock {
  /** Milliseconds from an arbitrary origin; never goes back. */
  readonly monotonicMs: () => number;
  /** Milliseconds since the epoch on this machine; only used until an API server has told its own time. */
  readonly wallMs: () => number;
  /** Calls `wake` once after `delayMs` (0 or more). The returned function cancels it; cancelling twice is harmless. */
  readonly after: (delayMs: number, wake: () => void) => () => void;
}

/** A moment of the run. */
export interface Now {
  /** The API server's clock in ms since the epoch: what times in objects are compared with. */
  readonly atMs: number;
  /** Monotonic ms since the run began: what "how long has this run seen it" is measured with. */
  readonly elapsedMs: number;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, wake) => {
    const timer = setTimeout(wake, Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `delayMs`, or at once when `signal` is or becomes aborted (it does not reject: whoever waits looks at
 * the signal anyway).
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
