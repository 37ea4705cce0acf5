import type { Now } from '../clock.ts';
import type { Coverage, Gap } from '../objects/snapshot.ts';
import type { ResourceView } from './resource-view.ts';

/** A view, and whether a verdict can be had without it. */
export interface Reading {
  readonly view: ResourceView<unknown>;
  readonly isNeeded: boolean;
}

/**
 * What the views do not show at this moment, and up to when the needed ones are known to be true. `unanswered`: what
 * else is needed and was not answered yet.
 */
export function coverageOf(
  readings: readonly Reading[],
  unanswered: readonly Gap[],
  now: Now,
  pods: Pick<ResourceView<unknown>, 'regainedElapsedMs'>,
): Coverage {
  const needed = readings.filter(({ isNeeded }) => isNeeded).map(({ view }) => view);
  const times = needed.map((view) => view.freshAtMs(now));
  return {
    gaps: [...uniqueGaps(readings.flatMap(({ view }) => view.gaps(now))), ...unanswered],
    complete: unanswered.length === 0 && needed.every((view) => view.gaps(now).length === 0),
    freshAtMs: times.reduce(
      (oldest, time) => (oldest === null || time === null ? null : Math.min(oldest, time)),
      now.atMs,
    ),
    reconnections: needed.reduce((sum, view) => sum + view.gapsClosed(), 0),
    podsRegainedElapsedMs: pods.regainedElapsedMs(),
  };
}

/** Two views of one resource (events are read twice, for different objects) are blind together. */
function uniqueGaps(gaps: readonly Gap[]): readonly Gap[] {
  const keyOf = ({ resource, namespace, why }: Gap): string => `${why} ${resource} ${namespace ?? ''}`;
  return [...new Map(gaps.toReversed().map((gap) => [keyOf(gap), gap])).values()].reverse();
}
