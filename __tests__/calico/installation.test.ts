import { describe, expect, test } from '@jest/globals';
import { installationNotes } from '../../src/calico/calico-report.ts';
import { calicoNodePodOn, findInstallations } from '../../src/calico/installation.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { DaemonSet, DaemonSetTemplate } from '../../src/objects/workload.ts';
import { aCalicoDaemonSet, aCalicoNodePod, aController, ago, aPod, MINUTE, NOW_MS, SECOND } from '../builders.ts';

function withTemplate(template: Partial<DaemonSetTemplate>, overrides: Partial<DaemonSet> = {}): DaemonSet {
  const daemonSet = aCalicoDaemonSet(overrides);
  return { ...daemonSet, template: { ...daemonSet.template, ...template } };
}

describe('a DaemonSet is Calico’s', () => {
  test.each<[string, DaemonSet]>([
    ['as the operator makes it', aCalicoDaemonSet()],
    [
      'as Canal, under a release’s name',
      withTemplate({ containers: ['calico-node', 'kube-flannel'] }, { name: 'rke2-canal' }),
    ],
    [
      'on Windows, by its name, with HostProcess',
      withTemplate(
        {
          containers: ['felix', 'node'],
          initContainers: ['uninstall-calico', 'install-cni'],
          hostNetwork: false,
          hostProcess: true,
        },
        { name: 'calico-node-windows' },
      ),
    ],
    ...[
      '/etc/cni/net.d/',
      '/etc/cni',
      '/etc/kubernetes/cni/net.d',
      '/var/lib/rancher/k3s/agent/etc/cni/net.d',
      '/var/run/multus/cni/net.d',
      '/var/snap/microk8s/current/args/cni-network',
      'C:\\k\\cni\\config',
      '/k/azurecni/netconf',
    ].map((path): [string, DaemonSet] => [
      `with the conf folder ${path}`,
      withTemplate({ hostPaths: ['/lib/modules', path] }),
    ]),
  ])('%s', (_, daemonSet) => {
    expect(findInstallations([daemonSet], null)).toMatchObject({
      found: [{ daemonSet, kind: 'full' }],
      lookAlikes: [],
    });
  });

  test('and without install-cni it is policy-only', () => {
    const daemonSet = withTemplate({ initContainers: ['flexvol-driver'], hostPaths: [] });
    const installations = findInstallations([daemonSet], null);
    expect(installations.found).toEqual([{ daemonSet, kind: 'policy-only' }]);
    expect(installationNotes(installations)).toEqual([
      expect.stringContaining('calico-system/calico-node is policy-only'),
    ]);
  });

  test.each<[string, DaemonSet, string]>([
    ['is not on the host’s network', withTemplate({ hostNetwork: false }), "the host's network"],
    [
      'mounts no conf folder',
      withTemplate({ hostPaths: ['/opt/cni/bin', '/var/log/calico/cni', '/var/lib/cni/networks'] }),
      'CNI conf folder',
    ],
    ['only bears the name', withTemplate({ containers: ['sleep'] }), 'a container named calico-node'],
    [
      'only bears Canal’s name',
      withTemplate({ containers: ['sleep'] }, { name: 'canal' }),
      'a container named calico-node',
    ],
  ])('no, when it %s: mentioned and never touched', (_, daemonSet, lacks) => {
    const installations = findInstallations([daemonSet], null);
    expect(installations.found).toEqual([]);
    expect(installationNotes(installations)).toEqual([expect.stringContaining(lacks)]);
  });

  test('an ordinary DaemonSet is not worth a word, whatever its labels say', () => {
    const csi = withTemplate(
      { containers: ['csi-node-driver'] },
      { name: 'csi-node-driver', templateLabels: { 'k8s-app': 'calico-node' } },
    );
    expect(findInstallations([csi], null)).toMatchObject({ found: [], lookAlikes: [] });
  });
});

describe('the calico-node pod of a node', () => {
  const operator = aCalicoDaemonSet();
  const manifest = aCalicoDaemonSet({ namespace: 'kube-system', uid: 'manifest' });
  const copy = aCalicoDaemonSet({ namespace: 'team-a', uid: 'copy' });
  const podOf = (daemonSet: DaemonSet, overrides: Partial<Pod> = {}): Pod =>
    aCalicoNodePod({
      namespace: daemonSet.namespace,
      uid: `pod of ${daemonSet.uid}`,
      controller: aController('DaemonSet', daemonSet.name, { uid: daemonSet.uid }),
      ...overrides,
    });
  const on = (
    node: string,
    daemonSets: readonly DaemonSet[],
    pods: readonly Pod[],
    preferred: string | null = null,
  ): unknown => {
    const place = calicoNodePodOn(node, findInstallations(daemonSets, preferred), pods);
    return place.kind === 'one' ? place.pod.uid : place.kind;
  };

  test('is the one whose controller is the DaemonSet', () => {
    expect(on('n1', [operator], [podOf(operator), podOf(operator, { nodeName: 'n2', uid: 'n2' })])).toBe(
      podOf(operator).uid,
    );
  });

  test('is the only one there, in whatever namespace', () => {
    expect(on('n1', [copy], [podOf(copy)])).toBe('pod of copy');
  });

  test.each<[string, Partial<Pod>]>([
    ['runs on another node', { nodeName: 'n2' }],
    ['has no controller', { controller: null }],
    ['belongs to another DaemonSet', { controller: aController('DaemonSet', 'calico-node', { uid: 'other' }) }],
    [
      'names the uid, but not as a DaemonSet',
      { controller: aController('ReplicaSet', 'calico-node', { uid: operator.uid }) },
    ],
    ['lies in another namespace', { namespace: 'team-a' }],
    ['is not on the host’s network: anybody may write a DaemonSet and a reference to it', { hostNetwork: false }],
  ])('is none that %s', (_, overrides) => {
    expect(on('n1', [operator], [podOf(operator, overrides), aPod()])).toBe('none');
  });

  test('is the one that stays, then the newest, when an old one is still there', () => {
    const leaving = podOf(operator, { uid: 'leaving', createdAtMs: ago(SECOND), deletionAtMs: NOW_MS });
    const old = podOf(operator, { uid: 'old', createdAtMs: ago(9 * MINUTE) });
    const young = podOf(operator, { uid: 'young', createdAtMs: ago(MINUTE) });
    expect(on('n1', [operator], [leaving, old, young])).toBe('young');
    expect(on('n1', [operator], [young, old, leaving])).toBe('young');
    expect(on('n1', [operator], [leaving])).toBe('leaving');
  });

  test.each<[string, readonly DaemonSet[], string | null, string]>([
    ['the preferred namespace decides between two', [operator, manifest], 'kube-system', 'pod of manifest'],
    ['also for a namespace of one’s own', [operator, copy], 'team-a', 'pod of copy'],
    ['else the only one in calico-system or kube-system', [operator, copy], null, `pod of ${operator.uid}`],
    ['a preferred namespace with none of them decides nothing', [manifest, copy], 'team-b', 'pod of manifest'],
    ['two in those namespaces are ambiguous', [operator, manifest], null, 'ambiguous'],
  ])('where two qualify: %s', (_, daemonSets, preferred, expected) => {
    expect(
      on(
        'n1',
        daemonSets,
        daemonSets.map((each) => podOf(each)),
        preferred,
      ),
    ).toBe(expected);
  });

  test('two outside those namespaces are ambiguous', () => {
    const other = aCalicoDaemonSet({ namespace: 'team-b', uid: 'other copy' });
    expect(on('n1', [copy, other], [podOf(copy), podOf(other)])).toBe('ambiguous');
  });

  test('a policy-only one steps back behind a full one, and is named when it is alone', () => {
    const policyOnly = withTemplate({ initContainers: [] }, { namespace: 'kube-system', uid: 'policy' });
    expect(on('n1', [policyOnly, operator], [podOf(policyOnly), podOf(operator)])).toBe(podOf(operator).uid);
    expect(on('n1', [policyOnly], [podOf(policyOnly)])).toBe('policy-only');
  });
});
