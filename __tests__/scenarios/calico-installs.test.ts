import { describe, expect, test } from '@jest/globals';
import type { CalicoOptions } from '../../simulator/cluster/calico.ts';
import type { Runtime } from '../../simulator/cluster/cni.ts';
import { play } from '../harness.ts';
import { aBrokenWorld, CALICO, CURE, calicoNodeOn, nodeIn, nodesOf } from './broken-node.ts';

describe('every runtime', () => {
  const BOTH = ['FailedCreatePodSandBox', 'FailedKillPod'];

  test.each<[Runtime, readonly string[]]>([
    ['containerd-1.6', BOTH],
    ['containerd-2', BOTH],
    ['cri-o', BOTH],
    // What Multus says about a delegate that cannot be removed is not known well enough to act on.
    ['multus', ['FailedCreatePodSandBox']],
  ])('%s: pods that start and pods that end, one DELETE, cured', async (runtime, reasons) => {
    const world = aBrokenWorld({ world: { nodes: [{ name: 'n1', runtime }, 'n2'] } });
    const played = await play(world, CURE);
    const { evidence } = nodeIn(played, 'n1');
    expect([...new Set(evidence.map(({ reason }) => reason))].sort()).toEqual(reasons);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.deletes).toHaveLength(1);
    expect(played.report.verdict).toBe('healthy');
  });

  test('containerd 2: a warning with every attempt, combined from similar ones after a while, and still the same failure', async () => {
    const world = aBrokenWorld({
      world: { nodes: [{ name: 'n1', runtime: 'containerd-2' }, 'n2'] },
      isFirst: true,
      stuckForMs: 240_000,
    });
    const messages = world.sim.cluster.events('shop').filter(({ reason }) => reason === 'FailedCreatePodSandBox');
    expect(messages.some(({ message }) => message.startsWith('(combined from similar events): '))).toBe(true);
    const played = await play(world, CURE);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.deletes).toHaveLength(1);
  });

  test('containerd 2: a restart that does not cure is refuted by the starting pods themselves', async () => {
    const world = aBrokenWorld({
      world: { nodes: [{ name: 'n1', runtime: 'containerd-2' }, 'n2'], calico: { restartCures: false } },
      isFirst: true,
    });
    const played = await play(world, CURE);
    expect(nodesOf(played)).toEqual(['n1: restarted/not-cured']);
    expect(played.deletes).toHaveLength(1);
  });
});

describe('every installation', () => {
  test.each<[string, CalicoOptions, string]>([
    ['manifest', { namespace: 'kube-system' }, 'kube-system/calico-node'],
    ['operator, with five seconds of grace', { namespace: CALICO, graceSeconds: 5 }, 'calico-system/calico-node'],
    ['a calico-node that takes its time', { namespace: CALICO, readyAfterMs: 25_000 }, 'calico-system/calico-node'],
    ['canal', { namespace: 'kube-system', daemonSet: 'canal' }, 'kube-system/canal'],
    ['RKE2 canal', { namespace: 'kube-system', daemonSet: 'rke2-canal' }, 'kube-system/rke2-canal'],
    ['a namespace and a name of somebody’s own', { namespace: 'net', daemonSet: 'my-calico' }, 'net/my-calico'],
    ['OnDelete', { namespace: CALICO, updateStrategy: 'OnDelete' }, 'calico-system/calico-node'],
  ])('%s', async (_, calico, installation) => {
    const world = aBrokenWorld({ world: { calico } });
    const { namespace, name } = calicoNodeOn(world, 'n1').metadata;
    const played = await play(world, CURE);
    const [found] = played.report.calico.installations;
    expect(`${found?.namespace}/${found?.daemonSet}`).toBe(installation);
    expect(played.deletes).toEqual([`DELETE /api/v1/namespaces/${namespace}/pods/${name}`]);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.report.verdict).toBe('healthy');
  });

  test('Windows beside Linux: the Windows node’s own calico-node-windows is restarted', async () => {
    const world = aBrokenWorld({
      world: {
        nodes: [{ name: 'n1', os: 'windows' }, 'n2'],
        calico: [{ namespace: CALICO }, { namespace: CALICO, daemonSet: 'calico-node-windows' }],
      },
    });
    const played = await play(world, CURE);
    expect(played.deletes).toEqual([
      expect.stringMatching(/^DELETE \/api\/v1\/namespaces\/calico-system\/pods\/calico-node-windows-\w+$/),
    ]);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test('no Calico at all: said once, no rights asked for, and the failure is refused with what to look for', async () => {
    const world = aBrokenWorld({ world: { calico: false } });
    const played = await play(world, CURE);
    expect(played.log.filter((line) => line.includes('no Calico in this cluster'))).toHaveLength(1);
    const reviewed = world.sim.requests.filter(({ path }) => path.includes('selfsubjectaccessreviews'));
    expect(reviewed.map(({ body }) => body ?? '').filter((body) => /"delete"/.test(body))).toEqual([]);
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'refused',
      why: 'no Calico DaemonSet is in the cluster: look for a CNI configuration that a removed Calico left behind',
    });
    expect(played.deletes).toEqual([]);
  });
});

describe('two installations side by side', () => {
  /** A migration from the manifest to the operator leaves both, each with a pod on the node. */
  const TWO = { calico: [{ namespace: 'net-a' }, { namespace: 'net-b' }] };

  test('calico-namespace says which of two on one node it is', async () => {
    const world = aBrokenWorld({ world: TWO });
    const played = await play(world, { ...CURE, 'calico-namespace': 'net-b' });
    expect(played.deletes).toEqual([expect.stringContaining('/namespaces/net-b/pods/')]);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test.each(['calico-system', 'kube-system'])(
    'else the one in %s, if only one is in a usual namespace',
    async (usual) => {
      const world = aBrokenWorld({ world: { calico: [{ namespace: 'a-copy' }, { namespace: usual }] } });
      const played = await play(world, CURE);
      expect(played.deletes).toEqual([expect.stringContaining(`/namespaces/${usual}/pods/`)]);
    },
  );

  test('else none', async () => {
    const both = { calico: [{ namespace: 'calico-system' }, { namespace: 'kube-system' }] };
    for (const world of [TWO, both]) {
      const played = await play(aBrokenWorld({ world }), CURE);
      expect(nodeIn(played, 'n1')).toMatchObject({
        action: 'refused',
        why: expect.stringMatching(/^two Calico installations have a pod on the node \(.*\): set calico-namespace/),
      });
      expect(played.deletes).toEqual([]);
    }
  });
});

describe('the pod of a second installation that is being replaced', () => {
  test.each(['net-a', 'net-b'])('does not make the other one the right one: that of %s', async (gone) => {
    const world = aBrokenWorld({ world: { calico: [{ namespace: 'net-a' }, { namespace: 'net-b' }] } });
    const { cluster } = world.sim;
    world.clock.after(10_000, () => {
      cluster.pauseController('daemonset');
      const pod = cluster.onNode('n1').pods.find(({ metadata }) => metadata.namespace === gone);
      cluster.deletePod(gone, pod?.metadata.name ?? '', { force: true });
    });
    const played = await play(world, { ...CURE, timeout: '90s', 'restart-timeout': '2m' });
    expect(played.deletes).toEqual([]);
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'waiting',
      why: `the pod of another Calico installation, DaemonSet ${gone}/calico-node, is just being replaced`,
    });
  });
});

describe('a node with a clock of its own', () => {
  test.each([
    ['ten minutes ahead', 600_000],
    ['ten minutes behind', -600_000],
  ])('%s: found, cured and proven all the same', async (_, clockSkewMs) => {
    for (const isFirst of [true, false]) {
      const world = aBrokenWorld({ world: { nodes: [{ name: 'n1', clockSkewMs }, 'n2'] }, isFirst });
      const played = await play(world, CURE);
      expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
      expect(played.deletes).toHaveLength(1);
      const warned = played.report.warnings.filter((warning) => warning.includes('the clock of node n1'));
      expect(warned).toHaveLength(clockSkewMs > 0 ? 1 : 0);
    }
  });

  test.each([600_000, -600_000])(
    '(%i ms) a restart that does not cure is not taken for a cure',
    async (clockSkewMs) => {
      const world = aBrokenWorld({
        world: { nodes: [{ name: 'n1', clockSkewMs }, 'n2'], calico: { restartCures: false } },
      });
      const played = await play(world, CURE);
      expect(nodesOf(played)).toEqual(['n1: restarted/not-cured']);
      expect(played.deletes).toHaveLength(1);
    },
  );

  test.each([600_000, -600_000])('(API server’s clock, %i ms from the runner’s)', async (serverSkewMs) => {
    const played = await play(aBrokenWorld({ world: { serverSkewMs } }), CURE);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.deletes).toHaveLength(1);
  });
});
