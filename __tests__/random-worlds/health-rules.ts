/** What must be so in the cluster itself at the moment in which a gate calls it healthy. */

import { controllerOf, type KubeObject, type Pod } from '../../simulator/objects.ts';
import type { DaemonSet, Deployment, StatefulSet } from '../../simulator/workload-objects.ts';
import type { World } from '../harness.ts';
import type { Demands } from './demands.ts';
import { hasEnded, isActive, isLeaving, isOf, isReady, momentOf } from './pod-facts.ts';
import { isInScope, isNamespaceInScope } from './scope.ts';
import type { PodTruth, Truth } from './truth.ts';

/** The run that said so. */
export interface HealthClaim {
  readonly demands: Demands;
  /** World ms. */
  readonly beganMs: number;
  /** The gate may read nodes. */
  readonly seesNodes: boolean;
  /** It may read events: without them a pod that ought to have gone may be held by anything. */
  readonly seesEvents: boolean;
}

const SECOND = 1_000;
const ADDED_MS = 60 * SECOND;
const ELIGIBLE_MS = 300 * SECOND;
const SLACK_MS = 2 * SECOND;

/** Why it is not healthy; empty when it is. */
export function whyNotHealthy(world: World, truth: Truth, claim: HealthClaim): readonly string[] {
  const { cluster } = world.sim;
  const pods = cluster.pods().filter((pod) => isInScope(pod, claim.demands));
  const context: Context = { world, truth, claim, pods };
  const counted = pods.filter(
    (pod) => !isLeaving(pod) && pod.status.phase !== 'Failed' && (!hasEnded(pod) || isJobs(pod)),
  );
  const tooFew = counted.length < claim.demands.minPods ? [`${counted.length} pods are in scope`] : [];
  return [
    ...tooFew,
    ...pods.flatMap((pod) => aboutPod(pod, context)),
    ...inScope(cluster.list('deployments'), context).flatMap((each) => aboutDeployment(each, context)),
    ...inScope(cluster.list('statefulsets'), context).flatMap((each) => aboutStatefulSet(each, context)),
    ...inScope(cluster.list('daemonsets'), context).flatMap((each) => aboutDaemonSet(each, context)),
  ];
}

interface Context {
  readonly world: World;
  readonly truth: Truth;
  readonly claim: HealthClaim;
  readonly pods: readonly Pod[];
}

interface WithTemplate extends KubeObject {
  readonly spec: { readonly template: { readonly metadata: KubeObject['metadata'] | object } };
}

function inScope<T extends WithTemplate>(workloads: readonly T[], { claim, world }: Context): readonly T[] {
  return workloads.filter((workload) => {
    const { namespace = '' } = workload.metadata;
    if (isLeaving(workload) || !isNamespaceInScope(namespace, claim.demands)) return false;
    const template = { metadata: { ...workload.metadata, ...workload.spec.template.metadata, namespace } };
    return (
      isInScope(template, claim.demands) ||
      world.sim.cluster
        .pods(namespace)
        .some((pod) => isInScope(pod, claim.demands) && rootOf(pod, world) === workload.metadata.uid)
    );
  });
}

/** The uid of the workload that people know. */
function rootOf(pod: Pod, { sim }: World): string | undefined {
  const owner = controllerOf(pod);
  if (owner?.kind !== 'ReplicaSet') return owner?.uid;
  const replicaSet = sim.cluster.get('replicasets', pod.metadata.namespace, owner.name);
  return replicaSet === undefined ? owner.uid : (controllerOf(replicaSet)?.uid ?? owner.uid);
}

function isJobs(pod: Pod): boolean {
  return controllerOf(pod)?.kind === 'Job';
}

function nameOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function aboutPod(pod: Pod, context: Context): readonly string[] {
  const { world, truth, claim } = context;
  if (isJobs(pod) || pod.status.phase === 'Succeeded') return [];
  if (isLeaving(pod)) return isHeldByCalico(pod, context) ? [`${nameOf(pod)} cannot give back its network`] : [];
  if (pod.status.phase === 'Failed') return controllerOf(pod) === undefined ? [`${nameOf(pod)} failed`] : [];
  if (!isReady(pod))
    return isExcused(pod, context) ? [] : [`${nameOf(pod)} on ${pod.spec.nodeName ?? '-'} is not Ready`];
  const { demands, beganMs } = claim;
  const known = truth.pod(pod.metadata.uid);
  const isOfTheBeginning = known !== null && known.createdMs < beganMs - SLACK_MS && !isDaemons(pod);
  const isYoung = (known?.readySinceMs ?? 0) > world.sim.world.nowMs() - demands.stableForMs + SLACK_MS;
  return isOfTheBeginning && isYoung && demands.stuckAfterMs === 0
    ? [`${nameOf(pod)} is Ready since a moment only`]
    : [];
}

/** Overdue, with the failure as what its kubelet says. */
function isHeldByCalico(pod: Pod, { world, truth, claim }: Context): boolean {
  if (!claim.seesEvents) return false;
  const known = truth.pod(pod.metadata.uid);
  const overdueForMs = world.sim.world.nowMs() - momentOf(pod.metadata.deletionTimestamp, world) - 30 * SECOND;
  return (
    known !== null &&
    known.lastFailureMs !== null &&
    known.deletedMs !== null &&
    known.lastFailureMs > known.deletedMs &&
    // What else keeps a pod that leaves has its time.
    (claim.demands.stuckAfterMs === 0 || known.lastFailureMs > (known.otherErrorMs ?? 0)) &&
    known.endedMs === null &&
    !known.hostNetwork &&
    overdueForMs > SLACK_MS &&
    !(isDaemons(pod) && !isEligible(pod.spec.nodeName, world))
  );
}

function isDaemons(pod: Pod): boolean {
  return controllerOf(pod)?.kind === 'DaemonSet';
}

/** Older than five minutes; where no node is, as in a cluster that was just made, the young ones count. */
function isEligible(name: string | undefined, world: World): boolean {
  const able = world.sim.cluster.list('nodes').filter((each) => {
    return !isLeaving(each) && each.status.conditions.find(({ type }) => type === 'Ready')?.status === 'True';
  });
  const ageMs = ({ metadata }: KubeObject): number =>
    world.sim.world.nowMs() - momentOf(metadata.creationTimestamp, world);
  const node = able.find(({ metadata }) => metadata.name === name);
  if (node === undefined) return false;
  return ageMs(node) > ELIGIBLE_MS + SLACK_MS || able.every((each) => ageMs(each) < ELIGIBLE_MS - SLACK_MS);
}

/** Not Ready, and allowed to be: added a moment ago, starting, or a daemon where none is expected yet. */
function isExcused(pod: Pod, context: Context): boolean {
  const { world, truth, claim } = context;
  const known = truth.pod(pod.metadata.uid);
  if (known === null) return true;
  if (isDaemons(pod) && (!claim.seesNodes || !isEligible(pod.spec.nodeName, world))) return true;
  const { lastFailureMs, otherErrorMs, sandboxMs } = known;
  const isFailing = lastFailureMs !== null && sandboxMs === null && lastFailureMs > (otherErrorMs ?? 0);
  if (isFailing && world.sim.world.nowMs() - lastFailureMs > SLACK_MS) return false;
  return isAdded(known, context) || isStarting(known, context);
}

/** Not Ready for less than `stuck-after`. */
function isStarting({ readyMs, createdMs }: PodTruth, { world, claim }: Context): boolean {
  const { stuckAfterMs } = claim.demands;
  return stuckAfterMs > 0 && world.sim.world.nowMs() - (readyMs ?? createdMs) < stuckAfterMs + SLACK_MS;
}

/** Made a moment ago for a workload that was there with the same template before, as scaling and evictions do. */
function isAdded(known: PodTruth, { world, truth, claim }: Context): boolean {
  const { beganMs } = claim;
  const isYoung = world.sim.world.nowMs() - known.createdMs < ADDED_MS + SLACK_MS;
  if (!isYoung || known.createdMs < beganMs - SLACK_MS) return false;
  const root = rootOf(known.pod, world);
  const workload = truth.workload(root ?? '');
  if (workload === null || isDaemons(known.pod) || (workload.zeroMs ?? 0) >= beganMs - SLACK_MS) return true;
  return truth.ofNamespace(known.namespace).some((other) => {
    const wasReady = other.readySinceMs !== null || (other.readyMs ?? 0) >= beganMs - SLACK_MS;
    const wasThere = other.createdMs < known.createdMs && wasReady;
    return wasThere && isOfSameTemplate(other.pod, known.pod) && rootOf(other.pod, world) === root;
  });
}

/** A StatefulSet may have ready pods of two for good (`partition`, OnDelete). */
function isOfSameTemplate({ metadata: one }: Pod, { metadata: other }: Pod): boolean {
  return one.labels?.['pod-template-hash'] === other.labels?.['pod-template-hash'];
}

function isObserved({
  metadata,
  status,
}: KubeObject & { readonly status: { readonly observedGeneration?: number } }): boolean {
  return (status.observedGeneration ?? 0) >= (metadata.generation ?? 1);
}

function podsOf(owner: KubeObject, { world }: Context): readonly Pod[] {
  return world.sim.cluster.pods(owner.metadata.namespace).filter((pod) => isOf(pod, owner) && isActive(pod));
}

function aboutDeployment(deployment: Deployment, context: Context): readonly string[] {
  const { cluster } = context.world.sim;
  const { replicas, paused } = deployment.spec;
  const name = `Deployment ${nameOf(deployment)}`;
  if (!isObserved(deployment)) return [`${name} has a generation that its controller has not seen`];
  if (replicas === 0) return [];
  const sets = cluster
    .list('replicasets', deployment.metadata.namespace)
    .filter((set) => controllerOf(set)?.uid === deployment.metadata.uid);
  const revisionOf = (set: KubeObject): number =>
    Number(set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  const newest = sets.toSorted((a, b) => revisionOf(b) - revisionOf(a))[0];
  if (newest === undefined) return [`${name} has no ReplicaSet`];
  const all = sets.flatMap((set) => podsOf(set, context));
  if (paused === true) return lacking(name, all, replicas, context);
  if (isStartingAllowed(all, context)) return [];
  const old = all.filter((pod) => !isOf(pod, newest));
  if (old.length > 0) return [`${name} has ${old.length} old pods`];
  return lacking(
    name,
    all.filter((pod) => isOf(pod, newest)),
    replicas,
    context,
  );
}

/** With `stuck-after` a roll-out that waits for starting pods does not count. */
function isStartingAllowed(pods: readonly Pod[], context: Context): boolean {
  return pods.some((pod) => {
    const known = truthOf(pod, context);
    return !isReady(pod) && known !== null && isStarting(known, context);
  });
}

function truthOf(pod: Pod, { truth }: Context): PodTruth | null {
  return truth.pod(pod.metadata.uid);
}

function lacking(name: string, pods: readonly Pod[], wanted: number, context: Context): readonly string[] {
  const good = pods.filter((pod) => isReady(pod) || isExcused(pod, context));
  return good.length < wanted && !isStartingAllowed(pods, context)
    ? [`${name} has ${good.length} of ${wanted} pods`]
    : [];
}

function aboutStatefulSet(set: StatefulSet, context: Context): readonly string[] {
  const name = `StatefulSet ${nameOf(set)}`;
  if (!isObserved(set)) return [`${name} has a generation that its controller has not seen`];
  const pods = podsOf(set, context);
  if (set.spec.replicas === 0) return [];
  const partition = set.spec.updateStrategy.rollingUpdate?.partition ?? 0;
  const old = pods.filter(({ metadata }) => {
    const ordinal = Number(/-(\d+)$/.exec(metadata.name)?.[1]);
    return ordinal >= partition && metadata.labels?.['controller-revision-hash'] !== set.status.updateRevision;
  });
  const isOld = set.spec.updateStrategy.type === 'RollingUpdate' && old.length > 0 && !isStartingAllowed(pods, context);
  return [...(isOld ? [`${name} has ${old.length} old pods`] : []), ...lacking(name, pods, set.spec.replicas, context)];
}

function aboutDaemonSet(set: DaemonSet, context: Context): readonly string[] {
  const { world, claim } = context;
  const name = `DaemonSet ${nameOf(set)}`;
  if (!isObserved(set)) return [`${name} has a generation that its controller has not seen`];
  if (!claim.seesNodes) return [];
  const pods = podsOf(set, context);
  const isExcusedHere = isStartingAllowed(pods, context);
  const generation = set.metadata.annotations?.['deprecated.daemonset.template.generation'];
  return world.sim.cluster.list('nodes').flatMap((node) => {
    const { nodeSelector = {} } = set.spec.template.spec;
    const isWanted = Object.entries(nodeSelector).every(([key, value]) => node.metadata.labels?.[key] === value);
    const isTainted = (node.spec.taints ?? []).some(({ key }) => !key.startsWith('node.kubernetes.io/'));
    if (!isWanted || isTainted || !isEligible(node.metadata.name, world)) return [];
    const pod = pods.find(({ spec }) => spec.nodeName === node.metadata.name);
    if (pod === undefined) return isExcusedHere ? [] : [`${name} has no pod on ${node.metadata.name}`];
    const isOld = pod.metadata.labels?.['pod-template-generation'] !== generation;
    return isOld && set.spec.updateStrategy.type === 'RollingUpdate' && !isExcusedHere
      ? [`${name} has an old pod on ${node.metadata.name}`]
      : [];
  });
}
