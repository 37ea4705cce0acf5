import { conditionOf } from '../objects/metadata.ts';
import type { Node } from '../objects/node.ts';
import { isReady, type Pod } from '../objects/pod.ts';
import { withDetail } from './symptom.ts';

/**
 * Why nothing can be known about the pod because of its node, or null. Without the right to read nodes only the phase
 * tells. A node's missing Ready condition is no evidence, and neither is a missing node while the pod is still Ready:
 * the picture of the nodes may lag behind that of the pods.
 */
export function whyNodeIsLost(pod: Pod, node: Node | null, nodesReadable: boolean): string | null {
  if (pod.nodeName === null) return null;
  if (pod.phase === 'Unknown') return `the phase of the pod is Unknown: node ${pod.nodeName} does not report`;
  if (!nodesReadable) return null;
  if (node === null) return isReady(pod) ? null : `node ${pod.nodeName} does not exist`;
  const ready = conditionOf(node.conditions, 'Ready');
  if (ready === null || ready.status === 'True') return null;
  return withDetail(`node ${node.name} is not ready`, withDetail(ready.reason, ready.message));
}

/** When the node lost Ready, by the writer of its condition; null when that is not known. */
export function nodeLostAtMs(node: Node | null): number | null {
  return node === null ? null : (conditionOf(node.conditions, 'Ready')?.lastTransitionAtMs ?? null);
}
