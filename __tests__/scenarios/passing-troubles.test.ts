import { describe, expect, test } from '@jest/globals';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, MINUTE, podOf, SECOND } from './shop.ts';

const shop = { namespaces: 'shop' };

function exceeded({ sim }: World): boolean {
  const conditions = sim.cluster.get('deployments', 'shop', 'web')?.status.conditions ?? [];
  return conditions.some(({ reason, status }) => reason === 'ProgressDeadlineExceeded' && status === 'False');
}

describe('a progress deadline that was exceeded by an earlier roll-out', () => {
  function aFailedRollOut(): World {
    const world = aShop(2);
    const behaviour = { kind: 'imageMissing' } as const;
    const oneByOne = { maxSurge: 0, maxUnavailable: 1, progressDeadlineSeconds: 30 };
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour, ...oneByOne });
    world.sim.warmUp(2 * MINUTE);
    if (!exceeded(world)) throw new Error('the roll-out was to exceed its deadline');
    return world;
  }

  test('does not fail the next one', async () => {
    const world = aFailedRollOut();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    expect((await play(world, shop)).report).toMatchObject({ verdict: 'healthy', findings: [] });
  });

  test('does not fail going back to the version before, which leaves the condition as it is', async () => {
    const world = aFailedRollOut();
    const { cluster } = world.sim;
    const [before] = cluster.list('replicasets', 'shop').filter(({ status }) => (status.readyReplicas ?? 0) > 0);
    const deployment = cluster.get('deployments', 'shop', 'web');
    if (before === undefined || deployment === undefined) throw new Error('there is nothing to go back to');
    const { 'pod-template-hash': _hash, ...labels } = before.spec.template.metadata.labels ?? {};
    cluster.put('deployments', {
      ...deployment,
      metadata: { ...deployment.metadata, generation: (deployment.metadata.generation ?? 0) + 1 },
      spec: { ...deployment.spec, template: { ...before.spec.template, metadata: { labels } } },
    });
    expect((await play(world, shop)).report).toMatchObject({ verdict: 'healthy', findings: [] });
  });

  test('fails the roll-out that exceeded it', async () => {
    const played = await play(aFailedRollOut(), shop);
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)).toContain('!ProgressDeadline shop/web');
  });
});

describe('trouble that heals by itself in time is waited for', () => {
  test('a registry that does not answer for a minute and a half', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, behaviour: { kind: 'registryDown' } });
    world.clock.after(90 * SECOND, () => world.sim.cluster.setBehaviour('shop', 'web', { kind: 'healthy' }));
    const { report, looks } = await play(world, shop);
    const causes = new Set(looks.flatMap(({ assessment }) => assessment.findings.map(({ cause }) => cause)));
    expect(causes).toContain('RegistryUnavailable');
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
  });

  test('no node for it until an autoscaler adds one, three minutes later', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'unschedulable' } });
    world.clock.after(3 * MINUTE, () => world.sim.cluster.addNode({ name: 'big', cpus: 128 }));
    const { report, elapsedMs } = await play(world, shop);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 1 } });
    expect(elapsedMs).toBeGreaterThan(3 * MINUTE);
  });

  test('a secret that its operator creates two minutes late', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'missingSecret' } });
    world.clock.after(2 * MINUTE, () => world.sim.cluster.setBehaviour('shop', 'web', { kind: 'healthy' }));
    expect((await play(world, shop)).report.verdict).toBe('healthy');
  });
});

describe('what is over and was made good is no trouble', () => {
  test('a pod that was evicted, with a replacement that is ready', async () => {
    const world = aShop();
    world.sim.cluster.evict('shop', podOf(world, 'web').metadata.name);
    world.sim.warmUp(MINUTE);
    const { report } = await play(world, shop);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], pods: { total: 3, ready: 2, superseded: 1 } });
  });

  test('an attempt of a Job that failed, when the next one succeeds', async () => {
    const world = aShop();
    const behaviour = { kind: 'crash', afterMs: SECOND } as const;
    world.sim.cluster.runJob({ namespace: 'shop', name: 'migrate', behaviour, backoffLimit: 3 });
    world.sim.warmUp(5 * SECOND);
    world.sim.cluster.setBehaviour('shop', 'migrate', { kind: 'completes' });
    world.sim.warmUp(MINUTE);
    const { report } = await play(world, shop);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], pods: { completed: 1, superseded: 1 } });
  });

  test('a Job that completed and that its TTL deletes under way', async () => {
    const world = aShop();
    world.sim.cluster.runJob({ namespace: 'shop', name: 'migrate', ttlSeconds: 8 });
    const { report, looks } = await play(world, shop);
    expect(looks.some(({ assessment }) => assessment.counts.completed === 1)).toBe(true);
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], pods: { total: 2, completed: 0 } });
  });
});

test('a node that is lost is one cause, not one for each of its pods', async () => {
  const world = aShop(30);
  world.sim.cluster.loseNode('n1');
  world.sim.warmUp(MINUTE);
  const lost = world.sim.cluster.pods('shop').filter(({ spec }) => spec.nodeName === 'n1').length;
  const { report, log } = await play(world, { ...shop, timeout: '2m' });
  expect(report).toMatchObject({ verdict: 'unhealthy', pods: { total: 30, notReady: lost } });
  expect(report.reason).toMatch(new RegExp(`^${lost} pods on n1 are not ready: node n1 is not ready: `));
  expect(report.reason).not.toContain('wrong, see the findings');
  expect(new Set(report.findings.map(({ cause, derivedFrom }) => `${cause} ${derivedFrom}`))).toEqual(
    new Set(['NodeNotReady n1']),
  );
  expect(log.filter((line) => line.includes('NodeNotReady') && !line.includes('waiting'))).toHaveLength(1);
});
