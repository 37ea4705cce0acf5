import type { Clock, Now } from '../clock.ts';

/** The API server's clock, learnt from the `Date` header of its answers. */
export interface ServerClock {
  /**
   * Learns from one answer. `date` is its `Date` header; `sentMs` and `receivedMs` are monotonic times around the
   * exchange (the answer's head was received at `receivedMs`). A header that is no date is ignored.
   */
  readonly observe: (date: string | undefined, sentMs: number, receivedMs: number) => void;
  /** The server's time (this machine's until a server has told its own), and ms since this clock was made. */
  readonly now: () => Now;
  /** By how many ms the server's clock is ahead of this machine's; null until a server has told its time. */
  readonly aheadMs: () => number | null;
}

/** `Date` has whole seconds: the server's time was anywhere in the second that begins with it. */
const DATE_RESOLUTION_MS = 1_000;

/** Bounds of (server's time - monotonic time). */
interface Bounds {
  readonly lowMs: number;
  readonly highMs: number;
}

/**
 * A server writes `Date: d` at a moment between sending and receiving, when its time was in [d, d + 1 s): each answer
 * bounds the offset, and the intersection of the bounds becomes narrow after a few answers. Bounds that contradict
 * those before mean that a clock was set, or that another server answered: the newest answer counts then. Else this
 * clock never goes back: where narrower bounds show that it was ahead (by half a second at most), it stands still.
 */
export function createServerClock(clock: Clock): ServerClock {
  const startedMs = clock.monotonicMs();
  let bounds: Bounds | null = null;
  let toldMs = Number.NEGATIVE_INFINITY;

  const offsetMs = (): number =>
    bounds === null ? clock.wallMs() - clock.monotonicMs() : Math.round((bounds.lowMs + bounds.highMs) / 2);

  return {
    observe: (date, sentMs, receivedMs) => {
      const serverMs = Date.parse(date ?? '');
      if (Number.isNaN(serverMs) || receivedMs < sentMs) return;
      const seen: Bounds = { lowMs: serverMs - receivedMs, highMs: serverMs + DATE_RESOLUTION_MS - sentMs };
      const both: Bounds =
        bounds === null
          ? seen
          : { lowMs: Math.max(bounds.lowMs, seen.lowMs), highMs: Math.min(bounds.highMs, seen.highMs) };
      const contradicts = both.lowMs > both.highMs;
      if (bounds === null || contradicts) toldMs = Number.NEGATIVE_INFINITY;
      bounds = contradicts ? seen : both;
    },
    now: () => {
      const monotonicMs = clock.monotonicMs();
      // A correction is no reason to go back: what has lasted two minutes has not lasted less a moment later.
      toldMs = Math.max(toldMs, Math.round(monotonicMs + offsetMs()));
      return { atMs: toldMs, elapsedMs: monotonicMs - startedMs };
    },
    aheadMs: () => (bounds === null ? null : offsetMs() - (clock.wallMs() - clock.monotonicMs())),
  };
}
