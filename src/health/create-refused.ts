import { type Event, firstHappenedAtMs, lastHappenedAtMs } from '../objects/event.ts';
import { type Condition, conditionOf } from '../objects/metadata.ts';
import type { Pod } from '../objects/pod.ts';
import type { Deployment } from '../objects/workload.ts';

/** Pods that a controller may not create, in the API server's words. */
export interface Refusal {
  readonly message: string;
  readonly sinceMs: number;
  /** A quota counts pods until they are gone, so that one that cannot end keeps others from being made. */
  readonly byQuota: boolean;
}

/**
 * A Deployment's own word for it: `ReplicaFailure` (its ReplicaSet may not create pods), or a failed `Progressing` with
 * `ReplicaSetCreateError` (not even the ReplicaSet may be created). kubernetes/pkg/controller/deployment/util.
 */
export function refusalOfDeployment(deployment: Deployment, nowMs: number): Refusal | null {
  const failure = conditionOf(deployment.conditions, 'ReplicaFailure');
  if (failure?.status === 'True') return refusalOfCondition(failure, deployment, nowMs);
  const progressing = conditionOf(deployment.conditions, 'Progressing');
  if (progressing?.status === 'False' && progressing.reason === 'ReplicaSetCreateError') {
    return refusalOfCondition(progressing, deployment, nowMs);
  }
  return null;
}

function refusalOfCondition(condition: Condition, deployment: Deployment, nowMs: number): Refusal {
  return refusal(condition.message, Math.min(nowMs, condition.lastTransitionAtMs ?? deployment.createdAtMs));
}

/**
 * StatefulSets, DaemonSets and Jobs say it only in an event, `FailedCreate`, which outlives its cause by an hour: it
 * counts until a pod was created after it. Whoever asks must have seen that pods are missing.
 */
export function refusalInEvents(events: readonly Event[], pods: readonly Pod[], nowMs: number): Refusal | null {
  let refused: Event | null = null;
  let createdAtMs = -Infinity;
  for (const event of events) {
    if (event.reason === 'SuccessfulCreate') createdAtMs = Math.max(createdAtMs, lastHappenedAtMs(event));
    if (event.reason !== 'FailedCreate') continue;
    if (refused === null || lastHappenedAtMs(event) > lastHappenedAtMs(refused)) refused = event;
  }
  for (const pod of pods) createdAtMs = Math.max(createdAtMs, pod.createdAtMs);
  if (refused === null || lastHappenedAtMs(refused) < createdAtMs) return null;
  const sinceMs = Math.max(firstHappenedAtMs(refused), createdAtMs);
  return refusal(refused.message, Math.min(nowMs, sinceMs));
}

const QUOTA = /exceeded quota|failed quota/;

/** Wordings of the API server's admission, first match wins. */
const REFUSERS: readonly (readonly [RegExp, string])[] = [
  [QUOTA, 'a quota'],
  [/violates PodSecurity/, 'Pod Security admission'],
  [/ValidatingAdmissionPolicy/, 'an admission policy'],
  [/admission webhook|failed calling webhook/, 'an admission webhook'],
  [/(?:minimum|maximum) \S+ usage per|LimitRange/, 'a LimitRange'],
  [/service ?account .*not found/i, 'admission, for want of its service account'],
];

function refusal(text: string, sinceMs: number): Refusal {
  const refuser = REFUSERS.find(([wording]) => wording.test(text))?.[1] ?? 'the API server';
  const message = text === '' ? `refused by ${refuser}` : `refused by ${refuser}: ${text}`;
  return { message, sinceMs, byQuota: QUOTA.test(text) };
}
