import { describe, expect, test } from '@jest/globals';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { leavingOn } from './broken-node.ts';
import { aShop, findings, firstLook, MINUTE, podOf, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '2m' };

/** shop/web is complete with its two pods on n2; what was scaled down on n1 cannot give its network back. */
function scaledDown(state: Parameters<World['sim']['cluster']['breakToken']>[1], agoMs: number): World {
  const world = aShop(4);
  const { cluster, warmUp } = world.sim;
  cluster.breakToken('n1', state);
  cluster.cordon('n1');
  for (const pod of cluster.pods('shop')) if (pod.spec.nodeName === 'n1') cluster.deletePod('shop', pod.metadata.name);
  warmUp(agoMs);
  return world;
}

describe('a Terminating pod is overdue 30 s after its deletionTimestamp', () => {
  test('which includes its grace period', async () => {
    const world = aShop(1);
    world.sim.cluster.createPod({
      namespace: 'shop',
      name: 'kept',
      graceSeconds: 40,
      behaviour: { kind: 'finalizer' },
    });
    world.sim.warmUp(MINUTE);
    world.clock.after(10 * SECOND, () => world.sim.cluster.deletePod('shop', 'kept'));
    const played = await play(world, { ...SHOP, 'stable-for': '110s' });
    const overdueMs = firstLook(played, (assessment) =>
      assessment.findings.some(({ cause }) => cause === 'StuckTerminating'),
    );
    // `deletionTimestamp` moves at the final delete, when the kubelet is done: here at once, and grace ends with that.
    expect(overdueMs).toBeGreaterThan(39 * SECOND);
    const deleted = podOf(world, 'kept').metadata.deletionTimestamp ?? '';
    const begunMs = Date.parse(played.report.startedAt);
    expect(overdueMs).toBeGreaterThan(Date.parse(deleted) + 30 * SECOND - begunMs - SECOND);
    expect(overdueMs).toBeLessThan(Date.parse(deleted) + 30 * SECOND - begunMs + 3 * SECOND);
  });

  test('until then it is nothing to speak of, however long it was granted', async () => {
    const world = aShop(1);
    const slow = { kind: 'slowToStop', stopMs: 90 * SECOND } as const;
    world.sim.cluster.createPod({ namespace: 'shop', name: 'slow', graceSeconds: 100, behaviour: slow });
    world.sim.warmUp(MINUTE);
    world.clock.after(0, () => world.sim.cluster.deletePod('shop', 'slow'));
    const { report, looks } = await play(world, { ...SHOP, 'stable-for': '80s' });
    expect(report).toMatchObject({ verdict: 'healthy', pods: { terminating: 1 } });
    expect(looks.flatMap(({ assessment }) => assessment.findings)).toEqual([]);
  });
});

describe('an overdue pod holds back healthy', () => {
  test("with Calico's failure, also where its Deployment has all that it wants", async () => {
    const world = scaledDown('unauthorized', 2 * MINUTE);
    expect(world.sim.cluster.get('deployments', 'shop', 'web')?.status.availableReplicas).toBe(4);
    const played = await play(world, SHOP);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.pods).toMatchObject({ ready: 4, notReady: leavingOn(world, 'n1').length });
    expect(new Set(played.report.findings.map(({ stage, cause }) => `${stage} ${cause}`))).toEqual(
      new Set(['terminating CalicoUnauthorized']),
    );
  });

  test.each([
    ['forbidden', 'CalicoForbidden'],
    ['connection-refused', 'CniApiUnreachable'],
    ['x509', 'CniCertificate'],
  ] as const)('with another failure of the sandbox on the way out: %s', async (state, cause) => {
    const { report } = await play(scaledDown(state, 2 * MINUTE), { ...SHOP, timeout: '30s' });
    expect(report.verdict).toBe('unhealthy');
    expect(report.findings[0]).toMatchObject({ stage: 'terminating', cause });
  });

  test('on a lost node, while its owner lacks it: a StatefulSet waits for the name', async () => {
    const world = aWorld();
    world.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', replicas: 2 });
    world.sim.warmUp(MINUTE);
    world.sim.cluster.loseNode('n1');
    world.sim.warmUp(8 * MINUTE);
    const played = await play(world, SHOP);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.findings[0]).toMatchObject({ cause: 'NodeNotReady', node: 'n1', derivedFrom: 'n1' });
    expect(findings(played)).toContainEqual(expect.stringContaining('NotRolledOut shop/db'));
    expect(played.report.pods.notReady).toBe(1);
  });
});

describe('an overdue pod is shown, and holds back nothing', () => {
  test('on a lost node, when its owner is satisfied elsewhere', async () => {
    const world = aShop(4);
    world.sim.cluster.loseNode('n1');
    world.sim.warmUp(8 * MINUTE);
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 4, notReady: 0, terminating: 2 } });
    expect(report.findings).toMatchObject([
      { cause: 'StuckTerminating', fatal: false, derivedFrom: 'n1' },
      { cause: 'StuckTerminating', fatal: false, derivedFrom: 'n1' },
    ]);
  });

  test('for another reason, such as a finalizer', async () => {
    const world = aWorld();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, behaviour: { kind: 'finalizer' } });
    world.sim.warmUp(MINUTE);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'healthy' } });
    world.sim.warmUp(2 * MINUTE);
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { ready: 2, notReady: 0, terminating: 2 } });
    expect(report.findings.map(({ fatal, message }) => `${fatal} ${message}`)).toEqual([
      'false finalizers: example.com/keep',
      'false finalizers: example.com/keep',
    ]);
  });
});
