import { describe, expect, test } from '@jest/globals';
import type { PodCounts } from '../../src/health/assessment.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, MINUTE, outputs, podOf, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };
const HOUR = 60 * MINUTE;

/** One pod of each of the six classes, and two that are overdue for a finalizer's sake. */
function aZoo(): World {
  const world = aWorld();
  const { cluster, warmUp } = world.sim;
  cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, behaviour: { kind: 'finalizer' } });
  cluster.deploy({ namespace: 'shop', name: 'api' });
  cluster.createPod({ namespace: 'shop', name: 'old', behaviour: { kind: 'neverReady' } });
  cluster.runJob({ namespace: 'shop', name: 'migrate' });
  const slow = { graceSeconds: 3_600, behaviour: { kind: 'slowToStop', stopMs: HOUR } } as const;
  cluster.createPod({ namespace: 'shop', name: 'leaving', ...slow });
  warmUp(9 * MINUTE);
  cluster.deploy({ namespace: 'shop', name: 'web' });
  cluster.evict('shop', podOf(world, 'api').metadata.name);
  cluster.deletePod('shop', 'leaving', { graceSeconds: 3_600 });
  warmUp(MINUTE);
  cluster.createPod({ namespace: 'shop', name: 'young', behaviour: { kind: 'neverReady' } });
  warmUp(10 * SECOND);
  return world;
}

function sumOf({ ready, notReady, completed, starting, terminating, superseded }: PodCounts): number {
  return ready + notReady + completed + starting + terminating + superseded;
}

describe('the counts', () => {
  test('put every pod in scope into one of six classes, which add up to the total', async () => {
    const world = aZoo();
    const { report } = await play(world, { ...shop, 'stuck-after': '5m' });
    expect(report.pods).toEqual({
      total: 10,
      ...{ ready: 3, notReady: 1, completed: 1, starting: 1, terminating: 3, superseded: 1 },
    });
    expect(world.sim.cluster.pods('shop')).toHaveLength(10);
  });

  test('add up in every look, whatever happens meanwhile', async () => {
    const world = aZoo();
    const { cluster } = world.sim;
    const events: readonly (() => void)[] = [
      () => cluster.scale('shop', 'web', 5),
      () => cluster.deploy({ namespace: 'shop', name: 'api', replicas: 3 }),
      () => cluster.evict('shop', podOf(world, 'web').metadata.name),
      () => cluster.runJob({ namespace: 'shop', name: 'fails', behaviour: { kind: 'crash' }, backoffLimit: 2 }),
      () => cluster.loseNode('n2'),
      () => cluster.createPod({ namespace: 'shop', name: 'pending', behaviour: { kind: 'unschedulable' } }),
      () => cluster.deletePod('shop', 'leaving', { force: true }),
      () => cluster.delete('deployments', 'shop', 'api'),
    ];
    for (const [index, happen] of events.entries()) world.clock.after((index + 1) * 7 * SECOND, happen);
    const { looks, report } = await play(world, { ...shop, 'fail-fast': 'false', timeout: '5m' });
    const totals = new Set(looks.map(({ assessment }) => assessment.counts.total));
    expect(totals.size).toBeGreaterThan(5);
    for (const { assessment } of looks) expect(sumOf(assessment.counts)).toBe(assessment.counts.total);
    expect(sumOf(report.pods)).toBe(report.pods.total);
  });

  test('are what the outputs say; completed, superseded, starting and leaving pods are in the total only', async () => {
    expect(outputs(await play(aZoo(), { ...shop, 'stuck-after': '5m' }))).toMatchObject({
      ...{ 'pods-total': '10', 'pods-ready': '3', 'pods-not-ready': '1' },
      'not-ready-pods': '["shop/old"]',
    });
  });
});

describe('an overdue pod', () => {
  test('that holds back nothing (a finalizer keeps it) is in the total and in findings, and no output', async () => {
    const world = aShop();
    world.sim.cluster.addFinalizer('shop', podOf(world, 'web').metadata.name, 'example.com/keep');
    world.sim.cluster.deletePod('shop', podOf(world, 'web').metadata.name);
    world.sim.warmUp(2 * MINUTE);
    const played = await play(world, shop);
    expect(played.report).toMatchObject({
      verdict: 'healthy',
      pods: { total: 3, ready: 2, notReady: 0, terminating: 1 },
    });
    expect(played.report.findings).toMatchObject([
      { cause: 'StuckTerminating', stage: 'terminating', fatal: false, message: 'finalizers: example.com/keep' },
    ]);
    expect(outputs(played)).toMatchObject({ 'pods-not-ready': '0', 'not-ready-pods': '[]' });
  });

  test("that holds back healthy (it cannot give back its network, for Calico's failure) is not ready", async () => {
    const world = aWorld();
    const { cluster, warmUp } = world.sim;
    cluster.deploy({ namespace: 'shop', name: 'ledger', strategy: 'Recreate', nodeName: 'n1' });
    warmUp(MINUTE);
    cluster.breakToken('n1');
    cluster.deploy({ namespace: 'shop', name: 'ledger' });
    warmUp(2 * MINUTE);
    const pod = podOf(world, 'ledger').metadata.name;
    const played = await play(world, shop);
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 1, notReady: 1, terminating: 0 } });
    expect(outputs(played)).toMatchObject({ 'pods-not-ready': '1', 'not-ready-pods': `["shop/${pod}"]` });
  });
});

describe('not-ready-pods', () => {
  test('names at most 50, the worst first; the report has them all', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'late', replicas: 60, behaviour: { kind: 'neverReady' } });
    world.sim.cluster.createPod({ namespace: 'shop', name: 'zebra', behaviour: { kind: 'invalidImage' } });
    world.sim.warmUp(MINUTE);
    const played = await play(world, shop);
    const named: readonly string[] = JSON.parse(outputs(played)['not-ready-pods']);
    expect(played.report.pods).toMatchObject({ total: 61, notReady: 61 });
    expect(played.report.findings).toHaveLength(61);
    expect(findings(played)[0]).toBe('!InvalidImage shop/zebra');
    expect(named).toHaveLength(50);
    expect(named[0]).toBe('shop/zebra');
    expect(new Set(named).size).toBe(50);
  });
});
