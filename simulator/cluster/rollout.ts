import type { Condition } from '../objects.ts';
import type { Deployment, ReplicaSet } from '../workload-objects.ts';
import { conditionOf, setCondition, withoutZeros } from './conditions.ts';

/** `3`, or a share of the replicas; surge is rounded up, unavailability down. */
function scaled(value: number | string, replicas: number, up: boolean): number {
  if (typeof value === 'number') return value;
  const share = (Number.parseInt(value, 10) * replicas) / 100;
  return up ? Math.ceil(share) : Math.floor(share);
}

/** How many pods more and less than wanted a roll may have (`ResolveFenceposts`); Recreate has neither. */
export function bounds(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const { strategy, replicas } = deployment.spec;
  if (strategy.type !== 'RollingUpdate') return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = scaled(strategy.rollingUpdate?.maxSurge ?? '25%', replicas, true);
  const maxUnavailable = scaled(strategy.rollingUpdate?.maxUnavailable ?? '25%', replicas, false);
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : Math.min(maxUnavailable, replicas) };
}

function wanted(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + set.spec.replicas, 0);
}

function counted(sets: readonly ReplicaSet[], count: (status: ReplicaSet['status']) => number | undefined): number {
  return sets.reduce((sum, set) => sum + (count(set.status) ?? 0), 0);
}

function available(sets: readonly ReplicaSet[]): number {
  return counted(sets, (status) => status.availableReplicas);
}

/** How many replicas the new ReplicaSet may have now (`NewRSNewReplicas`). */
export function newReplicas(deployment: Deployment, all: readonly ReplicaSet[], newSet: ReplicaSet): number {
  const { replicas, strategy } = deployment.spec;
  if (strategy.type !== 'RollingUpdate') return replicas;
  const most = replicas + bounds(deployment).maxSurge;
  const current = wanted(all);
  if (current >= most) return newSet.spec.replicas;
  return newSet.spec.replicas + Math.min(most - current, replicas - newSet.spec.replicas);
}

/** The sizes that old ReplicaSets shrink to now (`rolling.go: reconcileOldReplicaSets`), by uid. */
export function shrunk(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  newSet: ReplicaSet,
): ReadonlyMap<string, number> {
  const sizes = new Map(old.map((set) => [set.metadata.uid, set.spec.replicas]));
  const sizeOf = (set: ReplicaSet): number => sizes.get(set.metadata.uid) ?? 0;
  const total = (): number => old.reduce((sum, set) => sum + sizeOf(set), 0) + newSet.spec.replicas;
  const minAvailable = deployment.spec.replicas - bounds(deployment).maxUnavailable;
  const newUnavailable = newSet.spec.replicas - (newSet.status.availableReplicas ?? 0);
  let budget = total() - minAvailable - newUnavailable;
  if (budget <= 0) return sizes;
  const byAge = [...old].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  // Old pods that are no use go first.
  for (const set of byAge) {
    const useless = Math.min(budget, sizeOf(set) - (set.status.availableReplicas ?? 0));
    if (useless <= 0) continue;
    sizes.set(set.metadata.uid, sizeOf(set) - useless);
    budget -= useless;
  }
  let spare = available([...old, newSet]) - minAvailable;
  for (const set of byAge) {
    const step = Math.min(spare, sizeOf(set));
    if (step <= 0) continue;
    sizes.set(set.metadata.uid, sizeOf(set) - step);
    spare -= step;
  }
  return sizes;
}

/** Whether the Deployment is rolled out (`DeploymentComplete`). */
function isComplete(deployment: Deployment, status: Deployment['status']): boolean {
  const { replicas } = deployment.spec;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 1)
  );
}

function isProgressing(before: Deployment['status'], after: Deployment['status']): boolean {
  const old = (status: Deployment['status']): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** Whether a roll has made no progress for too long (`DeploymentTimedOut`). */
function isTimedOut(deployment: Deployment, progressing: Condition | undefined, wallMs: number): boolean {
  const deadline = deployment.spec.progressDeadlineSeconds;
  if (deadline === undefined || !progressing) return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  if (progressing.reason === 'NewReplicaSetAvailable') return false;
  return Date.parse(progressing.lastUpdateTime ?? '') + deadline * 1000 <= wallMs;
}

/** What `status` becomes (`sync.go: calculateStatus`, `progress.go: syncRolloutStatus`). */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: { readonly stamp: string; readonly wallMs: number; readonly terminating: number | undefined },
): Deployment['status'] {
  const before = deployment.status;
  const availableReplicas = available(all);
  const counts = {
    replicas: counted(all, (status) => status.replicas),
    updatedReplicas: newSet?.status.replicas ?? 0,
    readyReplicas: counted(all, (status) => status.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, wanted(all) - availableReplicas),
    ...(now.terminating === undefined ? {} : { terminatingReplicas: now.terminating }),
  };
  let conditions = before.conditions ?? [];
  const enough = availableReplicas >= deployment.spec.replicas - bounds(deployment).maxUnavailable;
  conditions = setCondition(
    conditions,
    enough
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    now.stamp,
  );
  const observed = { observedGeneration: deployment.metadata.generation ?? 1, ...withoutZeros(counts) };
  const progressing = conditionOf(conditions, 'Progressing');
  const subject = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const wasComplete = counts.replicas === counts.updatedReplicas && progressing?.reason === 'NewReplicaSetAvailable';
  if (deployment.spec.progressDeadlineSeconds !== undefined && deployment.spec.paused !== true && !wasComplete) {
    if (isComplete(deployment, observed)) {
      const next = {
        type: 'Progressing',
        status: 'True',
        reason: 'NewReplicaSetAvailable',
        message: `${subject} has successfully progressed.`,
      };
      conditions = setCondition(conditions, next, now.stamp);
    } else if (isProgressing(before, observed)) {
      // Written anew at each step, so that its lastUpdateTime says when the roll last moved.
      const since = progressing?.status === 'True' ? (progressing.lastTransitionTime ?? now.stamp) : now.stamp;
      conditions = [
        ...conditions.filter((condition) => condition.type !== 'Progressing'),
        {
          type: 'Progressing',
          status: 'True',
          lastUpdateTime: now.stamp,
          lastTransitionTime: since,
          reason: 'ReplicaSetUpdated',
          message: `${subject} is progressing.`,
        },
      ];
    } else if (isTimedOut(deployment, progressing, now.wallMs)) {
      const next = {
        type: 'Progressing',
        status: 'False',
        reason: 'ProgressDeadlineExceeded',
        message: `${subject} has timed out progressing.`,
      };
      conditions = setCondition(conditions, next, now.stamp);
    }
  }
  const failure = [...(newSet ? [newSet] : []), ...all]
    .map((set) => conditionOf(set.status.conditions, 'ReplicaFailure'))
    .find((found) => found);
  if (failure) {
    const next = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: failure.reason ?? '',
      message: failure.message ?? '',
    };
    conditions = setCondition(conditions, next, now.stamp);
  } else {
    conditions = conditions.filter((condition) => condition.type !== 'ReplicaFailure');
  }
  return { ...observed, conditions };
}
