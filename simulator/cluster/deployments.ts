import { controllerOf, type StringMap } from '../objects.ts';
import { templateHash } from '../random.ts';
import type { Deployment, PodTemplate, ReplicaSet } from '../workload-objects.ts';
import { conditionOf, setCondition } from './conditions.ts';
import { type ClusterContext, controlledBy, newMetadata, nowStamp } from './context.ts';
import { bounds, newReplicas, rolloutStatus, shrunk } from './rollout.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

const SOURCE = { component: 'deployment-controller' };
const KIND = { kind: 'Deployment', apiVersion: 'apps/v1' } as const;
const HASH = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAX = 'deployment.kubernetes.io/max-replicas';

/** JSON with sorted keys: what is equal prints equal, wherever it came from. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    entry !== null && typeof entry === 'object' && !Array.isArray(entry)
      ? Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
      : entry,
  );
}

function withoutHash(template: PodTemplate): PodTemplate {
  const { [HASH]: _hash, ...labels } = template.metadata.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata.annotations?.[REVISION] ?? 0);
}

/** The Deployment controller (`pkg/controller/deployment`). */
export function createDeploymentController(context: ClusterContext): WorkQueue {
  const { database, events, managed, world } = context;

  const say = (deployment: Deployment, message: string): void =>
    events.record(SOURCE, { ...KIND, about: deployment, type: 'Normal', reason: 'ScalingReplicaSet', message });

  const annotations = (deployment: Deployment): StringMap => ({
    [DESIRED]: String(deployment.spec.replicas),
    [MAX]: String(deployment.spec.replicas + bounds(deployment).maxSurge),
  });

  const resize = (deployment: Deployment, set: ReplicaSet, replicas: number): ReplicaSet => {
    const from = set.spec.replicas;
    const notes = annotations(deployment);
    const upToDate =
      set.metadata.annotations?.[DESIRED] === notes[DESIRED] && set.metadata.annotations?.[MAX] === notes[MAX];
    if (from === replicas && upToDate) return set;
    const next = database.update('replicasets', set, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        ...(from === replicas ? {} : { generation: (current.metadata.generation ?? 1) + 1 }),
        annotations: { ...current.metadata.annotations, ...notes },
      },
      spec: { ...current.spec, replicas },
    }));
    if (from !== replicas)
      say(
        deployment,
        `Scaled ${replicas > from ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${replicas}`,
      );
    return next ?? set;
  };

  const annotate = (deployment: Deployment, revision: number): void => {
    database.update('deployments', deployment, (current) =>
      current.metadata.annotations?.[REVISION] === String(revision)
        ? current
        : {
            ...current,
            metadata: {
              ...current.metadata,
              annotations: { ...current.metadata.annotations, [REVISION]: String(revision) },
            },
          },
    );
  };

  const setProgressing = (deployment: Deployment, reason: string, message: string): void => {
    database.update('deployments', deployment, (current) => {
      const conditions = setCondition(
        current.status.conditions ?? [],
        { type: 'Progressing', status: 'True', reason, message },
        nowStamp(context),
      );
      return conditions === current.status.conditions
        ? current
        : { ...current, status: { ...current.status, conditions } };
    });
  };

  /** The ReplicaSet of the present template; made, or brought up to the newest revision (`getNewReplicaSet`). */
  const newSetOf = (deployment: Deployment, sets: readonly ReplicaSet[], replicas: number): ReplicaSet => {
    const revision = Math.max(0, ...sets.filter((set) => !isFor(deployment, set)).map(revisionOf)) + 1;
    const found = sets.find((set) => isFor(deployment, set));
    if (found) {
      const current = revisionOf(found) >= revision ? revisionOf(found) : revision;
      annotate(deployment, current);
      if (current === revisionOf(found)) return found;
      // Going back to an older template leaves the condition of the roll-out before (sync.go, getNewReplicaSet).
      if (conditionOf(deployment.status.conditions, 'Progressing') === undefined)
        setProgressing(deployment, 'FoundNewReplicaSet', `Found new replica set "${found.metadata.name}"`);
      return (
        database.update('replicasets', found, (set) => ({
          ...set,
          metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, [REVISION]: String(current) } },
        })) ?? found
      );
    }
    const { namespace = '', name, uid } = deployment.metadata;
    const hash = templateHash(canonical(deployment.spec.template) + uid);
    const labels = { ...deployment.spec.template.metadata.labels, [HASH]: hash };
    const { minReadySeconds } = deployment.spec;
    const created: ReplicaSet = {
      metadata: newMetadata(context, {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: { ...annotations(deployment), [REVISION]: String(revision) },
        ownerReferences: controlledBy(deployment, 'Deployment', 'apps/v1'),
      }),
      spec: {
        replicas,
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        selector: { matchLabels: { ...deployment.spec.selector.matchLabels, [HASH]: hash } },
        template: { ...deployment.spec.template, metadata: { ...deployment.spec.template.metadata, labels } },
      },
      status: { replicas: 0 },
    };
    managed.add(created.metadata.uid);
    const stored = database.put('replicasets', created);
    annotate(deployment, revision);
    if (replicas > 0) say(deployment, `Scaled up replica set ${stored.metadata.name} from 0 to ${replicas}`);
    setProgressing(deployment, 'NewReplicaSetCreated', `Created new replica set "${stored.metadata.name}"`);
    return stored;
  };

  const isFor = (deployment: Deployment, set: ReplicaSet): boolean =>
    canonical(withoutHash(set.spec.template)) === canonical(withoutHash(deployment.spec.template));

  const roll = (deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined => {
    const existing = sets.find((set) => isFor(deployment, set));
    const old = sets.filter((set) => set !== existing);
    if (deployment.spec.paused === true) {
      if (existing)
        resize(
          deployment,
          existing,
          old.every((set) => set.spec.replicas === 0) ? deployment.spec.replicas : existing.spec.replicas,
        );
      return existing;
    }
    if (deployment.spec.strategy.type === 'Recreate') {
      const shrinking = old.filter((set) => set.spec.replicas > 0);
      for (const set of shrinking) resize(deployment, set, 0);
      if (shrinking.length > 0) return existing;
      // Pods on their way out still run; the new ones wait for them.
      const oldPods = old.flatMap((set) => database.ownedBy('pods', set.metadata.uid));
      if (oldPods.some((pod) => pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed')) return existing;
      const newSet = newSetOf(deployment, sets, deployment.spec.replicas);
      return resize(deployment, newSet, deployment.spec.replicas);
    }
    const room = Math.max(
      0,
      deployment.spec.replicas + bounds(deployment).maxSurge - old.reduce((sum, set) => sum + set.spec.replicas, 0),
    );
    let newSet = newSetOf(deployment, sets, Math.min(deployment.spec.replicas, room));
    const target =
      newSet.spec.replicas > deployment.spec.replicas
        ? deployment.spec.replicas
        : newReplicas(deployment, [...old, newSet], newSet);
    if (newSet.spec.replicas !== target) return resize(deployment, newSet, target);
    newSet = resize(deployment, newSet, target);
    const sizes = shrunk(
      deployment,
      old.filter((set) => set.spec.replicas > 0),
      newSet,
    );
    for (const set of old) {
      const size = sizes.get(set.metadata.uid);
      if (size !== undefined && size !== set.spec.replicas) resize(deployment, set, size);
    }
    return newSet;
  };

  /** Forgets the oldest empty ReplicaSets beyond `revisionHistoryLimit` (`sync.go: cleanupDeployment`). */
  const cleanUp = (deployment: Deployment, old: readonly ReplicaSet[]): void => {
    const empty = old.filter((set) => set.spec.replicas === 0 && set.status.replicas === 0);
    const surplus = empty.length - (deployment.spec.revisionHistoryLimit ?? 10);
    if (surplus <= 0) return;
    for (const set of [...empty].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus)) {
      database.delete('replicasets', set);
    }
  };

  const look = (key: string): void => {
    const [namespace, name = ''] = key.split('/');
    const deployment = database.get('deployments', namespace, name);
    if (!deployment || !managed.has(deployment.metadata.uid) || deployment.metadata.deletionTimestamp !== undefined)
      return;
    const newSet = roll(deployment, database.ownedBy('replicasets', deployment.metadata.uid));
    const sets = database.ownedBy('replicasets', deployment.metadata.uid);
    const pods = sets.flatMap((set) => database.ownedBy('pods', set.metadata.uid));
    const terminating = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined).length;
    const now = {
      stamp: nowStamp(context),
      wallMs: world.wallMs(),
      terminating: context.terminatingReplicas ? terminating : undefined,
    };
    const written = database.update('deployments', deployment, (current) => {
      const status = rolloutStatus(
        current,
        sets,
        sets.find((set) => set.metadata.uid === newSet?.metadata.uid),
        now,
      );
      return canonical(status) === canonical(current.status) ? current : { ...current, status };
    });
    const progressing = conditionOf(written?.status.conditions, 'Progressing');
    if (progressing?.reason === 'NewReplicaSetAvailable') {
      cleanUp(
        deployment,
        sets.filter((set) => set.metadata.uid !== newSet?.metadata.uid),
      );
    }
    const deadline = deployment.spec.progressDeadlineSeconds;
    if (
      deadline !== undefined &&
      progressing &&
      progressing.status === 'True' &&
      progressing.reason !== 'NewReplicaSetAvailable'
    ) {
      const leftMs = Date.parse(progressing.lastUpdateTime ?? '') + deadline * 1000 - world.wallMs();
      queue.add(key, Math.max(1000, leftMs + 1000));
    }
  };

  const queue = createWorkQueue(context, look);
  database.onChange('deployments', (type, deployment) => {
    if (type !== 'DELETED' && managed.has(deployment.metadata.uid))
      queue.add(`${deployment.metadata.namespace}/${deployment.metadata.name}`);
  });
  database.onChange('replicasets', (_type, set) => {
    const owner = controllerOf(set);
    if (owner && managed.has(owner.uid)) queue.add(`${set.metadata.namespace}/${owner.name}`);
  });
  // Recreate waits for the last old pod, which no ReplicaSet counts any more.
  database.onChange('pods', (type, pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet' || !managed.has(owner.uid)) return;
    const set = database.get('replicasets', pod.metadata.namespace, owner.name);
    const deployment = set && controllerOf(set);
    if (deployment && (type === 'DELETED' || context.terminatingReplicas))
      queue.add(`${pod.metadata.namespace}/${deployment.name}`);
  });
  return queue;
}
