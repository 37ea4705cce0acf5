import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import type { BehaviourSource } from '../../simulator/cluster/programs.ts';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { edit } from './broken-node.ts';
import { findings, MINUTE, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '2m' };

/** DaemonSet shop/agent has run for an hour; where `fails` says so, its pods have never become ready. */
function anAgent(fails: readonly string[] = [], permissions = allowAllBut()): World {
  const world = aWorld();
  const behaviour: BehaviourSource = ({ node }) => ({ kind: fails.includes(node) ? 'neverReady' : 'healthy' });
  world.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent', behaviour });
  world.sim.warmUp(60 * MINUTE);
  world.sim.api.permissions = permissions;
  return world;
}

const NO_NODES = allowAllBut({ resource: 'nodes' });

describe('a DaemonSet is measured on eligible nodes:', () => {
  test('a pod that fails on an old node that is Ready holds back healthy', async () => {
    const played = await play(anAgent(['n2']), SHOP);
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)).toEqual([expect.stringContaining('NotReady shop/agent-')]);
  });

  test('not on one that is not Ready, whose pod is in the total only', async () => {
    const world = anAgent();
    world.sim.cluster.loseNode('n1');
    world.sim.warmUp(2 * MINUTE);
    const { report, log } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
    expect(report.pods).toMatchObject({ total: 2, ready: 1, notReady: 0 });
    expect(report.findings).toEqual([]);
    expect(log).toContainEqual(
      expect.stringContaining('not measured on nodes that are younger than 5m, not Ready or being deleted (n1)'),
    );
  });

  test('not on one that is being deleted', async () => {
    const world = anAgent(['n2']);
    edit(world, 'nodes', undefined, 'n2', (node) => {
      const metadata = {
        ...node.metadata,
        deletionTimestamp: '2026-11-22T11:59:00Z',
        finalizers: ['example.com/drain'],
      };
      return { ...node, metadata };
    });
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 2, ready: 1, notReady: 0 } });
  });

  test('not on one that is younger than five minutes, and on that as soon as it is older', async () => {
    const world = anAgent(['n3']);
    world.sim.cluster.addNode('n3');
    world.sim.warmUp(3 * MINUTE);
    const young = await play(world, SHOP);
    expect(young.report).toMatchObject({ verdict: 'healthy', pods: { total: 3, ready: 2, notReady: 0 } });
    await world.clock.advance(2 * MINUTE);
    const old = await play(world, SHOP);
    expect(old.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 3, ready: 2, notReady: 1 } });
  });

  test('not on one that has no pod yet because it is so young', async () => {
    const world = anAgent();
    world.clock.after(5 * SECOND, () => world.sim.cluster.addNode('n3'));
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('healthy');
  });

  test('on one that is cordoned: DaemonSets tolerate that', async () => {
    const world = anAgent(['n2']);
    world.sim.cluster.cordon('n2');
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
  });
});

test('a pod that is left of a removed node does not stand for the one that the roll-out has not replaced yet', async () => {
  const world = aWorld({ nodes: ['n1', 'n2', 'n3'], calico: { graceSeconds: 0 } });
  const { cluster } = world.sim;
  cluster.loseNode('n1');
  world.sim.warmUp(2 * MINUTE);
  // The new one on the lost node never becomes ready, and no other one has its turn before it.
  cluster.upgradeCalico();
  world.sim.warmUp(2 * SECOND);
  cluster.removeNode('n3');
  // Its controller looks at nodes when one of them changes.
  cluster.cordon('n2');
  const played = await play(world, { namespaces: 'calico-system', timeout: '15s', 'stable-for': '5s' });
  expect(played.report.verdict).toBe('unhealthy');
  expect(findings(played)).toEqual(['NotRolledOut calico-system/calico-node']);
});

describe('without the right to read nodes', () => {
  const guessed = expect.stringMatching(/nodes may not be read, so it is guessed .*: shop\/agent-/);

  test('a pod of a DaemonSet that is younger than five minutes is excused, and the guess is warned of', async () => {
    const world = anAgent([], NO_NODES);
    world.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent', behaviour: { kind: 'neverReady' } });
    world.clock.after(4 * MINUTE, () => world.sim.cluster.setBehaviour('shop', 'agent', { kind: 'healthy' }));
    const young = await play(world, { ...SHOP, timeout: '1m' });
    expect(young.report.warnings).toContainEqual(guessed);
    expect(young.report.findings.filter(({ pod }) => pod !== null)).toEqual([]);
  });

  test('one that is older is not', async () => {
    const { report } = await play(anAgent(['n2'], NO_NODES), SHOP);
    expect(report.verdict).toBe('unhealthy');
    expect(report.warnings).not.toContainEqual(guessed);
  });

  test('a pod on a node all of whose pods lost Ready is excused, and the guess is warned of', async () => {
    const world = anAgent([], NO_NODES);
    world.sim.cluster.loseNode('n1');
    world.sim.warmUp(2 * MINUTE);
    const { report } = await play(world, SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 2, ready: 1, notReady: 0 } });
    expect(report.warnings).toContainEqual(guessed);
  });

  test('a pod on a node where another one is Ready is not, though it looks as lost', async () => {
    const world = anAgent([], NO_NODES);
    world.sim.cluster.createPod({ namespace: 'shop', name: 'well', nodeName: 'n1' });
    world.sim.warmUp(MINUTE);
    const agent = world.sim.cluster
      .pods('shop')
      .find(({ spec, metadata }) => spec.nodeName === 'n1' && metadata.name !== 'well');
    edit(world, 'pods', 'shop', agent?.metadata.name ?? '', (pod) => {
      // As the node controller marks the pods of a node that it lost: Ready alone falls, and without a reason.
      const conditions = (pod.status.conditions ?? []).map((condition) =>
        condition.type === 'Ready' ? { ...condition, status: 'False' as const } : condition,
      );
      return { ...pod, status: { ...pod.status, conditions } };
    });
    const { report } = await play(world, SHOP);
    expect(report.verdict).toBe('unhealthy');
  });

  test('a DaemonSet that fails everywhere does not excuse itself', async () => {
    const { report } = await play(anAgent(['n1', 'n2'], NO_NODES), SHOP);
    expect(report).toMatchObject({ verdict: 'unhealthy', pods: { notReady: 2 } });
  });
});
