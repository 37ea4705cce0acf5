import { describe, expect, test } from '@jest/globals';
import type { Behaviour } from '../../simulator/cluster/programs.ts';
import type { Finding } from '../../src/health/assessment.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, firstLook, MINUTE, podOf, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };

/** Another workload that keeps the run going for two minutes. */
function keepBusy({ sim }: World): void {
  const behaviour = { kind: 'slow', readyAfterMs: 110 * SECOND } as const;
  sim.cluster.deploy({ namespace: 'shop', name: 'busy', behaviour });
}

/** From their next attempt on the pods of shop/web behave so; those that run go on. */
function behave({ sim }: World, behaviour: Behaviour): void {
  sim.cluster.setBehaviour('shop', 'web', behaviour);
}

/** A pod of shop/web that counts as not ready. */
function isPodOfWeb({ owner, pod, holdsBack }: Finding): boolean {
  return owner?.name === 'web' && pod !== null && holdsBack;
}

describe('a pod added to a workload that this run has seen complete, with the same pod template,', () => {
  test.each<readonly [string, (world: World) => void]>([
    ['by an autoscaler', ({ sim }) => sim.cluster.scale('shop', 'web', 4)],
    ['after an eviction', (world) => world.sim.cluster.evict('shop', podOf(world, 'web').metadata.name)],
    ['after a drain', (world) => world.sim.cluster.deletePod('shop', podOf(world, 'web').metadata.name)],
  ])('does not count for a minute, and does not begin stable-for anew: %s', async (_, happen) => {
    const world = aShop(3);
    behave(world, { kind: 'neverReady' });
    world.clock.after(10 * SECOND, () => happen(world));
    const { report, elapsedMs } = await play(world, shop);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], pods: { starting: 1, notReady: 0 } });
    expect(report.reason).toMatch(/; 1 starting pod was not judged$/);
    expect(elapsedMs).toBeLessThan(17 * SECOND);
  });

  test('counts a minute after its creation, if it is not ready by then', async () => {
    const world = aShop(3);
    keepBusy(world);
    behave(world, { kind: 'neverReady' });
    world.clock.after(10 * SECOND, () => world.sim.cluster.scale('shop', 'web', 4));
    const played = await play(world, { ...shop, timeout: '2m' });
    const countsMs = firstLook(played, ({ findings }) => findings.some(isPodOfWeb));
    expect(countsMs).toBeGreaterThanOrEqual(69 * SECOND);
    expect(countsMs).toBeLessThan(72 * SECOND);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toMatch(/^shop\/web: 1 of 4 pods is not ready: /);
  });

  test('is fine when it becomes ready in that minute', async () => {
    const world = aShop(3);
    keepBusy(world);
    behave(world, { kind: 'slow', readyAfterMs: 50 * SECOND });
    world.clock.after(10 * SECOND, () => world.sim.cluster.scale('shop', 'web', 4));
    const { report, looks } = await play(world, { ...shop, timeout: '3m' });
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 5 } });
    expect(looks.flatMap(({ assessment }) => assessment.findings).filter(isPodOfWeb)).toEqual([]);
  });
});

describe('a pod counts at once', () => {
  test('when its workload was not complete before', async () => {
    const world = aShop(3);
    behave(world, { kind: 'neverReady' });
    world.sim.cluster.scale('shop', 'web', 4);
    const { report } = await play(world, { ...shop, timeout: '40s' });
    expect(report).toMatchObject({ verdict: 'unhealthy', pods: { notReady: 1, starting: 0 } });
  });

  test('when it was there and Ready when its workload was complete, however young it is', async () => {
    const world = aWorld();
    const behaviour = { kind: 'flips', readyMs: 10 * SECOND, notReadyMs: 5 * MINUTE } as const;
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour });
    world.sim.warmUp(5 * SECOND);
    const played = await play(world, { ...shop, timeout: '30s' });
    expect(played.looks[0]?.assessment).toMatchObject({ complete: true });
    expect(played.looks.filter(({ assessment }) => assessment.counts.starting > 0)).toEqual([]);
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { notReady: 1 } });
  });

  test('when it is of another pod template than was complete', async () => {
    const world = aShop(3);
    const next = { namespace: 'shop', name: 'web', behaviour: { kind: 'neverReady' } } as const;
    world.clock.after(10 * SECOND, () => world.sim.cluster.deploy(next));
    const { report } = await play(world, { ...shop, timeout: '40s' });
    expect(report).toMatchObject({ verdict: 'unhealthy', pods: { notReady: 1, starting: 0 } });
  });

  test("when it has Calico's failure", async () => {
    const world = aShop(4);
    world.clock.after(10 * SECOND, () => {
      world.sim.cluster.breakToken('n1');
      world.sim.cluster.scale('shop', 'web', 8);
    });
    const played = await play(world, { ...shop, 'stable-for': '1m', timeout: '90s' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', calico: { detected: true } });
    const failsMs = firstLook(played, ({ findings }) => findings.some(({ cause }) => cause === 'CalicoUnauthorized'));
    expect(failsMs).toBeLessThan(15 * SECOND);
    expect(played.looks.filter(({ atMs, assessment }) => atMs > failsMs && assessment.complete)).toEqual([]);
  });

  test('when it crashes', async () => {
    const world = aShop(3);
    keepBusy(world);
    behave(world, { kind: 'crash', afterMs: 2 * SECOND });
    world.clock.after(10 * SECOND, () => world.sim.cluster.scale('shop', 'web', 4));
    const played = await play(world, shop);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toMatch(
      /^shop\/web: 1 of 4 pods is not ready: container web: \d restarts, exit code 1/,
    );
    expect(played.elapsedMs).toBeLessThan(MINUTE);
  });
});
