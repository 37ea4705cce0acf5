import type { Clock } from '../src/clock.ts';

/** `base`, running `factor` times as fast: with 10, a minute of the model passes in six seconds. Starts at base's time. */
export function scaledClock(base: Clock, factor: number): Clock {
  if (!(factor > 0)) throw new Error(`cannot scale a clock by ${factor}: a factor above 0 is needed`);
  const startMs = base.monotonicMs();
  const startWallMs = base.wallMs();
  const elapsedMs = (): number => (base.monotonicMs() - startMs) * factor;
  return {
    monotonicMs: elapsedMs,
    wallMs: () => startWallMs + elapsedMs(),
    after: (delayMs, wake) => base.after(delayMs / factor, wake),
  };
}
