import { formatSeconds } from '../duration.ts';
import { causeOf, groupFindings, podsBesideSubject } from './finding-groups.ts';
import type { Report, ReportedNode } from './report.ts';
import { cap, field } from './untrusted.ts';

export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/** A step shows 10 errors, 10 warnings and 10 notices (`_maxCountPerIssueType` of the runner). */
export const ANNOTATIONS_PER_LEVEL = 10;
/** The runner cuts a message at 4096 characters (`_maxIssueMessageLength`): the reason has all of them, down to its advice. */
const REASON_LIMIT_BYTES = 4_000;
/** Nobody reads more than this in a box. */
const MESSAGE_LIMIT_BYTES = 1_000;
const TITLE_LIMIT_BYTES = 200;
const OWN_TITLE = 'Calico Health Gate';

export interface AnnotationContext {
  /** The step fails: a step that passes has no red box. */
  readonly fails: boolean;
  /** What could not be written. */
  readonly problems: readonly string[];
}

/**
 * What is pinned to the run's page, worst first: the reason, a box per workload and cause, what was done on nodes or
 * should be, and the warnings of the run. When there is more than a step may show, the last box says how much and where
 * to find it.
 */
export function annotationsOf(report: Report, { fails, problems }: AnnotationContext): readonly Annotation[] {
  const level = fails ? 'error' : 'warning';
  const isHealthy = report.verdict === 'healthy';
  const reason = annotation(level, `${OWN_TITLE}: ${report.verdict}`, report.reason, REASON_LIMIT_BYTES);
  const all = [
    ...(isHealthy ? [] : [reason]),
    ...problems.map((problem) => annotation('warning', OWN_TITLE, problem)),
    ...findings(report, isHealthy ? 'notice' : level),
    ...report.calico.nodes.map(nodeAnnotation),
    ...report.warnings.map((warning) => annotation('warning', OWN_TITLE, warning)),
  ];
  return [...limited(all, 'error'), ...limited(all, 'warning'), ...limited(all, 'notice')];
}

function findings(report: Report, level: Annotation['level']): readonly Annotation[] {
  const groups = groupFindings(report.findings.filter(({ derivedFrom }) => derivedFrom === null));
  return groups.map((group) => {
    const first = group.findings[0];
    const age = Date.parse(report.finishedAt) - Date.parse(first?.since ?? report.finishedAt);
    const pods = podsBesideSubject(group);
    const message = `${pods === '' ? '' : `${pods}: `}${cap(first?.message ?? '', MESSAGE_LIMIT_BYTES)}`;
    return annotation(level, `${group.subject}: ${causeOf(group)}`, `${message} (for ${formatSeconds(age)})`);
  });
}

function nodeAnnotation({ node, action, outcome, why, command }: ReportedNode): Annotation {
  return annotation(
    outcome === 'cured' || action === 'none' ? 'notice' : 'warning',
    `Calico on node ${node}: ${outcome ?? action}`,
    command === null ? why : `${why}; by hand: ${command}`,
  );
}

function limited(all: readonly Annotation[], level: Annotation['level']): readonly Annotation[] {
  const some = all.filter((one) => one.level === level);
  if (some.length <= ANNOTATIONS_PER_LEVEL) return some;
  const shown = some.slice(0, ANNOTATIONS_PER_LEVEL - 1);
  const more = `and ${some.length - shown.length} more: see the job summary and the report`;
  return [...shown, annotation(level, OWN_TITLE, more)];
}

function annotation(
  level: Annotation['level'],
  title: string,
  message: string,
  limitBytes = MESSAGE_LIMIT_BYTES + 500,
): Annotation {
  return { level, title: cap(field(title), TITLE_LIMIT_BYTES), message: cap(field(message), limitBytes) };
}
