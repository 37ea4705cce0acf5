import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { aShop, MINUTE, SECOND, workloads } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '3m', 'stable-for': '5s' };

function imageOf(pod: Pod): string {
  return pod.spec.containers[0]?.image ?? '';
}

/** Images of the pods of a workload that are not on their way out. */
function images({ sim }: World): readonly string[] {
  const staying = sim.cluster.pods('shop').filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return [...new Set(staying.map(imageOf))];
}

describe('a roll-out of a Deployment', () => {
  test('is not over while the old pods are still the ready ones', async () => {
    const world = aShop(3);
    world.sim.cluster.deploy({
      namespace: 'shop',
      name: 'web',
      behaviour: { kind: 'slow', readyAfterMs: 40 * SECOND },
    });
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(40 * SECOND);
    expect(images(world)).toHaveLength(1);
  });

  test('is not over before all new pods are available, which minReadySeconds puts off', async () => {
    const world = aShop(2);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', minReadySeconds: 30 });
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(30 * SECOND);
  });

  test('is not over while an old pod is there that nobody has deleted', async () => {
    const world = aShop(2);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', maxSurge: 2, maxUnavailable: 0 });
    // The new pods come, and the old ones stay for as long as nobody looks at their ReplicaSet.
    world.clock.after(600, () => world.sim.cluster.pauseController('replicaset'));
    world.clock.after(40 * SECOND, () => world.sim.cluster.resumeController('replicaset'));
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(40 * SECOND);
  });

  test('is over while old pods are still on their way out, in time', async () => {
    const world = aWorld();
    const slow = { kind: 'slowToStop', stopMs: 80 * SECOND } as const;
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, graceSeconds: 90, behaviour: slow });
    world.sim.warmUp(MINUTE);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 2, terminating: 2 } });
    expect(elapsedMs).toBeLessThan(60 * SECOND);
  });
});

test.each([
  [1, '1 new pod is not ready (1 old one still is)'],
  [2, '1 new pod is not ready (2 old ones still are)'],
  [4, '2 new pods are not ready (3 old ones still are)'],
])('a broken roll-out of %i replicas says that the new pods are not ready, and why', async (replicas, says) => {
  const world = aShop(replicas);
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'imageMissing' } });
  const { report } = await play(world, SHOP);
  expect(report.verdict).toBe('unhealthy');
  const broken = images(world).at(-1);
  expect(report.reason.startsWith(`shop/web: ${says}: container web: image ${broken}: `)).toBe(true);
});

describe('a StatefulSet', () => {
  function aDatabase(options: Partial<Parameters<World['sim']['cluster']['deployStatefulSet']>[0]>): World {
    const world = aWorld();
    world.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', replicas: 3, ...options });
    world.sim.warmUp(5 * MINUTE);
    world.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db' });
    return world;
  }

  test('is rolled out when every ordinal has the new revision', async () => {
    const world = aDatabase({});
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(images(world)).toHaveLength(1);
  });

  test('with partition needs the new revision only from that ordinal on', async () => {
    const world = aDatabase({ partition: 2 });
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    const old = world.sim.cluster.pods('shop').filter((pod) => imageOf(pod).endsWith(':1'));
    expect(old.map(({ metadata }) => metadata.name)).toEqual(['db-0', 'db-1']);
  });

  test('with partition is not rolled out before those ordinals are', async () => {
    const world = aDatabase({ partition: 2 });
    world.sim.cluster.setBehaviour('shop', 'db', { kind: 'neverReady' });
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
    expect(report.findings[0]).toMatchObject({ pod: 'db-2', cause: 'NotReady' });
  });

  test('with OnDelete is complete when as many are ready as desired, and the log says how many have the old revision', async () => {
    const { report, log } = await play(aDatabase({ updateStrategy: 'OnDelete' }), SHOP);
    expect(report.verdict).toBe('healthy');
    expect(log).toContainEqual(expect.stringContaining('StatefulSet shop/db (OnDelete): 3 pods of the old revision'));
  });

  test('with OnDelete is not when one is not ready', async () => {
    const world = aDatabase({ updateStrategy: 'OnDelete' });
    world.sim.cluster.setBehaviour('shop', 'db', { kind: 'neverReady' });
    world.sim.cluster.deletePod('shop', 'db-1');
    world.sim.warmUp(10 * SECOND);
    const { report, log } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
    expect(log).toContainEqual(expect.stringContaining('(OnDelete): 2 pods of the old revision'));
  });
});

test('a DaemonSet with OnDelete is complete as it is, and the log says how many pods have the old template', async () => {
  const world = aWorld();
  world.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent', updateStrategy: 'OnDelete' });
  world.sim.warmUp(10 * MINUTE);
  world.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent' });
  const { report, log } = await play(world, SHOP);
  expect(report.verdict).toBe('healthy');
  expect(log).toContainEqual(expect.stringContaining('DaemonSet shop/agent (OnDelete): 2 pods of the old template'));
});

describe('a paused Deployment', () => {
  test('is complete when as many pods are ready as desired', async () => {
    const world = aShop(2);
    world.sim.cluster.pause('shop', 'web');
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', warnings: [] });
  });

  test('whose template is not rolled out is complete with a warning', async () => {
    const world = aShop(2);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', paused: true });
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(report.warnings).toEqual([
      'Deployment shop/web is paused and its pod template is not rolled out: 2 pods of an older one (kubectl rollout resume deployment/web -n shop)',
    ]);
  });

  test('with a pod that is not ready is not complete', async () => {
    const world = aShop(2);
    world.sim.cluster.pause('shop', 'web');
    world.sim.cluster.setBehaviour('shop', 'web', { kind: 'neverReady' });
    const [pod] = world.sim.cluster.pods('shop');
    world.sim.cluster.deletePod('shop', pod?.metadata.name ?? '');
    const { report } = await play(world, { ...SHOP, timeout: '1m' });
    expect(report.verdict).toBe('unhealthy');
  });
});

test.each<[string, (world: World) => void]>([
  ['Deployment', ({ sim }) => sim.cluster.deploy({ namespace: 'shop', name: 'idle', replicas: 0 })],
  ['StatefulSet', ({ sim }) => sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'idle', replicas: 0 })],
])('a %s that is scaled to 0 is fine', async (kind, deploy) => {
  const world = aShop(1);
  deploy(world);
  const played = await play(world, SHOP);
  expect(played.report).toMatchObject({ verdict: 'healthy', findings: [] });
  expect(workloads(played)).toContain(`${kind} shop/idle`);
});
