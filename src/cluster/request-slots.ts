import { type Clock, sleep } from '../clock.ts';

/** Politeness towards one API server: few requests at a time, and none while it has asked for a pause. */
export interface RequestSlots {
  /** Waits for a free slot, and until `holdBack` is over; resolves with the function that frees the slot (once). */
  readonly take: (signal: AbortSignal) => Promise<() => void>;
  /** No new request for so long: the server said 429. */
  readonly holdBack: (ms: number) => void;
}

/** At most `limit` at a time. An aborted signal ends the waiting, not the limit: whoever got a slot frees it. */
export function createRequestSlots(clock: Clock, limit: number): RequestSlots {
  const waiting: (() => void)[] = [];
  let taken = 0;
  let heldUntilMs = 0;

  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) taken -= 1;
    else next();
  };
  const turn = (): Promise<void> => {
    if (taken < limit) {
      taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => waiting.push(resolve));
  };

  return {
    take: async (signal) => {
      await turn();
      // Holding back while holding the slot: the others need not wake up only to wait again.
      for (
        let restMs = heldUntilMs - clock.monotonicMs();
        restMs > 0 && !signal.aborted;
        restMs = heldUntilMs - clock.monotonicMs()
      ) {
        await sleep(clock, restMs, signal);
      }
      let isFree = false;
      return () => {
        if (!isFree) release();
        isFree = true;
      };
    },
    holdBack: (ms) => {
      heldUntilMs = Math.max(heldUntilMs, clock.monotonicMs() + ms);
    },
  };
}
