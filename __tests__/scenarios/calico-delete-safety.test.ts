import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../simulator/objects.ts';
import { play, type World } from '../harness.ts';
import { aBrokenWorld, CALICO, CURE, nodeIn, nodesOf, restartByHand, restartedAfterMs } from './broken-node.ts';

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

describe('a node whose clock is behind', () => {
  test('does not make a failure of this moment look old: the DELETE comes 30 s after it began, not sooner', async () => {
    const nodes = [{ name: 'n1', runtime: 'containerd-2', clockSkewMs: -25 * SECOND } as const, 'n2'];
    const world = aBrokenWorld({ isFirst: true, stuckForMs: 40 * SECOND, state: 'ipam-exhausted', world: { nodes } });
    world.clock.after(SECOND, () => world.sim.cluster.breakToken('n1'));
    const played = await play(world, CURE);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(restartedAfterMs(played)[0]).toBeGreaterThanOrEqual(31 * SECOND);
    expect(restartedAfterMs(played)[0]).toBeLessThan(60 * SECOND);
  });

  test('has the two minutes in which it may heal by itself all the same', async () => {
    const nodes = ['n1', { name: 'n2', clockSkewMs: -600 * SECOND }];
    const world = aBrokenWorld({ broken: [], world: { nodes }, stuckForMs: 600 * SECOND });
    world.clock.after(SECOND, () => {
      world.sim.cluster.breakToken('n2');
      for (const { metadata } of world.sim.cluster.onNode('n2').pods) {
        if (metadata.namespace === 'shop') world.sim.cluster.deletePod('shop', metadata.name, { graceSeconds: 1 });
      }
    });
    world.clock.after(100 * SECOND, () => world.sim.cluster.restoreToken('n2'));
    const { report } = await play(world, { namespaces: 'shop', 'stable-for': '60s' });
    expect(report).toMatchObject({ verdict: 'healthy', calico: { detected: true } });
  });
});

/** When DELETEs were sent, since the first request of the run. */
function sentAtMs({ sim }: World): readonly number[] {
  const beganMs = sim.requests[0]?.atMs ?? 0;
  return sim.requests.filter(({ method }) => method === 'DELETE').map(({ atMs }) => atMs - beganMs);
}

describe('a picture that is no longer true', () => {
  test('decides no DELETE: watches that have fallen silent hide that the node has healed', async () => {
    const world = aBrokenWorld({ stuckForMs: 5 * SECOND });
    world.clock.after(3 * SECOND, () => {
      world.sim.api.watches.silence();
      world.sim.cluster.restoreToken('n1');
    });
    const played = await play(world, CURE);
    expect(played.deletes).toEqual([]);
    expect(played.report.verdict).toBe('healthy');
  });

  test('decides no DELETE: they hide that somebody else has restarted it', async () => {
    const world = aBrokenWorld({ stuckForMs: 5 * SECOND });
    world.clock.after(3 * SECOND, () => world.sim.api.watches.silence());
    world.clock.after(20 * SECOND, () => restartByHand(world, 'n1'));
    const played = await play(world, CURE);
    expect(played.deletes).toEqual([]);
    expect(played.report.verdict).toBe('healthy');
  });

  test('is read anew as long as a list fails, and nothing is deleted until it succeeds', async () => {
    const world = aBrokenWorld();
    const failsMs = 40 * SECOND;
    world.sim.api.faults = ({ path, atMs }) => {
      const isLater = path.startsWith('/api/v1/namespaces/calico-system/pods?') && !path.includes('watch=1');
      const sinceMs = atMs - (world.sim.requests[0]?.atMs ?? 0);
      return isLater && sinceMs > SECOND && sinceMs < failsMs ? { kind: 'status', status: 500 } : undefined;
    };
    const played = await play(world, CURE);
    expect(sentAtMs(world)[0]).toBeGreaterThanOrEqual(failsMs);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });
});

describe('a DELETE that is turned away', () => {
  /** The first DELETE is answered so. */
  function aBusyServer(headers: Readonly<Record<string, string>>): World {
    const world = aBrokenWorld();
    world.sim.api.faults = ({ method, nth }) =>
      method === 'DELETE' && nth === 1 ? { kind: 'status', status: 429, headers } : undefined;
    return world;
  }

  test('for a second is sent again', async () => {
    const world = aBusyServer({ 'retry-after': '1' });
    const played = await play(world, CURE);
    expect(sentAtMs(world)).toHaveLength(2);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test('for long is planned anew, from what is true by then', async () => {
    const world = aBusyServer({ 'retry-after': '50' });
    world.clock.after(20 * SECOND, () => world.sim.cluster.restoreToken('n1'));
    const played = await play(world, CURE);
    expect(sentAtMs(world)).toHaveLength(1);
    expect(played.restartedNodes).toEqual([]);
    expect(played.report.verdict).toBe('healthy');
  });

  test('for longer than the run may last is not sent again when too little time is left', async () => {
    const world = aBusyServer({ 'retry-after': '50' });
    const played = await play(world, { ...CURE, timeout: '80s' });
    expect(sentAtMs(world)).toHaveLength(1);
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'refused', why: expect.stringContaining('raise timeout') });
  });

  test('is not sent again after a cancellation', async () => {
    const world = aBusyServer({ 'retry-after': '3' });
    const controller = new AbortController();
    world.clock.after(3 * SECOND, () => controller.abort(new Error('cancelled by SIGTERM')));
    const played = await play(world, CURE, { signal: controller.signal });
    expect(sentAtMs(world)).toHaveLength(1);
    expect(sentAtMs(world)[0]).toBeLessThan(3 * SECOND);
    expect(played).toMatchObject({ cancelled: true, restartedNodes: [] });
    expect(played.elapsedMs).toBeLessThanOrEqual(8 * SECOND);
  });
});

describe('a DELETE whose answer does not come', () => {
  test('is planned anew when the pod is still there half a minute later: the node may have healed', async () => {
    const world = aBrokenWorld();
    world.sim.api.faults = ({ method }) => (method === 'DELETE' ? { kind: 'hang' } : undefined);
    world.clock.after(10 * SECOND, () => world.sim.cluster.restoreToken('n1'));
    const played = await play(world, CURE);
    expect(sentAtMs(world)).toHaveLength(1);
    expect(played.restartedNodes).toEqual([]);
    expect(played.report.verdict).toBe('healthy');
  });

  test('is sent once more, by the same rules, where nothing has changed', async () => {
    const world = aBrokenWorld();
    world.sim.api.faults = ({ method, nth }) => (method === 'DELETE' && nth === 1 ? { kind: 'hang' } : undefined);
    const played = await play(world, CURE);
    expect(sentAtMs(world)).toHaveLength(2);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });
});

describe('two Calico installations on one node, and nothing that tells which is meant', () => {
  test('stay two while the pod of one of them is being replaced', async () => {
    const world = aBrokenWorld({ world: { calico: [{ namespace: CALICO }, { namespace: 'kube-system' }] } });
    for (const namespace of ['kube-system', CALICO]) {
      world.clock.after(namespace === CALICO ? 40 * SECOND : 20 * SECOND, () => {
        const { metadata } = world.sim.cluster
          .onNode('n1')
          .pods.find((pod) => pod.metadata.namespace === namespace) as KubeObject;
        world.sim.cluster.deletePod(namespace, metadata.name);
      });
    }
    world.sim.cluster.setRestartCures('n1', false);
    const played = await play(world, { ...CURE, 'fail-fast': 'false', timeout: '3m' });
    expect(played.deletes).toEqual([]);
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'refused', why: expect.stringContaining('two Calico') });
  });
});
