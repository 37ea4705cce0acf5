import type { Coverage, Resource } from '../objects/snapshot.ts';
import type { Finding } from './assessment.ts';

/** Trouble as it was last really seen: a picture that is no longer fresh goes on showing it. */
export interface Evidence {
  readonly finding: Finding;
  /** The API server's time up to which the part of the picture that shows it was fresh. */
  readonly seenAtMs: number;
}

/** What a finding is seen in. */
export function resourceOf(finding: Finding): Resource {
  if (finding.pod !== null || finding.owner === null) return 'pods';
  switch (finding.owner.kind) {
    case 'Deployment':
      return 'deployments';
    case 'StatefulSet':
      return 'statefulsets';
    case 'DaemonSet':
      return 'daemonsets';
    default:
      return 'jobs';
  }
}

/** Whether that part of the picture was read completely and is live; `namespace` '' stands for all of the scope. */
export function isFresh(coverage: Coverage, resource: Resource, namespace: string): boolean {
  return !coverage.gaps.some((gap) => {
    return gap.resource === resource && (gap.namespace === null || namespace === '' || gap.namespace === namespace);
  });
}

/** Identifies what is wrong over the looks of a run. */
export function keyOf(finding: Finding): string {
  const { namespace, uid, owner, stage, cause } = finding;
  return [namespace, uid ?? `${owner?.kind ?? ''}/${owner?.name ?? ''}`, stage, cause].join(' ');
}

/**
 * The evidence after a look: what holds back now, and of the parts of the picture that are not fresh what was seen in
 * them before. What is not fresh cannot become fatal by the mere passing of time.
 */
export function nextEvidence(
  before: readonly Evidence[],
  findings: readonly Finding[],
  coverage: Coverage,
  nowMs: number,
): readonly Evidence[] {
  const isFreshFinding = (finding: Finding): boolean => isFresh(coverage, resourceOf(finding), finding.namespace);
  const seen = findings
    .filter((finding) => finding.holdsBack && isFreshFinding(finding))
    .map((finding) => ({ finding, seenAtMs: nowMs }));
  if (coverage.gaps.length === 0) return seen;
  return [...seen, ...before.filter(({ finding }) => !isFreshFinding(finding))];
}

/**
 * Findings about workloads and the scope, with what is not fresh as certain as it was when it was last seen. (A pod's
 * memory sees to that itself: its patience runs out only at live looks.)
 */
export function freezeUnseen(
  findings: readonly Finding[],
  before: readonly Evidence[],
  coverage: Coverage,
): readonly Finding[] {
  if (coverage.gaps.length === 0) return findings;
  const known = new Map(before.map(({ finding }) => [keyOf(finding), finding]));
  return findings.map((finding) => {
    if (finding.pod !== null || isFresh(coverage, resourceOf(finding), finding.namespace)) return finding;
    return { ...finding, fatal: known.get(keyOf(finding))?.fatal ?? false, fatalAtMs: null };
  });
}
