/** The proof of Calico's failure on a node, by what is true and what may be known of it. */

import { calicoSets, hasSandbox, isOf, momentOf } from './pod-facts.ts';
import { type Scene, SLACK_MS } from './scene.ts';
import { isInScope } from './scope.ts';
import { type PodTruth, wasStuckSince } from './truth.ts';

const SECOND = 1_000;
const STUCK_MS = 30 * SECOND;
const VOLUME_MS = 130 * SECOND;
const WELL_AFTER_MS = 15 * SECOND;
const WELL_WAIT_MS = 45 * SECOND;
const REFUTED_AFTER_MS = 5 * SECOND;
const NEW_FAILURE_MS = 1_800 * SECOND;

/** Pods of the scope that are stuck on the node, and whose newest sandbox event is the failure, as far as can be known. */
export function failingPods(node: string, { world, truth, gate, nowMs, seenMs }: Scene): readonly PodTruth[] {
  return truth.podsOn(node).filter((known) => {
    if (!isInScope(known.pod, gate.demands) || known.lastFailureMs === null) return false;
    const isKnownAndNewer = (atMs: number | null): boolean =>
      atMs !== null && atMs < seenMs && atMs > (known.lastFailureMs ?? 0);
    if (isKnownAndNewer(known.sandboxMs) || isKnownAndNewer(known.otherErrorMs)) return false;
    return wasStuckSince(known, seenMs, nowMs, world);
  });
}

/** Namespaces that speak of the failure, and not since a moment only. */
export function voicesOn(failing: readonly PodTruth[], { seenMs }: Scene): ReadonlySet<string> {
  return new Set(
    failing.filter(({ firstFailureMs }) => (firstFailureMs ?? 0) < seenMs).map(({ namespace }) => namespace),
  );
}

/** `self`: the calico-node pod that is there. */
export function whyNotProven(
  node: string,
  failing: readonly PodTruth[],
  self: PodTruth | null,
  scene: Scene,
): readonly string[] {
  if (failing.length === 0) {
    return isSilentlyForged(node, scene) ? [] : [`no pod of the scope is stuck on ${node} with the failure`];
  }
  const lacks = failing.map((known) => whyNoProof(known, node, scene));
  const [first] = lacks;
  const problems = lacks.every((lack) => lack !== null) ? [first ?? ''] : [];
  return self === null ? problems : [...problems, ...whyInVain(self, failing, scene)];
}

/**
 * What the threat model leaves to a tenant: a pod without a sandbox of which only a forged event speaks. A kubelet that
 * runs says of a volume that it waits for more often than this.
 */
function isSilentlyForged(node: string, { truth, gate, nowMs }: Scene): boolean {
  return (
    truth.everAccused().has(node) &&
    truth.podsOn(node).some(({ pod, goneMs, sandboxMs, mountTroubleMs }) => {
      const isWaiting = isInScope(pod, gate.demands) && goneMs === null && sandboxMs === null;
      return isWaiting && mountTroubleMs !== null && nowMs - mountTroubleMs >= VOLUME_MS - SLACK_MS;
    })
  );
}

function whyNoProof(known: PodTruth, node: string, scene: Scene): string | null {
  const { nowMs, seenMs } = scene;
  if (nowMs - (known.firstFailureMs ?? nowMs) < STUCK_MS - SLACK_MS) return `nothing is stuck on ${node} for 30 s yet`;
  const { mountTroubleMs } = known;
  if (mountTroubleMs !== null && mountTroubleMs < seenMs && nowMs - mountTroubleMs < VOLUME_MS - SLACK_MS) {
    return `${known.name} may wait for a volume`;
  }
  return signOfHealth(known, node, scene);
}

/**
 * Another pod got its network there clearly after the last failure: then this one has its time to follow. Of each other
 * namespace only the first counts, which may be gone by now.
 */
function signOfHealth(known: PodTruth, node: string, { truth, gate, nowMs, seenMs }: Scene): string | null {
  const failedMs = truth.lastFailureOn(node) ?? 0;
  const own: number[] = [];
  const firstOf = new Map<string, number>();
  for (const { pod, namespace, sandboxMs, toldMs, goneMs, hostNetwork } of truth.podsOn(node)) {
    // An address alone is in the hands of whoever may edit the pod.
    if (hostNetwork || sandboxMs === null || toldMs === null || toldMs > seenMs) continue;
    if (!gate.seesWitnesses && !isInScope(pod, gate.demands)) continue;
    const isThere = goneMs === null && hasSandbox(pod);
    if (namespace === known.namespace && isThere) own.push(sandboxMs);
    else if (namespace !== known.namespace && sandboxMs > (known.firstFailureMs ?? failedMs) + WELL_AFTER_MS)
      firstOf.set(namespace, Math.min(firstOf.get(namespace) ?? sandboxMs, sandboxMs));
  }
  const signs = [Math.max(...own, 0), ...firstOf.values()].filter((ms) => ms - failedMs > WELL_AFTER_MS + SLACK_MS);
  const lastMs = Math.max(...signs, 0);
  if (signs.length === 0) return null;
  if (nowMs - lastMs < WELL_WAIT_MS - SLACK_MS)
    return `another pod got its network on ${node} ${Math.round(nowMs - lastMs)} ms ago`;
  return (known.triedMs ?? 0) > lastMs ? null : `other pods get their network on ${node}`;
}

/** Whether the present calico-node pod is itself a restart that did not help. */
function whyInVain(self: PodTruth, failing: readonly PodTruth[], scene: Scene): readonly string[] {
  const installedMs = self.installedMs ?? scene.nowMs;
  // Who was not there yet knows only when the kubelet said so.
  const networkMs = ({ sandboxMs, toldMs }: PodTruth): number =>
    ((sandboxMs ?? 0) > scene.gate.beganMs ? sandboxMs : toldMs) ?? 0;
  const worked = scene.truth
    .podsOn(self.node ?? '')
    .some((pod) => !pod.hostNetwork && networkMs(pod) >= installedMs - SLACK_MS);
  const beganMs = ({ firstFailureMs }: PodTruth): number => firstFailureMs ?? 0;
  const fresh = failing.filter((known) => beganMs(known) > installedMs + REFUTED_AFTER_MS - SLACK_MS);
  const old = failing.filter((known) => beganMs(known) < self.createdMs - SLACK_MS);
  if (!(worked && fresh.length > 0)) {
    if (old.length > 0 && !isOutvoted(old, fresh)) {
      return ['a pod has been stuck since before the present calico-node pod was created'];
    }
    const isFresh = scene.nowMs - installedMs < NEW_FAILURE_MS - SLACK_MS;
    if (!worked && isFresh) return ["the present calico-node pod's token never worked"];
  }
  return isTooSoonAgain(self, failing, scene) ? ['one tenant could have had the node restarted before'] : [];
}

/** What pods of one namespace alone say of the time before does not silence others. */
function isOutvoted(old: readonly PodTruth[], fresh: readonly PodTruth[]): boolean {
  const namespaces = new Set(old.map(({ namespace }) => namespace));
  return namespaces.size === 1 && fresh.some(({ namespace }) => !namespaces.has(namespace));
}

/** The pod took another one's place less than half an hour ago, and one tenant could have written all that speaks. */
function isTooSoonAgain(self: PodTruth, failing: readonly PodTruth[], { world, nowMs }: Scene): boolean {
  if (nowMs - (self.installedMs ?? nowMs) >= NEW_FAILURE_MS - SLACK_MS) return false;
  const node = world.sim.cluster.get('nodes', undefined, self.node ?? '');
  const set = calicoSets(world).find((each) => isOf(self.pod, each));
  const placeMs = Math.max(...[node, set].map((each) => momentOf(each?.metadata.creationTimestamp, world)));
  if (!(self.createdMs - placeMs >= NEW_FAILURE_MS + SLACK_MS)) return false;
  const namespaces = new Set(failing.map(({ namespace }) => namespace));
  return namespaces.size === 1;
}
