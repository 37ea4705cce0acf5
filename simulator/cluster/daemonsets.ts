import { controllerOf, type NodeObject, type Pod } from '../objects.ts';
import { templateHash } from '../random.ts';
import type { DaemonSet } from '../workload-objects.ts';
import { isPodReady, withoutZeros } from './conditions.ts';
import { type ClusterContext, controlledBy } from './context.ts';
import { canonical } from './deployments.ts';
import { podFrom } from './pod-template.ts';
import { toleratesNode, wantedNode } from './scheduler.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

const SOURCE = { component: 'daemonset-controller' };
const KIND = { kind: 'DaemonSet', apiVersion: 'apps/v1' } as const;
const REVISION = 'controller-revision-hash';
const GENERATION = 'deprecated.daemonset.template.generation';

/** What the controller lets every pod of a DaemonSet tolerate (`daemon/util: AddOrUpdateDaemonPodTolerations`). */
const TOLERATIONS = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

function revisionOf(set: DaemonSet): string {
  return templateHash(canonical(set.spec.template) + set.metadata.uid);
}

/** The DaemonSet controller (`pkg/controller/daemon`): one pod for each node, replaced one after the other. */
export function createDaemonSetController(context: ClusterContext): WorkQueue {
  const { database, events, random, managed } = context;
  /** Revisions that pods had when they were adopted: the hash of a recording cannot be made anew. */
  const adopted = new Map<string, string>();

  const currentRevision = (set: DaemonSet): string => {
    const own = revisionOf(set);
    const known = adopted.get(own);
    if (known !== undefined) return known;
    const pods = database.ownedBy('pods', set.metadata.uid);
    const observed = set.status.observedGeneration === (set.metadata.generation ?? 1);
    const seen = pods[0]?.metadata.labels?.[REVISION];
    if (observed && seen !== undefined && pods.every((pod) => pod.metadata.labels?.[REVISION] === seen)) {
      adopted.set(own, seen);
      return seen;
    }
    adopted.set(own, own);
    return own;
  };

  const isSelected = (set: DaemonSet, node: NodeObject): boolean =>
    Object.entries(set.spec.template.spec.nodeSelector ?? {}).every(
      ([key, value]) => node.metadata.labels?.[key] === value,
    );

  const isEligible = (set: DaemonSet, node: NodeObject): boolean => {
    const { spec } = set.spec.template;
    const tolerations = [
      ...(spec.tolerations ?? []),
      ...TOLERATIONS,
      { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' },
    ];
    return isSelected(set, node) && (toleratesNode(tolerations, node) === undefined || onlyNotReady(node));
  };

  const create = (set: DaemonSet, node: string, revision: string): void => {
    const { namespace = '', name } = set.metadata;
    const { template } = set.spec;
    const pod = podFrom(
      context,
      {
        ...template,
        spec: {
          ...template.spec,
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
              },
            },
          },
          tolerations: [
            ...(template.spec.tolerations ?? []),
            ...TOLERATIONS,
            ...(template.spec.hostNetwork
              ? [{ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' }]
              : []),
          ],
        },
      },
      {
        name: `${name}-${random.suffix()}`,
        generateName: `${name}-`,
        namespace,
        labels: { [REVISION]: revision, 'pod-template-generation': set.metadata.annotations?.[GENERATION] ?? '1' },
        ownerReferences: controlledBy(set, 'DaemonSet', 'apps/v1'),
      },
    );
    managed.add(pod.metadata.uid);
    database.put('pods', pod);
    events.record(SOURCE, {
      ...KIND,
      about: set,
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.metadata.name}`,
    });
  };

  const remove = (set: DaemonSet, pod: Pod): void => {
    database.delete('pods', pod);
    events.record(SOURCE, {
      ...KIND,
      about: set,
      type: 'Normal',
      reason: 'SuccessfulDelete',
      message: `Deleted pod: ${pod.metadata.name}`,
    });
  };

  const nodeOf = (pod: Pod): string => pod.spec.nodeName ?? wantedNode(pod) ?? '';

  const look = (key: string): void => {
    const [namespace, name = ''] = key.split('/');
    const set = database.get('daemonsets', namespace, name);
    if (!set || !managed.has(set.metadata.uid) || set.metadata.deletionTimestamp !== undefined) return;
    const revision = currentRevision(set);
    const nodes = database.list('nodes').filter((node) => isEligible(set, node));
    const pods = database.ownedBy('pods', set.metadata.uid);
    for (const pod of pods) {
      // A pod stays where a new taint would keep it out, but not where the selector no longer wants it.
      const node = database.get('nodes', undefined, nodeOf(pod));
      const isUnwanted = pod.status.phase === 'Failed' || (node !== undefined && !isSelected(set, node));
      if (isUnwanted && pod.metadata.deletionTimestamp === undefined) remove(set, pod);
    }
    for (const node of nodes) {
      // A pod that terminates still holds its place; one that was deleted with grace 0 is gone already.
      if (!pods.some((pod) => nodeOf(pod) === node.metadata.name)) create(set, node.metadata.name, revision);
    }
    if (set.spec.updateStrategy.type === 'RollingUpdate') replaceOld(set, nodes, revision);
    writeStatus(set, nodes, revision);
  };

  /** Deletes old pods, no more than may be unavailable; old ones that do not work anyway come first. */
  const replaceOld = (set: DaemonSet, nodes: readonly NodeObject[], revision: string): void => {
    const most = Number(set.spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 1) || 1;
    const pods = database
      .ownedBy('pods', set.metadata.uid)
      .filter((pod) => nodes.some((node) => node.metadata.name === nodeOf(pod)));
    const working = pods.filter((pod) => isPodReady(pod) && pod.metadata.deletionTimestamp === undefined);
    let budget = most - (nodes.length - working.length);
    const old = pods.filter(
      (pod) => pod.metadata.labels?.[REVISION] !== revision && pod.metadata.deletionTimestamp === undefined,
    );
    for (const pod of old.filter((entry) => !isPodReady(entry))) remove(set, pod);
    for (const pod of old.filter(isPodReady)) {
      if (budget <= 0) return;
      remove(set, pod);
      budget -= 1;
    }
  };

  const writeStatus = (set: DaemonSet, nodes: readonly NodeObject[], revision: string): void => {
    const names = new Set(nodes.map((node) => node.metadata.name));
    const pods = database.ownedBy('pods', set.metadata.uid);
    const placed = pods.filter((pod) => names.has(nodeOf(pod)));
    const serving = placed.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const ready = serving.filter(isPodReady).length;
    database.update('daemonsets', set, (current) => {
      const status: DaemonSet['status'] = {
        currentNumberScheduled: placed.length,
        numberMisscheduled: pods.length - placed.length,
        desiredNumberScheduled: nodes.length,
        numberReady: ready,
        observedGeneration: current.metadata.generation ?? 1,
        ...withoutZeros({
          updatedNumberScheduled: serving.filter((pod) => pod.metadata.labels?.[REVISION] === revision).length,
          numberAvailable: ready,
          numberUnavailable: nodes.length - ready,
        }),
      };
      return JSON.stringify(status) === JSON.stringify(current.status) ? current : { ...current, status };
    });
  };

  const queue = createWorkQueue(context, look);
  const addAll = (): void => {
    for (const set of database.list('daemonsets')) {
      if (managed.has(set.metadata.uid)) queue.add(`${set.metadata.namespace}/${set.metadata.name}`);
    }
  };
  database.onChange('daemonsets', (type, set) => {
    if (type !== 'DELETED' && managed.has(set.metadata.uid))
      queue.add(`${set.metadata.namespace}/${set.metadata.name}`);
  });
  database.onChange('nodes', (_type, node, before) => {
    if (node.spec !== before?.spec || node.metadata.labels !== before?.metadata.labels) addAll();
  });
  database.onChange('pods', (_type, pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'DaemonSet' && managed.has(owner.uid)) queue.add(`${pod.metadata.namespace}/${owner.name}`);
  });
  return queue;
}

/** A node that is not ready keeps its daemons; only they can make it ready. */
function onlyNotReady(node: NodeObject): boolean {
  return (node.spec.taints ?? []).every((taint) => /^node\.kubernetes\.io\/(not-ready|unreachable)$/.test(taint.key));
}
