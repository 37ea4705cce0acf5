import { fullName } from '../objects/metadata.ts';
import { isReady } from '../objects/pod.ts';
import type { DaemonSet } from '../objects/workload.ts';
import { refusalInEvents } from './create-refused.ts';
import { oldPods } from './old-pods.ts';
import type { PodState } from './pod-state.ts';
import {
  availableOf,
  countOfPods,
  createRefused,
  isObserved,
  lacking,
  nothingLacks,
  notRolledOut,
  type PodTally,
  type RollOut,
  tallyPods,
  unobserved,
  type WorkloadContext,
} from './roll-out.ts';

/**
 * A DaemonSet is carried out when its controller has seen the present generation and on every eligible node a pod of
 * the present template is available. A status without `observedGeneration` or `desiredNumberScheduled` is in progress,
 * never "0 of 0" (helm#11101). OnDelete: ready = desired, with a note how many pods are of the old template.
 *
 * Its status counts all nodes alike, and only the controller knows which ones it wants (affinity, taints). So what
 * lacks is counted from the status, and what nodes that do not count may lack is taken off again.
 */
export function judgeDaemonSet(set: DaemonSet, context: WorkloadContext): RollOut {
  const numbers = { desired: set.desired ?? 0, ready: set.ready };
  const name = fullName(set);
  if (set.deletionAtMs !== null) {
    return nothingLacks(numbers, { notes: [`DaemonSet ${name} is being deleted: it is not waited for`] });
  }
  if (!isObserved(set)) return unobserved(set, numbers);
  if (set.desired === null) {
    const silent = 'its controller has not said yet on how many nodes it wants a pod';
    return lacking(numbers, [notRolledOut(silent, null)]);
  }

  const tally = tallyPods(countedPods(set, context));
  const excused = excusedOf(set, set.desired, tally, context);
  const measured = { desired: Math.max(0, set.desired - excused.notReady - excused.missing), ready: set.ready };
  const old = Math.max(0, Math.min(set.desired - set.updated, oldPods(set, tally.active).length));
  const onDelete = set.strategy === 'OnDelete';
  const notes = onDelete && old > 0 ? [`DaemonSet ${name} (OnDelete): ${countOfPods(old)} of the old template`] : [];

  const ready = availableOf(set.ready, tally, context);
  const available = availableOf(set.available, tally, context);
  const lacks = lackOf({ ...set, ready, available }, set.desired, measured.desired, tally, excused);
  const starting = context.pods.filter((state) => state.class === 'starting' && context.nodes.counts(state.pod)).length;
  const byStarting = starting > 0 && measured.desired - (onDelete ? ready : available) <= starting;
  if (lacks === null || byStarting) return nothingLacks(measured, { notes });
  return lacking(measured, troublesOf(set, context, tally, lacks, excused.missing), { notes });
}

/**
 * Its pods without those that are left of nodes that are gone, once its status no longer counts them: until the pod
 * collector comes (pod_gc_controller.go, up to a minute) they would stand for what lacks on nodes that count. The
 * controller looks at its nodes only when something happens, so the status may count them all that time.
 */
function countedPods({ current }: DaemonSet, { pods, nodes }: WorkloadContext): readonly PodState[] {
  const present = pods.filter(({ pod }) => !nodes.isLeft(pod));
  return present.length === pods.length || current >= pods.length ? pods : present;
}

/** What does not count of the numbers in the status, because of nodes that do not count. */
interface Excused {
  readonly ready: number;
  readonly notReady: number;
  /** Nodes without any pod, as far as the DaemonSet may want one there. */
  readonly missing: number;
  /** Pods of an older template, ready or not. */
  readonly old: number;
}

function excusedOf(set: DaemonSet, desired: number, tally: PodTally, { nodes }: WorkloadContext): Excused {
  const there = tally.active.filter((pod) => !nodes.counts(pod));
  const old = new Set(oldPods(set, tally.active));
  const withPod = new Set(tally.active.map((pod) => pod.nodeName));
  const bare = nodes.excused === null ? 0 : [...nodes.excused].filter((node) => !withPod.has(node)).length;
  const ready = there.filter(isReady).length;
  return {
    ready,
    notReady: there.length - ready,
    // A pod that its controller still counts is gone from somewhere: that is not for want of one on these nodes.
    missing: Math.max(0, Math.min(desired - Math.max(tally.active.length, set.current), bare)),
    old: there.filter((pod) => old.has(pod)).length,
  };
}

/** What stands between the DaemonSet and its end, with have and want; null: nothing. */
function lackOf(set: DaemonSet, scheduled: number, measured: number, tally: PodTally, excused: Excused): string | null {
  const wanted = scheduled - excused.missing;
  if (tally.active.length < wanted && set.current < wanted) return `${set.current} of ${wanted} pods exist`;
  if (set.strategy === 'OnDelete') return lackOfPods(set.ready, measured, 'ready');
  if (set.updated + excused.old < wanted) return `${set.updated} of ${wanted} pods are of the new pod template`;
  // A pod on a node that does not count may be ready and not available yet (`minReadySeconds`).
  if (set.available + excused.ready < measured) return lackOfPods(set.available, measured, 'available');
  return lackOfPods(set.ready, measured, 'ready');
}

function lackOfPods(have: number, desired: number, what: string): string | null {
  return have < desired ? `${have} of ${desired} pods are ${what}` : null;
}

function troublesOf(
  set: DaemonSet,
  context: WorkloadContext,
  tally: PodTally,
  lacks: string,
  excusedMissing: number,
): RollOut['troubles'] {
  const missing = (set.desired ?? 0) - tally.active.length - excusedMissing > 0;
  const waitsFor = missing ? tally.overdue : null;
  if (missing && waitsFor === null) {
    const refusal = refusalInEvents(context.events, tally.active, context.nowMs);
    if (refusal !== null) {
      return [createRefused(refusal, `${tally.active.length} of ${set.desired} pods exist`, tally, context)];
    }
  }
  if (waitsFor === null && tally.explained) return [];
  return [notRolledOut(lacks, null, waitsFor)];
}
