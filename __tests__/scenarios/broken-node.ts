/** The world of Calico's failure: roll-outs into nodes whose CNI token is dead, and what a test wants to know of a run there. */

import type { TokenState } from '../../simulator/cluster/cni.ts';
import type { ForgedEvent } from '../../simulator/cluster/pod-actions.ts';
import type { Condition, Pod } from '../../simulator/objects.ts';
import type { DaemonSet, ResourceTypes } from '../../simulator/workload-objects.ts';
import { type Outputs, outputsOf } from '../../src/report/outputs.ts';
import type { Report, ReportedNode } from '../../src/report/report.ts';
import { sentenceOf } from '../../src/report/sentences.ts';
import { aWorld, type Inputs, type Played, type World } from '../harness.ts';

/** What a workflow sets that wants to be healed. */
export const CURE: Inputs = { namespaces: 'shop', 'restart-calico-node': 'true', 'stable-for': '5s' };

/** Where Calico is unless a test puts it elsewhere. */
export const CALICO = 'calico-system';

export interface BrokenWorld {
  /** Options of the simulator: nodes, Calico, permissions … */
  readonly world?: Parameters<typeof aWorld>[0];
  /** The nodes whose token is dead. Default n1. */
  readonly broken?: readonly string[];
  readonly state?: TokenState;
  /** How long ago the roll-out ran into the failure. Default a minute. */
  readonly stuckForMs?: number;
  readonly replicas?: number;
  /** shop/web is deployed for the first time: no old pod has to leave, and starting pods write no second warning. */
  readonly isFirst?: boolean;
  /** What happens before the tokens die, and after the new version was deployed. */
  readonly before?: (world: World) => void;
  readonly after?: (world: World) => void;
}

/** Deployment shop/web has rolled into the failure: new pods wait for their network, old ones cannot give theirs back. */
export function aBrokenWorld(options: BrokenWorld = {}): World {
  const { broken = ['n1'], state = 'unauthorized', stuckForMs = 60_000, replicas = 4, isFirst = false } = options;
  const world = aWorld(options.world);
  const { cluster, warmUp } = world.sim;
  if (!isFirst) cluster.deploy({ namespace: 'shop', name: 'web', replicas });
  warmUp(60_000);
  options.before?.(world);
  for (const node of broken) cluster.breakToken(node, state);
  cluster.deploy({ namespace: 'shop', name: 'web', replicas });
  warmUp(stuckForMs);
  options.after?.(world);
  return world;
}

/** The outputs of a workflow's step. */
export function outputsIn({ report, notReadyPods, restartedNodes }: Played): Outputs {
  return outputsOf(report, notReadyPods, restartedNodes, '');
}

/** A node as the report shows it. */
export function nodeIn({ report }: { readonly report: Report }, name: string): ReportedNode {
  const node = report.calico.nodes.find((each) => each.node === name);
  if (node === undefined) {
    throw new Error(
      `node ${name} is not in the report; it has ${report.calico.nodes.map((each) => each.node).join(', ')}`,
    );
  }
  return node;
}

/** `node: action/outcome` of all nodes in the report, in its order. */
export function nodesOf({ report }: { readonly report: Report }): readonly string[] {
  return report.calico.nodes.map(({ node, action, outcome }) => `${node}: ${action}/${outcome ?? '-'}`);
}

export function calicoNodeOn(
  { sim }: World,
  node: string,
): Pod & { readonly metadata: { readonly namespace: string } } {
  const pod = sim.cluster.onNode(node).calicoNode;
  if (pod?.metadata.namespace === undefined) throw new Error(`no calico-node pod is on ${node}`);
  return { ...pod, metadata: { ...pod.metadata, namespace: pod.metadata.namespace } };
}

/** As somebody with kubectl would. */
export function restartByHand(world: World, node: string): void {
  const { namespace, name } = calicoNodeOn(world, node).metadata;
  world.sim.cluster.deletePod(namespace, name);
}

/** RFC 3339 on the API server's clock, whole seconds as in objects. */
export function stampAgo({ sim }: World, agoMs: number): string {
  return `${new Date(sim.world.wallMs() - agoMs).toISOString().slice(0, 19)}Z`;
}

/** Stores an object as `change` makes it of the present one. */
export function edit<K extends keyof ResourceTypes & ('pods' | 'daemonsets' | 'nodes')>(
  { sim }: World,
  plural: K,
  namespace: string | undefined,
  name: string,
  change: (object: ResourceTypes[K]) => ResourceTypes[K],
): void {
  const object = sim.cluster.get(plural, namespace, name);
  if (object === undefined) throw new Error(`there is no ${plural} ${namespace ?? ''}/${name}`);
  sim.cluster.put(plural, change(object));
}

/** Calico's DaemonSet as `change` makes it; its controller stands still from then on, or it would set it right. */
export function editDaemonSet(world: World, change: (set: DaemonSet) => DaemonSet): void {
  world.sim.cluster.pauseController('daemonset');
  edit(world, 'daemonsets', CALICO, 'calico-node', change);
}

/** A node's calico-node pod is not Ready, and has not been for so long. */
export function setNotReady(world: World, node: string, forMs: number): void {
  const since = stampAgo(world, forMs);
  edit(world, 'pods', CALICO, calicoNodeOn(world, node).metadata.name, (pod) => ({
    ...pod,
    status: {
      ...pod.status,
      conditions: (pod.status.conditions ?? []).map(
        (condition): Condition =>
          condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: since } : condition,
      ),
    },
  }));
}

/** Pods of a namespace that wait for their sandbox on a node. */
export function waitingOn({ sim }: World, node: string, namespace = 'shop'): readonly Pod[] {
  return sim.cluster
    .pods(namespace)
    .filter(
      ({ spec, status, metadata }) =>
        spec.nodeName === node && status.phase === 'Pending' && metadata.deletionTimestamp === undefined,
    );
}

/** Pods of a namespace on a node that are being deleted. */
export function leavingOn({ sim }: World, node: string, namespace = 'shop'): readonly Pod[] {
  return sim.cluster
    .pods(namespace)
    .filter(({ spec, metadata }) => spec.nodeName === node && metadata.deletionTimestamp !== undefined);
}

/** The text of a genuine event with the failure. */
export const UNAUTHORIZED_ADD = `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${'0123456789abcdef'.repeat(4)}": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`;

/** The same of a pod that cannot end, as the kubelet words it. */
export function unauthorizedDelete(uid: string): string {
  const inner = `rpc error: code = Unknown desc = failed to destroy network for sandbox "${'0123456789abcdef'.repeat(4)}": plugin type="calico" failed (delete): error getting ClusterInformation: connection is unauthorized: Unauthorized`;
  return `error killing pod: failed to "KillPodSandbox" for "${uid}" with KillPodSandboxError: ${JSON.stringify(inner)}`;
}

/** An event about a pod with the failure's text; genuine but for `overrides`. */
export function forge(world: World, pod: Pod, event: Partial<ForgedEvent> = {}): void {
  world.sim.cluster.createEvent({
    namespace: pod.metadata.namespace ?? '',
    pod: pod.metadata.name,
    reason: 'FailedCreatePodSandBox',
    message: UNAUTHORIZED_ADD,
    ...event,
  });
}

/** How long after the run had begun it sent each of its DELETEs. */
export function restartedAfterMs({ report, events }: Played): readonly number[] {
  const words = new Set(events.flatMap((event) => (event.type === 'restarting' ? [sentenceOf(event)] : [])));
  return report.timeline
    .filter(({ what }) => words.has(what))
    .map(({ at }) => Date.parse(at) - Date.parse(report.startedAt));
}
