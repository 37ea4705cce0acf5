import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { scaledClock } from '../../simulator/scaled-clock.ts';
import { shiftTimes } from '../../simulator/timestamps.ts';
import { createVirtualClock } from '../../simulator/virtual-clock.ts';
import { createWorldClock } from '../../simulator/world-clock.ts';
import { sleep } from '../../src/clock.ts';

describe('the virtual clock', () => {
  test('lets hours pass between two timers', async () => {
    const clock = createVirtualClock({ startMs: 0 });
    await clock.run(sleep(clock, 36_000_000));
    expect(clock.monotonicMs()).toBe(36_000_000);
    expect(clock.wallMs()).toBe(36_000_000);
  });

  test('fires timers in the order in which they are due, and equal ones in the order in which they were set', async () => {
    const clock = createVirtualClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push('c'));
    clock.after(10, () => fired.push('a'));
    clock.after(10, () => fired.push('b'));
    const cancel = clock.after(15, () => fired.push('never'));
    cancel();
    cancel();
    await clock.advance(20);
    expect(fired).toEqual(['a', 'b', 'c']);
    expect(clock.pending()).toBe(0);
  });

  test('lets promises run their course before time goes on', async () => {
    const clock = createVirtualClock();
    const times: number[] = [];
    const story = async (): Promise<void> => {
      for (let step = 0; step < 3; step += 1) {
        await sleep(clock, 10);
        await Promise.resolve();
        times.push(clock.monotonicMs());
      }
    };
    clock.after(1000, () => {});
    await clock.run(story());
    expect(times).toEqual([10, 20, 30]);
  });

  test('waits for a file that is being read instead of jumping over it', async () => {
    const clock = createVirtualClock();
    clock.after(60_000, () => {});
    await clock.run(readFile(new URL(import.meta.url)));
    expect(clock.monotonicMs()).toBe(0);
  });

  test('settles as the promise settles', async () => {
    const clock = createVirtualClock();
    await expect(clock.run(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('says so when a promise waits for something that never comes', async () => {
    const clock = createVirtualClock();
    clock.after(5, () => {});
    await expect(clock.run(new Promise(() => {}), { patienceMs: 20 })).rejects.toThrow(
      /still pending at 5 ms and no timer is left/,
    );
  });

  test('gives up on a promise for which only background timers go on', async () => {
    const clock = createVirtualClock();
    const again = (): void => {
      clock.after(1000, again);
    };
    again();
    await expect(clock.run(new Promise(() => {}), { limitMs: 60_000 })).rejects.toThrow(/still pending after 60000 ms/);
  });
});

describe('the scaled clock', () => {
  test('runs as many times as fast', async () => {
    const base = createVirtualClock({ startMs: 1_000_000 });
    const fast = scaledClock(base, 10);
    const woken: number[] = [];
    fast.after(5000, () => woken.push(fast.monotonicMs()));
    await base.advance(500);
    expect(woken).toEqual([5000]);
    expect(fast.wallMs()).toBe(1_005_000);
  });

  test('refuses a factor that would stop time', () => {
    expect(() => scaledClock(createVirtualClock(), 0)).toThrow('factor above 0');
  });
});

describe('the world clock', () => {
  test('catches up in no time, and what was before is as much older', async () => {
    const live = createVirtualClock({ startMs: 1_000_000 });
    const world = createWorldClock(live);
    const shifts: number[] = [];
    const seen: number[] = [];
    world.onShift((ms) => shifts.push(ms));
    world.after(40_000, () => seen.push(world.wallMs()));
    world.after(70_000, () => seen.push(world.wallMs()));
    world.fastForward(60_000);
    expect(shifts).toEqual([60_000]);
    expect(seen).toEqual([980_000]);
    expect(world.wallMs()).toBe(1_000_000);
    await live.advance(10_000);
    expect(seen).toEqual([980_000, 1_010_000]);
  });

  test('can stand apart from the live clock', () => {
    const live = createVirtualClock({ startMs: 1_000_000 });
    expect(createWorldClock(live, -500).wallMs()).toBe(999_500);
  });

  test('leaves nothing behind when its next wake-up changes in the very moment in which it is due', async () => {
    const live = createVirtualClock();
    let cancel = (): void => undefined;
    live.after(10, () => cancel());
    const world = createWorldClock(live);
    cancel = world.after(10, () => undefined);
    const seen: number[] = [];
    world.after(20, () => seen.push(live.monotonicMs()));
    world.after(30, () => seen.push(live.monotonicMs()));
    await live.advance(10);
    expect(live.pending()).toBe(1);
    await live.advance(10);
    expect(seen).toEqual([20]);
    world.close();
    expect(live.pending()).toBe(0);
  });
});

describe('shifting times', () => {
  test('moves every time, keeps fractions, and leaves everything else alone', () => {
    const object = {
      metadata: { creationTimestamp: '2026-11-22T15:52:05Z', name: '2026' },
      eventTime: '2026-11-22T15:52:05.123456Z',
      list: [{ startedAt: '1970-01-01T00:00:00Z', at: '2026-11-22T23:59:59Z' }],
      untouched: { text: 'at 2026-11-22T15:52:05Z' },
    };
    const moved = shiftTimes(object, 2000);
    expect(moved).toEqual({
      metadata: { creationTimestamp: '2026-11-22T15:52:07Z', name: '2026' },
      eventTime: '2026-11-22T15:52:07.123456Z',
      list: [{ startedAt: '1970-01-01T00:00:00Z', at: '2026-11-23T00:00:01Z' }],
      untouched: { text: 'at 2026-11-22T15:52:05Z' },
    });
    expect(moved.untouched).toBe(object.untouched);
  });
});
