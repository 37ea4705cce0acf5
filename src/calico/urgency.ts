import type { NodeCase, Restart } from './case.ts';
import { hadItsTurn, namespacesOf } from './one-tenant.ts';

interface Circumstances {
  /** The node that the gate itself runs on; null: outside the cluster, or not known. */
  readonly runsOnNode: string | null;
  /** Of this run so far. */
  readonly restarts: readonly Restart[];
}

/**
 * Which of two nodes is restarted first: most namespaces, most pods, name; the gate's own node last, for its restart may
 * cut the gate off, and nodes whose namespace had its turn behind the others.
 */
export function byUrgency({ runsOnNode, restarts }: Circumstances): (one: NodeCase, other: NodeCase) => number {
  return (one, other) =>
    Number(one.node === runsOnNode) - Number(other.node === runsOnNode) ||
    Number(hadItsTurn(one, restarts)) - Number(hadItsTurn(other, restarts)) ||
    namespacesOf(other.stuckPods).length - namespacesOf(one.stuckPods).length ||
    other.stuckPods.length - one.stuckPods.length ||
    (one.node < other.node ? -1 : 1);
}
