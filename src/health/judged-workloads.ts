import { fullName } from '../objects/metadata.ts';
import { hasEnded } from '../objects/pod.ts';
import type { Workload } from '../objects/workload.ts';
import { matchesSelector, type Selector } from '../selector.ts';
import type { Finding, Observation } from './assessment.ts';
import { derive, waitsForOverdue } from './derived.ts';
import type { EligibleNodes } from './eligible-nodes.ts';
import { isFresh } from './evidence.ts';
import type { FailedJobs } from './job.ts';
import type { EventIndex, JudgedPod } from './judged-pods.ts';
import { type HealthMemory, isAddedLately, templateSeenAtMs } from './memory.ts';
import { podsToBeReplaced, replacesPods } from './old-pods.ts';
import { worstOverdue } from './overdue.ts';
import { isActive } from './owner.ts';
import type { PodMemory, PodState } from './pod-state.ts';
import { type RollOut, templateOf } from './roll-out.ts';
import { judgeWorkload } from './workload.ts';

/** A workload in scope, its pods as seen in its light, and how far it is carried out. */
export interface JudgedWorkload {
  readonly workload: Workload;
  readonly rollOut: RollOut;
  readonly pods: readonly PodState[];
}

export interface WorkloadsInput {
  readonly observation: Observation;
  readonly workloads: readonly Workload[];
  readonly pods: readonly JudgedPod[];
  readonly podMemory: ReadonlyMap<string, PodMemory>;
  readonly before: HealthMemory;
  readonly failedJobs: FailedJobs;
  readonly nodes: EligibleNodes;
  readonly events: EventIndex;
}

export function judgeWorkloads(input: WorkloadsInput): readonly JudgedWorkload[] {
  const { observation, before, failedJobs, nodes, events } = input;
  const { now, timing, settings, snapshot } = observation;
  const podsOf = groupByWorkload(input.pods);
  const overdue = overdueByNamespace(input.pods);
  const adopting = namespacesOfStrangers(input.pods);
  const arePodsInSight = (workload: Workload): boolean =>
    (settings.selector === null || showsAllPods(settings.selector, workload)) &&
    isFresh(snapshot.coverage, 'pods', workload.namespace) &&
    !(workload.kind === 'Deployment' && adopting.has(workload.namespace));

  return input.workloads.map((workload) => {
    const pods = inTheLightOf(workload, podsOf.get(workload.uid) ?? NO_PODS, input);
    const rollOut = judgeWorkload(workload, {
      pods,
      events: events.about(workload),
      nodes,
      podsInSight: arePodsInSight(workload),
      templateSeenAtMs: templateSeenAtMs(before.workloads.get(workload.uid), templateOf(workload), now.atMs),
      madeGood: failedJobs.madeGood.has(workload.uid),
      overdueInNamespace: overdue.get(workload.namespace) ?? null,
      nowMs: now.atMs,
      timing,
    });
    return { workload, rollOut, pods };
  });
}

const NO_PODS: readonly PodState[] = [];

/**
 * Whether the selector matches every pod that the workload may have for good: those of its present template, where none of
 * an older one stay.
 */
function showsAllPods(selector: Selector, workload: Workload): boolean {
  const keepsOld = workload.kind === 'StatefulSet' && workload.partition > 0;
  return replacesPods(workload) && !keepsOld && matchesSelector(selector, workload.templateLabels);
}

function groupByWorkload(pods: readonly JudgedPod[]): ReadonlyMap<string, readonly PodState[]> {
  const groups = new Map<string, PodState[]>();
  for (const { state, owner } of pods) {
    const uid = owner?.workload?.uid;
    if (uid === undefined) continue;
    const group = groups.get(uid);
    if (group === undefined) groups.set(uid, [state]);
    else group.push(state);
  }
  return groups;
}

/**
 * Where pods belong to a ReplicaSet that no Deployment is known to have made. A Deployment also adopts one of any name that
 * has its selector's labels and its template, and then these are its pods.
 */
function namespacesOfStrangers(pods: readonly JudgedPod[]): ReadonlySet<string> {
  return new Set(
    pods.flatMap(({ state, owner }) => (owner?.unjudged?.kind === 'ReplicaSet' ? [state.pod.namespace] : [])),
  );
}

/** The worst overdue pod of each namespace, as far as it still counts towards a quota (ended pods do not). */
function overdueByNamespace(pods: readonly JudgedPod[]): ReadonlyMap<string, string> {
  const groups = new Map<string, PodState[]>();
  for (const { state } of pods) {
    if (state.finding === null || state.pod.deletionAtMs === null || hasEnded(state.pod)) continue;
    const group = groups.get(state.pod.namespace);
    if (group === undefined) groups.set(state.pod.namespace, [state]);
    else group.push(state);
  }
  const found = new Map<string, string>();
  for (const [namespace, states] of groups) {
    const worst = worstOverdue(states);
    if (worst !== null) found.set(namespace, fullName(worst.pod));
  }
  return found;
}

/** What a workload's roll-out makes of its pods' own findings. */
function inTheLightOf(workload: Workload, states: readonly PodState[], input: WorkloadsInput): readonly PodState[] {
  if (!states.some(({ finding }) => finding?.holdsBack === true)) return states;
  const replaced = podsToBeReplaced(workload, states);
  return states.map((state) => {
    const { finding, pod } = state;
    if (finding?.holdsBack !== true || !isActive(pod)) return state;
    if (isAddedLate(workload, state, finding, input)) {
      return { ...state, class: 'starting', finding: { ...finding, holdsBack: false, fatal: false, fatalAtMs: null } };
    }
    const root = waitsForOverdue(finding, states);
    if (root !== null) return { ...state, finding: derive(finding, root) };
    // Calico's failure is the node's and hits the pod's successor as well.
    if (!replaced.has(pod.uid) || finding.cause === 'CalicoUnauthorized') return state;
    return { ...state, finding: { ...finding, fatal: false, fatalAtMs: null } };
  });
}

/** Calico's failure and a crash loop are never "starting", here as little as under `stuck-after`. */
function isAddedLate(workload: Workload, { pod }: PodState, finding: Finding, input: WorkloadsInput): boolean {
  if (finding.cause === 'CalicoUnauthorized' || finding.stage === 'crash' || workload.kind === 'Job') return false;
  const { now, timing } = input.observation;
  return isAddedLately(pod, input.podMemory.get(pod.uid), input.before.workloads.get(workload.uid), {
    template: templateOf(workload),
    nowMs: now.atMs,
    addedPodMs: timing.addedPodMs,
  });
}
