import type { Now } from '../clock.ts';
import type { Timing } from '../timing.ts';
import type { Coverage } from './snapshot.ts';

/*
 * An API server that was away knows as little as who watches it: what became of pods meanwhile is told by the kubelets,
 * each at its own next try. Until then a fresh list shows the picture of before.
 */

/** When pods in scope were out of sight at a look, the last time, in the run's elapsed ms; null: never so far. Pure. */
export function podsLostAt(before: number | null, coverage: Coverage, { elapsedMs }: Now): number | null {
  return arePodsLost(coverage) ? elapsedMs : before;
}

/** Whether pods in scope are out of sight, which were seen before. Pure. */
export function arePodsLost({ gaps }: Coverage): boolean {
  return gaps.some(({ resource, why }) => resource === 'pods' && why === 'stale');
}

/** For how long kubelets may still have to report what nobody could see; 0 while pods are out of sight. Pure. */
export function catchUpLeftMs(
  lostElapsedMs: number | null,
  { elapsedMs }: Now,
  { catchUpMs }: Pick<Timing, 'catchUpMs'>,
): number {
  if (lostElapsedMs === null || lostElapsedMs === elapsedMs) return 0;
  return Math.max(0, catchUpMs - (elapsedMs - lostElapsedMs));
}
