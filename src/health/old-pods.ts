import { isReady, type Pod } from '../objects/pod.ts';
import type { StatefulSet, Workload } from '../objects/workload.ts';
import type { WorkloadState } from './assessment.ts';
import { isActive } from './owner.ts';
import type { PodState } from './pod-state.ts';
import { isObserved } from './roll-out.ts';

/**
 * The active pods that are not of the present pod template. `active`: those of this workload that neither ended nor
 * terminate. A StatefulSet's status names the template; of the others only how many pods have it is known, so it is
 * taken from the youngest pod, which the controller makes of the present template.
 */
export function oldPods(workload: Workload, active: readonly Pod[]): readonly Pod[] {
  switch (workload.kind) {
    case 'Deployment':
    case 'DaemonSet':
      return notOfTheYoungest(active, workload.updated);
    case 'StatefulSet':
      return active.filter((pod) => isOldReplica(workload, pod));
    case 'Job':
      return [];
  }
}

/** Those of them that are left; nothing while its controller has not seen the present template, or there are none. */
export function oldPodsLeft(workload: Workload, states: readonly PodState[]): Pick<WorkloadState, 'old'> {
  if (!isObserved(workload)) return {};
  const old = oldPods(workload, states.map(({ pod }) => pod).filter(isActive));
  if (old.length === 0) return {};
  return { old: { pods: new Set(old.map(({ name }) => name)), ready: old.filter(isReady).length } };
}

function notOfTheYoungest(active: readonly Pod[], updated: number): readonly Pod[] {
  if (updated === 0) return active;
  let youngest: Pod | null = null;
  for (const pod of active) if (youngest === null || isYounger(pod, youngest)) youngest = pod;
  return active.filter((pod) => pod.revision !== youngest?.revision);
}

/** Creation times have whole seconds; the name decides between two of the same, so that the order of a list does not. */
function isYounger(pod: Pod, other: Pod): boolean {
  if (pod.createdAtMs !== other.createdAtMs) return pod.createdAtMs > other.createdAtMs;
  return pod.name > other.name;
}

/**
 * Only replicas from `partition` on get the new revision; it counts replicas, and ordinals begin at
 * `spec.ordinals.start` (stateful_set_utils.go, newVersionedStatefulSetPod). OnDelete has no partition.
 */
function isOldReplica(set: StatefulSet, pod: Pod): boolean {
  if (set.updateRevision === '' || pod.revision === set.updateRevision) return false;
  if (set.strategy !== 'RollingUpdate') return true;
  const ordinal = Number(/-(\d+)$/.exec(pod.name)?.[1] ?? Number.NaN);
  return !(ordinal < set.ordinalsStart + set.partition);
}

/**
 * Uids of pods whose failure heals by waiting, because the roll-out under way replaces them: what somebody deploys is
 * often the cure of what fails now. Until the controller has seen the new generation any pod may be one of those.
 *
 * A StatefulSet does not get past a broken pod of the old revision (kubernetes#67250) unless it is on its way: some pod
 * is being replaced or has not become ready with the new revision yet.
 */
export function podsToBeReplaced(workload: Workload, states: readonly PodState[]): ReadonlySet<string> {
  const active = states.map(({ pod }) => pod).filter(isActive);
  if (!replacesPods(workload)) return NOBODY;
  if (!isObserved(workload)) return uidsOf(active);
  const old = uidsOf(oldPods(workload, active));
  if (workload.kind !== 'StatefulSet') return old;
  const moves = states.some(({ pod, class: podClass }) => podClass !== 'ready' && !old.has(pod.uid));
  return moves ? old : NOBODY;
}

/** Whether its controller replaces all pods of an older template by itself. */
export function replacesPods(workload: Workload): boolean {
  switch (workload.kind) {
    case 'Deployment':
      return !workload.paused && workload.desired > 0;
    case 'StatefulSet':
    case 'DaemonSet':
      return workload.strategy === 'RollingUpdate';
    case 'Job':
      return false;
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function uidsOf(pods: readonly Pod[]): ReadonlySet<string> {
  return new Set(pods.map((pod) => pod.uid));
}
