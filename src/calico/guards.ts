import { formatSeconds } from '../duration.ts';
import type { Observation } from '../health/assessment.ts';
import { conditionOf, fullName } from '../objects/metadata.ts';
import { isOverdue, isReady, isTerminating, type Pod } from '../objects/pod.ts';
import { whyPodsUnseen } from '../objects/snapshot.ts';
import type { DaemonSet } from '../objects/workload.ts';
import type { CalicoNodePod, Installation, Installations, NodeCase } from './case.ts';
import { chosenInstallation, isPodOf } from './installation.ts';
import type { CalicoMemory } from './node-memory.ts';
import { whyNotReady } from './why-not-ready.ts';

/** Why not to restart now: `wait` passes by itself, `refuse` does not. `why` is a clause for people, untrusted text inside. */
export interface Objection {
  readonly kind: 'wait' | 'refuse';
  readonly why: string;
  /** A person who knows better may do it, and is told how. */
  readonly byHand?: boolean;
}

/** What the guards of one node look at. */
export interface GuardedNode {
  readonly nodeCase: NodeCase;
  readonly observation: Observation;
  readonly memory: CalicoMemory;
}

/** The same, with the calico-node pod that would be deleted. */
export interface GuardedTarget extends GuardedNode {
  readonly daemonSet: DaemonSet;
  readonly pod: Pod;
}

export type Guard = (target: GuardedTarget) => Objection | null;

const wait = (why: string): Objection => ({ kind: 'wait', why });
const refuse = (why: string): Objection => ({ kind: 'refuse', why });

/**
 * Nothing is decided from a picture that may be old, nor without the events that the proof is made of. `namespaces`:
 * those of Calico's DaemonSets.
 */
export function guardView({ nodeCase, observation }: GuardedNode, namespaces: readonly string[]): Objection | null {
  const unseen = guardCalicoPods(observation, namespaces);
  if (unseen?.kind === 'refuse') return unseen;
  const concerned = new Set([...namespaces, ...nodeCase.stuckPods.map(({ pod }) => pod.namespace)]);
  let waiting = unseen;
  for (const { resource, namespace, why } of observation.snapshot.coverage.gaps) {
    if (resource !== 'pods' && resource !== 'events' && resource !== 'daemonsets') continue;
    if (namespace !== null && !concerned.has(namespace)) continue;
    const where = namespace === null ? '' : ` in namespace ${namespace}`;
    if (why !== 'forbidden') waiting = wait(`${resource}${where} cannot be seen at the moment`);
    // DaemonSets outside Calico's namespace may stay unseen; finding none is another guard's.
    else if (resource !== 'daemonsets') return refuse(`the right to list ${resource}${where} is missing`);
  }
  return waiting ?? guardCatchUp(observation);
}

/** A list that is fresh shows the picture of before an outage until the kubelets have reported. */
function guardCatchUp({ catchUpLeftMs, timing }: Observation): Objection | null {
  if (catchUpLeftMs === 0) return null;
  return wait(`kubelets have ${formatSeconds(timing.catchUpMs)} to report what happened while nothing could be seen`);
}

/** A calico-node pod that cannot be seen now is neither judged nor deleted, nor is it said that there is none. */
function guardCalicoPods({ snapshot }: Observation, namespaces: readonly string[]): Objection | null {
  let waiting: Objection | null = null;
  for (const namespace of namespaces) {
    const where = `Calico's namespace ${namespace}`;
    switch (whyPodsUnseen(snapshot.calico, namespace)) {
      case null:
        break;
      case 'forbidden':
        return refuse(`the right to list pods in ${where} is missing`);
      case 'never-read':
        waiting = wait(`pods in ${where} have not been read yet`);
        break;
      case 'stale':
      case 'refused':
        waiting = wait(`pods in ${where} cannot be seen at the moment`);
        break;
    }
  }
  return waiting;
}

export function guardProof({ nodeCase }: GuardedNode): Objection | null {
  return nodeCase.proven ? null : wait(nodeCase.lacks ?? 'the proof is not complete');
}

/** Where there is no single calico-node pod to delete. */
export function guardPlace(
  place: CalicoNodePod,
  installations: Installations,
  { nodeCase, observation, memory }: GuardedNode,
): Objection | null {
  switch (place.kind) {
    case 'one':
      return null;
    case 'ambiguous':
      return refuse(
        `two Calico installations have a pod on the node (${place.pods.map(fullName).join(', ')}): set calico-namespace to the one that gives pods their network`,
      );
    case 'policy-only':
      return refuse(
        `${fullName(place.pod)} is policy-only Calico without install-cni: another plugin gives pods their network, and its token cannot be renewed by a restart`,
      );
    case 'none': {
      if (installations.found.length === 0) return guardSearch(observation);
      const namespaces = installations.found.map(({ daemonSet }) => daemonSet.namespace);
      const unseen = guardCalicoPods(observation, namespaces);
      if (unseen !== null) return unseen;
      const lastSeenMs = lastInstalledMs(nodeCase.node, memory);
      if (lastSeenMs !== null && observation.now.atMs - lastSeenMs < observation.settings.restartTimeoutMs) {
        return wait('its calico-node pod has just gone, and the next one is not there yet');
      }
      return refuse(
        'no calico-node pod runs on the node: look why, or for a CNI configuration that a removed Calico left behind',
      );
    }
  }
}

/**
 * A second full installation, whose pod on the node is just being replaced, or cannot be seen, would make it unknown which
 * of the two gives pods their network; unless its namespace tells that anyway.
 */
export function guardOtherInstallation(
  installation: Installation,
  { found, preferredNamespace }: Installations,
  { nodeCase, observation, memory }: GuardedNode,
): Objection | null {
  const { snapshot, now, settings } = observation;
  const traces = [...(memory.nodes.get(nodeCase.node)?.installs.values() ?? [])];
  for (const other of found) {
    const { daemonSet, kind } = other;
    if (other === installation || kind !== 'full') continue;
    if (chosenInstallation([installation, other], preferredNamespace) === installation) continue;
    const unseen = guardCalicoPods(observation, [daemonSet.namespace]);
    if (unseen !== null) return unseen;
    const isLate = (sinceMs: number): boolean => now.atMs - sinceMs >= settings.restartTimeoutMs;
    const wasThere = traces.some(
      ({ daemonSetUid, lastSeenAtMs }) => daemonSetUid === daemonSet.uid && !isLate(lastSeenAtMs),
    );
    const isComing = snapshot.calico.pods.some(
      (pod) => pod.nodeName === null && isPodOf(pod, daemonSet) && !isLate(pod.createdAtMs),
    );
    if (!wasThere && !isComing) continue;
    return wait(`the pod of another Calico installation, DaemonSet ${fullName(daemonSet)}, is just being replaced`);
  }
  return null;
}

/** Views that are not read yet look like views that are refused: only when they stay so it is a missing right. */
function isStillReading({ now, timing }: Observation): boolean {
  return now.elapsedMs < timing.forbiddenRetryMs;
}

function guardSearch(observation: Observation): Objection {
  if (observation.snapshot.calico.searched) {
    return refuse(
      'no Calico DaemonSet is in the cluster: look for a CNI configuration that a removed Calico left behind',
    );
  }
  if (isStillReading(observation)) return wait('Calico has not been found yet');
  const { calicoNamespace } = observation.settings;
  return refuse(
    calicoNamespace === null
      ? 'Calico was not found: grant list on daemonsets in all namespaces, or set calico-namespace'
      : `Calico was not found: grant list and watch on daemonsets in namespace ${calicoNamespace}`,
  );
}

/** When a calico-node pod of the node was last seen; null: never. */
function lastInstalledMs(node: string, memory: CalicoMemory): number | null {
  const installs = [...(memory.nodes.get(node)?.installs.values() ?? [])];
  return installs.length === 0 ? null : Math.max(...installs.map(({ lastSeenAtMs }) => lastSeenAtMs));
}

/** A pod that is not Ready has troubles of its own; but one that somebody else is just restarting has its time. */
const guardReady: Guard = ({ pod, observation }) => {
  const { now, settings, timing } = observation;
  const name = fullName(pod);
  if (isTerminating(pod)) {
    return isOverdue(pod, now.atMs, timing.overdueSlackMs)
      ? refuse(`${name} is being deleted and does not end`)
      : wait(`${name} is being deleted by somebody else`);
  }
  if (isReady(pod)) return null;
  const ageMs = now.atMs - pod.createdAtMs;
  if (ageMs < settings.restartTimeoutMs) {
    return wait(`${name} was started ${formatSeconds(ageMs)} ago and is not Ready yet`);
  }
  const because = whyNotReady(pod, observation);
  return refuse(`${name} is not Ready${because === '' ? '' : ` (${because})`}: find out why first`);
};

const guardDaemonSetStays: Guard = ({ daemonSet }) =>
  isBeingDeleted(daemonSet)
    ? refuse(`DaemonSet ${fullName(daemonSet)} is being deleted: a deleted pod would not come back`)
    : null;

function isBeingDeleted(daemonSet: DaemonSet): boolean {
  return daemonSet.deletionAtMs !== null;
}

/** The status only counts misscheduled pods; which ones they are it does not say. */
const guardMisscheduled: Guard = ({ daemonSet }) =>
  daemonSet.misscheduled > 0
    ? refuse(
        `${daemonSet.misscheduled} pods of DaemonSet ${fullName(daemonSet)} run where it no longer wants them: a deleted one would not come back`,
      )
    : null;

function hasPendingTemplate({ observedGeneration, generation, desired, updated }: DaemonSet): boolean {
  return observedGeneration === null || observedGeneration < generation || desired === null || updated < desired;
}

/** With OnDelete (or a strategy that nobody knows yet) the new pod would be made from the new template. */
const guardOnDelete: Guard = ({ daemonSet }) =>
  daemonSet.strategy !== 'RollingUpdate' && hasPendingTemplate(daemonSet)
    ? refuse(
        `DaemonSet ${fullName(daemonSet)} has the update strategy ${daemonSet.strategy} and a template that is not rolled out: deleting the pod would upgrade the node`,
      )
    : null;

/** What its controller has not observed yet is not in its counts. */
function progressOf({ observedGeneration, generation, desired, updated }: DaemonSet): string {
  const isObserved = observedGeneration !== null && observedGeneration >= generation && desired !== null;
  return isObserved ? ` (${updated} of ${desired})` : '';
}

const guardRollOut: Guard = ({ daemonSet }) =>
  daemonSet.strategy === 'RollingUpdate' && hasPendingTemplate(daemonSet)
    ? wait(`DaemonSet ${fullName(daemonSet)} is rolling out${progressOf(daemonSet)}`)
    : null;

/**
 * Two calico-node pods down at once can disrupt the routes of both nodes (calicoctl#900). One that is down for longer
 * is on a dead node, and one on a node that is just joining was never up.
 */
const guardSiblings: Guard = ({ daemonSet, pod, observation, memory }) => {
  const { now, timing, snapshot } = observation;
  for (const sibling of snapshot.calico.pods) {
    if (sibling.uid === pod.uid || !isPodOf(sibling, daemonSet)) continue;
    const downSinceMs = notReadySinceMs(sibling, memory);
    if (downSinceMs === null || now.atMs - downSinceMs >= timing.siblingNotReadyMs) continue;
    const young = now.atMs - sibling.createdAtMs < timing.siblingNotReadyMs;
    if (young && isOnNewNode(sibling, observation)) continue;
    return wait(`${fullName(sibling)} on node ${sibling.nodeName ?? '?'} is not Ready: one node at a time`);
  }
  return null;
};

/**
 * Calico-node pods of `daemonSet` that have been down for so long that they hold no restart back: their nodes are dead, or
 * calico-node has troubles of its own there. For people, who should know of them.
 */
export function podsDownForLong(
  daemonSet: DaemonSet,
  { snapshot, now, timing }: Observation,
  memory: CalicoMemory,
): readonly Pod[] {
  return snapshot.calico.pods.filter((pod) => {
    const downSinceMs = isPodOf(pod, daemonSet) ? notReadySinceMs(pod, memory) : null;
    return downSinceMs !== null && now.atMs - downSinceMs >= timing.siblingNotReadyMs;
  });
}

function notReadySinceMs(pod: Pod, memory: CalicoMemory): number | null {
  if (isReady(pod) && !isTerminating(pod)) return null;
  const saidMs = pod.deletionAtMs ?? conditionOf(pod.conditions, 'Ready')?.lastTransitionAtMs ?? pod.createdAtMs;
  return Math.max(saidMs, pod.createdAtMs, memory.readyAtMs.get(pod.uid) ?? 0);
}

/** Where nodes may not be read, a node is new when all that is seen on it is young. */
function isOnNewNode(sibling: Pod, { now, timing, snapshot }: Observation): boolean {
  const isYoung = (createdAtMs: number): boolean => now.atMs - createdAtMs < timing.eligibleNodeAgeMs;
  if (snapshot.nodes !== null) {
    const node = snapshot.nodes.find(({ name }) => name === sibling.nodeName);
    return node !== undefined && isYoung(node.createdAtMs);
  }
  return [snapshot.pods, snapshot.calico.pods, snapshot.witnesses].every((pods) =>
    pods.every((pod) => pod.nodeName !== sibling.nodeName || isYoung(pod.createdAtMs)),
  );
}

/** What speaks against deleting this calico-node pod, apart from whether it would help (`guardInVain`). */
export const TARGET_GUARDS: readonly Guard[] = [
  guardReady,
  guardDaemonSetStays,
  guardMisscheduled,
  guardOnDelete,
  guardRollOut,
  guardSiblings,
];
