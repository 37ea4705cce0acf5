import { describe, expect, test } from '@jest/globals';
import { play } from '../harness.ts';
import { aBrokenWorld, CURE, nodesOf, restartedAfterMs } from './broken-node.ts';

const SECOND = 1_000;

describe('an event that stands for several', () => {
  test('is no older than what it says: 30 s count from when the failure began, not from when the event did', async () => {
    const world = aBrokenWorld({
      isFirst: true,
      stuckForMs: 240 * SECOND,
      state: 'ipam-exhausted',
      world: {
        nodes: [
          { name: 'n1', runtime: 'containerd-2' },
          { name: 'n2', runtime: 'containerd-2' },
        ],
      },
    });
    world.clock.after(10 * SECOND, () => world.sim.cluster.breakToken('n1', 'unauthorized'));
    const played = await play(world, CURE);
    expect(world.sim.cluster.events('shop').some(({ message }) => /^\(combined.*Unauthorized$/.test(message))).toBe(
      true,
    );
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(restartedAfterMs(played)[0]).toBeGreaterThanOrEqual(40 * SECOND);
    expect(restartedAfterMs(played)[0]).toBeLessThan(70 * SECOND);
  });
});
