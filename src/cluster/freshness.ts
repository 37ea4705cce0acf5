import type { Now } from '../clock.ts';

/** How well one collection is known. Times are the API server's. */
export type CollectionState =
  /** Known to be true up to `freshAtMs`, which is now or a moment ago. */
  | { readonly kind: 'live'; readonly freshAtMs: number }
  | { readonly kind: 'never-read'; readonly sinceMs: number; readonly message: string }
  /** Read before; not known to be true after `sinceMs`. */
  | { readonly kind: 'stale'; readonly sinceMs: number; readonly message: string }
  /** The credentials may not. `wasRead`: they might before. */
  | { readonly kind: 'forbidden'; readonly sinceMs: number; readonly message: string; readonly wasRead: boolean }
  /** The API server does not want it, and has said so for long enough. */
  | { readonly kind: 'refused'; readonly sinceMs: number; readonly message: string; readonly wasRead: boolean };

/** Keeps account of when a collection was seen and when its view was lost. */
export interface Freshness {
  /** The whole collection was read as it was at `asOf`, or its watch was opened then: known to be true since. */
  readonly seen: (asOf: Now) => void;
  /** The view ends, as of `now` (or before); nothing if it was lost already, but for the newer message. */
  readonly lose: (now: Now, message: string) => void;
  /** 403. Where it worked before it counts only after `forbiddenRetryMs`, and is stale until then. */
  readonly forbid: (now: Now, message: string) => void;
  /**
   * Refused for good by the API server itself. It counts when it was said for `forbiddenRetryMs`, and nothing else in
   * between: a server that starts, or is exchanged for another, has that long to come to its senses.
   */
  readonly refuse: (now: Now, message: string) => void;
  /** How long the view may be lost without being stale: short for watches that are opened again, longer for polls. */
  readonly allowGap: (ms: number) => void;
  readonly state: (now: Now) => CollectionState;
  /** 0 while it is not lost. */
  readonly lostForMs: (now: Now) => number;
  /** How often a gap of more than `viewGapMs` was closed again. */
  readonly gapsClosed: () => number;
  /**
   * When it was seen again, the last time, after it had been stale or lost in an outage, in the run's elapsed ms; null:
   * never.
   */
  readonly regainedElapsedMs: () => number | null;
}

export interface FreshnessOptions {
  readonly viewGapMs: number;
  readonly forbiddenRetryMs: number;
  readonly startedAt: Now;
  /** `Api.outageElapsedMs` */
  readonly outageElapsedMs: () => number | null;
}

interface Loss {
  readonly at: Now;
  readonly message: string;
}

export function createFreshness(options: FreshnessOptions): Freshness {
  const { viewGapMs, forbiddenRetryMs, startedAt, outageElapsedMs } = options;
  let wasRead = false;
  let lost: Loss = { at: startedAt, message: 'no complete answer yet' };
  let isLost = true;
  let forbiddenAt: Now | null = null;
  let refusals: { readonly first: Now; readonly last: Now } | null = null;
  let allowedGapMs = viewGapMs;
  let gapsClosed = 0;
  let regainedElapsedMs: number | null = null;

  const lose = (at: Now, message: string): void => {
    lost = { at: isLost ? lost.at : at, message };
    isLost = true;
  };

  /** Whoever was refused need not wait for the next poll to know that nothing is seen. */
  const staleAfterMs = (): number => (forbiddenAt === null && refusals === null ? allowedGapMs : viewGapMs);

  return {
    seen: (asOf) => {
      if (wasRead && isLost) {
        const lostForMs = asOf.elapsedMs - lost.at.elapsedMs;
        if (lostForMs > viewGapMs) gapsClosed += 1;
        // An outage is one for the kubelets as well, however short it was.
        const wasOutage = (outageElapsedMs() ?? Number.NEGATIVE_INFINITY) >= lost.at.elapsedMs;
        if (wasOutage || lostForMs > staleAfterMs()) regainedElapsedMs = asOf.elapsedMs;
      }
      wasRead = true;
      isLost = false;
      forbiddenAt = null;
      refusals = null;
    },
    lose: (now, message) => {
      forbiddenAt = null;
      refusals = null;
      lose(now, message);
    },
    forbid: (now, message) => {
      forbiddenAt ??= now;
      refusals = null;
      lose(now, message);
    },
    refuse: (now, message) => {
      forbiddenAt = null;
      refusals = { first: refusals?.first ?? now, last: now };
      lose(now, message);
    },
    allowGap: (ms) => {
      allowedGapMs = ms;
    },
    state: (now) => {
      if (!isLost) return { kind: 'live', freshAtMs: now.atMs };
      const { at, message } = lost;
      const sinceMs = at.atMs;
      if (forbiddenAt !== null && (!wasRead || now.elapsedMs - forbiddenAt.elapsedMs >= forbiddenRetryMs)) {
        return { kind: 'forbidden', sinceMs, message, wasRead };
      }
      if (refusals !== null && refusals.last.elapsedMs - refusals.first.elapsedMs >= forbiddenRetryMs) {
        return { kind: 'refused', sinceMs, message, wasRead };
      }
      if (!wasRead) return { kind: 'never-read', sinceMs, message };
      if (now.elapsedMs - at.elapsedMs <= staleAfterMs()) return { kind: 'live', freshAtMs: sinceMs };
      return { kind: 'stale', sinceMs, message };
    },
    lostForMs: (now) => (isLost ? now.elapsedMs - lost.at.elapsedMs : 0),
    gapsClosed: () => gapsClosed,
    regainedElapsedMs: () => regainedElapsedMs,
  };
}
