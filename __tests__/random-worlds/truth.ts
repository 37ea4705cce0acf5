/** What really happens in a simulated world, noted down beside it and without any of the gate's own code. */

import type { Change } from '../../simulator/api/store.ts';
import type { EventObject, Pod } from '../../simulator/objects.ts';
import { shiftTimes } from '../../simulator/timestamps.ts';
import type { DaemonSet, Deployment, StatefulSet } from '../../simulator/workload-objects.ts';
import type { World } from '../harness.ts';
import { conditionOf, hasEnded, hasNetwork, hasSandbox, isLeaving, isReady, momentOf } from './pod-facts.ts';

/** Times are moments of the world: ms that never jump. */
export interface PodTruth {
  /** Its last version. */
  readonly pod: Pod;
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly node: string | null;
  readonly hostNetwork: boolean;
  readonly createdMs: number;
  /** The events with Calico's failure that its kubelet wrote without another cause or a sandbox in between. */
  readonly firstFailureMs: number | null;
  readonly lastFailureMs: number | null;
  /** The last sandbox error of another cause. */
  readonly otherErrorMs: number | null;
  /** When its kubelet last wrote anything about its sandbox. */
  readonly triedMs: number | null;
  readonly mountTroubleMs: number | null;
  /** When it last got a network; null: it never had one. */
  readonly sandboxMs: number | null;
  /** When its kubelet last said so: kubelets before 1.36 do when the first image has come. */
  readonly toldMs: number | null;
  readonly deletedMs: number | null;
  /** When its kubelet had ended it. */
  readonly endedMs: number | null;
  readonly goneMs: number | null;
  /** Since when it is Ready; null: it is not. */
  readonly readySinceMs: number | null;
  /** The last moment at which it was Ready. */
  readonly readyMs: number | null;
  /** The last moment at which it was stuck and is not now. */
  readonly stuckUntilMs: number | null;
  /** Of a calico-node pod: when install-cni exited 0. */
  readonly installedMs: number | null;
}

/** Since when a DaemonSet is in a state in which none of its pods may be deleted; null: it is not. */
export interface SetTruth {
  readonly leavingMs: number | null;
  readonly misscheduledMs: number | null;
  /** It has a template that is not rolled out. */
  readonly pendingMs: number | null;
}

/** When the pod template of a workload last changed, and the last moment known at which it wanted no pod. */
export interface WorkloadTruth {
  readonly template: string;
  readonly templateMs: number;
  readonly isZero: boolean;
  readonly zeroMs: number | null;
}

export interface Truth {
  /** All that were ever there. */
  readonly podsOn: (node: string) => readonly PodTruth[];
  readonly pod: (uid: string) => PodTruth | null;
  readonly ofNamespace: (namespace: string) => readonly PodTruth[];
  readonly daemonSet: (uid: string) => SetTruth;
  /** A Deployment, StatefulSet or DaemonSet. */
  readonly workload: (uid: string) => WorkloadTruth | null;
  /** When a pod of the node last had the failure. */
  readonly lastFailureOn: (node: string) => number | null;
  /** Nodes on which Calico's token was refused at any time, or of which somebody says so as their kubelet would. */
  readonly everAccused: () => ReadonlySet<string>;
}

/**
 * The last words of the failure; look-alikes of the simulator put something between the plugin and these. What Multus says
 * of a pod that leaves is recorded nowhere, and no proof of anything.
 */
const FAILURE =
  /(?<!error deleting container from network \\?"k8s-pod-network\\?": )plugin type=\\?"calico\\?" failed \((?:add|delete)\): error getting ClusterInformation: connection is unauthorized: Unauthorized"?$/;

type Workload = Deployment | StatefulSet | DaemonSet;

const OVERDUE_MS = 30_000;
const QUIET: SetTruth = { leavingMs: null, misscheduledMs: null, pendingMs: null };

/** Begins to note; what is there already counts as having come just now, but for what its own times say. */
export function recordTruth(world: World): Truth {
  const { sim } = world;
  const pods = new Map<string, PodTruth>();
  const sets = new Map<string, SetTruth>();
  const workloads = new Map<string, WorkloadTruth>();
  const lastFailures = new Map<string, number>();
  const slandered = new Set<string>();

  const see = (pod: Pod, nowMs: number): void => {
    const known = pods.get(pod.metadata.uid);
    pods.set(
      pod.metadata.uid,
      known === undefined ? firstSeen(pod, nowMs, world) : seenAgain(known, pod, nowMs, world),
    );
  };
  const seeSet = (set: DaemonSet, nowMs: number): void => {
    const { uid } = set.metadata;
    const known = sets.get(uid) ?? QUIET;
    const since = (isSo: boolean, beforeMs: number | null): number | null => (isSo ? (beforeMs ?? nowMs) : null);
    sets.set(uid, {
      leavingMs: since(isLeaving(set), known.leavingMs),
      misscheduledMs: since(set.status.numberMisscheduled > 0, known.misscheduledMs),
      pendingMs: since(isPending(set), known.pendingMs),
    });
  };
  const seeWorkload = ({ metadata, spec }: Workload, nowMs: number): void => {
    const known = workloads.get(metadata.uid);
    const template = JSON.stringify(spec.template);
    const isZero = 'replicas' in spec && spec.replicas === 0;
    workloads.set(metadata.uid, {
      template,
      templateMs: known?.template === template ? known.templateMs : nowMs,
      isZero,
      zeroMs: isZero || known?.isZero === true ? nowMs : (known?.zeroMs ?? null),
    });
  };
  const hearKubelet = (event: EventObject, nowMs: number): void => {
    const known = pods.get(event.involvedObject.uid);
    const { component, host } = event.source;
    if (known === undefined || component !== 'kubelet' || host !== known.node || event.eventTime !== null) return;
    if (!hasItsType(event)) {
      slandered.add(known.node);
      return;
    }
    const next = afterEvent(known, event, nowMs);
    pods.set(known.uid, next);
    if (next.lastFailureMs === nowMs) lastFailures.set(known.node ?? '', nowMs);
  };
  const hear = ({ resource, type, object }: Change): void => {
    const nowMs = sim.world.nowMs();
    switch (resource.plural) {
      case 'events':
        if (type !== 'DELETED') hearKubelet(object as EventObject, nowMs);
        return;
      case 'daemonsets':
        seeSet(object as DaemonSet, nowMs);
        seeWorkload(object as DaemonSet, nowMs);
        return;
      case 'deployments':
      case 'statefulsets':
        seeWorkload(object as Workload, nowMs);
        return;
      case 'pods': {
        const known = pods.get(object.metadata.uid);
        // What was so until now was so up to this moment.
        if (known !== undefined) pods.set(known.uid, upTo(known, nowMs));
        if (type !== 'DELETED') see(object as Pod, nowMs);
        else if (known !== undefined) pods.set(known.uid, { ...upTo(known, nowMs), goneMs: nowMs, readySinceMs: null });
        return;
      }
    }
  };
  for (const pod of sim.cluster.pods()) see(pod, sim.world.nowMs());
  for (const set of sim.cluster.list('daemonsets')) seeSet(set, sim.world.nowMs());
  sim.api.store.subscribe(hear);
  // When the world ages, what nobody changes is told to nobody, but has older times as well.
  sim.world.onShift((ms) => {
    for (const known of pods.values()) pods.set(known.uid, { ...known, pod: shiftTimes(known.pod, -ms) });
  });

  return {
    podsOn: (node) => [...pods.values()].filter((pod) => pod.node === node),
    pod: (uid) => pods.get(uid) ?? null,
    ofNamespace: (namespace) => [...pods.values()].filter((pod) => pod.namespace === namespace),
    daemonSet: (uid) => sets.get(uid) ?? QUIET,
    workload: (uid) => workloads.get(uid) ?? null,
    lastFailureOn: (node) => lastFailures.get(node) ?? null,
    everAccused: () => new Set([...lastFailures.keys(), ...slandered]),
  };
}

function firstSeen(pod: Pod, nowMs: number, world: World): PodTruth {
  const installed = installEndOf(pod);
  const createdMs = momentOf(pod.metadata.creationTimestamp, world);
  return {
    ...factsOf(pod),
    createdMs,
    firstFailureMs: null,
    lastFailureMs: null,
    otherErrorMs: null,
    triedMs: null,
    mountTroubleMs: null,
    sandboxMs: hasNetwork(pod) ? nowMs : null,
    toldMs: hasSandbox(pod) ? nowMs : null,
    deletedMs: isLeaving(pod) ? nowMs : null,
    endedMs: endedByItsKubelet(pod) ? nowMs : null,
    goneMs: null,
    readySinceMs: isReady(pod) ? nowMs : null,
    readyMs: isReady(pod) ? nowMs : null,
    stuckUntilMs: null,
    // Its node's clock may be ahead or behind.
    installedMs: installed === null ? null : Math.min(Math.max(momentOf(installed, world), createdMs), nowMs),
  };
}

function seenAgain(known: PodTruth, pod: Pod, nowMs: number, world: World): PodTruth {
  const isInstalledAgain = installEndsOf(pod) > installEndsOf(known.pod);
  const next: PodTruth = {
    ...known,
    ...factsOf(pod),
    sandboxMs: hasNetwork(pod) && !hasNetwork(known.pod) ? nowMs : known.sandboxMs,
    toldMs: hasSandbox(pod) && !hasSandbox(known.pod) ? nowMs : known.toldMs,
    deletedMs: isLeaving(pod) ? (known.deletedMs ?? nowMs) : null,
    endedMs: endedByItsKubelet(pod) ? (known.endedMs ?? nowMs) : null,
    readySinceMs: isReady(pod) ? (known.readySinceMs ?? nowMs) : null,
    readyMs: isReady(pod) ? nowMs : known.readyMs,
    installedMs: isInstalledAgain ? nowMs : known.installedMs,
  };
  return isStuck(known, nowMs, world) && !isStuck(next, nowMs, world) ? { ...next, stuckUntilMs: nowMs } : next;
}

function upTo(known: PodTruth, nowMs: number): PodTruth {
  return known.goneMs === null && isReady(known.pod) ? { ...known, readyMs: nowMs } : known;
}

function factsOf(pod: Pod): Pick<PodTruth, 'pod' | 'uid' | 'name' | 'namespace' | 'node' | 'hostNetwork'> {
  const { uid, name, namespace = '' } = pod.metadata;
  return { pod, uid, name, namespace, node: pod.spec.nodeName ?? null, hostNetwork: pod.spec.hostNetwork === true };
}

/** The pod collector ends what no kubelet will. */
function endedByItsKubelet(pod: Pod): boolean {
  return hasEnded(pod) && conditionOf(pod, 'DisruptionTarget')?.reason !== 'DeletionByPodGC';
}

function installEndOf(pod: Pod): string | null {
  const install = pod.status.initContainerStatuses?.find(({ name }) => name === 'install-cni')?.state.terminated;
  return install?.exitCode === 0 ? install.finishedAt : null;
}

/** How often install-cni has exited 0. The times that it says are no moments: the world's age changes them. */
function installEndsOf(pod: Pod): number {
  const install = pod.status.initContainerStatuses?.find(({ name }) => name === 'install-cni');
  return install?.state.terminated?.exitCode === 0 ? install.restartCount + 1 : 0;
}

function isPending({ status, metadata }: DaemonSet): boolean {
  return (
    (status.observedGeneration ?? 0) < (metadata.generation ?? 1) ||
    (status.updatedNumberScheduled ?? 0) < status.desiredNumberScheduled
  );
}

/** Its kubelet warns of what failed. The stories forge events that are right in all else. */
function hasItsType({ reason, type }: EventObject): boolean {
  return type === 'Warning' || !reason.startsWith('Failed');
}

function afterEvent(known: PodTruth, event: EventObject, nowMs: number): PodTruth {
  switch (event.reason) {
    case 'FailedCreatePodSandBox':
    case 'FailedKillPod': {
      if (!FAILURE.test(event.message)) return { ...known, otherErrorMs: nowMs, triedMs: nowMs };
      const { lastFailureMs, otherErrorMs, sandboxMs } = known;
      const goesOn = lastFailureMs !== null && lastFailureMs >= Math.max(otherErrorMs ?? 0, sandboxMs ?? 0);
      const beganMs = goesOn ? (known.firstFailureMs ?? nowMs) : nowMs;
      return {
        ...known,
        firstFailureMs: Math.min(beganMs, saidToBegin(event, nowMs)),
        lastFailureMs: nowMs,
        triedMs: nowMs,
      };
    }
    case 'SandboxChanged':
      return { ...known, triedMs: nowMs };
    case 'FailedMount':
    case 'FailedAttachVolume':
      return { ...known, mountTroubleMs: nowMs };
    default:
      return known;
  }
}

/** The recorder drops what comes too often; what it writes then counts from the first time. Both are its node's words. */
function saidToBegin({ message, firstTimestamp, lastTimestamp }: EventObject, nowMs: number): number {
  if (message.startsWith('(combined from similar events)')) return nowMs;
  return nowMs - (Date.parse(lastTimestamp ?? '') - Date.parse(firstTimestamp ?? ''));
}

/** Whether its network can be what holds the pod: it waits for its sandbox, or should have gone long ago. */
export function isStuck({ pod, goneMs, hostNetwork, node }: PodTruth, nowMs: number, world: World): boolean {
  if (goneMs !== null || hostNetwork || node === null || hasEnded(pod)) return false;
  if (!isLeaving(pod)) return conditionOf(pod, 'PodReadyToStartContainers')?.status === 'False' && !hasNetwork(pod);
  return (
    (pod.metadata.finalizers ?? []).length === 0 && nowMs > momentOf(pod.metadata.deletionTimestamp, world) + OVERDUE_MS
  );
}

/** Whether it was stuck at any time from `sinceMs` on. A second is what times in objects leave open. */
export function wasStuckSince(known: PodTruth, sinceMs: number, nowMs: number, world: World): boolean {
  const inTimeOf = (atMs: number): boolean => isStuck({ ...known, goneMs: null }, atMs + 1_000, world);
  if ((known.stuckUntilMs ?? 0) > sinceMs) return true;
  return known.goneMs === null ? inTimeOf(nowMs) : known.goneMs > sinceMs && inTimeOf(known.goneMs);
}
