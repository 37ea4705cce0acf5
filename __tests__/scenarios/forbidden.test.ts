import { describe, expect, test } from '@jest/globals';
import { allowAll, allowAllBut, type Rule } from '../../simulator/api/access.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld } from './broken-node.ts';
import { aShop, findings, MINUTE, SECOND } from './shop.ts';

const TWO: Inputs = { namespaces: 'shop, web', timeout: '2m' };

/** shop/web and web/front run well. */
function twoNamespaces(...forbidden: readonly Rule[]): World {
  const world = aShop(2);
  world.sim.cluster.deploy({ namespace: 'web', name: 'front' });
  world.sim.warmUp(MINUTE);
  world.sim.api.permissions = allowAllBut(...forbidden);
  return world;
}

/** From some moment of the run on its identity lacks rights; open watches end then, as they do when a role changes. */
function forbidLater({ clock, sim }: World, afterMs: number, ...rules: readonly Rule[]): void {
  clock.after(afterMs, () => {
    sim.api.permissions = allowAllBut(...rules);
    sim.api.watches.close();
  });
}

const WORKLOADS = ['pods', 'deployments', 'statefulsets', 'daemonsets', 'jobs'];

describe('pods or workloads that are forbidden in a namespace of the scope', () => {
  test.each(WORKLOADS)('%s: never healthy, however well the rest is', async (resource) => {
    const { report, elapsedMs } = await play(twoNamespaces({ resource, namespace: 'web' }), TWO);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      new RegExp(
        `^${resource} in namespace web may not be read: .*allow it with apiGroups: .*"${resource}".* in a Role in namespace web$`,
      ),
    );
    expect(report.warnings).toContainEqual(expect.stringContaining(`may not see ${resource} in namespace web`));
    expect(elapsedMs).toBeLessThan(MINUTE);
  });

  test.each(WORKLOADS)('%s: the same for a scope of all namespaces', async (resource) => {
    const { report } = await play(twoNamespaces({ resource }), { timeout: '2m' });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(new RegExp(`^${resource} may not be read: .* in a ClusterRole$`));
  });

  test('all of them are named at once', async () => {
    const { report } = await play(twoNamespaces({ resource: WORKLOADS, namespace: 'web' }), TWO);
    expect(report.reason).toContain(
      'pods, deployments, statefulsets, daemonsets and jobs in namespace web may not be read',
    );
  });

  test('with trouble elsewhere the run is unhealthy, and both are said', async () => {
    const world = twoNamespaces({ resource: 'pods', namespace: 'web' });
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'imageMissing' } });
    const played = await play(world, TWO);
    expect(played.report.verdict).toBe('unhealthy');
    expect(findings(played)).toEqual([expect.stringContaining('!ImageNotFound shop/api-')]);
    expect(played.report.reason).toMatch(/^shop\/api: .*not found.*; besides, pods in namespace web may not be read/);
  });

  test('nothing is called ready that may not be seen', async () => {
    const { log } = await play(twoNamespaces({ resource: 'pods' }), TWO);
    expect(log.join('\n')).not.toMatch(/pods ready|all is ready/);
  });

  test('without fail-fast the right may still be granted, and then all is well', async () => {
    const world = twoNamespaces({ resource: 'jobs', namespace: 'web' });
    world.clock.after(20 * SECOND, () => {
      world.sim.api.permissions = allowAll;
    });
    const { report, log } = await play(world, { ...TWO, 'fail-fast': 'false' });
    expect(report.verdict).toBe('healthy');
    expect(log).toContainEqual(expect.stringContaining('sees jobs in namespace web now'));
  });
});

describe('a 403 on what worked before', () => {
  async function withdrawnFor(ms: number, inputs: Inputs = {}): Promise<Played> {
    const world = aShop(2);
    forbidLater(world, 5 * SECOND, { resource: 'pods' });
    world.clock.after(5 * SECOND + ms, () => {
      world.sim.api.permissions = allowAll;
    });
    return await play(world, { namespaces: 'shop', timeout: '3m', ...inputs });
  }

  test('that is over within 30 s does not count', async () => {
    const { report, log, elapsedMs } = await withdrawnFor(20 * SECOND);
    expect(report).toMatchObject({ verdict: 'healthy', warnings: [] });
    expect(elapsedMs).toBeGreaterThan(25 * SECOND);
    expect(log).toContainEqual(expect.stringMatching(/lost sight of pods in namespace shop: .*403 Forbidden/));
    expect(log).toContainEqual(expect.stringContaining('sees pods in namespace shop again'));
  });

  test('that lasts ends the run, not before 30 s and soon after', async () => {
    const { report, elapsedMs } = await withdrawnFor(2 * MINUTE);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(/^pods in namespace shop may not be read: /);
    expect(elapsedMs).toBeGreaterThanOrEqual(35 * SECOND);
    expect(elapsedMs).toBeLessThan(45 * SECOND);
  });

  test('meanwhile nothing is confirmed, and the server is hardly asked', async () => {
    const { log, report } = await withdrawnFor(25 * SECOND, { 'stable-for': '10s' });
    expect(log.filter((line) => line.includes('confirming'))).toHaveLength(1);
    expect(report.api.requests).toBeLessThan(120);
  });

  test('trouble that was fatal by then makes the run unhealthy', async () => {
    const world = aShop(2);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'imageMissing' } });
    world.sim.warmUp(5 * SECOND);
    forbidLater(world, 40 * SECOND, { resource: WORKLOADS });
    const { report } = await play(world, { namespaces: 'shop', timeout: '3m', 'fail-fast': 'false' });
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^shop\/api: .*besides, pods, .*jobs in namespace shop may not be read/);
  });

  test('trouble that was not fatal yet does not', async () => {
    const world = aShop(2);
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'neverReady' } });
    world.sim.warmUp(5 * SECOND);
    forbidLater(world, 40 * SECOND, { resource: WORKLOADS });
    const { report } = await play(world, { namespaces: 'shop', timeout: '10m' });
    expect(report.verdict).toBe('inconclusive');
  });
});

describe('events that are forbidden', () => {
  const restarting: Inputs = { namespaces: 'shop', 'restart-calico-node': 'true', timeout: '4m' };

  test('cost the diagnosis and the restart, and the verdict stands', async () => {
    const world = aBrokenWorld();
    world.sim.api.permissions = allowAllBut({ resource: 'events' });
    const { report, deletes } = await play(world, restarting);
    expect(report.verdict).toBe('unhealthy');
    expect(report.calico).toMatchObject({ detected: false, nodes: [] });
    expect(deletes).toEqual([]);
    expect(report.warnings).toEqual([
      expect.stringMatching(
        /^events in namespace shop may not be read: Calico's failure cannot be recognised there and nothing is restarted; list events .*; allow it with apiGroups/,
      ),
    ]);
  });

  test('are what the reason names where only they would tell why pods wait', async () => {
    const world = aBrokenWorld();
    world.sim.api.permissions = allowAllBut({ resource: 'events' });
    const { report } = await play(world, restarting);
    expect(report.reason).toMatch(
      /besides, events in namespace shop may not be read, which would tell why: .*allow it with apiGroups: \[""\], resources: \["events"\]/,
    );
  });

  test('are one warning with the rule to add, in however many namespaces', async () => {
    const { report } = await play(twoNamespaces({ resource: 'events' }), TWO);
    expect(report.verdict).toBe('healthy');
    expect(report.warnings.filter((warning) => warning.includes('allow it with'))).toEqual([
      expect.stringMatching(
        /^events in namespace shop, events in namespace web may not be read: .* in a Role in namespace shop; the same in the others$/,
      ),
    ]);
  });

  test('keep nothing from being healthy', async () => {
    const world = aShop(2);
    world.sim.api.permissions = allowAllBut({ resource: 'events' });
    const { report, log } = await play(world, { namespaces: 'shop' });
    expect(report.verdict).toBe('healthy');
    expect(report.warnings).toEqual([expect.stringContaining('events in namespace shop may not be read')]);
    // One line while it runs, too, in whatever mode.
    expect(log.filter((line) => line.includes('events'))).toEqual([expect.stringMatching(/missing right: .*"events"/)]);
  });

  test('in one namespace are of no consequence to another', async () => {
    const world = aBrokenWorld({ after: ({ sim }) => sim.cluster.deploy({ namespace: 'web', name: 'front' }) });
    world.sim.api.permissions = allowAllBut({ resource: 'events', namespace: 'web' });
    const { report, restartedNodes } = await play(world, { ...restarting, namespaces: 'shop, web' });
    expect(restartedNodes).toEqual(['n1']);
    expect(report.verdict).toBe('healthy');
  });
});

describe('nodes that are forbidden', () => {
  test('cost what is known of nodes, and nothing else', async () => {
    const world = aShop(2);
    world.sim.api.permissions = allowAllBut({ resource: 'nodes' });
    const { report } = await play(world, { namespaces: 'shop' });
    expect(report.verdict).toBe('healthy');
    expect(report.warnings).toEqual([expect.stringContaining('nodes may not be read: causes that lie in a node')]);
  });

  test('are not needed to restart calico-node on one', async () => {
    const world = aBrokenWorld();
    world.sim.api.permissions = allowAllBut({ resource: 'nodes' });
    const { report, restartedNodes } = await play(world, { namespaces: 'shop', 'restart-calico-node': 'true' });
    expect(restartedNodes).toEqual(['n1']);
    expect(report.verdict).toBe('healthy');
  });

  test('leave the pods of a lost node without that cause, but not without a finding', async () => {
    const world = aShop(4);
    world.sim.cluster.loseNode('n1');
    world.sim.warmUp(2 * MINUTE);
    world.sim.api.permissions = allowAllBut({ resource: 'nodes' });
    const { report } = await play(world, { namespaces: 'shop', timeout: '1m' });
    expect(report.verdict).toBe('unhealthy');
    expect(new Set(report.findings.map(({ cause }) => cause))).not.toContain('NodeNotReady');
    expect(report.findings.filter(({ node }) => node === 'n1').length).toBeGreaterThan(0);
  });
});
