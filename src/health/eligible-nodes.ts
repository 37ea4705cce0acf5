import { conditionOf } from '../objects/metadata.ts';
import type { Node } from '../objects/node.ts';
import { hasEnded, isReady, isTerminating, type Pod } from '../objects/pod.ts';
import type { Timing } from '../timing.ts';

/** On which nodes a DaemonSet is measured. */
export interface EligibleNodes {
  /** Whether the pod's node counts; for a pod that is bound to none yet: whether it may be waited for, so true. */
  readonly counts: (pod: Pod) => boolean;
  /** Whether the pod is what is left of a node that is gone; false where nodes may not be read. */
  readonly isLeft: (pod: Pod) => boolean;
  /** Nodes that do not count; null where nodes may not be read. */
  readonly excused: ReadonlySet<string> | null;
  /** True where nodes may not be read, and `counts` only guesses. */
  readonly guessed: boolean;
}

/**
 * A node counts when it is not NotReady, not being deleted, and older than five minutes (agents need their time on a
 * fresh one). Where no node is that old, the whole cluster has just been made, as for a test: then its young nodes count,
 * or a DaemonSet that fails everywhere would pass unseen. Cordoned nodes count: DaemonSets tolerate them. A node that is
 * gone counts as little as a lost one.
 *
 * Where nodes may not be read, a pod younger than that, and a pod on a node all of whose pods lost Ready, are excused.
 * *Lost* means that at least one of them still has ContainersReady: only the node controller leaves that, when it
 * marks the pods of a node that stopped reporting (node_lifecycle_controller.go, MarkPodsNotReady). Without that mark
 * a DaemonSet that fails everywhere, alone in its scope, would excuse itself.
 */
export function eligibleNodes(
  nodes: readonly Node[] | null,
  pods: readonly Pod[],
  nowMs: number,
  timing: Timing,
): EligibleNodes {
  return nodes === null ? guessedNodes(pods, nowMs, timing) : knownNodes(nodes, nowMs, timing);
}

function knownNodes(nodes: readonly Node[], nowMs: number, timing: Timing): EligibleNodes {
  const able = nodes.filter(
    ({ conditions, deletionAtMs }) => conditionOf(conditions, 'Ready')?.status === 'True' && deletionAtMs === null,
  );
  const old = able.filter(({ createdAtMs }) => nowMs - createdAtMs > timing.eligibleNodeAgeMs);
  const eligible = new Set((old.length > 0 ? old : able).map(({ name }) => name));
  const names = new Set(nodes.map(({ name }) => name));
  return {
    counts: (pod) => pod.nodeName === null || eligible.has(pod.nodeName),
    isLeft: (pod) => pod.nodeName !== null && !names.has(pod.nodeName),
    excused: new Set([...names].filter((name) => !eligible.has(name))),
    guessed: false,
  };
}

function guessedNodes(pods: readonly Pod[], nowMs: number, timing: Timing): EligibleNodes {
  const lost = lostNodes(pods);
  const counts = (pod: Pod): boolean =>
    nowMs - pod.createdAtMs > timing.eligibleNodeAgeMs && (pod.nodeName === null || !lost.has(pod.nodeName));
  return { counts, isLeft: () => false, excused: null, guessed: true };
}

function lostNodes(pods: readonly Pod[]): ReadonlySet<string> {
  const marked = new Set<string>();
  const alive = new Set<string>();
  for (const pod of pods) {
    if (pod.nodeName === null || hasEnded(pod) || isTerminating(pod)) continue;
    if (isReady(pod)) alive.add(pod.nodeName);
    else if (wasMarkedByNodeController(pod)) marked.add(pod.nodeName);
  }
  return new Set([...marked].filter((node) => !alive.has(node)));
}

function wasMarkedByNodeController(pod: Pod): boolean {
  const ready = conditionOf(pod.conditions, 'Ready');
  return (
    ready?.reason !== 'ReadinessGatesNotReady' && conditionOf(pod.conditions, 'ContainersReady')?.status === 'True'
  );
}
