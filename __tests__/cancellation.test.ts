import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { CANCELLATION_LIMIT_MS, listenForCancellation, type SignalSource } from '../src/cancellation.ts';
import type { Clock } from '../src/clock.ts';

/** Signals by hand, exits that are only noted, and a clock that stands until it is moved. */
function aProcess() {
  const emitter = new EventEmitter();
  const exits: number[] = [];
  let timers: { readonly atMs: number; readonly wake: () => void }[] = [];
  let nowMs = 0;
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after: (delayMs, wake) => {
      const timer = { atMs: nowMs + delayMs, wake };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
  };
  const source: SignalSource = {
    on: (event, listener) => emitter.on(event, listener),
    exit: (code) => exits.push(code),
  };
  return {
    source,
    clock,
    exits,
    kill: (name: 'SIGINT' | 'SIGTERM') => emitter.emit(name, name),
    pass: (durationMs: number) => {
      nowMs += durationMs;
      for (const timer of timers.filter((one) => one.atMs <= nowMs)) timer.wake();
    },
  };
}

describe('listening for a cancellation', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s aborts the signal and names itself', (name) => {
    const { source, clock, kill } = aProcess();
    const signal = listenForCancellation(2, source, clock);
    expect(signal.aborted).toBe(false);
    kill(name);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ message: `cancelled by ${name}` });
  });

  test('the process is ended when it is not done in time', () => {
    const { source, clock, kill, pass, exits } = aProcess();
    listenForCancellation(2, source, clock);
    pass(10 * CANCELLATION_LIMIT_MS);
    kill('SIGINT');
    pass(CANCELLATION_LIMIT_MS - 1);
    expect(exits).toEqual([]);
    pass(1);
    expect(exits).toEqual([2]);
  });

  test('a second signal neither ends the process at once nor gives it more time', () => {
    const { source, clock, kill, pass, exits } = aProcess();
    const signal = listenForCancellation(1, source, clock);
    kill('SIGINT');
    pass(CANCELLATION_LIMIT_MS - 1);
    expect(kill('SIGTERM')).toBe(true);
    expect(exits).toEqual([]);
    pass(1);
    expect(exits).toEqual([1]);
    expect(signal.reason).toMatchObject({ message: 'cancelled by SIGINT' });
  });
});
