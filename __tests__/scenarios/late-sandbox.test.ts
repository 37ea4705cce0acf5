/**
 * Kubelets before 1.36 say that a pod has its sandbox when its first image has come: until then it looks as if it had none,
 * and nearly every roll-out brings an image that is not there yet.
 */
import { describe, expect, test } from '@jest/globals';
import { play, type World } from '../harness.ts';
import { aBrokenWorld, type BrokenWorld, CURE, nodeIn, nodesOf, outputsIn } from './broken-node.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

function aLateWorld(options: BrokenWorld): World {
  return aBrokenWorld({
    isFirst: true,
    replicas: 0,
    world: { nodes: [{ name: 'n1', saysSandboxLate: true }] },
    ...options,
  });
}

function deployPulling({ sim }: World, name: string, tookMs: number): void {
  sim.cluster.deploy({ namespace: 'shop', name, replicas: 3, behaviour: { kind: 'slowImage', tookMs } });
}

/** The failure, and shop/api whose image takes so long once its pods have a network. */
function stuckBeforePulling(tookMs: number): World {
  return aLateWorld({
    after: (world) => {
      deployPulling(world, 'api', tookMs);
      world.sim.warmUp(MINUTE);
    },
  });
}

describe('pods that get their network after a restart and pull their image', () => {
  test('prove the cure when it has come', async () => {
    const played = await play(stuckBeforePulling(MINUTE), CURE);
    expect(played.report.verdict).toBe('healthy');
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.deletes).toHaveLength(1);
  });

  test('are no failure of Calico’s any more, though nothing is proven within restart-timeout', async () => {
    const played = await play(stuckBeforePulling(4 * MINUTE), CURE);
    expect(played.report.verdict).toBe('healthy');
    expect(nodesOf(played)).toEqual(['n1: restarted/timed-out']);
    expect(nodeIn(played, 'n1').why).toMatch(
      /^3 pods have an address of Calico's, and no container that has started 3m\S* after the restart \(Calico has changed the address of shop\/api-\S+ since, so it has access again\); an image that takes long, /,
    );
    expect(played.deletes).toHaveLength(1);
  });
});

test('a failure that healed by itself is none while the image is pulled', async () => {
  const world = aLateWorld({
    after: (started) => {
      deployPulling(started, 'api', 3 * MINUTE);
      started.sim.warmUp(5 * SECOND);
      started.sim.cluster.restoreToken('n1');
      started.sim.warmUp(MINUTE);
    },
  });
  const errors = world.sim.cluster.events('shop').filter(({ reason }) => reason === 'FailedCreatePodSandBox');
  expect(errors).not.toEqual([]);
  const played = await play(world, CURE);
  expect(played.deletes).toEqual([]);
  expect(outputsIn(played)).toMatchObject({
    verdict: 'healthy',
    'calico-auth-failure': 'false',
    'affected-nodes': '[]',
  });
});

test('a network from before the failure is no proof of a cure, whenever the kubelet tells of it', async () => {
  const world = aLateWorld({
    broken: [],
    after: (started) => {
      const { cluster, warmUp } = started.sim;
      deployPulling(started, 'before', 2 * MINUTE);
      warmUp(20 * SECOND);
      cluster.breakToken('n1');
      cluster.setRestartCures('n1', false);
      deployPulling(started, 'api', SECOND);
      warmUp(MINUTE);
    },
  });
  const played = await play(world, { ...CURE, timeout: '6m' });
  const ready = played.report.workloads.map(({ name, ready: count }) => `${name} ${count}`);
  expect(ready).toContain('before 3');
  expect(nodesOf(played)).toEqual(['n1: restarted/timed-out']);
  expect(played.report.verdict).toBe('unhealthy');
});
