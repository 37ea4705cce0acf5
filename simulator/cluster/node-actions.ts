import type { NodeObject, StringMap } from '../objects.ts';
import { type ClusterContext, nowStamp } from './context.ts';
import { POD } from './events.ts';
import type { Kubelet } from './kubelet.ts';
import {
  EVICTION_MS,
  isReady,
  NODE_MONITOR_GRACE_MS,
  NODE_READY,
  type NodeOptions,
  nodeStamp,
  noteAboutNode,
  registerNode,
  startHeartbeat,
  withNodeConditions,
} from './nodes.ts';

/** What can happen to nodes. */
export interface NodeActions {
  /** A node joins: not ready until calico-node has brought its CNI configuration. */
  readonly addNode: (node: string | NodeOptions) => void;
  /** Its kubelet stops, without a word. 50 s later the node is Unknown, five minutes later its pods are evicted. */
  readonly loseNode: (name: string) => void;
  readonly returnNode: (name: string) => void;
  /** The node object goes, and with it, after a moment, its pods. */
  readonly removeNode: (name: string) => void;
  readonly cordon: (name: string) => void;
  readonly uncordon: (name: string) => void;
  readonly taint: (name: string, key: string, effect?: 'NoSchedule' | 'NoExecute') => void;
  readonly untaint: (name: string, key: string) => void;
  readonly labelNode: (name: string, labels: StringMap) => void;
}

const CONTROLLER = { component: 'node-controller' };
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const SILENT = 'Kubelet stopped posting node status.';

export function createNodeActions(context: ClusterContext, kubelet: Kubelet): NodeActions {
  const { database, world, random } = context;

  const change = (name: string, edit: (node: NodeObject) => NodeObject): NodeObject => {
    const node = database.get('nodes', undefined, name);
    if (!node)
      throw new Error(`the simulated cluster has no node "${name}": it has ${[...context.nodes.keys()].join(', ')}`);
    return database.update('nodes', node, edit) ?? node;
  };

  const becomeUnknown = (name: string): void => {
    const node = database.get('nodes', undefined, name);
    if (!node || context.nodes.get(name)?.alive !== false) return;
    const silent = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map(
      (type) => [type, 'Unknown', 'NodeStatusUnknown', SILENT] as const,
    );
    const stamp = nowStamp(context);
    const lost = change(name, (current) => ({
      ...withNodeConditions(current, silent, stamp, false),
      spec: {
        ...current.spec,
        taints: [
          { key: UNREACHABLE, effect: 'NoSchedule', timeAdded: stamp },
          { key: UNREACHABLE, effect: 'NoExecute', timeAdded: stamp },
        ],
      },
    }));
    noteAboutNode(context, CONTROLLER, lost, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    for (const pod of database.onNode(name)) {
      database.update('pods', pod, (current) => ({
        ...current,
        status: {
          ...current.status,
          // Ready alone falls, and without a reason; all else stays as the kubelet wrote it last.
          conditions: (current.status.conditions ?? []).map((condition) => {
            if (condition.type !== 'Ready' || condition.status === 'False') return condition;
            const { reason: _reason, message: _message, ...rest } = condition;
            return { ...rest, status: 'False', lastTransitionTime: stamp };
          }),
        },
      }));
      context.events.record(CONTROLLER, {
        ...POD,
        about: pod,
        type: 'Warning',
        reason: 'NodeNotReady',
        message: 'Node is not ready',
      });
    }
    world.after(EVICTION_MS, () => evictAll(name));
  };

  const evictAll = (name: string): void => {
    if (context.nodes.get(name)?.alive !== false) return;
    for (const pod of database.onNode(name)) {
      const forever = (pod.spec.tolerations ?? []).some(
        (toleration) =>
          toleration.effect !== 'NoSchedule' &&
          (toleration.key === undefined || toleration.key === UNREACHABLE) &&
          toleration.tolerationSeconds === undefined,
      );
      if (forever || pod.metadata.deletionTimestamp !== undefined) continue;
      database.delete('pods', pod);
      context.events.record(
        { component: 'taint-eviction-controller' },
        {
          ...POD,
          about: pod,
          type: 'Normal',
          reason: 'TaintManagerEviction',
          message: `Marking for deletion Pod ${pod.metadata.namespace}/${pod.metadata.name}`,
        },
      );
    }
  };

  return {
    addNode: (node) => {
      registerNode(context, typeof node === 'string' ? { name: node } : node, false);
    },
    loseNode: (name) => {
      const model = context.nodes.get(name);
      if (!model) throw new Error(`the simulated cluster has no node "${name}"`);
      model.alive = false;
      model.stopHeartbeat();
      world.after(NODE_MONITOR_GRACE_MS, () => becomeUnknown(name));
    },
    returnNode: (name) => {
      const model = context.nodes.get(name);
      if (!model) throw new Error(`the simulated cluster has no node "${name}"`);
      model.alive = true;
      startHeartbeat(context, model);
      world.after(random.between(200, 1500), () => {
        // It may have been removed, or lost again, by then.
        if (context.nodes.get(name) !== model || !model.alive) return;
        const healthy = [
          ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
          ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
          ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
          NODE_READY,
        ] as const;
        change(name, (current) => {
          if (isReady(current)) return current;
          const { taints: _taints, ...spec } = current.spec;
          return withNodeConditions({ ...current, spec }, healthy, nodeStamp(context, model), true);
        });
        for (const run of kubelet.runs.values()) if (run.node === model) kubelet.report(run, random.between(100, 2000));
        kubelet.resume(name);
      });
    },
    removeNode: (name) => {
      const node = database.get('nodes', undefined, name);
      const model = context.nodes.get(name);
      if (!node || !model) return;
      model.alive = false;
      model.stopHeartbeat();
      context.nodes.delete(name);
      database.delete('nodes', node);
      // The pod garbage collector forces out what no node holds any more.
      world.after(random.between(20_000, 60_000), () => {
        for (const pod of database.onNode(name)) database.delete('pods', pod, { gracePeriodSeconds: 0 });
      });
    },
    cordon: (name) => {
      change(name, (node) => ({
        ...node,
        spec: {
          ...node.spec,
          unschedulable: true,
          taints: [
            ...(node.spec.taints ?? []),
            { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: nowStamp(context) },
          ],
        },
      }));
    },
    taint: (name, key, effect = 'NoSchedule') => {
      change(name, (node) => ({
        ...node,
        spec: { ...node.spec, taints: [...(node.spec.taints ?? []), { key, effect, timeAdded: nowStamp(context) }] },
      }));
    },
    untaint: (name, key) => {
      change(name, (node) => ({
        ...node,
        spec: { ...node.spec, taints: (node.spec.taints ?? []).filter((taint) => taint.key !== key) },
      }));
    },
    labelNode: (name, labels) => {
      change(name, (node) => ({
        ...node,
        metadata: { ...node.metadata, labels: { ...node.metadata.labels, ...labels } },
      }));
    },
    uncordon: (name) => {
      change(name, (node) => {
        const { unschedulable: _unschedulable, taints = [], ...spec } = node.spec;
        const left = taints.filter((taint) => taint.key !== 'node.kubernetes.io/unschedulable');
        return { ...node, spec: left.length === 0 ? spec : { ...spec, taints: left } };
      });
    },
  };
}
