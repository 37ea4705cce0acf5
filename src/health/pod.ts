import type { Pod } from '../objects/pod.ts';
import type { Finding } from './assessment.ts';
import { CAUSES } from './causes.ts';
import { crashLoopingContainer } from './crash.ts';
import { examinePod } from './examine-pod.ts';
import { fatality, sinceMsOf } from './pod-patience.ts';
import type { PodContext, PodState } from './pod-state.ts';
import type { Symptom } from './symptom.ts';

/**
 * The decision about one pod: its class among the contract's six, and what is wrong with it. Pure and total: it never
 * throws, whatever a server sends, and a pod without Ready=True is never ready.
 *
 * `context.memory` is what `rememberPod` returned for this very look. `fatal` says that patience is over and nothing
 * else; whether a cure of Calico's failure is still possible is for the verdict to know.
 */
export function judgePod(pod: Pod, context: PodContext): PodState {
  const examination = examinePod(pod, context, context.memory);
  const { symptom } = examination;
  if (symptom === null) return { pod, class: examination.class, finding: null };

  const sinceMs = sinceMsOf(pod, symptom, context.memory, context.now.atMs);
  const harmless = { holdsBack: false, fatal: false, fatalAtMs: null } as const;
  if (examination.class !== 'notReady') {
    return { pod, class: examination.class, finding: findingOf(pod, symptom, sinceMs, context, harmless) };
  }
  if (isStarting(pod, sinceMs, context)) {
    const grace = pod.deletionAtMs === null ? 'starting' : 'terminating';
    return { pod, class: grace, finding: findingOf(pod, symptom, sinceMs, context, harmless) };
  }
  const weight = { holdsBack: true, ...fatality(symptom, sinceMs, context) };
  return { pod, class: 'notReady', finding: findingOf(pod, symptom, sinceMs, context, weight) };
}

/**
 * Not ready for less than `stuck-after`. Never a pod that crash loops or has Calico's failure, though its node may have
 * been lost since: those do not just start.
 */
function isStarting(pod: Pod, sinceMs: number, context: PodContext): boolean {
  const { stuckAfterMs, now, timing, memory, sandboxError } = context;
  const isYoung = stuckAfterMs > 0 && now.atMs - sinceMs < stuckAfterMs;
  if (!isYoung || sandboxError?.cause === 'CalicoUnauthorized') return false;
  return crashLoopingContainer(pod, { facts: memory, now, timing }) === null;
}

function findingOf(
  pod: Pod,
  symptom: Symptom,
  sinceMs: number,
  { owner }: PodContext,
  weight: Pick<Finding, 'holdsBack' | 'fatal' | 'fatalAtMs'>,
): Finding {
  const message = symptom.message || CAUSES[symptom.cause].title;
  return {
    namespace: pod.namespace,
    pod: pod.name,
    uid: pod.uid,
    node: pod.nodeName,
    owner: owner === null ? null : { kind: owner.kind, name: owner.name },
    stage: symptom.stage,
    cause: symptom.cause,
    message: pod.mirror ? `${message} (a static pod: only its manifest on the node changes it)` : message,
    sinceMs,
    derivedFrom: symptom.derivedFrom ?? null,
    ...weight,
  };
}
