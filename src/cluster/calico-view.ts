import type { Now } from '../clock.ts';
import type { Pod } from '../objects/pod.ts';
import type { Gap } from '../objects/snapshot.ts';
import type { DaemonSet } from '../objects/workload.ts';
import { projectDaemonSet } from './projection/daemon-set.ts';
import { projectPod } from './projection/pod.ts';
import { createResourceView, memo, type ReadingContext, type ResourceView, refreshReadable } from './resource-view.ts';

/** Where Calico is looked for, and its pods. */
export interface CalicoView {
  readonly daemonSets: () => readonly DaemonSet[];
  /** Whether the absence of a DaemonSet means anything. */
  readonly searched: (now: Now) => boolean;
  readonly pods: () => readonly Pod[];
  /** The namespaces whose pods are read. */
  readonly podNamespaces: () => readonly string[];
  /** What of their pods cannot be seen now, by namespace. */
  readonly podGaps: (now: Now) => readonly Gap[];
  /** The namespaces whose pods to read; replaces those given before. */
  readonly watch: (namespaces: readonly string[]) => void;
  readonly settled: Promise<void>;
  /** Fresh lists of its DaemonSets and pods: false when one failed. What may not be read is left out. */
  readonly refresh: (signal: AbortSignal) => Promise<boolean>;
}

export interface CalicoViewOptions {
  /** The DaemonSets and pods of the scope, which need not be read twice. */
  readonly daemonSets: ResourceView<DaemonSet>;
  readonly pods: ResourceView<Pod>;
  /** Whether `pods` holds every pod of the namespaces that it sees. */
  readonly allPods: boolean;
  readonly calicoNamespace: string | null;
}

/** Where the operator and the manifest put it: looked at quietly where nothing else may be read. */
const USUAL_NAMESPACES = ['calico-system', 'kube-system'] as const;

/**
 * DaemonSets of all namespaces; where those may not be listed, those of `calico-namespace`, else of the usual
 * namespaces; and those of the scope in any case. Begins at once.
 */
export function createCalicoView(context: ReadingContext, options: CalicoViewOptions): CalicoView {
  const { daemonSets: scoped, pods: scopedPods, allPods, calicoNamespace } = options;
  const daemonSetsOf = (where: readonly string[]): ResourceView<DaemonSet> =>
    createResourceView(context, { resource: 'daemonsets', project: projectDaemonSet, namespaces: where });

  let everywhere: ResourceView<DaemonSet> | null = null;
  let fallback: ResourceView<DaemonSet> | null = null;
  const search = async (): Promise<void> => {
    await scoped.settled;
    everywhere = scoped.isClusterWide() ? scoped : daemonSetsOf([]);
    await everywhere.settled;
    if (!everywhere.gaps(context.api.now()).some(({ why }) => why === 'forbidden')) return;
    fallback = daemonSetsOf(calicoNamespace === null ? USUAL_NAMESPACES : [calicoNamespace]);
    await fallback.settled;
  };
  const isRead = (view: ResourceView<DaemonSet> | null, now: Now): boolean =>
    view !== null && view.freshAtMs(now) !== null && !view.gaps(now).some(({ why }) => why === 'forbidden');

  let podViews = new Map<string, ResourceView<Pod>>();
  let namespaces: readonly string[] = [];
  const mergedSets = memo<readonly DaemonSet[]>();
  const mergedPods = memo<readonly Pod[]>();

  return {
    daemonSets: () => {
      const views = [...new Set([everywhere, fallback, scoped])].filter((view) => view !== null);
      return mergedSets(
        views.flatMap((view) => [view, view.revision()]),
        () => uniqueByUid(views.flatMap((view) => view.items())),
      );
    },
    searched: (now) => isRead(everywhere, now) || (calicoNamespace !== null && isRead(fallback, now)),
    pods: () => {
      const views = [...podViews.values()];
      const inputs = [namespaces, scopedPods.revision(), ...views.map((view) => view.revision())];
      return mergedPods(inputs, () => {
        const wanted = new Set(namespaces);
        const known = allPods ? scopedPods.items().filter(({ namespace }) => wanted.has(namespace)) : [];
        return uniqueByUid([...known, ...views.flatMap((view) => view.items())]);
      });
    },
    podNamespaces: () => namespaces,
    podGaps: (now) =>
      namespaces.flatMap((namespace) =>
        (podViews.get(namespace) ?? scopedPods)
          .gaps(now)
          .filter((gap) => gap.namespace === null || gap.namespace === namespace)
          .map((gap) => ({ ...gap, namespace })),
      ),
    watch: (wanted) => {
      if (wanted.length === namespaces.length && wanted.every((name) => namespaces.includes(name))) return;
      namespaces = [...wanted];
      const now = context.api.now();
      const next = new Map<string, ResourceView<Pod>>();
      for (const namespace of namespaces) {
        const known = podViews.get(namespace);
        if (known !== undefined) next.set(namespace, known);
        else if (!allPods || !scopedPods.sees(namespace, now)) {
          const view = createResourceView(context, { resource: 'pods', project: projectPod, namespaces: [namespace] });
          next.set(namespace, view);
        }
      }
      for (const [namespace, view] of podViews) if (!next.has(namespace)) view.close();
      podViews = next;
      context.onChange();
    },
    settled: search(),
    refresh: (signal) => {
      const views = [...new Set([everywhere, fallback, scoped])].filter((view) => view !== null);
      return refreshReadable([...views, ...podViews.values()], signal, context.api.now);
    },
  };
}

function uniqueByUid<T extends { readonly uid: string }>(objects: readonly T[]): readonly T[] {
  return [...new Map(objects.map((object) => [object.uid, object])).values()];
}
