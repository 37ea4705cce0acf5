import { describe, expect, test } from '@jest/globals';
import { play } from '../harness.ts';
import { aShop, findings, MINUTE, SECOND } from './shop.ts';

/*
 * A watch of events has no bookmarks, so one that keeps everything to itself is not noticed. Pods of the shop roll into a node
 * whose CNI token died, and no event ever comes.
 */

function unheard(): ReturnType<typeof aShop> {
  const world = aShop(4);
  const { sim, clock } = world;
  sim.api.faults = ({ resource, verb }) =>
    resource === 'events' && verb === 'watch' ? { kind: 'lines', rewrite: () => [] } : undefined;
  clock.after(2 * SECOND, () => {
    sim.cluster.breakToken('n1');
    sim.cluster.deploy({ namespace: 'shop', name: 'web' });
  });
  return world;
}

describe('while no event comes, Calico’s failure does not pass for a pod that is starting', () => {
  test.each(['0s', '15s'])('with stable-for: %s', async (stableFor) => {
    const world = unheard();
    // Something is left to wait for when the others come.
    const behaviour = { kind: 'crash', afterMs: SECOND, times: 4 } as const;
    world.sim.cluster.createPod({ namespace: 'shop', name: 'late', nodeName: 'n2', behaviour });
    world.sim.warmUp(MINUTE);
    const inputs = { namespaces: 'shop', 'stuck-after': '10m', 'stable-for': stableFor, timeout: '4m' };
    const played = await play(world, { ...inputs, 'fail-fast': 'false' });
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)).toContainEqual(expect.stringMatching(/^!CalicoUnauthorized shop\/web-/));
    expect(played.elapsedMs).toBeGreaterThanOrEqual(4 * MINUTE);
  });
});
