import { describe, expect, test } from '@jest/globals';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, firstLook, MINUTE, podOf, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };

describe('too few pods', () => {
  test('are unhealthy after a minute of patience, with the numbers and the selector as it was typed', async () => {
    const played = await play(aShop(), { ...shop, selector: 'app=wbe' });
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toMatch(/^0 pods matched `app=wbe`, expected at least 1 /);
    expect(played.elapsedMs).toBeGreaterThanOrEqual(MINUTE);
    expect(played.elapsedMs).toBeLessThan(MINUTE + 2 * SECOND);
  });

  test('are unhealthy only at the timeout without fail-fast', async () => {
    const played = await play(aShop(), { ...shop, selector: 'app=wbe', 'fail-fast': 'false', timeout: '3m' });
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toMatch(/^0 pods matched `app=wbe`/);
    expect(played.elapsedMs).toBeGreaterThanOrEqual(3 * MINUTE);
  });

  test('are unhealthy even when there are some', async () => {
    const played = await play(aShop(2), { ...shop, 'min-pods': '3' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 2, ready: 2 } });
    expect(played.report.reason).toMatch(/^2 pods in scope, expected at least 3 /);
  });

  test('are one finding, about nobody in particular', async () => {
    const { report } = await play(aShop(), { selector: 'app=wbe' });
    expect(report.findings).toMatchObject([
      { namespace: '', pod: null, uid: null, owner: null, stage: 'workload', cause: 'TooFewPods', fatal: true },
    ]);
  });

  test('come in time when the deploy makes them within that minute', async () => {
    const world = aWorld();
    world.sim.cluster.createNamespace('shop');
    world.clock.after(40 * SECOND, () => world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 3 }));
    const played = await play(world, { ...shop, 'min-pods': '3' });
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [], pods: { ready: 3 } });
    expect(played.elapsedMs).toBeGreaterThan(55 * SECOND);
  });

  test('may come later than that without fail-fast', async () => {
    const world = aWorld();
    world.clock.after(2 * MINUTE, () => world.sim.cluster.deploy({ namespace: 'shop', name: 'web' }));
    expect((await play(world, { ...shop, 'fail-fast': 'false' })).report.verdict).toBe('healthy');
  });

  test('have a minute of patience also when they were enough before', async () => {
    const world = aShop();
    world.sim.cluster.deploy({
      namespace: 'shop',
      name: 'slow',
      behaviour: { kind: 'slow', readyAfterMs: 40 * SECOND },
    });
    world.clock.after(30 * SECOND, () => {
      for (const name of ['web', 'slow']) world.sim.cluster.delete('deployments', 'shop', name);
    });
    const played = await play(world, shop);
    const missingSince = firstLook(played, ({ findings: all }) => all.some(({ cause }) => cause === 'TooFewPods'));
    expect(missingSince).toBeGreaterThan(30 * SECOND);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.elapsedMs - missingSince).toBeGreaterThanOrEqual(MINUTE);
  });
});

test('min-pods: 0 allows an empty scope, and the reason says that it was empty', async () => {
  const played = await play(aShop(), { ...shop, selector: 'app=wbe', 'min-pods': '0' });
  expect(played.report).toMatchObject({ verdict: 'healthy', pods: { total: 0 }, workloads: [] });
  expect(played.report.reason).toBe('nothing is in scope, which min-pods: 0 allows');
});

describe('what min-pods counts', () => {
  test.each<readonly [string, (world: World) => void]>([
    ['ready', ({ sim }) => sim.cluster.createPod({ namespace: 'shop', name: 'lone' })],
    [
      'not ready, which is trouble enough',
      ({ sim }) => {
        sim.cluster.createPod({ namespace: 'shop', name: 'lone', behaviour: { kind: 'neverReady' } });
      },
    ],
    ['completed, of a Job', ({ sim }) => sim.cluster.runJob({ namespace: 'shop', name: 'migrate' })],
  ])('is a pod that is %s', async (_, make) => {
    const world = aWorld();
    make(world);
    world.sim.warmUp(MINUTE);
    const played = await play(world, { ...shop, timeout: '90s' });
    expect(played.report.pods.total).toBe(1);
    expect(findings(played).join()).not.toContain('TooFewPods');
  });

  test.each<readonly [string, string, (world: World) => void]>([
    [
      'terminating',
      '1 terminating',
      ({ sim }) => {
        const behaviour = { kind: 'slowToStop', stopMs: 10 * MINUTE } as const;
        sim.cluster.createPod({ namespace: 'shop', name: 'lone', behaviour, graceSeconds: 1_200 });
        sim.warmUp(MINUTE);
        sim.cluster.deletePod('shop', 'lone');
      },
    ],
    [
      'superseded',
      '1 superseded',
      (world) => {
        const { cluster } = world.sim;
        cluster.deploy({ namespace: 'shop', name: 'web' });
        world.sim.warmUp(MINUTE);
        cluster.evict('shop', podOf(world, 'web').metadata.name);
        cluster.scale('shop', 'web', 0);
      },
    ],
    [
      'failed',
      '1 failed',
      ({ sim }) => {
        sim.cluster.createPod({
          namespace: 'shop',
          name: 'lone',
          restartPolicy: 'Never',
          behaviour: { kind: 'crash' },
        });
      },
    ],
    [
      'completed, but not of a Job',
      '1 completed',
      ({ sim }) => {
        const once = { restartPolicy: 'Never', probe: false, behaviour: { kind: 'completes' } } as const;
        sim.cluster.createPod({ namespace: 'shop', name: 'lone', ...once });
      },
    ],
  ])('is no pod that is %s', async (_, why, make) => {
    const world = aWorld();
    make(world);
    world.sim.warmUp(MINUTE);
    const played = await play(world, { ...shop, 'fail-fast': 'false', timeout: '90s' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 1 } });
    const message = `0 pods in scope, expected at least 1 (min-pods), in namespace shop; not counted: ${why}`;
    expect(played.report.findings.map((finding) => finding.message)).toContain(message);
  });
});
