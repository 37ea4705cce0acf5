import type { Now } from '../clock.ts';
import type { Timing } from '../timing.ts';
import type { Coverage } from './snapshot.ts';

/*
 * An API server that was away knows as little as who watches it: what became of pods meanwhile is told by the kubelets,
 * each at its own next try. Until then a fresh list shows the picture of before.
 */

/** For how long kubelets may still have to report what nobody could see; 0 while pods are out of sight. Pure. */
export function catchUpLeftMs(
  coverage: Coverage,
  { elapsedMs }: Now,
  { catchUpMs }: Pick<Timing, 'catchUpMs'>,
): number {
  const { podsRegainedElapsedMs: regained } = coverage;
  if (regained === null || arePodsLost(coverage)) return 0;
  return Math.max(0, catchUpMs - (elapsedMs - regained));
}

/** Whether pods in scope are out of sight, which were seen before. Pure. */
export function arePodsLost({ gaps }: Coverage): boolean {
  return gaps.some(({ resource, why }) => resource === 'pods' && why === 'stale');
}
