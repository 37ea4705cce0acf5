import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import type { Pod } from '../../simulator/objects.ts';
import { play, type World } from '../harness.ts';
import { aBrokenWorld, CALICO, CURE, calicoNodeOn, nodeIn, nodesOf } from './broken-node.ts';
import { podNamed, TENANT } from './tenant.ts';

/** A DaemonSet in the tenant's namespace that is Calico's in every field; Pod Security lets it be, but none of its pods. */
function copyDaemonSet({ sim }: World): string {
  const real = sim.cluster.get('daemonsets', CALICO, 'calico-node');
  if (real === undefined) throw new Error('there is no Calico');
  const uid = 'of-the-copied-daemon-set';
  sim.cluster.put('daemonsets', { ...real, metadata: { ...real.metadata, namespace: TENANT, uid } });
  return uid;
}

/** An ordinary pod that says it is of that DaemonSet, Ready on the node, with all names of a calico-node. */
function claim(world: World, uid: string, nodeName: string, changes: Partial<Pod['spec']> = {}): Pod {
  const real = calicoNodeOn(world, nodeName);
  const name = `calico-node-of-${nodeName}`;
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'calico-node', uid, controller: true }];
  const { hostNetwork: _, ...spec } = real.spec;
  world.sim.cluster.put('pods', {
    ...real,
    metadata: { ...real.metadata, name, namespace: TENANT, uid: `${uid}-${nodeName}`, ownerReferences },
    spec: { ...spec, ...changes },
  });
  return podNamed(world, TENANT, name);
}

function expectRealRestart(world: World, before: Pod, deletes: readonly string[]): void {
  expect(deletes).toEqual([`DELETE /api/v1/namespaces/${CALICO}/pods/${before.metadata.name}`]);
  expect(world.sim.cluster.pods(TENANT)).not.toEqual([]);
}

describe('a DaemonSet in a tenant’s namespace that looks like Calico’s', () => {
  test('does not take the place of the real one, nor hold its restart back', async () => {
    const world = aBrokenWorld();
    claim(world, copyDaemonSet(world), 'n1');
    const before = calicoNodeOn(world, 'n1');
    const played = await play(world, { ...CURE, namespaces: '' });
    expectRealRestart(world, before, played.deletes);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test('does so neither where its pods are on the host’s network: the usual namespace decides', async () => {
    const world = aBrokenWorld();
    claim(world, copyDaemonSet(world), 'n1', { hostNetwork: true });
    const before = calicoNodeOn(world, 'n1');
    const played = await play(world, { ...CURE, namespaces: '' });
    expectRealRestart(world, before, played.deletes);
  });

  test('holds no restart back where Calico is in an unusual namespace: pods off the host’s network do not count', async () => {
    const world = aBrokenWorld({ world: { calico: { namespace: 'networking' } } });
    const { cluster } = world.sim;
    const real = cluster.get('daemonsets', 'networking', 'calico-node');
    if (real === undefined) throw new Error('there is no Calico');
    cluster.put('daemonsets', { ...real, metadata: { ...real.metadata, namespace: TENANT, uid: 'copied' } });
    claim(world, 'copied', 'n1');
    const played = await play(world, { ...CURE, namespaces: '' });
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test('is not asked to be deleted where the real calico-node is missing: nothing of the tenant’s is', async () => {
    const world = aBrokenWorld();
    const { cluster } = world.sim;
    claim(world, copyDaemonSet(world), 'n1');
    cluster.pauseController('daemonset');
    cluster.deletePod(CALICO, calicoNodeOn(world, 'n1').metadata.name, { force: true });
    const played = await play(world, { ...CURE, namespaces: '' });
    expect(played.deletes).toEqual([]);
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'refused',
      why: expect.stringMatching(/^no calico-node pod/),
    });
  });

  test('does not blind a gate that may not read the tenant’s namespace', async () => {
    const world = aBrokenWorld();
    copyDaemonSet(world);
    world.sim.api.permissions = allowAllBut({ resource: 'pods', namespace: TENANT });
    const before = calicoNodeOn(world, 'n1');
    const played = await play(world, CURE);
    expect(played.deletes).toEqual([`DELETE /api/v1/namespaces/${CALICO}/pods/${before.metadata.name}`]);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test('has its namespace named among the missing rights, and the right is not used where it is granted', async () => {
    const logs: string[] = [];
    for (const isGranted of [false, true]) {
      const world = aBrokenWorld();
      claim(world, copyDaemonSet(world), 'n1', { hostNetwork: true });
      if (!isGranted) world.sim.api.permissions = allowAllBut({ resource: 'pods', verb: 'delete', namespace: TENANT });
      const before = calicoNodeOn(world, 'n1');
      const played = await play(world, CURE);
      expectRealRestart(world, before, played.deletes);
      logs.push(played.log.join('\n'));
    }
    expect(logs[0]).toMatch(new RegExp(`missing right: .*verbs: \\["delete"\\] in a Role in namespace ${TENANT};`));
    expect(logs[1]).not.toContain('missing right');
  });

  test.each([
    ['has only its names and labels', (template: Template): Template => ({ ...template, hostNetwork: false })],
    ['does not mount the CNI configuration', (template: Template): Template => ({ ...template, volumes: [] })],
  ])('is named in a warning and left alone when it %s', async (_, change) => {
    const world = aBrokenWorld();
    const { cluster } = world.sim;
    copyDaemonSet(world);
    const copy = cluster.get('daemonsets', TENANT, 'calico-node');
    if (copy === undefined) throw new Error('there is no copy');
    const template = { ...copy.spec.template, spec: change(copy.spec.template.spec) };
    cluster.put('daemonsets', { ...copy, spec: { ...copy.spec, template } });
    const played = await play(world, { ...CURE, namespaces: '' });
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.report.calico.installations).toEqual([{ namespace: CALICO, daemonSet: 'calico-node' }]);
    expect(played.report.warnings.join('\n')).toContain(`${TENANT}/calico-node bears Calico's name but lacks`);
  });
});

type Template = Pod['spec'];
