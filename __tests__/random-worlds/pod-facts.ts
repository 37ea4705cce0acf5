/** What the objects of the simulator say of themselves, read without any of the gate's own code. */

import { type Condition, controllerOf, type KubeObject, type Pod } from '../../simulator/objects.ts';
import type { DaemonSet } from '../../simulator/workload-objects.ts';
import type { World } from '../harness.ts';

export function conditionOf(object: Pod, type: string): Condition | undefined {
  return object.status.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

/** As its kubelet says, which may be late. */
export function hasSandbox(pod: Pod): boolean {
  return conditionOf(pod, 'PodReadyToStartContainers')?.status === 'True';
}

/** Calico has given it its address, whether its kubelet says by now that it has a network or not. */
export function hasNetwork(pod: Pod): boolean {
  return hasSandbox(pod) || Boolean(pod.metadata.annotations?.['cni.projectcalico.org/podIP']);
}

export function hasEnded(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

export function isLeaving({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Neither ended nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isLeaving(pod) && !hasEnded(pod);
}

export function isOf(pod: Pod, owner: KubeObject): boolean {
  return controllerOf(pod)?.uid === owner.metadata.uid;
}

/** DaemonSets that give pods their network, by what they run. */
export function calicoSets({ sim }: World): readonly DaemonSet[] {
  return sim.cluster.list('daemonsets').filter(({ spec }) => {
    const { containers, initContainers = [], hostNetwork } = spec.template.spec;
    return (
      hostNetwork === true &&
      containers.some(({ name }) => name === 'calico-node') &&
      initContainers.some(({ name }) => name === 'install-cni')
    );
  });
}

/** The moment of the world that a time in an object of the API server stands for. */
export function momentOf(stamp: string | null | undefined, { sim }: World): number {
  return Date.parse(stamp ?? '') - sim.world.wallMs(0);
}
