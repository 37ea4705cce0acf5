import type { Cause, Stage } from '../health/assessment.ts';

/** What grouping needs of a finding; both the assessment's and the report's have it. */
export interface Groupable {
  readonly namespace: string;
  readonly pod: string | null;
  readonly node: string | null;
  readonly owner: { readonly kind: string; readonly name: string } | null;
  readonly stage: Stage;
  readonly cause: Cause;
  readonly message: string;
  readonly fatal: boolean;
  readonly derivedFrom: string | null;
}

/** Findings that a person reads as one: same workload, stage and cause. Thirty pods of one Deployment are one line. */
export interface FindingGroup<T extends Groupable> {
  readonly key: string;
  /** `Deployment shop/web`, or `pod shop/db` when nobody owns it. */
  readonly subject: string;
  readonly stage: Stage;
  readonly cause: Cause;
  readonly fatal: boolean;
  readonly derivedFrom: string | null;
  readonly findings: readonly T[];
}

/** Groups in the order in which their first finding comes (worst first in, worst first out). */
export function groupFindings<T extends Groupable>(findings: readonly T[]): readonly FindingGroup<T>[] {
  const groups = new Map<string, T[]>();
  for (const finding of findings) {
    const key = keyOf(finding);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [finding]);
    else group.push(finding);
  }
  return [...groups].map(([key, members]) => {
    const first = members[0] as T;
    return {
      key,
      subject: subjectOf(first),
      stage: first.stage,
      cause: first.cause,
      fatal: members.some((member) => member.fatal),
      derivedFrom: first.derivedFrom,
      findings: members,
    };
  });
}

/** Who a finding is about, in the words of kubectl. */
function subjectOf(finding: Groupable): string {
  if (finding.owner !== null) return `${finding.owner.kind} ${qualified(finding.namespace, finding.owner.name)}`;
  if (finding.pod !== null) return `pod ${qualified(finding.namespace, finding.pod)}`;
  if (finding.node !== null) return `node ${finding.node}`;
  return finding.namespace === '' ? 'the scope' : `namespace ${finding.namespace}`;
}

function qualified(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

function keyOf(finding: Groupable): string {
  return JSON.stringify([
    finding.namespace,
    finding.owner?.kind ?? null,
    finding.owner?.name ?? finding.pod ?? finding.node,
    finding.stage,
    finding.cause,
    finding.derivedFrom !== null,
  ]);
}

/** The cause, with its stage where that is not plain: `CalicoUnauthorized (terminating)`, `Unknown (volumes)`. */
export function causeOf({ cause, stage }: Pick<Groupable, 'cause' | 'stage'>): string {
  const isPlain = cause !== 'Unknown' && (stage !== 'terminating' || cause === 'StuckTerminating');
  return isPlain ? cause : `${cause} (${stage})`;
}

/** `podsOf`, or "" where the subject is that pod itself. */
export function podsBesideSubject(group: FindingGroup<Groupable>): string {
  const pods = podsOf(group);
  return group.subject === `pod ${pods}` ? '' : pods;
}

/** "2 pods, e.g. shop/web-1", "shop/web-1", or "" for a finding that is about no pod. */
function podsOf(group: FindingGroup<Groupable>): string {
  const pods = group.findings.filter((finding) => finding.pod !== null);
  const first = pods[0];
  if (first === undefined || first.pod === null) return '';
  const name = qualified(first.namespace, first.pod);
  return pods.length === 1 ? name : `${pods.length} pods, e.g. ${name}`;
}
