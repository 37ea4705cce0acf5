import type { Pod } from '../objects.ts';
import type { TokenState } from './cni.ts';
import type { ClusterContext } from './context.ts';
import { adoptNode } from './nodes.ts';
import type { Pods } from './pods.ts';
import type { WorkQueue } from './work-queue.ts';

const WORKLOADS = ['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'jobs'] as const;
/** How the kubelet names what it misses. */
const MISSING = /(secret|configmap) "([^"]+)" not found/;

/** Whether a failed sandbox stands in a pod's way: its events tell, or that it still has an address after all containers ended. */
function hasBrokenSandbox(context: ClusterContext, pod: Pod): boolean {
  if (pod.spec.hostNetwork === true) return false;
  if (pod.metadata.deletionTimestamp !== undefined)
    return (pod.metadata.annotations?.['cni.projectcalico.org/podIP'] ?? '') !== '';
  return context.database
    .list('events', pod.metadata.namespace)
    .some((event) => event.involvedObject.uid === pod.metadata.uid && event.reason === 'FailedCreatePodSandBox');
}

/** Objects that are missing in the cluster according to what pods say. */
function learnMissing(context: ClusterContext, pod: Pod): void {
  const { namespace } = pod.metadata;
  const messages = [
    ...(pod.status.containerStatuses ?? []).map((status) => status.state.waiting?.message ?? ''),
    ...context.database
      .list('events', namespace)
      .filter((event) => event.involvedObject.uid === pod.metadata.uid && event.reason === 'FailedMount')
      .map((event) => event.message),
  ];
  for (const message of messages) {
    const found = MISSING.exec(message);
    if (found) context.missing.add(`${found[1] === 'secret' ? 'secrets' : 'configmaps'}/${namespace}/${found[2]}`);
  }
}

/** The limit of a namespace's quota, where a refusal names it. */
function learnQuotas(context: ClusterContext): void {
  for (const set of context.database.list('replicasets')) {
    for (const condition of set.status.conditions ?? []) {
      const limit = /exceeded quota: .* limited: pods=(\d+)/.exec(condition.message ?? '')?.[1];
      if (limit !== undefined) context.quotas.set(set.metadata.namespace ?? '', Number(limit));
    }
  }
}

/**
 * Lets the model go on from objects that it did not make: nodes with the given token states, workloads, and pods wherever
 * their status shows them. Containers that wait for something else than a sandbox stay as they are.
 */
export function adoptAll(
  context: ClusterContext,
  pods: Pods,
  controllers: Readonly<Record<string, WorkQueue>>,
  tokens: Readonly<Record<string, TokenState>>,
): void {
  const { database, managed } = context;
  for (const node of database.list('nodes')) adoptNode(context, node, tokens[node.metadata.name] ?? 'valid');
  context.events.adopt();
  learnQuotas(context);
  for (const plural of WORKLOADS) {
    for (const object of database.list(plural)) {
      managed.add(object.metadata.uid);
      const controller = controllers[plural.slice(0, -1)];
      controller?.add(`${object.metadata.namespace}/${object.metadata.name}`);
    }
  }
  for (const pod of database.list('pods')) {
    learnMissing(context, pod);
    pods.adopt(pod, hasBrokenSandbox(context, pod));
  }
}
