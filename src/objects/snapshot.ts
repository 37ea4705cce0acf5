import type { Event } from './event.ts';
import type { Node } from './node.ts';
import type { Pod } from './pod.ts';
import type { DaemonSet, Workload } from './workload.ts';

export type Resource =
  | 'pods'
  | 'events'
  | 'nodes'
  | 'namespaces'
  | 'deployments'
  | 'statefulsets'
  | 'daemonsets'
  | 'jobs';

/**
 * Why something cannot be seen. `forbidden`: the credentials may not, and that lasts (a 403 on something that worked
 * before was retried first). `refused`: the API server refuses it for another reason, again and again, and no waiting
 * changes that (400, 404 …). `never-read`: not read completely even once so far. `stale`: read once; its view is lost at
 * present (API away, watch broken, list failing).
 */
export type WhyUnseen = 'forbidden' | 'refused' | 'never-read' | 'stale';

/** Whether waiting will not change it. */
export function isLasting(why: WhyUnseen): boolean {
  return why === 'forbidden' || why === 'refused';
}

/** One thing that the picture lacks, and why. */
export interface Gap {
  readonly resource: Resource;
  /** null: in all namespaces, or a resource that has none. */
  readonly namespace: string | null;
  readonly why: WhyUnseen;
  /** The API server's time since when: of `stale` the last moment it was fresh. */
  readonly sinceMs: number;
  /** For people: the server's or the network's words. Untrusted. */
  readonly message: string;
}

export interface Coverage {
  readonly gaps: readonly Gap[];
  /** Everything the verdict needs (pods, workloads in scope) has been read completely, and is live now. */
  readonly complete: boolean;
  /** The API server's time up to which the whole needed picture is known to be true. null: never complete so far. */
  readonly freshAtMs: number | null;
  /**
   * How often a gap of more than `viewGapMs` was closed again: a change of this number means that something may have
   * happened unseen in between.
   */
  readonly reconnections: number;
  /** When pods in scope came into sight again the last time, in the run's elapsed ms; null: they were never lost. */
  readonly podsRegainedElapsedMs: number | null;
}

/** One named namespace of the scope: is it there? `unknown`: GET forbidden, and nothing seen in it. */
export interface NamespacePresence {
  readonly namespace: string;
  readonly presence: 'exists' | 'missing' | 'unknown';
}

/**
 * The slim picture of the cluster that everything is decided from. Immutable: the next picture is another object; an
 * unchanged pod is the same object in both.
 */
export interface Snapshot {
  /** Pods in scope (namespaces, excluded ones, selector). */
  readonly pods: readonly Pod[];
  /** Deployments, StatefulSets, DaemonSets and Jobs of the namespaces in scope, whatever their labels. */
  readonly workloads: readonly Workload[];
  /** Events about pods and workloads of the namespaces in scope, those this run saw and the cluster forgot included. */
  readonly events: readonly Event[];
  /** null: may not be read. */
  readonly nodes: readonly Node[] | null;
  /** Named namespaces only. */
  readonly namespaces: readonly NamespacePresence[];
  readonly calico: {
    /** Every DaemonSet that could be read, of any namespace that could be read: candidates for Calico's. */
    readonly daemonSets: readonly DaemonSet[];
    /** false: neither a cluster-wide list nor `calico-namespace` could be read, so absence proves nothing. */
    readonly searched: boolean;
    /** Pods in the namespaces of Calico's DaemonSets (in scope or not); empty until one is found. */
    readonly pods: readonly Pod[];
    /** The namespaces whose pods are read: those that were asked for so far. */
    readonly podNamespaces: readonly string[];
    /** What of those pods cannot be seen now, by namespace. */
    readonly podGaps: readonly Gap[];
  };
  /** Pods outside the scope on nodes that were asked for (`watchNodes`): witnesses of a node's health, never judged. */
  readonly witnesses: readonly Pod[];
  readonly coverage: Coverage;
}

/** Why the pods of Calico's `namespace` cannot be seen now; null: they can. What nobody asked for yet was never read. */
export function whyPodsUnseen(
  { podNamespaces, podGaps }: Pick<Snapshot['calico'], 'podNamespaces' | 'podGaps'>,
  namespace: string,
): WhyUnseen | null {
  if (!podNamespaces.includes(namespace)) return 'never-read';
  return podGaps.find((gap) => gap.namespace === namespace)?.why ?? null;
}
