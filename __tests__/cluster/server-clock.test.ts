import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createVirtualClock } from '../../simulator/virtual-clock.ts';
import { createServerClock } from '../../src/cluster/server-clock.ts';

function dateOf(ms: number): string {
  return new Date(ms).toUTCString();
}

describe("the server's clock", () => {
  test("is this machine's until a server has told its own", () => {
    const clock = createVirtualClock();
    const serverClock = createServerClock(clock);
    expect(serverClock.now()).toEqual({ atMs: clock.wallMs(), elapsedMs: 0 });
    expect(serverClock.aheadMs()).toBeNull();
  });

  test('is within the round trip and half a second after any answers, however far the machine is off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -600_000, max: 600_000 }),
        fc.array(
          fc.tuple(
            fc.integer({ min: 0, max: 400 }),
            fc.integer({ min: 0, max: 400 }),
            fc.integer({ min: 0, max: 5_000 }),
          ),
          {
            minLength: 1,
            maxLength: 20,
          },
        ),
        async (skewMs, answers) => {
          const clock = createVirtualClock();
          const serverClock = createServerClock(clock);
          const trueMs = (): number => clock.wallMs() + skewMs;
          for (const [thereMs, backMs, pauseMs] of answers) {
            const sentMs = clock.monotonicMs();
            await clock.advance(thereMs);
            const date = dateOf(trueMs());
            await clock.advance(backMs);
            serverClock.observe(date, sentMs, clock.monotonicMs());
            await clock.advance(pauseMs);
          }
          const worstMs = Math.min(...answers.map(([thereMs, backMs]) => thereMs + backMs)) + 1_000;
          expect(Math.abs(serverClock.now().atMs - trueMs())).toBeLessThanOrEqual(worstMs / 2 + 1);
          expect(Math.abs((serverClock.aheadMs() ?? Number.NaN) - skewMs)).toBeLessThanOrEqual(worstMs / 2 + 1);
        },
      ),
    );
  });

  test('becomes exact when answers come at different parts of a second', async () => {
    const clock = createVirtualClock({ startMs: 1_000_000_000_000 });
    const serverClock = createServerClock(clock);
    for (let tenth = 0; tenth < 12; tenth += 1) {
      serverClock.observe(dateOf(clock.wallMs()), clock.monotonicMs(), clock.monotonicMs());
      await clock.advance(100);
    }
    expect(Math.abs(serverClock.now().atMs - clock.wallMs())).toBeLessThanOrEqual(50);
  });

  test('stands still, rather than going back, when an answer shows that it was ahead', async () => {
    const clock = createVirtualClock({ startMs: 1_000_000_000_000 });
    const serverClock = createServerClock(clock);
    const answer = (): void => serverClock.observe(dateOf(clock.wallMs()), clock.monotonicMs(), clock.monotonicMs());
    answer();
    await clock.advance(990);
    const before = serverClock.now();
    expect(before.atMs).toBeGreaterThan(clock.wallMs() + 400);
    answer();
    expect(serverClock.now().atMs).toBe(before.atMs);
    await clock.advance(1_000);
    expect(Math.abs(serverClock.now().atMs - clock.wallMs())).toBeLessThanOrEqual(10);
  });

  test('follows a server whose clock was set', async () => {
    const clock = createVirtualClock();
    const serverClock = createServerClock(clock);
    serverClock.observe(dateOf(clock.wallMs()), 0, 0);
    await clock.advance(10_000);
    serverClock.observe(dateOf(clock.wallMs() + 3_600_000), clock.monotonicMs(), clock.monotonicMs());
    expect(Math.abs(serverClock.now().atMs - (clock.wallMs() + 3_600_000))).toBeLessThanOrEqual(1_000);
  });

  test.each([undefined, '', 'yesterday'])('learns nothing from the Date %j', (date) => {
    const clock = createVirtualClock();
    const serverClock = createServerClock(clock);
    serverClock.observe(date, 0, 10);
    expect(serverClock.aheadMs()).toBeNull();
  });
});
