import type { NodeObject, Pod } from '../objects.ts';
import { type ClusterContext, nowStamp } from './context.ts';
import { POD } from './events.ts';
import { isReady, type NodeModel } from './nodes.ts';

/** The scheduler looks at what it could not place again, at the latest, once a minute (events move it earlier). */
const RETRY_MS = 60_000;

function cpusOf(pod: Pod): number {
  return pod.spec.containers.reduce((sum, container) => {
    const text = container.resources?.requests?.cpu ?? '0';
    return sum + (text.endsWith('m') ? Number(text.slice(0, -1)) / 1000 : Number(text));
  }, 0);
}

/** The node that a DaemonSet's pod is meant for. */
export function wantedNode(pod: Pod): string | undefined {
  const affinity = pod.spec.affinity as
    | {
        nodeAffinity?: {
          requiredDuringSchedulingIgnoredDuringExecution?: {
            nodeSelectorTerms?: { matchFields?: { values?: string[] }[] }[];
          };
        };
      }
    | undefined;
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]
    ?.matchFields?.[0]?.values?.[0];
}

/** Whether a pod tolerates all taints of a node that keep pods away. */
export function toleratesNode(tolerations: Pod['spec']['tolerations'], node: NodeObject): string | undefined {
  const taints = [
    ...(node.spec.taints ?? []),
    ...(node.spec.unschedulable ? [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] : []),
  ];
  return taints.find(
    (taint) =>
      !(tolerations ?? []).some(
        (toleration) =>
          (toleration.key === undefined || toleration.key === taint.key) &&
          (toleration.effect === undefined || toleration.effect === taint.effect),
      ),
  )?.key;
}

/** Why a pod does not fit a node, in the scheduler's words; `undefined` when it fits. */
function misfit(context: ClusterContext, pod: Pod, node: NodeObject, model: NodeModel): string | undefined {
  const wanted = wantedNode(pod);
  if (wanted !== undefined && wanted !== node.metadata.name) return "node(s) didn't match Pod's node affinity/selector";
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (node.metadata.labels?.[key] !== value) return "node(s) didn't match Pod's node affinity/selector";
  }
  const taint = toleratesNode(pod.spec.tolerations, node);
  if (taint === 'node.kubernetes.io/unschedulable') return 'node(s) were unschedulable';
  if (taint !== undefined) return `node(s) had untolerated taint {${taint}: }`;
  const used = context.database.onNode(node.metadata.name).reduce((sum, other) => sum + cpusOf(other), 0);
  return used + cpusOf(pod) > model.cpus ? 'Insufficient cpu' : undefined;
}

/** Binds pods to nodes, or says why not. `retry` is called when a node may have become free. */
export function createScheduler(context: ClusterContext): { readonly retry: () => void } {
  const { database, world, random, events, managed } = context;
  const waiting = new Map<string, Pod>();
  const timers = new Map<string, () => void>();

  const later = (uid: string, delayMs: number): void => {
    timers.get(uid)?.();
    timers.set(
      uid,
      world.after(delayMs, () => schedule(uid)),
    );
  };

  const bind = (pod: Pod, node: string): void => {
    const stamp = nowStamp(context);
    database.update('pods', pod, (current) => ({
      ...current,
      spec: { ...current.spec, nodeName: node },
      status: {
        ...current.status,
        conditions: [
          {
            type: 'PodScheduled',
            observedGeneration: current.metadata.generation ?? 1,
            status: 'True',
            lastProbeTime: null,
            lastTransitionTime: stamp,
          },
        ],
      },
    }));
    const { namespace, name } = pod.metadata;
    events.recordScheduler('Binding', {
      ...POD,
      about: pod,
      type: 'Normal',
      reason: 'Scheduled',
      message: `Successfully assigned ${namespace}/${name} to ${node}`,
    });
  };

  const reject = (pod: Pod, message: string): void => {
    const stamp = nowStamp(context);
    database.update('pods', pod, (current) => {
      const before = current.status.conditions?.find((condition) => condition.type === 'PodScheduled');
      if (before?.message === message) return current;
      return {
        ...current,
        status: {
          ...current.status,
          conditions: [
            {
              type: 'PodScheduled',
              observedGeneration: current.metadata.generation ?? 1,
              status: 'False',
              lastProbeTime: null,
              lastTransitionTime: before?.status === 'False' ? (before.lastTransitionTime ?? stamp) : stamp,
              reason: 'Unschedulable',
              message,
            },
          ],
        },
      };
    });
    events.recordScheduler('Scheduling', { ...POD, about: pod, type: 'Warning', reason: 'FailedScheduling', message });
  };

  const schedule = (uid: string): void => {
    const seen = waiting.get(uid);
    const pod = seen && database.get('pods', seen.metadata.namespace, seen.metadata.name);
    waiting.delete(uid);
    timers.delete(uid);
    if (!pod || pod.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined || pod.spec.nodeName) return;
    const refusals = new Map<string, number>();
    const fitting: NodeObject[] = [];
    const nodes = database.list('nodes');
    for (const node of nodes) {
      const model = context.nodes.get(node.metadata.name);
      if (!model) continue;
      const why = misfit(context, pod, node, model);
      if (why === undefined) fitting.push(node);
      else refusals.set(why, (refusals.get(why) ?? 0) + 1);
    }
    const load = (node: NodeObject): number => {
      const others = database.onNode(node.metadata.name);
      const app = pod.metadata.labels?.app;
      const siblings = others.filter(
        (other) => app !== undefined && other.metadata.labels?.app === app && !other.metadata.deletionTimestamp,
      );
      return siblings.length * 1000 + others.length;
    };
    const loads = new Map(fitting.map((node) => [node, load(node)]));
    const best = [...fitting].sort(
      (a, b) => (loads.get(a) ?? 0) - (loads.get(b) ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1),
    )[0];
    if (best) {
      bind(pod, best.metadata.name);
      return;
    }
    const reasons = [...refusals]
      .map(([why, count]) => `${count} ${why}`)
      .sort()
      .join(', ');
    reject(
      pod,
      `0/${nodes.length} nodes are available: ${reasons}. no new claims to deallocate, preemption: 0/${nodes.length} nodes are available: ${nodes.length} Preemption is not helpful for scheduling.`,
    );
    waiting.set(uid, pod);
    later(uid, RETRY_MS * random.between(0.9, 1.1));
  };

  database.onChange('pods', (type, pod, before) => {
    const { uid } = pod.metadata;
    if (type === 'DELETED') {
      waiting.delete(uid);
      timers.get(uid)?.();
      timers.delete(uid);
      return;
    }
    if (!managed.has(uid) || pod.spec.nodeName || (pod.spec.schedulingGates ?? []).length > 0) return;
    const isNew = type === 'ADDED' || (before?.spec.schedulingGates ?? []).length > 0;
    if (!isNew) return;
    waiting.set(uid, pod);
    later(uid, random.between(5, 60));
  });

  const retry = (): void => {
    for (const uid of [...waiting.keys()]) later(uid, random.between(5, 500));
  };
  database.onChange('nodes', (type, node, before) => {
    if (type === 'ADDED' || (before && (isReady(node) !== isReady(before) || node.spec !== before.spec))) retry();
  });
  return { retry };
}
