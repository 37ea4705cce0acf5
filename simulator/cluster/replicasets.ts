import { controllerOf, type Pod } from '../objects.ts';
import type { ReplicaSet } from '../workload-objects.ts';
import { conditionOf, isPodReady, withoutZeros } from './conditions.ts';
import { type ClusterContext, controlledBy, nowStamp } from './context.ts';
import { podFrom } from './pod-template.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

const SOURCE = { component: 'replicaset-controller' };
const KIND = { kind: 'ReplicaSet', apiVersion: 'apps/v1' } as const;
/** Controllers retry a failed sync from 5 ms on, doubled up to about 17 minutes. */
const RETRY_MS = 5;
const RETRY_MAX_MS = 1_000_000;

/** Pods that count: neither ended nor on their way out (`controller_utils.go: FilterActivePods`). */
function activePods(pods: readonly Pod[]): readonly Pod[] {
  return pods.filter(
    (pod) =>
      pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined,
  );
}

/** Whether a pod has been ready for long enough, and if not yet, in how many ms it will have been. */
export function availability(
  context: ClusterContext,
  pod: Pod,
  minReadySeconds: number,
): { readonly available: boolean; readonly inMs?: number } {
  const ready = conditionOf(pod.status.conditions, 'Ready');
  if (ready?.status !== 'True') return { available: false };
  if (minReadySeconds === 0) return { available: true };
  const leftMs = Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1000 - context.world.wallMs();
  return leftMs <= 0 ? { available: true } : { available: false, inMs: leftMs };
}

/** Which pods a scale-down takes first (`controller_utils.go: ActivePodsWithRanks`). */
function deletionRank(pod: Pod): readonly number[] {
  const phases = ['Pending', 'Unknown', 'Running'];
  return [
    pod.spec.nodeName ? 1 : 0,
    phases.indexOf(pod.status.phase),
    isPodReady(pod) ? 1 : 0,
    -Date.parse(pod.metadata.creationTimestamp),
  ];
}

function byRank(a: Pod, b: Pod): number {
  const left = deletionRank(a);
  const right = deletionRank(b);
  for (let index = 0; index < left.length; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** Why a namespace takes no more pods, in the admission plugin's words. */
function quotaRefusal(context: ClusterContext, namespace: string, name: string): string | undefined {
  const limit = context.quotas.get(namespace);
  if (limit === undefined) return undefined;
  const used = context.database
    .list('pods', namespace)
    .filter((pod) => pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed').length;
  return used < limit
    ? undefined
    : `pods "${name}" is forbidden: exceeded quota: q, requested: pods=1, used: pods=${used}, limited: pods=${limit}`;
}

/** The ReplicaSet controller (`pkg/controller/replicaset/replica_set.go`). */
export function createReplicaSetController(context: ClusterContext): WorkQueue {
  const { database, events, random, managed } = context;
  const failures = new Map<string, number>();

  const create = (set: ReplicaSet): string | undefined => {
    const { namespace = '', name } = set.metadata;
    const pod = podFrom(context, set.spec.template, {
      name: `${name}-${random.suffix()}`,
      generateName: `${name}-`,
      namespace,
      ownerReferences: controlledBy(set, 'ReplicaSet', 'apps/v1'),
    });
    const refusal = quotaRefusal(context, namespace, pod.metadata.name);
    if (refusal !== undefined) {
      events.record(SOURCE, {
        ...KIND,
        about: set,
        type: 'Warning',
        reason: 'FailedCreate',
        message: `Error creating: ${refusal}`,
      });
      return refusal;
    }
    managed.add(pod.metadata.uid);
    database.put('pods', pod);
    events.record(SOURCE, {
      ...KIND,
      about: set,
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.metadata.name}`,
    });
    return undefined;
  };

  const look = (key: string): void => {
    const [namespace, name = ''] = key.split('/');
    const set = database.get('replicasets', namespace, name);
    if (!set || !managed.has(set.metadata.uid)) return;
    const active = activePods(database.ownedBy('pods', set.metadata.uid));
    let missing = set.spec.replicas - active.length;
    let refusal: string | undefined;
    if (set.metadata.deletionTimestamp === undefined) {
      // In batches of 1, 2, 4 …; the first refusal ends it.
      for (let batch = 1; missing > 0 && refusal === undefined; batch *= 2) {
        for (let index = 0; index < Math.min(batch, missing); index += 1) refusal ??= create(set);
        missing -= batch;
      }
      const surplus = Math.max(0, active.length - set.spec.replicas);
      for (const pod of surplus === 0 ? [] : [...active].sort(byRank).slice(0, surplus)) {
        database.delete('pods', pod);
        events.record(SOURCE, {
          ...KIND,
          about: set,
          type: 'Normal',
          reason: 'SuccessfulDelete',
          message: `Deleted pod: ${pod.metadata.name}`,
        });
      }
    }
    writeStatus(set, active, refusal);
    if (refusal === undefined) failures.delete(set.metadata.uid);
    else {
      const count = failures.get(set.metadata.uid) ?? 0;
      failures.set(set.metadata.uid, count + 1);
      queue.add(key, Math.min(RETRY_MS * 2 ** count, RETRY_MAX_MS));
    }
  };

  /** Counts are of the pods before this look, as the controller's are. */
  const writeStatus = (set: ReplicaSet, active: readonly Pod[], refusal: string | undefined): void => {
    const minReady = set.spec.minReadySeconds ?? 0;
    const states = active.map((pod) => availability(context, pod, minReady));
    const nextMs = states.reduce<number | undefined>(
      (least, state) => (state.inMs === undefined ? least : Math.min(least ?? state.inMs, state.inMs)),
      undefined,
    );
    if (nextMs !== undefined) queue.add(`${set.metadata.namespace}/${set.metadata.name}`, nextMs + 10);
    const terminating = database
      .ownedBy('pods', set.metadata.uid)
      .filter((pod) => pod.metadata.deletionTimestamp !== undefined).length;
    database.update('replicasets', set, (current) => {
      const conditions = (current.status.conditions ?? []).filter((condition) => condition.type !== 'ReplicaFailure');
      const before = conditionOf(current.status.conditions, 'ReplicaFailure');
      const failed = {
        type: 'ReplicaFailure',
        status: 'True',
        lastTransitionTime: nowStamp(context),
        reason: 'FailedCreate',
      };
      const all = refusal === undefined ? conditions : [...conditions, before ?? { ...failed, message: refusal }];
      const status: ReplicaSet['status'] = {
        replicas: active.length,
        ...withoutZeros({
          fullyLabeledReplicas: active.length,
          readyReplicas: active.filter(isPodReady).length,
          availableReplicas: states.filter((state) => state.available).length,
          ...(context.terminatingReplicas ? { terminatingReplicas: terminating } : {}),
        }),
        observedGeneration: current.metadata.generation ?? 1,
        ...(all.length === 0 ? {} : { conditions: all }),
      };
      return JSON.stringify(status) === JSON.stringify(current.status) ? current : { ...current, status };
    });
  };

  const queue = createWorkQueue(context, look);
  database.onChange('replicasets', (type, set) => {
    if (type !== 'DELETED' && managed.has(set.metadata.uid))
      queue.add(`${set.metadata.namespace}/${set.metadata.name}`);
  });
  database.onChange('pods', (_type, pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'ReplicaSet' && managed.has(owner.uid)) queue.add(`${pod.metadata.namespace}/${owner.name}`);
  });
  return queue;
}
