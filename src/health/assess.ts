import { fullName } from '../objects/metadata.ts';
import type { Resource } from '../objects/snapshot.ts';
import type { Job } from '../objects/workload.ts';
import type { Assessment, Finding, Observation, PodClass, PodCounts, WorkloadState } from './assessment.ts';
import { neededGaps } from './blindness.ts';
import { type EligibleNodes, eligibleNodes } from './eligible-nodes.ts';
import { freezeUnseen, isFresh, nextEvidence } from './evidence.ts';
import { compareFindings } from './finding-order.ts';
import { rememberFailedJobs } from './job.ts';
import { indexEvents, type JudgedPod, judgePods } from './judged-pods.ts';
import { type JudgedWorkload, judgeWorkloads } from './judged-workloads.ts';
import { type HealthMemory, rememberWorkload, type WorkloadMemory } from './memory.ts';
import { oldPodsLeft } from './old-pods.ts';
import { findWorkloads, isActive } from './owner.ts';
import type { PodState } from './pod-state.ts';
import { isObserved, templateOf } from './roll-out.ts';
import {
  countForMinPods,
  scopeTroubles,
  unjudgedKindWarnings,
  unknownNamespaceWarnings,
  workloadsInScope,
} from './scope.ts';
import { completeForMs, nextWindows, type Subject, unstableOf } from './stability.ts';
import { findTroubles } from './trouble-findings.ts';
import { clocksAhead, clockWarnings, excusedNotes, guessWarnings, sightWarnings } from './warnings.ts';

/** What one look at the cluster gives: what the picture means, and what to remember of it. */
export interface HealthLook {
  readonly memory: HealthMemory;
  readonly assessment: Assessment;
}

/**
 * What the picture means, and the memory for the next look. Pure and total. **Call it once for each look**, with the
 * memory of the look before (`EMPTY_HEALTH_MEMORY` for the first); remembering and assessing share all of their work.
 *
 * Every pod in scope is in exactly one of the six counts. `complete` is true only when everything was read once,
 * nothing in `findings` holds back and every workload is carried out; it says nothing about whether the picture is
 * fresh, which `judge` looks at.
 */
export function lookAtHealth(before: HealthMemory, observation: Observation): HealthLook {
  const { snapshot, now, timing, settings } = observation;
  const { coverage } = snapshot;
  const finder = findWorkloads(snapshot.workloads, (resource: Resource, namespace) =>
    isFresh(coverage, resource, namespace),
  );
  const nodes = eligibleNodes(snapshot.nodes, snapshot.pods, now.atMs, timing);
  const events = indexEvents(snapshot.events);

  const judged = judgePods(observation, before.pods, finder, nodes, events);
  const owning = new Set(judged.pods.flatMap(({ owner }) => owner?.workload?.uid ?? []));
  const scope = workloadsInScope(snapshot.workloads, settings, owning);
  const jobs = scope.filter((workload): workload is Job => workload.kind === 'Job');
  const failedJobs = rememberFailedJobs(before.failedJobs, jobs);
  const workloads = judgeWorkloads({
    observation,
    workloads: scope,
    pods: judged.pods,
    podMemory: judged.memory,
    before,
    failedJobs,
    nodes,
    events,
  });

  const pods = finalStates(judged.pods, workloads);
  const podFindings = pods.flatMap(({ class: podClass, finding }) =>
    finding === null || podClass === 'starting' ? [] : finding,
  );
  const podsForMin = countForMinPods(pods, ({ pod }) => pod.controller?.kind === 'Job');
  const isScopeSeen = isFresh(coverage, 'pods', '');
  const scopeTrouble = isScopeSeen ? scopeTroubles(snapshot.namespaces, podsForMin, settings) : [];
  const troubles = findTroubles(workloads, failedJobs, scopeTrouble, podFindings, {
    now,
    timing,
    stuckAfterMs: settings.stuckAfterMs,
    coverage,
    isFirst: before.looks === 0,
    before: before.troubles,
  });
  const allFindings = [...podFindings, ...[...troubles.byWorkload.values()].flat()];
  const findings = [...freezeUnseen(allFindings, before.evidence, coverage)].sort(compareFindings);

  const verdicts = workloads.map((one) => ({
    ...one,
    ...completenessOf(one, troubles.byWorkload.get(one.workload.uid) ?? []),
  }));
  // What was never seen has not stayed as it is: no window begins before everything was read once.
  const isAllRead = neededGaps(coverage).every(({ why }) => why === 'stale');
  const own = [...verdicts.flatMap((one) => subjectOfWorkload(one, nodes)), ...subjectsOfBarePods(judged.pods)];
  const subjects = (own.length > 0 ? own : subjectOfJobs(jobs, findings)).map(
    (subject): Subject => (isAllRead ? subject : { ...subject, state: 'incomplete' }),
  );
  const windows = nextWindows(before.windows, subjects, {
    elapsedMs: now.elapsedMs,
    afterGap: before.looks > 0 && coverage.reconnections !== before.reconnections,
    momentsCount: settings.stuckAfterMs === 0,
    addedPodMs: timing.addedPodMs,
  });
  const states = verdicts.map(({ workload, rollOut, pods: ofIt, isComplete, problem }): WorkloadState => {
    const { kind, namespace, name } = workload;
    const { desired, ready } = rollOut;
    const forMs = completeForMs(windows.get(workload.uid), now.elapsedMs);
    return {
      kind,
      namespace,
      name,
      desired,
      ready,
      problem,
      complete: isComplete,
      completeForMs: isComplete ? forMs : 0,
      ...(isComplete ? {} : oldPodsLeft(workload, ofIt)),
    };
  });

  const changed = snapshot.pods.filter((pod) => !before.seen.has(pod));
  const ahead = clocksAhead(before.clocksAhead, changed, now.atMs);
  const assessment: Assessment = {
    counts: countPods(pods),
    findings,
    notReadyPods: notReadyPods(pods, findings),
    workloads: states,
    complete: isAllRead && states.every(({ complete }) => complete) && findings.every(({ holdsBack }) => !holdsBack),
    unstable: unstableOf(windows, subjects, now.elapsedMs, settings.stableForMs),
    warnings: [
      ...sightWarnings(snapshot, findings, now.atMs),
      ...unknownNamespaceWarnings(snapshot.namespaces, [...snapshot.pods, ...snapshot.workloads]),
      ...unjudgedKindWarnings(judged.pods),
      ...workloads.flatMap(({ rollOut }) => rollOut.warnings),
      ...guessWarnings(snapshot.pods, nodes),
      ...clockWarnings(ahead),
    ],
    notes: [...workloads.flatMap(({ rollOut }) => rollOut.notes), ...excusedNotes(snapshot.pods, nodes)],
  };

  const memory: HealthMemory = {
    looks: before.looks + 1,
    seen: new Set(snapshot.pods),
    pods: judged.memory,
    workloads: rememberWorkloads(before, verdicts, observation, isAllRead),
    troubles: isScopeSeen ? troubles.memory : new Map([...before.troubles, ...troubles.memory]),
    windows,
    failedJobs,
    evidence: nextEvidence(before.evidence, findings, coverage, now.atMs),
    reconnections: coverage.reconnections,
    clocksAhead: ahead,
  };
  return { memory, assessment };
}

/** The pods as their workloads see them, in the order of the picture. */
function finalStates(pods: readonly JudgedPod[], workloads: readonly JudgedWorkload[]): readonly PodState[] {
  const byUid = new Map<string, PodState>();
  for (const workload of workloads) {
    for (const state of workload.pods) if (state.finding !== null) byUid.set(state.pod.uid, state);
  }
  return pods.map(({ state }) => (state.finding === null ? state : (byUid.get(state.pod.uid) ?? state)));
}

interface Completeness {
  readonly isComplete: boolean;
  /** Incomplete only as after every scaling, eviction or drain. */
  readonly isPassing: boolean;
  readonly problem: WorkloadState['problem'];
}

function completenessOf({ rollOut, pods }: JudgedWorkload, own: readonly Finding[]): Completeness {
  const findings = [...own];
  for (const { finding } of pods) if (finding?.holdsBack === true) findings.push(finding);
  const isComplete = rollOut.carriedOut && findings.length === 0;
  const isPassing = !isComplete && rollOut.passing && findings.length === own.length;
  const [worst] = findings.sort(compareFindings);
  return { isComplete, isPassing, problem: isComplete ? null : (worst?.cause ?? 'NotRolledOut') };
}

/** A Job is not waited for, so nothing has to be stable about it; nor about a DaemonSet's pod on a node that does not count. */
function subjectOfWorkload(judged: JudgedWorkload & Completeness, nodes: EligibleNodes): readonly Subject[] {
  const { workload, pods, isComplete, isPassing } = judged;
  if (workload.kind === 'Job') return [];
  const incomplete = isPassing ? 'passing' : 'incomplete';
  return [
    {
      key: workload.uid,
      name: fullName(workload),
      state: isComplete ? 'complete' : incomplete,
      template: templateOf(workload),
      pods: pods
        .map(({ pod }) => pod)
        .filter((pod) => isActive(pod) && (workload.kind !== 'DaemonSet' || nodes.counts(pod))),
    },
  ];
}

/** Where there is nothing but Jobs, none of them may fail for as long: one that was just begun may do so at once. */
function subjectOfJobs(jobs: readonly Job[], findings: readonly Finding[]): readonly Subject[] {
  if (jobs.length === 0) return [];
  const state = findings.some(({ holdsBack }) => holdsBack) ? 'incomplete' : 'complete';
  return [{ key: '', name: 'the Jobs in scope', state, template: '', pods: [] }];
}

/** Pods without an owner whose roll-out is judged; those that are ready, or should be. */
function subjectsOfBarePods(pods: readonly JudgedPod[]): readonly Subject[] {
  const subjects: Subject[] = [];
  for (const { state, owner } of pods) {
    if (owner !== null && owner.workload !== null) continue;
    if (state.class !== 'ready' && state.class !== 'notReady') continue;
    const { pod } = state;
    subjects.push({
      key: pod.uid,
      name: fullName(pod),
      state: state.class === 'ready' ? 'complete' : 'incomplete',
      template: '',
      pods: [pod],
    });
  }
  return subjects;
}

function countPods(pods: readonly PodState[]): PodCounts {
  const counts: Record<PodClass, number> = {
    ready: 0,
    notReady: 0,
    completed: 0,
    starting: 0,
    terminating: 0,
    superseded: 0,
  };
  for (const state of pods) counts[state.class] += 1;
  return { total: pods.length, ...counts };
}

function notReadyPods(pods: readonly PodState[], findings: readonly Finding[]): readonly string[] {
  const uids = new Set(pods.filter((state) => state.class === 'notReady').map(({ pod }) => pod.uid));
  return findings.flatMap(({ uid, namespace, pod }) => {
    return uid === null || pod === null || !uids.has(uid) ? [] : [`${namespace}/${pod}`];
  });
}

function rememberWorkloads(
  before: HealthMemory,
  judged: readonly (JudgedWorkload & Completeness)[],
  { now }: Observation,
  isAllRead: boolean,
): ReadonlyMap<string, WorkloadMemory> {
  const workloads = new Map<string, WorkloadMemory>();
  for (const { workload, isComplete } of judged) {
    const template = workload.kind === 'Job' || isObserved(workload) ? templateOf(workload) : null;
    const remembered = rememberWorkload(before.workloads.get(workload.uid), template, isAllRead && isComplete, now);
    if (remembered !== undefined) workloads.set(workload.uid, remembered);
  }
  return workloads;
}
