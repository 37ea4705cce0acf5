/**
 * What one tenant could have written, and what not. Whoever may create pods and events in a namespace can keep a pod
 * there without its sandbox and write any event about it; about the pods of other namespaces it can say nothing.
 */
import { isTerminating, type Pod } from '../objects/pod.ts';
import type { NodeCase, Restart, StuckPod } from './case.ts';
import { gapMs, type Moment } from './moments.ts';
import type { NodeMemory, Sighting } from './node-memory.ts';

export function namespacesOf(stuckPods: readonly StuckPod[]): readonly string[] {
  return [...new Set(stuckPods.map(({ pod }) => pod.namespace))];
}

/**
 * Whether the kubelet says that it cannot end the pod: it has seen the deletion, and none of the containers runs any more.
 * A kubelet that does not say whether it has seen it (before 1.34) may still wait for a tenant's registry or postStart hook.
 */
export function cannotEnd(pod: Pod): boolean {
  return isTerminating(pod) && pod.observed === true;
}

/** Whether nothing among these pods is beyond one tenant: all are of one namespace, and of none its kubelet says that it cannot end. */
export function couldBeForged(stuckPods: readonly StuckPod[]): boolean {
  return namespacesOf(stuckPods).length <= 1 && !stuckPods.some(({ pod }) => cannotEnd(pod));
}

/**
 * Pods of one namespace alone say that it failed before, and proven ones of others that it began since: a tenant that
 * keeps a pod of its own without a sandbox for days must not keep the nodes of others from being healed.
 */
export function isOutvoted(before: readonly StuckPod[], since: readonly StuckPod[]): boolean {
  const [namespace, ...more] = namespacesOf(before);
  return more.length === 0 && since.some((stuck) => stuck.proven && stuck.pod.namespace !== namespace);
}

/**
 * One namespace alone speaks of the node, and of another one that was restarted before: it steps back behind what others
 * wait for, or one tenant with many pods could use up `max-node-restarts`.
 */
export function hadItsTurn({ stuckPods }: NodeCase, restarts: readonly Restart[]): boolean {
  const [namespace, ...others] = namespacesOf(stuckPods);
  if (others.length > 0) return false;
  return restarts.some(({ answer, namespaces }) => {
    const isCounted = answer === 'deleted' || answer === 'lost';
    return isCounted && namespaces.length === 1 && namespaces[0] === namespace;
  });
}

/** What shows that the failure came back. */
export interface Comeback {
  readonly sighting: Sighting;
  /** Of the pods that show it. */
  readonly namespaces: readonly string[];
}

/**
 * The event with the failure that shows that it came back: clearly newer than the end of `install-cni`, of a pod that
 * cannot end, or of pods of all `namespaces` that speak of the node. One tenant could write such an event about its own
 * pod, and have the restart of a node called in vain on which those of others are about to get their network.
 */
export function comeback(
  end: Moment,
  memory: NodeMemory | undefined,
  namespaces: readonly string[],
  afterMs: number,
): Comeback | null {
  if (memory === undefined) return null;
  const isAfter = (match: Sighting | null | undefined): match is Sighting =>
    match !== null && match !== undefined && gapMs(end, match.moment) > afterMs;
  const { lastHeld, lastMatch, lastMatchOf } = memory;
  if (isAfter(lastHeld)) return { sighting: lastHeld, namespaces: [lastHeld.namespace] };
  return lastMatch !== null && namespaces.every((namespace) => isAfter(lastMatchOf.get(namespace)))
    ? { sighting: lastMatch, namespaces }
    : null;
}
