import { fullName } from '../objects/metadata.ts';
import { hasEnded } from '../objects/pod.ts';
import type { Finding } from './assessment.ts';
import { worstOverdue } from './overdue.ts';
import type { PodState } from './pod-state.ts';

/**
 * What a pod keeps for itself until it is gone, in the words of the scheduler and the attach controller. Selectors and
 * taints are none of it: a pod that no node suits waits for nobody.
 */
const HELD_BY_PODS =
  /anti-affinity|free ports|Insufficient |Too many pods|max volume count|ReadWriteOncePod|Multi-Attach|already (?:exclusively attached|used)/;

/**
 * The overdue pod that `finding`, of a pod of the same workload, waits for: its place, its port or its volume. The
 * scheduler does not say which pod is in the way; a sibling that should have gone long ago is taken for it.
 */
export function waitsForOverdue(finding: Finding, siblings: readonly PodState[]): Finding | null {
  if (finding.derivedFrom !== null) return null;
  if (finding.cause !== 'Unschedulable' && finding.cause !== 'VolumeAttach') return null;
  if (!HELD_BY_PODS.test(finding.message)) return null;
  // A pod whose containers have all ended keeps only its name (the scheduler's cache leaves such pods out).
  return worstOverdue(siblings.filter(({ pod }) => !hasEnded(pod)))?.finding ?? null;
}

/**
 * `finding` as a consequence of `root`: it heals with it, so it is as certain as that and no more. A root that holds
 * nothing back by itself (a finalizer) leaves the patience of what waits for it as it is.
 */
export function derive(finding: Finding, root: Finding): Finding {
  const derivedFrom = root.pod === null ? (root.node ?? null) : fullName({ namespace: root.namespace, name: root.pod });
  if (!root.holdsBack) return { ...finding, derivedFrom };
  return { ...finding, derivedFrom, fatal: root.fatal, fatalAtMs: root.fatalAtMs };
}
