import { controllerOf, type Pod } from '../objects.ts';
import { templateHash } from '../random.ts';
import type { StatefulSet } from '../workload-objects.ts';
import { isPodReady, withoutZeros } from './conditions.ts';
import { type ClusterContext, controlledBy } from './context.ts';
import { canonical } from './deployments.ts';
import { podFrom } from './pod-template.ts';
import { availability } from './replicasets.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

const SOURCE = { component: 'statefulset-controller' };
const KIND = { kind: 'StatefulSet', apiVersion: 'apps/v1' } as const;
const REVISION = 'controller-revision-hash';

function ordinalOf(pod: Pod): number {
  return Number(/-(\d+)$/.exec(pod.metadata.name)?.[1] ?? -1);
}

/** The StatefulSet controller (`pkg/controller/statefulset`): pods in order, each under its own name. */
export function createStatefulSetController(context: ClusterContext): WorkQueue {
  const { database, events, managed } = context;
  /** Templates by revision: pods below a partition are made of the old one. */
  const templates = new Map<string, StatefulSet['spec']['template']>();

  const revisionOf = (set: StatefulSet): string => {
    const { updateRevision, observedGeneration } = set.status;
    const own = `${set.metadata.name}-${templateHash(canonical(set.spec.template) + set.metadata.uid)}`;
    // A recording's revision cannot be made anew; while nothing was changed it is the present one.
    const revision =
      updateRevision !== undefined && observedGeneration === set.metadata.generation ? updateRevision : own;
    templates.set(`${set.metadata.uid}/${revision}`, set.spec.template);
    return revision;
  };

  const create = (set: StatefulSet, ordinal: number, revision: string): void => {
    const { namespace = '', name } = set.metadata;
    const podName = `${name}-${ordinal}`;
    const template = templates.get(`${set.metadata.uid}/${revision}`) ?? set.spec.template;
    const pod = podFrom(
      context,
      { ...template, spec: { ...template.spec, hostname: podName, subdomain: set.spec.serviceName } },
      {
        name: podName,
        generateName: `${name}-`,
        namespace,
        labels: {
          'apps.kubernetes.io/pod-index': String(ordinal),
          [REVISION]: revision,
          'statefulset.kubernetes.io/pod-name': podName,
        },
        ownerReferences: controlledBy(set, 'StatefulSet', 'apps/v1'),
      },
    );
    managed.add(pod.metadata.uid);
    database.put('pods', pod);
    const message = `create Pod ${podName} in StatefulSet ${name} successful`;
    events.record(SOURCE, { ...KIND, about: set, type: 'Normal', reason: 'SuccessfulCreate', message });
  };

  const remove = (set: StatefulSet, pod: Pod): void => {
    database.delete('pods', pod);
    const message = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    events.record(SOURCE, { ...KIND, about: set, type: 'Normal', reason: 'SuccessfulDelete', message });
  };

  const isAvailable = (set: StatefulSet, pod: Pod): boolean =>
    availability(context, pod, set.spec.minReadySeconds ?? 0).available;
  const isHealthy = (set: StatefulSet, pod: Pod): boolean =>
    pod.metadata.deletionTimestamp === undefined && isAvailable(set, pod);

  /** One step; whatever is under way ends it, so that the next waits (`stateful_set_control.go: updateStatefulSet`). */
  const step = (set: StatefulSet, updateRevision: string): void => {
    const pods = database.ownedBy('pods', set.metadata.uid);
    const ordered = set.spec.podManagementPolicy !== 'Parallel';
    const { updateStrategy } = set.spec;
    const currentRevision = set.status.currentRevision ?? updateRevision;
    const partition = updateStrategy.rollingUpdate?.partition ?? 0;
    for (let ordinal = 0; ordinal < set.spec.replicas; ordinal += 1) {
      const pod = pods.find((entry) => ordinalOf(entry) === ordinal);
      if (!pod) {
        const old = updateStrategy.type === 'RollingUpdate' && ordinal < partition;
        create(set, ordinal, old ? currentRevision : updateRevision);
        if (ordered) return;
        continue;
      }
      if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') {
        if (pod.metadata.deletionTimestamp === undefined) remove(set, pod);
        if (ordered) return;
      } else if (ordered && !isHealthy(set, pod)) return;
    }
    const surplus = pods
      .filter((pod) => ordinalOf(pod) >= set.spec.replicas)
      .sort((a, b) => ordinalOf(b) - ordinalOf(a));
    for (const pod of surplus) {
      if (pod.metadata.deletionTimestamp === undefined) remove(set, pod);
      if (ordered) return;
    }
    if (updateStrategy.type === 'OnDelete') return;
    for (let ordinal = set.spec.replicas - 1; ordinal >= partition; ordinal -= 1) {
      const pod = pods.find((entry) => ordinalOf(entry) === ordinal);
      if (!pod) return;
      if (pod.metadata.labels?.[REVISION] !== updateRevision && pod.metadata.deletionTimestamp === undefined) {
        remove(set, pod);
        return;
      }
      if (!isHealthy(set, pod)) return;
    }
  };

  const look = (key: string): void => {
    const [namespace, name = ''] = key.split('/');
    const set = database.get('statefulsets', namespace, name);
    if (!set || !managed.has(set.metadata.uid) || set.metadata.deletionTimestamp !== undefined) return;
    const updateRevision = revisionOf(set);
    step(set, updateRevision);
    const pods = database.ownedBy('pods', set.metadata.uid);
    for (const pod of pods) {
      const { inMs } = availability(context, pod, set.spec.minReadySeconds ?? 0);
      if (inMs !== undefined) queue.add(key, inMs + 10);
    }
    database.update('statefulsets', set, (current) => {
      const before = current.status.currentRevision ?? updateRevision;
      const at = (revision: string): number =>
        pods.filter(
          (pod) => pod.metadata.deletionTimestamp === undefined && pod.metadata.labels?.[REVISION] === revision,
        ).length;
      const ready = pods.filter(isPodReady).length;
      // The update becomes the present once all pods have it (`completeRollingUpdate`).
      const partition = set.spec.updateStrategy.rollingUpdate?.partition ?? 0;
      const done =
        set.spec.updateStrategy.type === 'RollingUpdate' &&
        partition === 0 &&
        at(updateRevision) === pods.length &&
        ready === pods.length &&
        pods.length === set.spec.replicas;
      const currentRevision = done ? updateRevision : before;
      const status: StatefulSet['status'] = {
        observedGeneration: current.metadata.generation ?? 1,
        replicas: pods.length,
        ...withoutZeros({
          readyReplicas: ready,
          currentReplicas: at(currentRevision),
          updatedReplicas: at(updateRevision),
        }),
        currentRevision,
        updateRevision,
        collisionCount: 0,
        availableReplicas: pods.filter((pod) => isAvailable(set, pod)).length,
      };
      return canonical(status) === canonical(current.status) ? current : { ...current, status };
    });
  };

  const queue = createWorkQueue(context, look);
  database.onChange('statefulsets', (type, set) => {
    if (type !== 'DELETED' && managed.has(set.metadata.uid))
      queue.add(`${set.metadata.namespace}/${set.metadata.name}`);
  });
  database.onChange('pods', (_type, pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'StatefulSet' && managed.has(owner.uid)) queue.add(`${pod.metadata.namespace}/${owner.name}`);
  });
  return queue;
}
