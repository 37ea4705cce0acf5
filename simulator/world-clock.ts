import type { Clock } from '../src/clock.ts';
import { createTimerQueue } from './timer-queue.ts';

/**
 * The time of the simulated world. It follows a live clock, and can run ahead of it at once: `fastForward` lets the
 * model live through `ms` in no time, and what was stored before is `ms` older afterwards (whoever stores times shifts
 * them, see `onShift`). Moments inside the model are world ms: they never jump, only their reading on the wall does.
 */
export interface WorldClock {
  /** World ms; never goes back. */
  readonly nowMs: () => number;
  /** What the API server's wall clock says at a world moment, in ms since the epoch; default now. */
  readonly wallMs: (atMs?: number) => number;
  readonly after: (delayMs: number, wake: () => void) => () => void;
  /** Ages everything by `ms` and lets the model catch up. */
  readonly fastForward: (ms: number) => void;
  /** Called with the number of ms to take from every stored time, before the model catches up. */
  readonly onShift: (shift: (ms: number) => void) => void;
  readonly close: () => void;
}

/** `skewMs`: how far the server's wall clock is ahead of the live clock's. */
export function createWorldClock(live: Clock, skewMs = 0): WorldClock {
  const timers = createTimerQueue();
  const shifts: ((ms: number) => void)[] = [];
  const liveStartMs = live.monotonicMs();
  /** Wall reading of world moment 0. */
  let originMs = live.wallMs() + skewMs;
  /** How far the world has run ahead of the live clock's elapsed time. */
  let aheadMs = 0;
  /** Set while the model catches up. */
  let pastMs: number | undefined;
  let closed = false;
  let cancelWake: (() => void) | undefined;
  let armedForMs: number | undefined;

  const liveNowMs = (): number => live.monotonicMs() - liveStartMs + aheadMs;
  const nowMs = (): number => pastMs ?? liveNowMs();

  const disarm = (): void => {
    cancelWake?.();
    cancelWake = undefined;
    armedForMs = undefined;
  };

  const arm = (): void => {
    if (closed || pastMs !== undefined) return;
    const dueMs = timers.nextDueMs();
    if (dueMs === armedForMs) return;
    disarm();
    if (dueMs === undefined) return;
    armedForMs = dueMs;
    const cancel = live.after(Math.max(0, dueMs - liveNowMs()), () => {
      // What is due at one moment is taken together: another may have taken this one's place by then.
      if (cancelWake !== cancel) return;
      cancelWake = undefined;
      armedForMs = undefined;
      // A live timer may fire a fraction early; what it was set for is due.
      const untilMs = Math.max(liveNowMs(), dueMs);
      for (let wake = timers.takeDue(untilMs); wake && !closed; wake = timers.takeDue(untilMs)) wake();
      arm();
    });
    cancelWake = cancel;
  };

  return {
    nowMs,
    wallMs: (atMs = nowMs()) => originMs + atMs,
    after: (delayMs, wake) => {
      const cancel = timers.add(nowMs() + Math.max(0, delayMs), wake);
      arm();
      return () => {
        cancel();
        arm();
      };
    },
    fastForward: (ms) => {
      if (!(ms >= 0)) throw new Error(`cannot age the world by ${ms} ms: 0 or more is needed`);
      disarm();
      originMs -= ms;
      for (const shift of shifts) shift(ms);
      const untilMs = liveNowMs() + ms;
      for (let dueMs = timers.nextDueMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = timers.nextDueMs()) {
        pastMs = Math.max(dueMs, pastMs ?? liveNowMs());
        timers.takeDue(dueMs)?.();
      }
      pastMs = undefined;
      aheadMs += ms;
      arm();
    },
    onShift: (shift) => {
      shifts.push(shift);
    },
    close: () => {
      closed = true;
      disarm();
    },
  };
}
