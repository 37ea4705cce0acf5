import { describe, expect, test } from '@jest/globals';
import type { Behaviour } from '../../simulator/cluster/programs.ts';
import { aWorld, type Inputs, type Played, play, type World } from '../harness.ts';
import { findings, firstLook, MINUTE, SECOND } from './shop.ts';

const shop: Inputs = { namespaces: 'shop' };

function deploying(behaviour: Behaviour): World {
  const world = aWorld();
  world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, behaviour });
  return world;
}

describe('fail-fast', () => {
  test('ends the run as soon as a failure is certain not to heal by waiting', async () => {
    const { report, elapsedMs } = await play(deploying({ kind: 'imageMissing' }), shop);
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(
      /^shop\/web: 2 of 2 pods are not ready: .*image registry\.example\/shop\/web:1: .* not found/,
    );
    expect(report.reason).not.toContain('the timeout');
    expect(elapsedMs).toBeGreaterThanOrEqual(30 * SECOND);
    expect(elapsedMs).toBeLessThan(45 * SECOND);
  });

  test('does not end it for what may still heal by waiting', async () => {
    const { report, elapsedMs } = await play(deploying({ kind: 'neverReady' }), { ...shop, timeout: '5m' });
    expect(report.verdict).toBe('unhealthy');
    expect(report.findings.some(({ fatal }) => fatal)).toBe(false);
    expect(elapsedMs).toBeGreaterThanOrEqual(5 * MINUTE);
  });

  test('counts all pods that suffer alike, also those that are not certain yet', async () => {
    const world = deploying({ kind: 'imageMissing' });
    world.clock.after(20 * SECOND, () => world.sim.cluster.scale('shop', 'web', 3));
    const { report } = await play(world, shop);
    expect(report.findings.map(({ fatal }) => fatal)).toEqual([true, false, false]);
    expect(report.reason).toMatch(/^shop\/web: 3 of 3 pods are not ready: /);
  });

  test('counts what else is wrong, as the findings list it', async () => {
    const world = deploying({ kind: 'imageMissing' });
    world.sim.cluster.deploy({ namespace: 'shop', name: 'slow', behaviour: { kind: 'neverReady' } });
    expect((await play(world, shop)).report.reason).toMatch(/; 1 more thing is wrong, see the findings$/);
  });

  test('makes sure with fresh lists: what healed unseen does not end the run', async () => {
    const world = deploying({ kind: 'imageMissing' });
    world.clock.after(20 * SECOND, () => {
      // Something on the way holds the watches back, as a proxy that waits for the end of an answer.
      world.sim.api.watches.silence();
      world.sim.cluster.setBehaviour('shop', 'web', { kind: 'healthy' });
      for (const { metadata } of world.sim.cluster.pods('shop')) world.sim.cluster.deletePod('shop', metadata.name);
    });
    const played = await play(world, shop);
    expect(firstLook(played, ({ findings: all }) => all.some(({ fatal }) => fatal))).toBeLessThan(45 * SECOND);
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [] });
  });
});

describe('without fail-fast', () => {
  const patient: Inputs = { ...shop, 'fail-fast': 'false' };

  test('a certain failure uses up the timeout', async () => {
    const played = await play(deploying({ kind: 'imageMissing' }), { ...patient, timeout: '3m' });
    expect(played.report.verdict).toBe('unhealthy');
    expect(firstLook(played, ({ findings: all }) => all.some(({ fatal }) => fatal))).toBeLessThan(45 * SECOND);
    expect(played.report.reason).toMatch(/; the timeout of 3m is over$/);
    expect(played.elapsedMs).toBeGreaterThanOrEqual(3 * MINUTE);
  });

  test('what was certain may heal all the same, and is healthy then', async () => {
    const world = deploying({ kind: 'imageMissing' });
    world.clock.after(2 * MINUTE, () => world.sim.cluster.setBehaviour('shop', 'web', { kind: 'healthy' }));
    expect((await play(world, patient)).report).toMatchObject({ verdict: 'healthy', findings: [] });
  });
});

describe('fail-fast never cuts a cure short', () => {
  const cure: Inputs = { ...shop, 'restart-calico-node': 'true' };
  const nodes = ['n1', 'n2', 'n3'];

  /** A roll-out that has just run into dead tokens, and a pod elsewhere that nothing will heal. */
  function broken(dead: readonly string[], restartCures = true): World {
    const world = aWorld({ nodes, calico: { namespace: 'calico-system', restartCures } });
    const { cluster, warmUp } = world.sim;
    cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
    warmUp(MINUTE);
    for (const node of dead) cluster.breakToken(node);
    cluster.deploy({ namespace: 'shop', name: 'web' });
    cluster.createPod({ namespace: 'shop', name: 'bad', nodeName: 'n3', behaviour: { kind: 'invalidImage' } });
    warmUp(20 * SECOND);
    return world;
  }

  function outcomes({ report }: Played): readonly string[] {
    return report.calico.nodes.map(({ node, action, outcome }) => `${node} ${action} ${outcome}`);
  }

  function certainMs(played: Played): number {
    return firstLook(played, ({ findings: all }) => all.some(({ fatal }) => fatal));
  }

  test('while a node waits for its turn or was restarted without an outcome yet', async () => {
    const played = await play(broken(['n1', 'n2']), cure);
    expect(certainMs(played)).toBeLessThan(4 * SECOND);
    expect(played.deletes).toHaveLength(2);
    expect([...outcomes(played)].sort()).toEqual(['n1 restarted cured', 'n2 restarted cured']);
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)[0]).toBe('!InvalidImage shop/bad');
    expect(played.elapsedMs).toBeLessThan(2 * MINUTE);
  });

  test('and ends the run when the outcome is that it is not cured', async () => {
    const played = await play(broken(['n1'], false), cure);
    expect(certainMs(played)).toBeLessThan(4 * SECOND);
    expect(outcomes(played)).toEqual([expect.stringMatching(/^n1 \S+ (?:not-cured|timed-out)$/)]);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.elapsedMs).toBeLessThan(5 * MINUTE);
  });

  test('but the timeout does, and the outcome is not known then', async () => {
    const world = aWorld({ nodes, calico: { namespace: 'calico-system', restartCures: false } });
    const { cluster, warmUp } = world.sim;
    cluster.breakToken('n1');
    // Pods that were stuck before a restart write no new event: only `restart-timeout` decides about them.
    cluster.createPod({ namespace: 'shop', name: 'stuck', nodeName: 'n1' });
    cluster.createPod({ namespace: 'shop', name: 'bad', nodeName: 'n3', behaviour: { kind: 'invalidImage' } });
    warmUp(25 * SECOND);
    const played = await play(world, { ...cure, timeout: '2m' });
    expect(outcomes(played)).toEqual(['n1 restarted unknown']);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.elapsedMs).toBeGreaterThanOrEqual(2 * MINUTE);
  });

  test('while restarts are off it ends the run at once', async () => {
    const played = await play(broken(['n1']), shop);
    expect(played.deletes).toEqual([]);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.elapsedMs).toBeLessThan(4 * SECOND);
  });
});
