import { describe, expect, test } from '@jest/globals';
import { play, type World } from '../harness.ts';
import {
  aBrokenWorld,
  CURE,
  forge,
  nodesOf,
  outputsIn,
  restartByHand,
  restartedAfterMs,
  waitingOn,
} from './broken-node.ts';

const SHOP = { namespaces: 'shop', 'stable-for': '5s' };

/** shop/web is to have one pod, on n1. */
function oneStuckPod(stuckForMs: number): World {
  return aBrokenWorld({
    isFirst: true,
    replicas: 0,
    stuckForMs: 0,
    after: ({ sim }) => {
      sim.cluster.deploy({ namespace: 'shop', name: 'api', nodeName: 'n1' });
      sim.warmUp(stuckForMs);
    },
  });
}

describe('calico-auth-failure is true', () => {
  test('as soon as one pod is stuck with the failure, before the 30 s of the proof are over', async () => {
    const played = await play(oneStuckPod(3_000), { ...SHOP, timeout: '10s' });
    expect(outputsIn(played)).toMatchObject({ 'calico-auth-failure': 'true', 'affected-nodes': '["n1"]' });
    expect(nodesOf(played)).toEqual(['n1: waiting/-']);
  });

  test('also when the failure was cured in this run', async () => {
    const played = await play(oneStuckPod(60_000), CURE);
    expect(outputsIn(played)).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'affected-nodes': '["n1"]',
      'restarted-nodes': '["n1"]',
    });
  });

  test('also when it healed by itself in this run', async () => {
    const world = oneStuckPod(60_000);
    world.clock.after(10_000, () => world.sim.cluster.restoreToken('n1'));
    const played = await play(world, SHOP);
    expect(outputsIn(played)).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'affected-nodes': '["n1"]',
      'restarted-nodes': '[]',
    });
    expect(nodesOf(played)).toEqual(['n1: none/-']);
  });

  test('also when the event was followed by nothing but SandboxChanged for half an hour', async () => {
    const played = await play(oneStuckPod(1_800_000), { ...SHOP, timeout: '10s' });
    expect(outputsIn(played)['calico-auth-failure']).toBe('true');
  });

  test('also when the failure took the place of another one', async () => {
    const world = aBrokenWorld({
      world: { nodes: [{ name: 'n1', runtime: 'containerd-2' }, 'n2'] },
      state: 'forbidden',
    });
    world.sim.cluster.breakToken('n1', 'unauthorized');
    world.sim.warmUp(60_000);
    expect(outputsIn(await play(world, CURE))).toMatchObject({
      'calico-auth-failure': 'true',
      'restarted-nodes': '["n1"]',
    });
  });
});

describe('calico-auth-failure is false', () => {
  test('while the events of the failure are still listed, of pods that are ready by now or gone', async () => {
    const world = aBrokenWorld();
    restartByHand(world, 'n1');
    world.sim.warmUp(60_000);
    const about = world.sim.cluster
      .events('shop')
      .filter(({ message }) => /401|Unauthorized$|Unauthorized"$/.test(message));
    const pods = new Set(world.sim.cluster.pods('shop').map(({ metadata }) => metadata.uid));
    expect(new Set(about.map(({ involvedObject }) => pods.has(involvedObject.uid)))).toEqual(new Set([true, false]));

    const played = await play(world, CURE);
    expect(outputsIn(played)).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
      'restarted-nodes': '[]',
    });
    expect(played.report.calico.nodes).toEqual([]);
  });

  test('where the newest sandbox event of a stuck pod is another failure', async () => {
    const world = aBrokenWorld({ world: { nodes: [{ name: 'n1', runtime: 'containerd-2' }, 'n2'] }, isFirst: true });
    world.sim.cluster.breakToken('n1', 'forbidden');
    world.sim.warmUp(60_000);
    const played = await play(world, { ...CURE, timeout: '30s' });
    expect(outputsIn(played)).toMatchObject({ 'calico-auth-failure': 'false', 'affected-nodes': '[]' });
    expect(played.report.findings[0]?.cause).toBe('CalicoForbidden');
    expect(played.deletes).toEqual([]);
  });

  test('where a pod waits for another reason, with an old event of the failure', async () => {
    const world = aBrokenWorld({ isFirst: true });
    const [old] = waitingOn(world, 'n1');
    restartByHand(world, 'n1');
    world.sim.warmUp(60_000);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'imageMissing' } });
    world.sim.warmUp(60_000);
    expect(world.sim.cluster.events('shop').map(({ involvedObject }) => involvedObject.name)).toContain(
      old?.metadata.name,
    );
    expect(outputsIn(await play(world, CURE))).toMatchObject({ verdict: 'unhealthy', 'calico-auth-failure': 'false' });
  });

  test('where there is no Calico and nothing fails', async () => {
    const world = aBrokenWorld({ world: { calico: false }, broken: [] });
    expect(outputsIn(await play(world, CURE))).toMatchObject({ verdict: 'healthy', 'calico-auth-failure': 'false' });
  });
});

describe('one stuck pod is enough to act on', () => {
  test('after 30 s, and to prove the cure', async () => {
    const world = oneStuckPod(12_000);
    const played = await play(world, CURE);
    const [event] = world.sim.cluster.events('shop').filter(({ reason }) => reason === 'FailedCreatePodSandBox');
    const agoMs = Date.parse(played.report.startedAt) - Date.parse(event?.firstTimestamp ?? '');
    const [afterMs = 0] = restartedAfterMs(played);
    expect(played.deletes).toHaveLength(1);
    // Times in events and of the server have whole seconds.
    expect(afterMs + agoMs).toBeGreaterThanOrEqual(29_000);
    expect(afterMs + agoMs).toBeLessThanOrEqual(35_000);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test('an event alone is not: a pod that is ready, with an event of the failure, is left in peace', async () => {
    const world = aBrokenWorld({ broken: [] });
    for (const pod of world.sim.cluster.pods('shop')) forge(world, pod);
    const played = await play(world, CURE);
    expect(played.report.calico).toMatchObject({ detected: false, nodes: [] });
    expect(played.deletes).toEqual([]);
  });
});
