import { describe, expect, test } from '@jest/globals';
import type { Behaviour } from '../../simulator/cluster/programs.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, firstLook, MINUTE, SECOND } from './shop.ts';

const sweep = { namespaces: 'shop', 'stuck-after': '5m' };

/** Two of three pods of shop/web, those on n1, behave so since then. */
function aShopWith(behaviour: Behaviour, sinceMs: number): World {
  const world = aWorld();
  world.sim.cluster.deploy({
    namespace: 'shop',
    name: 'web',
    replicas: 3,
    behaviour: ({ node }) => (node === 'n1' ? behaviour : { kind: 'healthy' }),
  });
  world.sim.warmUp(sinceMs);
  return world;
}

describe('a pod that has been not ready for less than stuck-after', () => {
  test('is starting and does not count, and a healthy reason says how many were not judged', async () => {
    const { report, log } = await play(aShopWith({ kind: 'neverReady' }, MINUTE), sweep);
    expect(log[0]).toContain('stable for 15s, stuck after 5m; changes nothing');
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 3, ready: 1, starting: 2, notReady: 0 } });
    expect(report.findings).toEqual([]);
    expect(report.reason).toBe('1 pod in 1 workload is ready and stayed so for 15s; 2 starting pods were not judged');
  });

  test('counts with the default of 0s: after a deploy every pod has to be ready', async () => {
    const world = aShopWith({ kind: 'neverReady' }, MINUTE);
    const { report } = await play(world, { namespaces: 'shop', timeout: '30s' });
    expect(report).toMatchObject({ verdict: 'unhealthy', pods: { starting: 0, notReady: 2 } });
  });

  test('counts from when it has been so for that long, and is waited for as long as its cause allows', async () => {
    const played = await play(aShopWith({ kind: 'neverReady' }, 290 * SECOND), { ...sweep, timeout: '1m' });
    const stuckMs = firstLook(played, ({ counts }) => counts.notReady === 2);
    expect(stuckMs).toBeGreaterThanOrEqual(8 * SECOND);
    expect(stuckMs).toBeLessThan(12 * SECOND);
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { starting: 0, notReady: 2 } });
    expect(played.elapsedMs).toBeGreaterThanOrEqual(MINUTE);
  });

  test.each<readonly [string, Behaviour]>([
    ['an image that does not exist', { kind: 'imageMissing' }],
    ['a secret that is missing', { kind: 'missingSecret' }],
    ['no node for it', { kind: 'unschedulable' }],
  ])('is starting whatever it waits for: %s', async (_, behaviour) => {
    const world = aShop();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour });
    world.sim.warmUp(2 * MINUTE);
    const { report } = await play(world, sweep);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 2, starting: 1 } });
  });
});

describe('a shortage of a workload', () => {
  test('that is caused only by starting pods does not count, in the middle of a roll-out too', async () => {
    const world = aShop(4);
    world.sim.warmUp(10 * MINUTE);
    const behaviour = { kind: 'slow', readyAfterMs: MINUTE } as const;
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour });
    world.sim.warmUp(10 * SECOND);
    const { report } = await play(world, sweep);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 3, starting: 2 } });
    expect(report.workloads).toMatchObject([{ desired: 4, ready: 3, problem: null }]);
  });

  test.each<readonly [string, string, (world: World) => void]>([
    ['a quota', '!CreateRefused shop/web', ({ sim }) => sim.cluster.setQuota('shop', 3)],
    ['a controller that hangs', 'NotRolledOut shop/web', ({ sim }) => sim.cluster.pauseController('replicaset')],
  ])('that has another cause as well counts: %s', async (_, finding, hinder) => {
    const world = aShop(2);
    world.sim.cluster.setBehaviour('shop', 'web', { kind: 'neverReady' });
    world.sim.cluster.scale('shop', 'web', 3);
    world.sim.warmUp(30 * SECOND);
    hinder(world);
    world.sim.cluster.scale('shop', 'web', 4);
    world.sim.warmUp(30 * SECOND);
    const played = await play(world, { ...sweep, timeout: '2m' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { ready: 2, starting: 1, notReady: 0 } });
    expect(findings(played)).toEqual([finding]);
  });
});

describe('never starting', () => {
  test("is a pod with Calico's failure whose node is lost afterwards", async () => {
    const world = aShop();
    world.sim.cluster.breakToken('n1');
    world.sim.cluster.createPod({ namespace: 'shop', name: 'new', nodeName: 'n1' });
    world.clock.after(10 * SECOND, () => world.sim.cluster.loseNode('n1'));
    const { report } = await play(world, { ...sweep, timeout: '2m' });
    expect(report.verdict).toBe('unhealthy');
    expect(report.findings).toContainEqual(expect.objectContaining({ pod: 'new', cause: 'NodeNotReady' }));
  });

  test("is a pod with Calico's failure", async () => {
    const world = aShop(4);
    world.sim.cluster.breakToken('n1');
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    world.sim.warmUp(MINUTE);
    const { report } = await play(world, sweep);
    expect(report).toMatchObject({ verdict: 'unhealthy', calico: { detected: true } });
    expect(report.pods.notReady).toBeGreaterThan(0);
    expect(report.pods.starting).toBe(0);
  });

  test('is a pod that ended abnormally three times, the last time within ten minutes', async () => {
    const world = aShop();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'crash', afterMs: 20 * SECOND } });
    world.sim.warmUp(3 * MINUTE);
    const played = await play(world, { ...sweep, 'stuck-after': '30m' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { ready: 2, starting: 0, notReady: 1 } });
    expect(played.report.findings).toMatchObject([{ cause: 'CrashLoop', stage: 'crash' }]);
  });
});

test('a pod whose last abnormal end is longer ago than ten minutes is starting like any other', async () => {
  const world = aWorld();
  const crash = { kind: 'crash', afterMs: 2 * SECOND, times: 3 } as const;
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: crash });
  world.sim.warmUp(35 * SECOND);
  world.sim.cluster.setBehaviour('shop', 'web', { kind: 'neverReady' });
  world.sim.warmUp(13 * MINUTE);
  const { report } = await play(world, { ...sweep, 'stuck-after': '1h' });
  expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 1, starting: 1 } });
});

describe('what has been not ready for longer than stuck-after at the first look', () => {
  test('is fatal after two looks, though its cause alone would have until the timeout', async () => {
    const played = await play(aShopWith({ kind: 'neverReady' }, 6 * MINUTE), sweep);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.findings.map(({ cause, fatal }) => [cause, fatal])).toEqual([
      ['NotReady', true],
      ['NotReady', true],
    ]);
    expect(played.elapsedMs).toBeGreaterThanOrEqual(2 * SECOND);
    expect(played.elapsedMs).toBeLessThan(4 * SECOND);
  });

  test('is fatal after two looks also when a workload lacks it', async () => {
    const world = aWorld();
    world.sim.cluster.pauseController('replicaset');
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    world.sim.cluster.createPod({ namespace: 'shop', name: 'lone' });
    world.sim.warmUp(6 * MINUTE);
    const played = await play(world, sweep);
    expect(findings(played)).toEqual(['!NotRolledOut shop/web']);
    expect(played.elapsedMs).toBeLessThan(4 * SECOND);
  });

  test('is not fatal so soon without stuck-after', async () => {
    const world = aShopWith({ kind: 'neverReady' }, 6 * MINUTE);
    const played = await play(world, { namespaces: 'shop', timeout: '1m' });
    expect(played.elapsedMs).toBeGreaterThanOrEqual(MINUTE);
    expect(played.report.findings.some(({ fatal }) => fatal)).toBe(false);
  });
});
