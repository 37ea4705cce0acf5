import { describe, expect, test } from '@jest/globals';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, firstLook, MINUTE, outage, podOf, SECOND } from './shop.ts';

const shop = { namespaces: 'shop', 'stable-for': '1m' };
const WINDOW_MS = MINUTE;

/** When the run saw everything again, in ms after it began. */
function regainedMs(log: readonly string[]): number {
  const line = log.findLast((text) => text.includes(' sees ')) ?? '';
  const [, minutes, seconds] = /^\s*(\d+):(\d\d) /.exec(line) ?? [];
  return (Number(minutes) * 60 + Number(seconds)) * SECOND;
}

describe('a gap in the view of more than five seconds', () => {
  test('leaves the windows as they are when restart counts and Ready transition times are unchanged', async () => {
    const world = aShop();
    outage(world, 10 * SECOND, 20 * SECOND);
    const { report, log, elapsedMs } = await play(world, shop);
    expect(report.verdict).toBe('healthy');
    expect(log.join('\n')).toContain('lost sight of pods');
    expect(elapsedMs).toBeLessThan(WINDOW_MS + 3 * SECOND);
  });

  test.each<readonly [string, string, (world: World) => void]>([
    [
      'a pod was not Ready for a moment',
      'was not Ready for a moment',
      ({ sim }) => {
        const behaviour = { kind: 'flips', readyMs: 2 * MINUTE, notReadyMs: 3 * SECOND } as const;
        sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
        sim.warmUp(108 * SECOND);
      },
    ],
    [
      'a pod was restarted',
      'was restarted',
      ({ sim }) => {
        const behaviour = { kind: 'crash', afterMs: 2 * MINUTE, times: 1 } as const;
        sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
        sim.warmUp(108 * SECOND);
      },
    ],
    [
      'a pod was replaced',
      'changed while the view was lost',
      (world) => {
        const { cluster } = world.sim;
        cluster.deploy({ namespace: 'shop', name: 'api' });
        world.sim.warmUp(MINUTE);
        world.clock.after(12 * SECOND, () => cluster.deletePod('shop', podOf(world, 'api').metadata.name));
      },
    ],
  ])('begins them anew when %s meanwhile', async (_, because, happen) => {
    const world = aShop();
    happen(world);
    outage(world, 10 * SECOND, 20 * SECOND);
    const { report, log, elapsedMs } = await play(world, shop);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 3 } });
    expect(log.find((line) => line.includes('anew for shop/api'))).toContain(because);
    expect(elapsedMs).toBeGreaterThan(20 * SECOND + WINDOW_MS);
  });

  test('is not healthy before everything is seen again, however long all has been ready', async () => {
    const world = aShop();
    outage(world, 10 * SECOND, 3 * MINUTE);
    const { report, log, elapsedMs } = await play(world, shop);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(3 * MINUTE);
    expect(elapsedMs).toBeGreaterThanOrEqual(regainedMs(log));
  });
});

test('a shorter gap begins nothing anew', async () => {
  const world = aShop();
  world.clock.after(10 * SECOND, () => world.sim.api.watches.reset());
  const { report, log, elapsedMs } = await play(world, shop);
  expect(report.verdict).toBe('healthy');
  expect(log.join('\n')).not.toContain('lost sight');
  expect(elapsedMs).toBeLessThan(WINDOW_MS + 3 * SECOND);
});

test('a watch that dies without a word is noticed, and what it missed is seen', async () => {
  const world = aWorld();
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'slow', readyAfterMs: 20 * SECOND } });
  world.clock.after(10 * SECOND, () => world.sim.api.watches.silence());
  world.clock.after(89 * SECOND, () => world.sim.api.watches.resume());
  const played = await play(world, shop);
  expect(played.report).toMatchObject({ verdict: 'healthy', pods: { ready: 1 } });
  expect(firstLook(played, ({ counts }) => counts.ready === 1)).toBeGreaterThan(90 * SECOND);
});
