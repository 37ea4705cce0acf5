import { formatSeconds } from '../duration.ts';
import type { Coverage, Gap, Resource } from '../objects/snapshot.ts';

/** What the verdict itself needs. Without the others it is only less well explained. */
const NEEDED: Readonly<Partial<Record<Resource, string>>> = {
  pods: '',
  deployments: 'apps',
  statefulsets: 'apps',
  daemonsets: 'apps',
  jobs: 'batch',
};

/** Gaps in what the verdict needs, the most lasting first. */
export function neededGaps(coverage: Coverage): readonly Gap[] {
  return coverage.gaps
    .filter((gap) => NEEDED[gap.resource] !== undefined)
    .sort((a, b) => LASTING[a.why] - LASTING[b.why] || a.sinceMs - b.sinceMs);
}

const LASTING: Readonly<Record<Gap['why'], number>> = { forbidden: 0, 'never-read': 1, stale: 2 };

export function isBlind(coverage: Coverage): boolean {
  return !coverage.complete || neededGaps(coverage).length > 0;
}

/** What cannot be seen, since when, and what to do about it; a clause for a reason. */
export function describeBlindness(coverage: Coverage, nowMs: number): string {
  const gaps = neededGaps(coverage);
  const [worst] = gaps;
  if (worst === undefined) return 'the picture of the cluster is not complete';
  const others = gaps.filter((gap) => gap !== worst && gap.why === worst.why);
  const also = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const said = worst.message === '' ? '' : `: ${worst.message}`;
  switch (worst.why) {
    case 'forbidden':
      return `${placeOf(worst)} may not be read${also}${said}; grant get, list and watch on ${rightOf(worst)}`;
    case 'never-read':
      return `${placeOf(worst)} could not be read even once${also}${said}; check that the API server can be reached and answers`;
    case 'stale': {
      const age = formatSeconds(nowMs - worst.sinceMs);
      return `${placeOf(worst)} were last seen ${age} ago${also}${said}; check that the API server can be reached and answers`;
    }
  }
}

function placeOf(gap: Gap): string {
  return gap.namespace === null ? gap.resource : `${gap.resource} in namespace ${gap.namespace}`;
}

function rightOf(gap: Gap): string {
  const group = NEEDED[gap.resource] ?? '';
  const resource = group === '' ? gap.resource : `${gap.resource}.${group}`;
  return gap.namespace === null ? resource : `${resource} in namespace ${gap.namespace}`;
}
