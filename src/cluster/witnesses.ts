import type { Pod } from '../objects/pod.ts';
import { projectPod } from './projection/pod.ts';
import { createResourceView, memo, type ReadingContext, type ResourceView } from './resource-view.ts';

/** Pods outside the scope on some nodes, where allowed: what happens to them tells of the node, they are never judged. */
export interface Witnesses {
  readonly pods: () => readonly Pod[];
  /** The nodes to look at; replaces those given before. */
  readonly watch: (nodes: readonly string[]) => void;
}

export interface WitnessOptions {
  readonly scopedPods: ResourceView<Pod>;
  /** Whether `scopedPods` holds every pod of all namespaces. */
  readonly holdsAll: () => boolean;
  readonly isInScope: (pod: Pod) => boolean;
}

/** Reads the pods of each node by field selector, unless they are read already. A refusal is nothing to speak of. */
export function createWitnesses(context: ReadingContext, options: WitnessOptions): Witnesses {
  const { scopedPods, holdsAll, isInScope } = options;
  let nodes: ReadonlySet<string> = new Set();
  let views = new Map<string, ResourceView<Pod>>();
  const merged = memo<readonly Pod[]>();

  return {
    pods: () => {
      if (nodes.size === 0) return NONE;
      const own = [...views.values()];
      return merged([nodes, scopedPods.revision(), ...own.map((view) => view.revision())], () => {
        const inScope = new Set<string>();
        const found = new Map<string, Pod>();
        for (const pod of scopedPods.items()) {
          if (isInScope(pod)) inScope.add(pod.uid);
          else if (pod.nodeName !== null && nodes.has(pod.nodeName)) found.set(pod.uid, pod);
        }
        for (const pod of own.flatMap((view) => view.items())) if (!inScope.has(pod.uid)) found.set(pod.uid, pod);
        return [...found.values()];
      });
    },
    watch: (wanted) => {
      if (wanted.length === nodes.size && wanted.every((node) => nodes.has(node))) return;
      nodes = new Set(wanted);
      const next = new Map<string, ResourceView<Pod>>();
      for (const node of holdsAll() ? [] : nodes) next.set(node, views.get(node) ?? viewOf(node));
      for (const [node, view] of views) if (!next.has(node)) view.close();
      views = next;
      context.onChange();
    },
  };

  function viewOf(node: string): ResourceView<Pod> {
    const fieldSelector = `spec.nodeName=${node}`;
    return createResourceView(context, { resource: 'pods', project: projectPod, namespaces: [], fieldSelector });
  }
}

const NONE: readonly Pod[] = Object.freeze([]);
