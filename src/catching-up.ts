import type { Now } from './clock.ts';
import type { Coverage } from './objects/snapshot.ts';
import type { Timing } from './timing.ts';

/*
 * An API server that was away knows as little as who watches it: what became of pods meanwhile is told by the kubelets,
 * each at its own next try. Until then a fresh list shows the picture of before.
 */

/** When pods in scope were out of sight at a look, the last time, in the run's elapsed ms; null: never so far. Pure. */
export function podsLostAt(before: number | null, { gaps }: Coverage, { elapsedMs }: Now): number | null {
  return gaps.some(({ resource, why }) => resource === 'pods' && why === 'stale') ? elapsedMs : before;
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
