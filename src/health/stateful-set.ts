import { fullName } from '../objects/metadata.ts';
import type { StatefulSet } from '../objects/workload.ts';
import { refusalInEvents } from './create-refused.ts';
import { oldPods } from './old-pods.ts';
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
  type Trouble,
  tallyPods,
  unobserved,
  type WorkloadContext,
} from './roll-out.ts';

/**
 * A StatefulSet is carried out when its controller has seen the present generation, all replicas from `partition` on
 * have the new revision, and all are available. OnDelete replaces nothing by itself: as many ready pods as desired,
 * with a note how many have the old revision. Scaled to 0, or being deleted: nothing to wait for.
 */
export function judgeStatefulSet(set: StatefulSet, context: WorkloadContext): RollOut {
  const numbers = { desired: set.desired, ready: set.ready };
  if (set.deletionAtMs !== null) {
    return nothingLacks(numbers, { notes: [`StatefulSet ${fullName(set)} is being deleted: it is not waited for`] });
  }
  if (!isObserved(set)) return unobserved(set, numbers);
  if (set.desired === 0) return nothingLacks(numbers);

  const tally = tallyPods(context.pods);
  const onDelete = set.strategy === 'OnDelete';
  const old = oldPods(set, tally.active).length;
  const notes =
    onDelete && old > 0 ? [`StatefulSet ${fullName(set)} (OnDelete): ${countOfPods(old)} of the old revision`] : [];

  const have = availableOf(onDelete ? set.ready : set.available, tally, context);
  const lacks = onDelete ? lackOfPods(have, set.desired, 'ready') : lackOf(set, old, have);
  const excused = tally.starting > 0 && set.desired - have <= tally.starting;
  if (lacks === null || excused) return nothingLacks(numbers, { notes });
  return lacking(numbers, troublesOf(set, context, tally, lacks), { notes });
}

function lackOfPods(have: number, desired: number, what: string): string | null {
  return have < desired ? `${have} of ${desired} replicas are ${what}` : null;
}

function lackOf(set: StatefulSet, old: number, available: number): string | null {
  const wanted = Math.max(0, set.desired - set.partition);
  if (set.updated < wanted) {
    const partition = set.partition > 0 ? ` (partition ${set.partition})` : '';
    return `${set.updated} of ${wanted} replicas${partition} have the new revision, ${available} are available`;
  }
  if (old > 0) return `${countOfPods(old)} of the old revision ${old === 1 ? 'is' : 'are'} still there`;
  return lackOfPods(available, set.desired, 'available');
}

function troublesOf(set: StatefulSet, context: WorkloadContext, tally: PodTally, lacks: string): readonly Trouble[] {
  const missing = tally.active.length < set.desired;
  const waitsFor = missing ? tally.overdue : null;
  if (missing && waitsFor === null) {
    const refusal = refusalInEvents(context.events, tally.active, context.nowMs);
    if (refusal !== null) {
      const have = `${tally.active.length} of ${set.desired} replicas exist`;
      return [createRefused(refusal, have, tally, context)];
    }
  }
  if (waitsFor === null && tally.explained) return [];
  const old = missing ? (tally.overdue ?? tally.leaving) : null;
  const why = old === null ? '' : `; the pod that is to follow ${old} has its name and comes after it is gone`;
  return [notRolledOut(`${lacks}${why}`, null, waitsFor)];
}
