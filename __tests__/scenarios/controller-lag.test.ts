import { describe, expect, test } from '@jest/globals';
import type { Cluster, Controller } from '../../simulator/cluster.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, MINUTE, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };

type Deploy = (cluster: Cluster) => void;
const deployments: Deploy = (cluster) => cluster.deploy({ namespace: 'shop', name: 'web', replicas: 3 });
const statefulSets: Deploy = (cluster) => cluster.deployStatefulSet({ namespace: 'shop', name: 'web', replicas: 3 });
const daemonSets: Deploy = (cluster) => cluster.deployDaemonSet({ namespace: 'shop', name: 'web' });

const kinds: readonly (readonly [string, Controller, Deploy])[] = [
  ['Deployment', 'deployment', deployments],
  ['StatefulSet', 'statefulset', statefulSets],
  ['DaemonSet', 'daemonset', daemonSets],
];

/** All pods of the old version are Ready; the new version was just deployed, and the controller has not seen it. */
function unseen(controller: Controller, deploy: Deploy): World {
  const world = aWorld();
  deploy(world.sim.cluster);
  world.sim.warmUp(10 * MINUTE);
  world.sim.cluster.pauseController(controller);
  deploy(world.sim.cluster);
  return world;
}

function imagesOf({ sim }: World): readonly string[] {
  return [...new Set(sim.cluster.pods('shop').map(({ spec }) => spec.containers[0]?.image ?? ''))];
}

/** When the last pod became Ready, and the last old one was deleted. */
function rolledOutAtMs({ sim }: World): number {
  const times = sim.cluster
    .pods('shop')
    .flatMap(({ status }) => status.conditions ?? [])
    .filter(({ type }) => type === 'Ready')
    .map(({ lastTransitionTime }) => Date.parse(lastTransitionTime ?? ''));
  return Math.max(...times);
}

describe.each(kinds)(
  'a %s whose controller has not seen the new generation, with all old pods Ready',
  (kind, controller, deploy) => {
    test('is not healthy, however long that lasts', async () => {
      const played = await play(unseen(controller, deploy), { ...shop, timeout: '2m' });
      expect(played.elapsedMs).toBeGreaterThanOrEqual(2 * MINUTE);
      expect(played.report.pods).toMatchObject({ notReady: 0 });
      expect(played.report.verdict).toBe('unhealthy');
      expect(findings(played)).toEqual(['NotRolledOut shop/web']);
      expect(played.report.workloads).toMatchObject([{ kind, problem: 'NotRolledOut' }]);
      expect(played.report.reason).toMatch(
        /^shop\/web: its controller has not carried out generation 2 yet \(it has seen 1\) .*; the timeout of 2m is over$/,
      );
    });

    test('is not healthy with stable-for: 0s either', async () => {
      const played = await play(unseen(controller, deploy), { ...shop, timeout: '1m', 'stable-for': '0s' });
      expect(played.report.verdict).toBe('unhealthy');
    });

    test('becomes healthy only when rolled out and stable', async () => {
      const world = unseen(controller, deploy);
      world.clock.after(40 * SECOND, () => world.sim.cluster.resumeController(controller));
      const { report, elapsedMs } = await play(world, shop);
      expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
      expect(elapsedMs).toBeGreaterThan(55 * SECOND);
      expect(imagesOf(world)).toEqual(['registry.example/shop/web:2']);
      expect(Date.parse(report.finishedAt) - rolledOutAtMs(world)).toBeGreaterThanOrEqual(15 * SECOND - 1_000);
    });
  },
);

describe.each<readonly [string, Deploy, readonly Controller[]]>([
  ['Deployment', deployments, ['deployment', 'replicaset']],
  ['StatefulSet', statefulSets, ['statefulset']],
  ['DaemonSet', daemonSets, ['daemonset']],
])('a %s whose controllers hang after a pod was evicted', (_, deploy, controllers) => {
  test('is not healthy by the counts of its status, which still has the pod', async () => {
    const world = aWorld();
    const { cluster } = world.sim;
    deploy(cluster);
    world.sim.warmUp(10 * MINUTE);
    for (const controller of controllers) cluster.pauseController(controller);
    cluster.evict('shop', cluster.pods('shop')[0]?.metadata.name ?? '');
    world.clock.after(30 * SECOND, () => controllers.forEach(cluster.resumeController));
    const { report, elapsedMs } = await play(world, { ...shop, 'stable-for': '0s' });
    expect(report.verdict).toBe('healthy');
    expect(elapsedMs).toBeGreaterThan(30 * SECOND);
  });
});

describe.each(kinds)('a new %s that its controller has never looked at', (kind, controller, deploy) => {
  test('is not healthy, although no pod is missing by name', async () => {
    const world = aWorld();
    world.sim.cluster.pauseController(controller);
    deploy(world.sim.cluster);
    const played = await play(world, { ...shop, 'min-pods': '0', timeout: '1m' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 0 }, workloads: [{ kind }] });
    expect(played.report.reason).toContain('its controller has not looked at it yet');
  });
});

test('a roll-out that goes on is not healthy while an old pod is left, though as many as desired are ready', async () => {
  const world = aShop(3);
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'slow', readyAfterMs: 20 * SECOND } });
  const { report, looks, elapsedMs } = await play(world, shop);
  const misled = looks.filter(({ assessment }) => assessment.counts.ready >= 3 && !assessment.complete);
  expect(misled.length).toBeGreaterThan(0);
  expect(report.verdict).toBe('healthy');
  expect(elapsedMs).toBeGreaterThan(3 * 20 * SECOND + 15 * SECOND);
  expect(imagesOf(world)).toEqual(['registry.example/shop/web:2']);
});
