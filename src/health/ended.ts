import { conditionOf } from '../objects/metadata.ts';
import type { Pod } from '../objects/pod.ts';
import { containerName, describeEnd, isAbnormal, newestEnd } from './container.ts';
import { isJobPod } from './job-pod.ts';
import type { Owner } from './pod-state.ts';
import { type Examination, type NotReadyExamination, withDetail } from './symptom.ts';

/**
 * Reasons of a failed pod that say nothing about the pod itself: whoever removed it, its controller makes another
 * (kubelet eviction, preemption and admission; node shutdown; pod garbage collection).
 */
const NOT_ITS_OWN_FAULT: readonly string[] = [
  'Evicted',
  'Preempting',
  'NodeShutdown',
  'Terminated',
  'Shutdown',
  'NodeAffinity',
  'NodeLost',
  'UnexpectedAdmissionError',
];
/** `OutOfcpu`, `OutOfmemory`, `OutOfpods` …: the kubelet's admission. */
const OUT_OF = /^OutOf/;

/** How long a controller may take to replace a pod that failed for a reason of its own. */
const REPLACE_MS = 30_000;

/** A pod that has ended for good; null when it has not. */
export function examineEnded(pod: Pod, owner: Owner | null): Examination | NotReadyExamination | null {
  if (pod.phase === 'Succeeded') return { class: 'completed', symptom: null };
  if (pod.phase !== 'Failed') return null;
  // A Job counts failed attempts itself; its condition Failed says when there were too many.
  if (isJobPod(pod)) return { class: 'superseded', symptom: null };
  const isReplaced = owner !== null && (owner.satisfied || isNotItsOwnFault(pod));
  if (isReplaced) return { class: 'superseded', symptom: null };
  const symptom = { stage: 'crash', cause: 'Failed', message: describeFailure(pod) } as const;
  return { class: 'notReady', symptom: owner === null ? symptom : { ...symptom, patienceMs: REPLACE_MS } };
}

function isNotItsOwnFault(pod: Pod): boolean {
  const isDisrupted = conditionOf(pod.conditions, 'DisruptionTarget')?.status === 'True';
  return isDisrupted || NOT_ITS_OWN_FAULT.includes(pod.reason) || OUT_OF.test(pod.reason);
}

function describeFailure(pod: Pod): string {
  const failed = pod.containers.find((container) => isAbnormal(newestEnd(container)));
  const end = failed === undefined ? null : newestEnd(failed);
  const ended = failed === undefined || end === null ? '' : `${containerName(failed)}: ${describeEnd(end)}`;
  const told = withDetail(pod.reason, pod.message);
  return [told, ended].filter((part) => part !== '').join('; ') || 'it failed without a reason';
}
