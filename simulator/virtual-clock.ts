import type { Clock } from '../src/clock.ts';
import { createTimerQueue } from './timer-queue.ts';

/** A clock that stands still until it is driven. */
export interface VirtualClock extends Clock {
  /**
   * Drives time until `promise` settles, and settles the same way: lets everything happen that can happen now, then
   * jumps to the next timer. Rejects when the promise is pending and no timer is left that could ever settle it, or when
   * more than `limitMs` of virtual time passed (default a day: background timers would go on for ever).
   */
  readonly run: <T>(promise: Promise<T>, options?: RunOptions) => Promise<T>;
  /** Lets `ms` pass, with all that is due meanwhile. */
  readonly advance: (ms: number) => Promise<void>;
  /** How many wake-ups are waiting; for assertions that nothing is left behind. */
  readonly pending: () => number;
}

export interface RunOptions {
  /** Most virtual time that the promise may take. */
  readonly limitMs?: number;
  /** Real time to wait for file access before a pending promise counts as lost. Default 2 s. */
  readonly patienceMs?: number;
}

export interface VirtualClockOptions {
  /** What `wallMs` says at the beginning; default 2026-11-22T12:00:00Z. */
  readonly startMs?: number;
}

const DEFAULT_START_MS = Date.UTC(2026, 10, 22, 12);
/** Rounds of the event loop without a new or cancelled timer after which the present is taken as finished. */
const QUIET_ROUNDS = 2;
/** A run that keeps making timers without time passing is a loop, not a scenario. */
const MAX_ROUNDS_AT_ONE_MOMENT = 100_000;
/** File access is real even when time is not: how long to wait for it before a pending promise counts as lost. */
const REAL_PATIENCE_MS = 2_000;
const DAY_MS = 86_400_000;

function nextRound(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function realPause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Whether a file is being read or written: the result arrives by itself, and no time may pass before it does. */
function filesAreBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq') || name === 'CloseReq');
}

export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const startMs = options.startMs ?? DEFAULT_START_MS;
  const timers = createTimerQueue();
  let nowMs = 0;
  let activity = 0;

  const fireDue = (): boolean => {
    let fired = false;
    // Only what is due already: a wake-up that a wake-up asks for, waits for the promises in between.
    const due: (() => void)[] = [];
    for (let wake = timers.takeDue(nowMs); wake; wake = timers.takeDue(nowMs)) due.push(wake);
    for (const wake of due) {
      fired = true;
      activity += 1;
      wake();
    }
    return fired;
  };

  /** Lets promises, immediates and due timers run until nothing more happens at this moment. */
  const settle = async (isDone: () => boolean): Promise<void> => {
    let quiet = 0;
    for (let round = 0; quiet < QUIET_ROUNDS; round += 1) {
      if (round > MAX_ROUNDS_AT_ONE_MOMENT) {
        throw new Error(
          `virtual clock: something keeps asking for wake-ups without delay at ${nowMs} ms; give it a delay`,
        );
      }
      const before = activity;
      await nextRound();
      if (isDone()) return;
      const fired = fireDue();
      quiet = fired || activity !== before || filesAreBusy() ? 0 : quiet + 1;
    }
  };

  const run = async <T>(promise: Promise<T>, runOptions: RunOptions = {}): Promise<T> => {
    const { limitMs = DAY_MS, patienceMs = REAL_PATIENCE_MS } = runOptions;
    const untilMs = nowMs + limitMs;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const isSettled = (): boolean => settled;
    for (;;) {
      await settle(isSettled);
      if (settled) return promise;
      const dueMs = timers.nextDueMs();
      if (dueMs !== undefined) {
        if (dueMs > untilMs) {
          throw new Error(
            `virtual clock: the promise is still pending after ${limitMs} ms; only background timers go on`,
          );
        }
        nowMs = Math.max(nowMs, dueMs);
        fireDue();
        continue;
      }
      for (let waitedMs = 0; waitedMs < patienceMs && !settled && timers.nextDueMs() === undefined; waitedMs += 5) {
        await realPause(5);
      }
      if (!settled && timers.nextDueMs() === undefined) {
        throw new Error(
          `virtual clock: the promise is still pending at ${nowMs} ms and no timer is left that could settle it; it waits for something that never comes, or on real time`,
        );
      }
    }
  };

  const advance = async (ms: number): Promise<void> => {
    const untilMs = nowMs + ms;
    const never = (): boolean => false;
    await settle(never);
    for (let dueMs = timers.nextDueMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = timers.nextDueMs()) {
      nowMs = Math.max(nowMs, dueMs);
      fireDue();
      await settle(never);
    }
    nowMs = untilMs;
    await settle(never);
  };

  return {
    monotonicMs: () => nowMs,
    wallMs: () => startMs + nowMs,
    after: (delayMs, wake) => {
      activity += 1;
      const cancel = timers.add(nowMs + Math.max(0, delayMs), wake);
      return () => {
        activity += 1;
        cancel();
      };
    },
    run,
    advance,
    pending: timers.size,
  };
}
