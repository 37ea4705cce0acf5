import type { Event } from '../objects/event.ts';
import { fullName } from '../objects/metadata.ts';
import { isReady, type Pod } from '../objects/pod.ts';
import type { Workload } from '../objects/workload.ts';
import type { Timing } from '../timing.ts';
import type { Cause, Stage } from './assessment.ts';
import type { Refusal } from './create-refused.ts';
import type { EligibleNodes } from './eligible-nodes.ts';
import { worstOverdue } from './overdue.ts';
import { isActive } from './owner.ts';
import type { PodState } from './pod-state.ts';

/** Everything that the decision about one workload may look at. */
export interface WorkloadContext {
  /** Its pods in scope, decided. */
  readonly pods: readonly PodState[];
  /** Events about its uid, any order. */
  readonly events: readonly Event[];
  readonly nodes: EligibleNodes;
  /** All of its pods are seen and known as its own: no selector can hide any, and their view is not lost. */
  readonly podsInSight: boolean;
  /** Server's time at which this run saw its pod template change; null: it was the same at the first look. */
  readonly templateSeenAtMs: number | null;
  /** Of a failed Job: a newer one of the same CronJob succeeded. */
  readonly madeGood: boolean;
  /** `namespace/name` of an overdue pod of any owner in its namespace: it still counts towards the quota. */
  readonly overdueInNamespace: string | null;
  readonly nowMs: number;
  readonly timing: Timing;
}

/** What is wrong with a workload beyond its pods' own findings, before patience is applied. */
export interface Trouble {
  readonly stage: Stage;
  readonly cause: Cause;
  readonly message: string;
  /** Of its own condition or event; null: since when is not written anywhere. */
  readonly sinceMs: number | null;
  /** `namespace/name` of the overdue pod that it waits for. */
  readonly waitsFor: string | null;
}

/** How far a workload's controller has carried out what the workload wants. */
export interface RollOut {
  readonly desired: number;
  readonly ready: number;
  /** Nothing lacks but what starting pods explain. Its pods may still have findings of their own. */
  readonly carriedOut: boolean;
  /**
   * Not carried out, yet nothing but time may be lacking: the controller has not looked, or has not counted or made all
   * pods. If its template is one that was carried out before, and no pod is unwell, that is what every scaling,
   * eviction or drain does for a moment.
   */
  readonly passing: boolean;
  readonly troubles: readonly Trouble[];
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

/** A workload from which something lacks that its starting pods do not explain. */
export function lacking(
  numbers: { readonly desired: number; readonly ready: number },
  troubles: readonly Trouble[],
  said: { readonly notes?: readonly string[]; readonly warnings?: readonly string[] } = {},
): RollOut {
  const passing = troubles.every(({ cause }) => cause === 'NotRolledOut');
  return { ...numbers, carriedOut: false, passing, troubles, notes: said.notes ?? [], warnings: said.warnings ?? [] };
}

/** A workload that does not stand in the way of anything. */
export function nothingLacks(
  numbers: { readonly desired: number; readonly ready: number },
  said: { readonly notes?: readonly string[]; readonly warnings?: readonly string[] } = {},
): RollOut {
  return {
    ...numbers,
    carriedOut: true,
    passing: false,
    troubles: [],
    notes: said.notes ?? [],
    warnings: said.warnings ?? [],
  };
}

/** Counts that every kind needs of its pods. */
export interface PodTally {
  /** Those that neither ended nor terminate. */
  readonly active: readonly Pod[];
  /** Of those the Ready ones. */
  readonly ready: number;
  readonly starting: number;
  /** Some pod has a finding of its own that holds back: it explains what lacks better than a count does. */
  readonly explained: boolean;
  /** `namespace/name` of a pod that should have gone long ago and keeps others from starting. */
  readonly overdue: string | null;
  /** One that is being deleted and may still take its time. */
  readonly leaving: string | null;
}

export function tallyPods(pods: readonly PodState[]): PodTally {
  const active: Pod[] = [];
  const leaving: string[] = [];
  let ready = 0;
  let starting = 0;
  let explained = false;
  for (const { pod, class: podClass, finding } of pods) {
    if (isActive(pod)) active.push(pod);
    if (isActive(pod) && isReady(pod)) ready += 1;
    if (podClass === 'starting') starting += 1;
    if (podClass === 'terminating' && finding === null) leaving.push(fullName(pod));
    if (finding?.holdsBack === true) explained = true;
  }
  const overdue = worstOverdue(pods);
  const [first = null] = leaving.sort();
  return {
    active,
    ready,
    starting,
    explained,
    overdue: overdue === null ? null : fullName(overdue.pod),
    leaving: first,
  };
}

/**
 * How many of its pods are available: what its status counts, but no more than are there and Ready, for a status lags
 * behind (a controller that is busy or down, an eviction of this moment).
 */
export function availableOf(counted: number, tally: PodTally, { podsInSight }: WorkloadContext): number {
  return podsInSight ? Math.min(counted, tally.ready) : counted;
}

/** Whether its controller has seen the present spec. A controller that never wrote a status has not. */
export function isObserved(workload: Workload): boolean {
  return workload.observedGeneration !== null && workload.observedGeneration >= workload.generation;
}

export function unobserved(workload: Workload, numbers: { readonly desired: number; readonly ready: number }): RollOut {
  const seen =
    workload.observedGeneration === null
      ? 'has not looked at it yet'
      : `has not carried out generation ${workload.generation} yet (it has seen ${workload.observedGeneration})`;
  return lacking(numbers, [notRolledOut(`its controller ${seen}`, null)]);
}

/** `have`: how much of what is wanted there is. */
export function createRefused(refusal: Refusal, have: string, tally: PodTally, context: WorkloadContext): Trouble {
  return {
    stage: 'workload',
    cause: 'CreateRefused',
    message: `${have}, more are ${refusal.message}`,
    sinceMs: refusal.sinceMs,
    waitsFor: refusal.byQuota ? (tally.overdue ?? context.overdueInNamespace) : null,
  };
}

export function notRolledOut(message: string, sinceMs: number | null, waitsFor: string | null = null): Trouble {
  return { stage: 'workload', cause: 'NotRolledOut', message, sinceMs, waitsFor };
}

/**
 * What identifies the pod template that a workload's controller has seen: stays when the workload is scaled, changes
 * with the template. Falls back to the generation where the controller wrote nothing better.
 */
export function templateOf(workload: Workload): string {
  const known = knownTemplate(workload);
  return known === '' ? `generation ${workload.generation}` : known;
}

function knownTemplate(workload: Workload): string {
  switch (workload.kind) {
    case 'Deployment':
      return workload.revision;
    case 'StatefulSet':
      return workload.updateRevision;
    case 'DaemonSet':
      return workload.templateGeneration;
    case 'Job':
      return workload.uid;
  }
}

/** `1 pod`, `3 pods`. */
export function countOfPods(count: number): string {
  return `${count} ${count === 1 ? 'pod' : 'pods'}`;
}
