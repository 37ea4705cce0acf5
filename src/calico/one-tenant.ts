/**
 * What one tenant could have written, and what not. Whoever may create pods and events in a namespace can keep a pod
 * there without its sandbox and write any event about it; about the pods of other namespaces it can say nothing.
 */
import type { NodeCase, Restart, StuckPod } from './case.ts';
import { gapMs, type Moment } from './moments.ts';
import type { NodeMemory, Sighting } from './node-memory.ts';

export function namespacesOf(stuckPods: readonly StuckPod[]): readonly string[] {
  return [...new Set(stuckPods.map(({ pod }) => pod.namespace))];
}

/**
 * Whether nothing among these pods is beyond one tenant: all are of one namespace. Not even what a kubelet says of a pod is:
 * an annotation that Calico's plugin cannot read keeps a pod from getting its network, and from ending
 * (`allowedSourcePrefixes`, libcalico-go `lib/backend/k8s/conversion`), and the genuine events about it can be deleted.
 */
export function couldBeForged(stuckPods: readonly StuckPod[]): boolean {
  return namespacesOf(stuckPods).length <= 1;
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
 * The event with the failure that shows that it came back: clearly newer than the end of `install-cni`, where pods of all
 * `namespaces` that speak of the node have one, or those of any two. One tenant could write such an event about its own
 * pod, and have the restart of a node called in vain on which those of others are about to get their network.
 */
export function comeback(
  end: Moment,
  memory: NodeMemory | undefined,
  namespaces: readonly string[],
  afterMs: number,
): Comeback | null {
  const { lastMatch = null, lastMatchOf = new Map<string, Sighting>() } = memory ?? {};
  const since = [...lastMatchOf].flatMap(([namespace, { moment }]) =>
    gapMs(end, moment) > afterMs ? [namespace] : [],
  );
  const isSaidByAll = namespaces.every((namespace) => since.includes(namespace));
  if (lastMatch === null || (since.length < 2 && !isSaidByAll)) return null;
  return { sighting: lastMatch, namespaces: since };
}
