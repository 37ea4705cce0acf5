import { conditionOf } from '../objects/metadata.ts';
import { hasEnded, isReady, type Pod } from '../objects/pod.ts';
import type { Workload } from '../objects/workload.ts';
import { isActive, isTrue } from './owner.ts';

/** The pods of one owner in scope, counted once. */
export interface Siblings {
  readonly active: number;
  readonly ready: number;
  readonly activeOn: ReadonlySet<string>;
  readonly readyOn: ReadonlySet<string>;
  readonly youngestReadyAtMs: number;
}

export function countSiblings(pods: readonly Pod[]): Siblings {
  const activeOn = new Set<string>();
  const readyOn = new Set<string>();
  let active = 0;
  let ready = 0;
  let youngestReadyAtMs = -Infinity;
  for (const pod of pods) {
    if (!isActive(pod)) continue;
    active += 1;
    if (pod.nodeName !== null) activeOn.add(pod.nodeName);
    if (!isReady(pod)) continue;
    ready += 1;
    youngestReadyAtMs = Math.max(youngestReadyAtMs, pod.createdAtMs);
    if (pod.nodeName !== null) readyOn.add(pod.nodeName);
  }
  return { active, ready, activeOn, readyOn, youngestReadyAtMs };
}

/**
 * Whether the owner does without this pod, which is not an active and Ready one itself. A pod that has ended is replaced
 * as soon as its owner has as many others as it wants (one that was evicted yesterday is no trouble of today's
 * roll-out); any other only when as many others are Ready. A DaemonSet wants one on each node, a Job none once it is
 * complete. What an owner that is not judged wants is not known: there a Ready pod made later is taken for the
 * replacement.
 *
 * `wholeInScope`: no selector hides pods of the owner. Where one may, the owner's status counts with them.
 */
export function isSatisfiedWithout(
  pod: Pod,
  workload: Workload | null,
  siblings: Siblings,
  wholeInScope: boolean,
): boolean {
  if (workload === null) return siblings.youngestReadyAtMs > pod.createdAtMs;
  switch (workload.kind) {
    case 'DaemonSet': {
      const others = hasEnded(pod) ? siblings.activeOn : siblings.readyOn;
      return others.has(pod.nodeName ?? '');
    }
    case 'Job':
      return isTrue(conditionOf(workload.conditions, 'Complete'));
    case 'Deployment':
    case 'StatefulSet': {
      const others = hasEnded(pod) ? siblings.active : siblings.ready;
      return (wholeInScope ? others : Math.max(others, workload.ready)) >= workload.desired;
    }
  }
}
