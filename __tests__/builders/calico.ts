import type { Pod } from '../../src/objects/pod.ts';
import type { DaemonSet } from '../../src/objects/workload.ts';
import { aController, aMetadata } from './metadata.ts';
import { aDaemonSet } from './nodes-and-workloads.ts';
import { aContainer, aPod, podConditions, terminated } from './pods.ts';
import { ago, HOUR, SECOND } from './times.ts';

/** A Calico DaemonSet, as the operator makes it. */
export function aCalicoDaemonSet(overrides: Partial<DaemonSet> = {}): DaemonSet {
  return aDaemonSet({
    ...aMetadata('DaemonSet', { namespace: 'calico-system', name: 'calico-node', ...overrides }),
    templateLabels: { 'k8s-app': 'calico-node' },
    template: {
      containers: ['calico-node'],
      initContainers: ['install-cni'],
      hostNetwork: true,
      hostProcess: false,
      hostPaths: ['/etc/cni/net.d', '/opt/cni/bin', '/var/lib/calico'],
    },
    ...overrides,
  });
}

/** The Ready calico-node pod of `nodeName`, whose `install-cni` ended shortly after it was created. */
export function aCalicoNodePod(overrides: Partial<Pod> = {}): Pod {
  const nodeName = overrides.nodeName ?? 'n1';
  const createdAtMs = overrides.createdAtMs ?? ago(HOUR);
  const installed = terminated({
    reason: 'Completed',
    exitCode: 0,
    startedAtMs: createdAtMs + SECOND,
    finishedAtMs: createdAtMs + 2 * SECOND,
  });
  return aPod({
    ...aMetadata('Pod', { namespace: 'calico-system', name: `calico-node-${nodeName}`, ...overrides }),
    createdAtMs,
    controller: aController('DaemonSet', 'calico-node', { uid: 'DaemonSet/calico-system/calico-node' }),
    nodeName,
    hostNetwork: true,
    conditions: podConditions({ sinceMs: createdAtMs + 3 * SECOND }),
    containers: [
      aContainer({ name: 'install-cni', role: 'init', state: installed, ready: true, started: false }),
      aContainer({ name: 'calico-node' }),
    ],
    ...overrides,
  });
}
