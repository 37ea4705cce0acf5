import { groupFindings, podsOf } from './finding-groups.ts';
import { coarse } from './log.ts';
import type { Report } from './report.ts';
import { cap, field } from './untrusted.ts';

export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/**
 * A step shows 10 errors, 10 warnings and 10 notices (`_maxCountPerIssueType` of the runner). One error is kept for
 * `setFailed`, which says the reason.
 */
export const ERRORS_LIMIT = 9;
export const WARNINGS_LIMIT = 10;
export const NOTICES_LIMIT = 10;
/** The runner cuts a message at 4096 characters (`_maxIssueMessageLength`); nobody reads that much in a box. */
const MESSAGE_LIMIT_BYTES = 1_000;
const TITLE_LIMIT_BYTES = 200;

/**
 * What is pinned to the run's page, worst first: a box per workload and cause, the warnings of the run, and what was
 * done on nodes. When there is more than a step may show, the last box says how much and where to find it.
 */
export function annotationsOf(report: Report): readonly Annotation[] {
  const level = report.verdict === 'healthy' ? 'notice' : 'error';
  const groups = groupFindings(report.findings.filter((finding) => finding.derivedFrom === null)).map((group) => {
    const first = group.findings[0];
    const age = Date.parse(report.finishedAt) - Date.parse(first?.since ?? report.finishedAt);
    const pods = podsOf(group);
    return annotation(
      level,
      `${group.subject}: ${group.cause}`,
      `${pods === '' ? '' : `${pods}: `}${first?.message ?? ''} (for ${coarse(age)})`,
    );
  });
  const nodes = report.calico.nodes.map((node) =>
    annotation(
      node.outcome === 'cured' || node.action === 'none' ? 'notice' : 'warning',
      `Calico on node ${node.node}: ${node.outcome ?? node.action}`,
      node.command === null ? node.why : `${node.why}; by hand: ${node.command}`,
    ),
  );
  const warnings = report.warnings.map((warning) => annotation('warning', 'Calico Health Gate', warning));
  const all = [...groups, ...nodes, ...warnings];
  return [
    ...limited(all, 'error', ERRORS_LIMIT),
    ...limited(all, 'warning', WARNINGS_LIMIT),
    ...limited(all, 'notice', NOTICES_LIMIT),
  ];
}

function limited(all: readonly Annotation[], level: Annotation['level'], limit: number): readonly Annotation[] {
  const some = all.filter((one) => one.level === level);
  if (some.length <= limit) return some;
  const shown = some.slice(0, limit - 1);
  return [
    ...shown,
    annotation(
      level,
      'Calico Health Gate',
      `and ${some.length - shown.length} more: see the job summary and the report`,
    ),
  ];
}

function annotation(level: Annotation['level'], title: string, message: string): Annotation {
  return { level, title: cap(field(title), TITLE_LIMIT_BYTES), message: cap(field(message), MESSAGE_LIMIT_BYTES) };
}
