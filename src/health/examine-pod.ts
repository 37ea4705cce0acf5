import { conditionOf } from '../objects/metadata.ts';
import { isReady, type Pod } from '../objects/pod.ts';
import { configSymptom } from './config.ts';
import { containerName, isWaitingItsTurn } from './container.ts';
import { crashLoopingContainer, crashSymptom, readyButCrashLooping } from './crash.ts';
import { examineEnded } from './ended.ts';
import { imageSymptom } from './image.ts';
import { isJobPod, isPartOfRunningJob } from './job-pod.ts';
import { nodeLostAtMs, whyNodeIsLost } from './lost-node.ts';
import type { PodCircumstances, PodFacts } from './pod-state.ts';
import { probeSymptom, readinessGateSymptom } from './probe.ts';
import { sandboxSymptom } from './sandbox.ts';
import { schedulingSymptom } from './scheduling.ts';
import { startSymptom } from './start.ts';
import { type Examination, type NotReadyExamination, type Symptom, withDetail } from './symptom.ts';
import { examineTerminating } from './terminating.ts';

const READY: Examination = { class: 'ready', symptom: null };

/** As long as for a node that is known to be lost. */
const PERHAPS_LOST_MS = 5 * 60_000;

/**
 * What one look at a pod says, before any patience or grace: the ladder, first match wins. From what has been decided
 * by others (deleted, ended, on a lost node), over Ready, down the way that a pod takes from the scheduler to its
 * readiness gates. Total: whatever a server sends, there is an answer, and only Ready=True makes a pod ready.
 */
export function examinePod(
  pod: Pod,
  circumstances: PodCircumstances,
  facts: PodFacts,
): Examination | NotReadyExamination {
  if (isOnExcusedNode(pod, circumstances)) return excused(pod);
  const decided = examineTerminating(pod, circumstances) ?? examineEnded(pod, circumstances.owner);
  if (decided !== null) return decided;

  const lost = whyNodeIsLost(pod, circumstances.node, circumstances.nodesReadable);
  if (lost !== null) return { class: 'notReady', symptom: onLostNode(pod, lost, circumstances) };
  // What a Job tried before does not count against the attempt that runs.
  if (isReady(pod)) return isJobPod(pod) ? READY : examineReady(pod, circumstances, facts);

  const symptom = symptomOf(pod, circumstances, facts);
  if (isJobPod(pod) && isPartOfRunningJob(symptom)) return { class: 'starting', symptom: null };
  return { class: 'notReady', symptom };
}

/**
 * A DaemonSet is measured on eligible nodes only; elsewhere its pods are in the total and nothing more. Calico's
 * failure on a node that works is trouble however young the node is.
 */
function isOnExcusedNode(pod: Pod, { eligibleNode, sandboxError, node, nodesReadable }: PodCircumstances): boolean {
  if (pod.controller?.kind !== 'DaemonSet' || eligibleNode) return false;
  const isCalicos = sandboxError?.cause === 'CalicoUnauthorized';
  return !isCalicos || whyNodeIsLost(pod, node, nodesReadable) !== null;
}

function excused(pod: Pod): Examination {
  if (pod.deletionAtMs !== null) return { class: 'terminating', symptom: null };
  return examineEnded(pod, null)?.class === 'completed'
    ? { class: 'completed', symptom: null }
    : { class: pod.phase === 'Failed' ? 'superseded' : 'starting', symptom: null };
}

function onLostNode(pod: Pod, message: string, { node, now }: PodCircumstances): Symptom {
  const symptom: Symptom = { stage: 'node', cause: 'NodeNotReady', message, derivedFrom: pod.nodeName ?? '' };
  const lostAtMs = nodeLostAtMs(node);
  // The node controller has not marked the pod yet, so only the node says since when.
  if (!isReady(pod) || lostAtMs === null) return symptom;
  return { ...symptom, sinceMs: Math.min(Math.max(lostAtMs, pod.createdAtMs), now.atMs) };
}

function examineReady(
  pod: Pod,
  { now, timing, events }: PodCircumstances,
  facts: PodFacts,
): Examination | NotReadyExamination {
  const evidence = { facts, events, now, timing };
  const looping = crashLoopingContainer(pod, evidence);
  const readyForMs = now.elapsedMs - (facts.readySinceElapsedMs ?? now.elapsedMs);
  if (looping === null || readyForMs >= timing.crashLoopReadyMs) return READY;
  return { class: 'notReady', symptom: readyButCrashLooping(looping, pod, evidence) };
}

function symptomOf(pod: Pod, circumstances: PodCircumstances, facts: PodFacts): Symptom {
  const { events, sandboxError, now, timing } = circumstances;
  return (
    schedulingSymptom(pod, events) ??
    sandboxSymptom(pod, { sandboxError, events, nowMs: now.atMs, timing }) ??
    imageSymptom(pod, facts.pullErrors, events) ??
    configSymptom(pod) ??
    startSymptom(pod) ??
    crashSymptom(pod, { facts, events, now, timing }) ??
    unknownWaiting(pod) ??
    probeSymptom(pod, events) ??
    readinessGateSymptom(pod) ??
    unknown(pod)
  );
}

/** A container that waits for a reason that is in none of the tables. */
function unknownWaiting(pod: Pod): Symptom | null {
  for (const container of pod.containers) {
    if (container.state.kind !== 'waiting' || isWaitingItsTurn(container)) continue;
    const { reason, message } = container.state;
    return { stage: 'start', cause: 'Unknown', message: withDetail(`${containerName(container)}: ${reason}`, message) };
  }
  return null;
}

/** All containers are ready, as far as anybody tells, and the pod is not. */
function unknown(pod: Pod): Symptom {
  const ready = conditionOf(pod.conditions, 'Ready');
  if (ready === null) return { stage: 'probe', cause: 'Unknown', message: 'it has no Ready condition' };
  const told = withDetail(`Ready is ${ready.status}`, withDetail(ready.reason, ready.message));
  if (ready.reason !== '' || ready.message !== '') return { stage: 'probe', cause: 'Unknown', message: told };
  // Only the node controller leaves no reason: it marks the pods of a node that stopped reporting (MarkPodsNotReady).
  const message = `${told}, without a reason: node ${pod.nodeName} may have stopped reporting`;
  return { stage: 'node', cause: 'Unknown', message, patienceMs: PERHAPS_LOST_MS };
}
