import { formatSeconds } from '../duration.ts';
import { inOrder, placeOf, placesOf } from '../objects/places.ts';
import type { Coverage, Gap, Resource } from '../objects/snapshot.ts';
import type { Finding } from './assessment.ts';

/** What the verdict itself needs, in the words of RBAC. Without the others it is only less well explained. */
const NEEDED: Readonly<Partial<Record<Resource, string>>> = {
  pods: 'pods',
  deployments: 'deployments.apps',
  statefulsets: 'statefulsets.apps',
  daemonsets: 'daemonsets.apps',
  jobs: 'jobs.batch',
  namespaces: 'namespaces',
};

/** Gaps in what the verdict needs, the most lasting first. Where namespaces may not be read, what is in them tells. */
export function neededGaps(coverage: Coverage): readonly Gap[] {
  return coverage.gaps
    .filter(({ resource, why }) => NEEDED[resource] !== undefined && (resource !== 'namespaces' || why !== 'forbidden'))
    .sort((a, b) => LASTING[a.why] - LASTING[b.why] || a.sinceMs - b.sinceMs);
}

const LASTING: Readonly<Record<Gap['why'], number>> = { forbidden: 0, refused: 1, 'never-read': 2, stale: 3 };

export function isBlind(coverage: Coverage): boolean {
  return !coverage.complete || neededGaps(coverage).length > 0;
}

/** What cannot be seen, since when, and what to do about it; a clause for a reason. */
export function describeBlindness(coverage: Coverage, nowMs: number): string {
  const { what, why } = unseenIn(coverage, nowMs);
  return `${what}${why}`;
}

/** What cannot be seen, in short, and why, to be said behind it. */
export interface Unseen {
  readonly what: string;
  readonly why: string;
}

/** The worst blindness; to be asked only of a coverage that is blind (`isBlind`). */
export function unseenIn(coverage: Coverage, nowMs: number): Unseen {
  const gaps = neededGaps(coverage);
  const [worst] = gaps;
  if (worst === undefined) return { what: 'the picture of the cluster is not complete', why: '' };
  const alike = inOrder(gaps.filter(({ why }) => why === worst.why));
  const [first = worst] = alike;
  return { what: `${placesOf(alike)} ${stateOf(worst, nowMs)}`, why: said(first) };
}

/** Why findings have no cause that only events tell: those may not be read there. '' where that is not so. */
export function describeSilence(findings: readonly Finding[], coverage: Coverage, nowMs: number): string {
  const silent = findings.filter(({ cause }) => cause === 'SandboxSilent');
  const gap = coverage.gaps.find(({ resource, namespace }) => {
    return resource === 'events' && silent.some((finding) => namespace === null || finding.namespace === namespace);
  });
  return gap === undefined ? '' : `${placeOf(gap)} ${stateOf(gap, nowMs)}, which would tell why${said(gap)}`;
}

function stateOf(worst: Gap, nowMs: number): string {
  switch (worst.why) {
    case 'forbidden':
      return 'may not be read';
    case 'refused':
      return 'cannot be read';
    case 'never-read':
      return 'could not be read even once';
    case 'stale':
      return `were last seen ${formatSeconds(nowMs - worst.sinceMs)} ago`;
  }
}

/** Most messages of requests end with what to do; it is not said twice. */
function said(gap: Gap): string {
  const { message } = gap;
  if (message.includes('; ')) return `: ${message}`;
  return `${message === '' ? '' : `: ${message}`}; ${adviceOn(gap)}`;
}

function adviceOn({ why, resource, namespace }: Gap): string {
  if (why === 'refused')
    return "the API server says so each time, and waiting will not change it: check the kubeconfig's server, and what stands in front of it";
  if (why !== 'forbidden') return 'check that the API server can be reached and answers';
  return `grant list and watch on ${NEEDED[resource] ?? resource}${namespace === null ? '' : ` in namespace ${namespace}`}`;
}
