import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import type { Report } from '../../src/report/report.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, MINUTE, podOf, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };

function sinceOf({ report }: { readonly report: Report }, pod: string | null): number {
  const finding = report.findings.find((each) => each.pod === pod);
  if (finding === undefined) throw new Error(`no finding is about ${pod}: ${JSON.stringify(report.findings)}`);
  return Date.parse(finding.since);
}

function lostReadyMs(pod: Pod): number {
  return Date.parse(pod.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '');
}

describe('a finding is dated', () => {
  test('from when the Ready condition of its pod last became False', async () => {
    const world = aWorld();
    const behaviour = { kind: 'flips', readyMs: MINUTE, notReadyMs: 20 * MINUTE } as const;
    world.sim.cluster.createPod({ namespace: 'shop', name: 'lone', behaviour });
    world.sim.warmUp(3 * MINUTE);
    const pod = podOf(world, 'lone');
    expect(lostReadyMs(pod)).toBeGreaterThan(Date.parse(pod.metadata.creationTimestamp) + 50 * SECOND);
    expect(sinceOf(await play(world, { ...shop, timeout: '30s' }), 'lone')).toBe(lostReadyMs(pod));
  });

  test('from the creation of a pod that has no Ready condition yet', async () => {
    const world = aWorld();
    world.sim.cluster.createPod({ namespace: 'shop', name: 'lone', behaviour: { kind: 'unschedulable' } });
    world.sim.warmUp(3 * MINUTE);
    const created = Date.parse(podOf(world, 'lone').metadata.creationTimestamp);
    expect(sinceOf(await play(world, { ...shop, timeout: '30s' }), 'lone')).toBe(created);
  });

  test('from the deletionTimestamp of a Terminating pod, which includes its grace period', async () => {
    const world = aShop();
    const { name } = podOf(world, 'web').metadata;
    world.sim.cluster.addFinalizer('shop', name, 'example.com/keep');
    world.sim.cluster.deletePod('shop', name, { graceSeconds: 20 });
    world.sim.warmUp(3 * MINUTE);
    const deletion = world.sim.cluster.get('pods', 'shop', name)?.metadata.deletionTimestamp ?? '';
    expect(sinceOf(await play(world, shop), name)).toBe(Date.parse(deletion));
  });

  test('from the condition of a workload that has no pod to blame', async () => {
    const world = aWorld();
    world.sim.cluster.setQuota('shop', 0);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    world.sim.warmUp(3 * MINUTE);
    const deployment = world.sim.cluster.get('deployments', 'shop', 'web');
    const failure = deployment?.status.conditions?.find(({ type }) => type === 'ReplicaFailure');
    const played = await play(world, { ...shop, 'min-pods': '0' });
    expect(findings(played)).toEqual(['!CreateRefused shop/web']);
    expect(sinceOf(played, null)).toBe(Date.parse(failure?.lastTransitionTime ?? ''));
  });

  test("from the oldest of a workload's pods where that is older than its own condition", async () => {
    const world = aWorld();
    const behaviour = { kind: 'crash' } as const;
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour, progressDeadlineSeconds: 60 });
    world.sim.warmUp(10 * MINUTE);
    const deployment = world.sim.cluster.get('deployments', 'shop', 'web');
    const progressing = deployment?.status.conditions?.find(({ type }) => type === 'Progressing');
    const played = await play(world, shop);
    const pod = podOf(world, 'web');
    expect(findings(played)).toEqual([`!CrashLoop shop/${pod.metadata.name}`, '!ProgressDeadline shop/web']);
    expect(Date.parse(progressing?.lastTransitionTime ?? '')).toBeGreaterThan(lostReadyMs(pod));
    expect(sinceOf(played, null)).toBe(sinceOf(played, pod.metadata.name));
  });

  test('from when the run first saw what is written nowhere', async () => {
    const played = await play(aShop(), { ...shop, selector: 'app=wbe' });
    expect(sinceOf(played, null) - Date.parse(played.report.startedAt)).toBeLessThan(2 * SECOND);
  });
});

describe('clocks that differ', () => {
  function aYoungPod(world: World): World {
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', nodeName: 'n1', behaviour: { kind: 'neverReady' } });
    world.sim.warmUp(MINUTE);
    return world;
  }
  const starting = { verdict: 'healthy', pods: { starting: 1, notReady: 0 } };
  const stuck = { verdict: 'unhealthy', pods: { starting: 0, notReady: 1 } };

  test.each([
    ['right', 0],
    ['ten minutes ahead', 10 * MINUTE],
    ['ten minutes behind', -10 * MINUTE],
  ])("ages do not depend on the runner's clock: the API server's is %s", async (_, serverSkewMs) => {
    const { report } = await play(aYoungPod(aWorld({ serverSkewMs })), { ...shop, 'stuck-after': '5m' });
    expect(report).toMatchObject(starting);
    const older = await play(aYoungPod(aWorld({ serverSkewMs })), { ...shop, 'stuck-after': '50s' });
    expect(older.report).toMatchObject(stuck);
  });

  test.each([
    ['ten minutes behind', -10 * MINUTE],
    ['right', 0],
  ])("a pod is not older than its creation, whatever its node's clock says: it is %s", async (_, clockSkewMs) => {
    const world = aYoungPod(aWorld({ nodes: [{ name: 'n1', clockSkewMs }, 'n2'] }));
    const { report } = await play(world, { ...shop, 'stuck-after': '5m' });
    expect(report).toMatchObject(starting);
  });

  test.each([
    ['right', 0],
    ['86 seconds ahead', 86 * SECOND],
    ['86 seconds behind', -86 * SECOND],
  ])(
    "a pod that was never Ready is as old as its binding, whatever its node's clock says: it is %s",
    async (_, clockSkewMs) => {
      const world = aWorld({ nodes: [{ name: 'n1', clockSkewMs }] });
      world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'neverReady' } });
      world.sim.warmUp(2 * MINUTE);
      const older = await play(world, { ...shop, 'stuck-after': '1m', timeout: '30s' });
      expect(older.report).toMatchObject(stuck);
      const scheduled = podOf(world, 'web').status.conditions?.find(({ type }) => type === 'PodScheduled');
      expect(sinceOf(older, podOf(world, 'web').metadata.name)).toBe(Date.parse(scheduled?.lastTransitionTime ?? ''));
    },
  );

  test('a time from a node whose clock is ahead counts as now, and the clock is warned about', async () => {
    const world = aYoungPod(aWorld({ nodes: [{ name: 'n1', clockSkewMs: 10 * MINUTE }, 'n2'] }));
    const played = await play(world, { ...shop, timeout: '30s' });
    expect(played.report).toMatchObject(stuck);
    expect(sinceOf(played, podOf(world, 'web').metadata.name)).toBeLessThanOrEqual(
      Date.parse(played.report.finishedAt),
    );
    expect(played.report.warnings.join()).toContain('the clock of node n1 is ahead');
  });

  test('the report has times of the API server', async () => {
    const world = aWorld({ serverSkewMs: 10 * MINUTE });
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    world.sim.warmUp(MINUTE);
    const aheadMs = 10 * MINUTE + world.clock.wallMs();
    const { report } = await play(world, shop);
    expect(Math.abs(Date.parse(report.startedAt) - aheadMs)).toBeLessThan(SECOND);
  });
});
