import { describe, expect, test } from '@jest/globals';
import { type Inputs, play, type World } from '../harness.ts';
import { aBrokenWorld, CURE, nodeIn, nodesOf, outputsIn, restartedAfterMs, setNotReady } from './broken-node.ts';

describe('the failure is healed in every scope that holds a stuck pod', () => {
  test.each<[string, Inputs]>([
    ['one namespace', { namespaces: 'shop' }],
    ['all namespaces, Calico’s own among them', { namespaces: '' }],
    ['all namespaces but others', { namespaces: '', 'exclude-namespaces': 'kube-system,calico-system' }],
    ['a selector', { namespaces: 'shop', selector: 'app=web' }],
    ['a selector over all namespaces', { namespaces: '', selector: 'app in (web, api)' }],
    ['a sweep: a pod with the failure is never "starting"', { namespaces: '', 'stuck-after': '5m', 'min-pods': '0' }],
    ['five named namespaces', { namespaces: 'shop,a,b,c,d' }],
  ])('%s', async (_, inputs) => {
    const world = aBrokenWorld();
    for (const namespace of ['a', 'b', 'c', 'd']) {
      world.sim.cluster.createPod({ namespace, name: 'web', nodeName: 'n2' });
    }
    world.sim.warmUp(10_000);
    const played = await play(world, { ...CURE, ...inputs });
    expect(outputsIn(played)).toMatchObject({ verdict: 'healthy', 'restarted-nodes': '["n1"]' });
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.deletes).toHaveLength(1);
  });
});

describe('pods outside the scope', () => {
  test('are no evidence: a stuck pod there is somebody else’s', async () => {
    const world = aBrokenWorld();
    world.sim.cluster.createPod({ namespace: 'bank', name: 'api', nodeName: 'n2' });
    world.sim.warmUp(10_000);
    const played = await play(world, { ...CURE, namespaces: 'bank' });
    expect(outputsIn(played)).toMatchObject({ verdict: 'healthy', 'calico-auth-failure': 'false' });
    expect(played.deletes).toEqual([]);
  });

  test('are witnesses: one that gets its network after the restart proves the cure before the stuck ones follow', async () => {
    const world = aBrokenWorld({ isFirst: true });
    world.sim.api.faults = ({ method }) => {
      if (method === 'DELETE') {
        world.clock.after(2_500, () =>
          world.sim.cluster.createPod({ namespace: 'infra', name: 'witness', nodeName: 'n1' }),
        );
      }
      return undefined;
    };
    const played = await play(world, CURE);
    expect(nodeIn(played, 'n1').why).toMatch(/^infra\/witness got its network/);
    expect(played.report.findings.map(({ namespace }) => namespace)).not.toContain('infra');
    expect(played.report.pods.total).toBe(4);
  });
});

describe('fail-fast never cuts a cure short', () => {
  test('other trouble, fatal meanwhile, ends the run only after the cure is proven', async () => {
    const before = ({ sim }: World) => {
      sim.cluster.deploy({ namespace: 'shop', name: 'bad', behaviour: { kind: 'imageMissing' }, nodeName: 'n2' });
      sim.warmUp(10_000);
    };
    const world = aBrokenWorld({ before, stuckForMs: 5_000 });
    const played = await play(world, CURE);
    const fatal = played.events.findIndex(
      (event) => event.type === 'assessed' && event.assessment.findings.some(({ fatal: isFatal }) => isFatal),
    );
    const cured = played.events.findIndex((event) => event.type === 'outcome');
    expect(fatal).toBeGreaterThan(0);
    expect(cured).toBeGreaterThan(fatal);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.report).toMatchObject({ verdict: 'unhealthy', reason: expect.stringContaining('shop/bad') });
    expect(played.elapsedMs).toBeLessThan(90_000);
  });

  test('also while a node only waits', async () => {
    const world = aBrokenWorld({ stuckForMs: 100_000, world: { nodes: ['n1', 'n2', 'n3'] } });
    setNotReady(world, 'n3', 200_000);
    const played = await play(world, CURE);
    expect(restartedAfterMs(played)[0]).toBeGreaterThan(90_000);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.report.verdict).toBe('healthy');
  });

  test('without restarts the same failure ends the run when its two minutes of patience are over', async () => {
    const played = await play(aBrokenWorld({ stuckForMs: 100_000 }), { ...CURE, 'restart-calico-node': 'false' });
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.elapsedMs).toBeGreaterThanOrEqual(15_000);
    expect(played.elapsedMs).toBeLessThanOrEqual(25_000);
  });

  test('nor do restarts that are on, where the node is refused', async () => {
    const world = aBrokenWorld({ stuckForMs: 100_000, world: { calico: false } });
    const played = await play(world, CURE);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.elapsedMs).toBeLessThanOrEqual(25_000);
  });
});
