import { isOverdue, isTerminating, type Pod } from '../objects/pod.ts';
import { whyNodeIsLost } from './lost-node.ts';
import { newestEvent } from './pod-events.ts';
import type { PodCircumstances } from './pod-state.ts';
import { sandboxErrorSymptom } from './sandbox.ts';
import type { Examination, NotReadyExamination, Symptom } from './symptom.ts';

/**
 * A pod that is being deleted; null when it is not. In time: nothing to say. Overdue: it holds back healthy when it
 * cannot give back its network (its replacement may wait for it, and nobody else repairs that), or when its node is
 * lost and its owner lacks it; anything else that keeps it is shown only.
 */
export function examineTerminating(
  pod: Pod,
  circumstances: PodCircumstances,
): Examination | NotReadyExamination | null {
  if (!isTerminating(pod)) return null;
  const { now, timing, sandboxError, node, nodesReadable, owner } = circumstances;
  if (!isOverdue(pod, now.atMs, timing.overdueSlackMs)) return { class: 'terminating', symptom: null };
  if (sandboxError !== null && !pod.hostNetwork) {
    return { class: 'notReady', symptom: sandboxErrorSymptom(sandboxError, 'terminating') };
  }
  const lost = whyNodeIsLost(pod, node, nodesReadable);
  if (lost === null) return { class: 'terminating', symptom: stuck(whatKeepsIt(pod, circumstances)) };
  const derivedFrom = pod.nodeName ?? '';
  if (owner === null || owner.satisfied) return { class: 'terminating', symptom: { ...stuck(lost), derivedFrom } };
  return { class: 'notReady', symptom: { stage: 'node', cause: 'NodeNotReady', message: lost, derivedFrom } };
}

function stuck(message: string): Symptom {
  return { stage: 'terminating', cause: 'StuckTerminating', message };
}

function whatKeepsIt(pod: Pod, { events }: PodCircumstances): string {
  if (pod.finalizers.length > 0) return `finalizers: ${pod.finalizers.join(', ')}`;
  const failed = newestEvent(events, ['FailedKillPod', 'FailedPreStopHook']);
  if (failed !== null) return failed.message;
  const running = pod.containers.filter(({ state }) => state.kind === 'running').map(({ name }) => name);
  if (running.length > 0) return `still running: ${running.join(', ')}`;
  return 'its containers have ended, and no event says what keeps it';
}
