import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import { aWorld, play, type World } from '../harness.ts';
import { aShop, findings, MINUTE, outputs, podOf, relabel, SECOND, workloads } from './shop.ts';

describe('the namespaces that are judged', () => {
  test('are all of them when none is named, the system ones too', async () => {
    const world = aShop();
    world.sim.cluster.createPod({ namespace: 'kube-system', name: 'dns', behaviour: { kind: 'invalidImage' } });
    const played = await play(world);
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 5 } });
    expect(findings(played)).toEqual(['!InvalidImage kube-system/dns']);
  });

  test.each(['shop,web', 'shop web', 'shop\nweb', ' shop,\n\tweb , '])(
    'are those that are named, however the list is written: %j',
    async (namespaces) => {
      const world = aWorld();
      for (const namespace of ['shop', 'web', 'other']) world.sim.cluster.deploy({ namespace, name: 'app' });
      world.sim.warmUp(MINUTE);
      const { report } = await play(world, { namespaces });
      expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 2 }, scope: { namespaces: ['shop', 'web'] } });
    },
  );

  test('are all but those that are left out, with everything in them', async () => {
    const world = aShop();
    world.sim.cluster.deploy({ namespace: 'sandbox', name: 'toy', behaviour: { kind: 'imageMissing' } });
    world.sim.cluster.runJob({ namespace: 'lab', name: 'try', behaviour: { kind: 'crash' }, backoffLimit: 0 });
    world.sim.warmUp(MINUTE);
    const played = await play(world, { 'exclude-namespaces': 'sandbox, lab' });
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [], pods: { total: 4 } });
    expect(played.report.scope.excludeNamespaces).toEqual(['sandbox', 'lab']);
    expect(workloads(played)).not.toContain('Deployment sandbox/toy');
  });
});

describe('the selector', () => {
  function aStreet(): World {
    const world = aWorld();
    const { cluster } = world.sim;
    cluster.deploy({ namespace: 'shop', name: 'web', labels: { tier: 'front' } });
    cluster.deploy({ namespace: 'shop', name: 'api', labels: { tier: 'back' } });
    cluster.deployStatefulSet({ namespace: 'shop', name: 'db' });
    world.sim.warmUp(MINUTE);
    return world;
  }

  test.each([
    ['app=web', ['Deployment shop/web']],
    ['app==web', ['Deployment shop/web']],
    ['app!=db', ['Deployment shop/web', 'Deployment shop/api']],
    ['app in (web, db)', ['Deployment shop/web', 'StatefulSet shop/db']],
    ['app notin (web,db)', ['Deployment shop/api']],
    ['tier', ['Deployment shop/web', 'Deployment shop/api']],
    ['!tier', ['StatefulSet shop/db']],
    ['tier, app notin (api)', ['Deployment shop/web']],
  ])('%s judges those pods and their workloads, and no others', async (selector, expected) => {
    const played = await play(aStreet(), { namespaces: 'shop', selector });
    expect(played.report).toMatchObject({ verdict: 'healthy', pods: { total: expected.length }, scope: { selector } });
    expect([...workloads(played)].sort()).toEqual([...expected].sort());
  });

  test('has a workload in scope whose pod template matches, before it has any pod', async () => {
    const world = aWorld();
    world.sim.cluster.pauseController('replicaset');
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    const played = await play(world, { namespaces: 'shop', selector: 'app=web', 'min-pods': '0', timeout: '1m' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 0 } });
    expect(findings(played)).toEqual(['NotRolledOut shop/web']);
  });

  test('has a workload in scope that owns a pod in scope, although its template does not match', async () => {
    const world = aShop(3);
    relabel(world, podOf(world, 'web'), { labels: { ...podOf(world, 'web').metadata.labels, canary: 'yes' } });
    const played = await play(world, { namespaces: 'shop', selector: 'canary' });
    expect(played.report).toMatchObject({ verdict: 'healthy', pods: { total: 1, ready: 1 } });
    expect(workloads(played)).toEqual(['Deployment shop/web']);
  });

  test('leaves out a workload in trouble that neither matches nor owns a pod in scope', async () => {
    const world = aShop();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'imageMissing' } });
    const played = await play(world, { namespaces: 'shop', selector: 'app=web' });
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [] });
  });
});

describe('a namespace that was named', () => {
  const missing = 'namespace shpo does not exist';

  test('and does not exist is unhealthy after a minute', async () => {
    const played = await play(aShop(), { namespaces: 'shpo' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 0 } });
    expect(played.report.reason).toMatch(/^namespace shpo does not exist \(for 1m\); /);
    expect(played.elapsedMs).toBeGreaterThanOrEqual(MINUTE);
    expect(played.elapsedMs).toBeLessThan(MINUTE + 2 * SECOND);
  });

  test('and does not exist is unhealthy whatever is fine elsewhere, and with min-pods: 0 too', async () => {
    const played = await play(aShop(), { namespaces: 'shop, shpo', 'min-pods': '0' });
    expect(played.report).toMatchObject({ verdict: 'unhealthy', pods: { total: 2, ready: 2 } });
    expect(played.report.findings).toMatchObject([{ namespace: 'shpo', cause: 'TooFewPods', message: missing }]);
  });

  test('and does not exist is not advised to be allowed with min-pods: 0, which does not help', async () => {
    const { report } = await play(aShop(), { namespaces: 'shpo' });
    expect(report.reason).not.toContain('min-pods');
    expect(report.reason).toContain('check');
  });

  test('and is created by the deploy in that minute is fine', async () => {
    const world = aWorld();
    world.clock.after(50 * SECOND, () => world.sim.cluster.deploy({ namespace: 'shop', name: 'web' }));
    const played = await play(world, { namespaces: 'shop' });
    expect(played.report).toMatchObject({ verdict: 'healthy', findings: [], pods: { total: 1 } });
  });

  test('and is deleted under way does not stay healthy', async () => {
    const world = aShop();
    world.clock.after(10 * SECOND, () => world.sim.cluster.remove('namespaces', undefined, 'shop'));
    const played = await play(world, { namespaces: 'shop', 'fail-fast': 'false', timeout: '2m' });
    expect(played.report.reason).toContain('namespace shop does not exist');
  });
});

describe('a named namespace that may not be read', () => {
  const permissions = allowAllBut({ user: 'gate', resource: 'namespaces' });

  test('is there when it holds a pod', async () => {
    const world = aWorld({ permissions });
    world.sim.cluster.createPod({ namespace: 'shop', name: 'lone' });
    world.sim.warmUp(MINUTE);
    const { report } = await play(world, { namespaces: 'shop' });
    expect(report).toMatchObject({ verdict: 'healthy', warnings: [] });
  });

  test('is there when it holds a workload only', async () => {
    const world = aWorld({ permissions });
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 0 });
    world.sim.warmUp(MINUTE);
    const { report } = await play(world, { namespaces: 'shop', 'min-pods': '0' });
    expect(report).toMatchObject({ verdict: 'healthy', warnings: [] });
  });

  test('and holds nothing is warned about, in the log and in the report, and fails nothing', async () => {
    const { report, log } = await play(aShop(2, { permissions }), { namespaces: 'shop, shpo' });
    const warning = expect.stringContaining('whether namespace shpo exists is not known');
    expect(report).toMatchObject({ verdict: 'healthy', warnings: [warning] });
    expect(log).toContainEqual(warning);
  });
});

describe('a kind that the gate does not judge', () => {
  const kinds = [
    ['Rollout', 'argoproj.io/v1alpha1'],
    ['ReplicationController', 'v1'],
    ['ReplicaSet', 'apps/v1'],
    ['Revision', 'serving.knative.dev/v1'],
  ] as const;

  function owned(kind: string, apiVersion: string, behaviour: 'healthy' | 'invalidImage'): World {
    const world = aShop();
    world.sim.cluster.createPod({ namespace: 'shop', name: 'lone', behaviour: { kind: behaviour } });
    world.sim.warmUp(MINUTE);
    const owner = { apiVersion, kind, name: 'lone', uid: 'owner-of-lone', controller: true };
    relabel(world, podOf(world, 'lone'), { ownerReferences: [owner] });
    return world;
  }

  test.each(kinds)('and owns pods in scope is named in log and warnings: %s of %s', async (kind, apiVersion) => {
    const { report, log } = await play(owned(kind, apiVersion, 'healthy'), { namespaces: 'shop' });
    const warning = expect.stringMatching(new RegExp(`${kind} .*not judged: shop/lone`));
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 3, ready: 3 }, warnings: [warning] });
    expect(log).toContainEqual(warning);
  });

  test.each(kinds)('has its pods judged all the same: %s of %s', async (kind, apiVersion) => {
    const played = await play(owned(kind, apiVersion, 'invalidImage'), { namespaces: 'shop' });
    expect(played.report.verdict).toBe('unhealthy');
    expect(outputs(played)['not-ready-pods']).toBe('["shop/lone"]');
  });
});
