import { describe, expect, test } from '@jest/globals';
import { type Inputs, play } from '../harness.ts';
import { aBrokenWorld, CURE, calicoNodeOn } from './broken-node.ts';
import { aShop, MINUTE, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '4m' };
const NO_EVENTS = 'there are no events at all while pods are stuck: events may be disabled or expired';

describe('events seen in this run stay evidence for their pod after their life in the cluster ends', () => {
  test('for the finding and its node', async () => {
    const world = aBrokenWorld({ world: { eventTtlMs: 90 * SECOND }, isFirst: true });
    const { report } = await play(world, { ...SHOP, 'fail-fast': 'false' });
    expect(world.sim.cluster.events('shop').filter(({ message }) => message.includes('Unauthorized'))).toEqual([]);
    expect(report.findings.map(({ cause }) => cause)).toEqual(['CalicoUnauthorized', 'CalicoUnauthorized']);
    expect(report.calico.nodes).toMatchObject([{ node: 'n1', action: 'planned' }]);
    expect(report.calico.nodes[0]?.evidence.length).toBeGreaterThan(0);
  });

  test('for a restart that comes later', async () => {
    const world = aBrokenWorld({ world: { eventTtlMs: 70 * SECOND }, isFirst: true });
    const { namespace, name } = calicoNodeOn(world, 'n1').metadata;
    // Not Ready for two minutes: until then its guard holds the DELETE back.
    const ready = (status: 'True' | 'False'): void =>
      world.sim.cluster.setPodCondition(namespace, name, 'Ready', status);
    ready('False');
    world.clock.after(2 * MINUTE, () => ready('True'));
    const { report, restartedNodes } = await play(world, { ...CURE, timeout: '9m' });
    expect(restartedNodes).toEqual(['n1']);
    expect(report.verdict).toBe('healthy');
  });

  test('and not for a pod that took its name', async () => {
    const world = aBrokenWorld({ isFirst: true });
    const stuck = world.sim.cluster.pods('shop').filter(({ status }) => status.phase === 'Pending');
    world.clock.after(5 * SECOND, () => {
      world.sim.cluster.restoreToken('n1');
      for (const { metadata } of stuck) {
        world.sim.cluster.deletePod('shop', metadata.name, { force: true });
        world.sim.cluster.createPod({
          namespace: 'shop',
          name: metadata.name,
          nodeName: 'n1',
          behaviour: { kind: 'neverReady' },
        });
      }
    });
    const { report } = await play(world, { ...SHOP, timeout: '1m' });
    expect(stuck.length).toBeGreaterThan(0);
    expect(report.findings.map(({ cause }) => cause)).not.toContain('CalicoUnauthorized');
  });
});

describe('no events at all while pods are stuck', () => {
  test('are warned of: they may be disabled or expired', async () => {
    const world = aBrokenWorld({ world: { eventTtlMs: 0 }, isFirst: true });
    const { report, log } = await play(world, { ...SHOP, timeout: '1m' });
    expect(report.warnings).toEqual([NO_EVENTS]);
    expect(log.filter((line) => line.includes(NO_EVENTS))).toHaveLength(1);
    expect(report.verdict).toBe('unhealthy');
    expect(report.findings.map(({ cause }) => cause)).toEqual(['SandboxSilent', 'SandboxSilent']);
  });

  test('restart nothing: a restart needs the words of the failure', async () => {
    const world = aBrokenWorld({ world: { eventTtlMs: 0 }, isFirst: true });
    const { deletes, report } = await play(world, { ...CURE, timeout: '3m' });
    expect(deletes).toEqual([]);
    expect(report.calico.detected).toBe(false);
  });

  test('where nothing is stuck, their absence says nothing', async () => {
    const { report } = await play(aShop(2, { eventTtlMs: 0 }), SHOP);
    expect(report).toMatchObject({ verdict: 'healthy', warnings: [] });
  });
});
