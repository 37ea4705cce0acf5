import { formatSeconds } from '../duration.ts';
import { groupFindings, podsOf } from './finding-groups.ts';
import type { Report, ReportedNode } from './report.ts';
import { markdown, prose } from './untrusted.ts';

/** A step's summary may have 1 MiB (GitHub); larger ones are not shown at all. Some room for a step's other writers. */
export const SUMMARY_LIMIT_BYTES = 1_000_000;
/** A page for people: what does not fit is counted and stands in the report. */
const ROWS_LIMIT = 50;
const TIMELINE_ROWS_LIMIT = 100;
const CELL_LIMIT_BYTES = 700;
const EVIDENCE_PER_NODE = 3;

const ICONS = { healthy: '✅', unhealthy: '❌', inconclusive: '❔' } as const;

/**
 * The job summary in GitHub-flavoured Markdown: the verdict and its reason first, then what is wrong, what was done
 * about Calico with proof, workloads, and the timeline folded away. `reportFile` is '' when none was written.
 */
export function summaryOf(report: Report, reportFile: string): string {
  const whole = [
    ...head(report),
    ...findings(report),
    ...calico(report),
    ...workloads(report),
    ...warnings(report),
    ...timeline(report),
    ...foot(report, reportFile),
  ].join('\n');
  if (Buffer.byteLength(whole) <= SUMMARY_LIMIT_BYTES) return whole;
  return [...head(report), 'The rest is too long for a summary.', '', ...foot(report, reportFile)].join('\n');
}

function head(report: Report): readonly string[] {
  const { pods } = report;
  const counts = [
    `**${pods.ready} of ${pods.total}** pods ready`,
    ...(pods.notReady > 0 ? [`**${pods.notReady}** not ready`] : []),
    ...(pods.starting > 0 ? [`${pods.starting} starting`] : []),
    ...(pods.terminating > 0 ? [`${pods.terminating} terminating`] : []),
    ...(pods.completed > 0 ? [`${pods.completed} completed`] : []),
    ...(pods.superseded > 0 ? [`${pods.superseded} superseded`] : []),
  ];
  return [
    `## ${ICONS[report.verdict]} Calico Health Gate: ${report.verdict}`,
    '',
    prose(report.reason),
    '',
    `${counts.join(' · ')} · ${scope(report)} · ${formatSeconds(durationMs(report))}`,
    '',
  ];
}

function scope(report: Report): string {
  const { selector } = report.scope;
  return selector === '' ? where(report) : `${where(report)}, selector ${markdown(selector, CELL_LIMIT_BYTES)}`;
}

function where({ scope: { namespaces, excludeNamespaces } }: Report): string {
  if (namespaces.length > 0) return `namespaces ${codes(namespaces)}`;
  return excludeNamespaces.length > 0 ? `all namespaces but ${codes(excludeNamespaces)}` : 'all namespaces';
}

function codes(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => markdown(name));
  return names.length > shown.length ? `${shown.join(' ')} and ${names.length - shown.length} more` : shown.join(' ');
}

function findings(report: Report): readonly string[] {
  const groups = groupFindings(report.findings);
  if (groups.length === 0) return [];
  const rows = groups.slice(0, ROWS_LIMIT).map((group) => {
    const first = group.findings[0];
    const since = formatSeconds(Date.parse(report.finishedAt) - Date.parse(first?.since ?? report.finishedAt));
    const waits = group.derivedFrom === null ? '' : ` (waits for ${markdown(group.derivedFrom, 200)})`;
    return `| ${markdown(group.subject, 300)} | ${group.stage} | **${group.cause}**${waits} | ${podsCell(podsOf(group), group.findings.length)} | ${since} | ${markdown(first?.message ?? '', CELL_LIMIT_BYTES)} |`;
  });
  return [
    '### What is wrong',
    '',
    '| workload | stage | cause | pods | for | what the cluster says |',
    '|---|---|---|---|---|---|',
    ...rows,
    ...more(groups.length, ROWS_LIMIT),
    '',
  ];
}

function podsCell(pods: string, count: number): string {
  if (pods === '') return '–';
  return count === 1 ? markdown(pods, 300) : prose(pods, 300);
}

function calico(report: Report): readonly string[] {
  if (!report.calico.detected) return [];
  return [
    "### Calico's authorization failure",
    '',
    'On these nodes the CNI plugin could not give pods a network, because the API server rejects its token (401).',
    '',
    '| node | stuck pods | action | outcome | why |',
    '|---|---|---|---|---|',
    ...report.calico.nodes
      .slice(0, ROWS_LIMIT)
      .map(
        (node) =>
          `| ${markdown(node.node, 300)} | ${node.pods.length} | ${node.action} | ${node.outcome ?? '–'} | ${prose(node.why, CELL_LIMIT_BYTES)} |`,
      ),
    ...more(report.calico.nodes.length, ROWS_LIMIT),
    '',
    ...commands(report),
    '<details><summary>Evidence</summary>',
    '',
    ...report.calico.nodes.slice(0, ROWS_LIMIT).flatMap(evidence),
    '</details>',
    '',
  ];
}

function commands(report: Report): readonly string[] {
  const lines = report.calico.nodes.flatMap((node) => (node.command === null ? [] : [node.command]));
  if (lines.length === 0) return [];
  return [
    'By hand, one node after the other, the next one only when pods start on the one before:',
    '',
    ...lines.slice(0, ROWS_LIMIT).map((line) => `- ${markdown(line, CELL_LIMIT_BYTES)}`),
    '',
  ];
}

function evidence(node: ReportedNode): readonly string[] {
  const restart =
    node.before === null
      ? []
      : [
          `- ${markdown(node.node, 300)}: ${markdown(node.before.calicoNodePod, 300)} (since ${node.before.startedAt}) → ` +
            (node.after === null
              ? 'no new pod was seen'
              : `${markdown(node.after.calicoNodePod, 300)} (since ${node.after.startedAt}, install-cni ${node.after.installedAt ?? 'not finished'})`),
        ];
  return [
    ...node.evidence
      .slice(0, EVIDENCE_PER_NODE)
      .map(
        (one) =>
          `- ${markdown(node.node, 300)}: ${markdown(one.pod, 300)} ${markdown(one.reason, 100)} ×${one.count}, last ${one.lastSeen}: ${markdown(one.message, CELL_LIMIT_BYTES)}`,
      ),
    ...restart,
    '',
  ];
}

function workloads(report: Report): readonly string[] {
  if (report.workloads.length === 0) return [];
  const sorted = [...report.workloads].sort((a, b) => Number(a.problem === null) - Number(b.problem === null));
  return [
    `<details><summary>Workloads (${report.workloads.length})</summary>`,
    '',
    '| workload | ready | problem |',
    '|---|---|---|',
    ...sorted
      .slice(0, ROWS_LIMIT)
      .map(
        (one) =>
          `| ${one.kind} ${markdown(`${one.namespace}/${one.name}`, 300)} | ${one.ready}/${one.desired} | ${one.problem ?? '–'} |`,
      ),
    ...more(sorted.length, ROWS_LIMIT),
    '',
    '</details>',
    '',
  ];
}

function warnings(report: Report): readonly string[] {
  if (report.warnings.length === 0) return [];
  return [
    '### Warnings',
    '',
    ...report.warnings.slice(0, ROWS_LIMIT).map((warning) => `- ${prose(warning, CELL_LIMIT_BYTES)}`),
    ...(report.warnings.length > ROWS_LIMIT ? [`- and ${report.warnings.length - ROWS_LIMIT} more in the report`] : []),
    '',
  ];
}

function timeline(report: Report): readonly string[] {
  if (report.timeline.length === 0) return [];
  const half = TIMELINE_ROWS_LIMIT / 2;
  const shown =
    report.timeline.length <= TIMELINE_ROWS_LIMIT
      ? report.timeline
      : [...report.timeline.slice(0, half), ...report.timeline.slice(-half)];
  return [
    '<details><summary>Timeline</summary>',
    '',
    '| at | what |',
    '|---|---|',
    ...shown.map((entry) => `| ${entry.at} | ${prose(entry.what, CELL_LIMIT_BYTES)} |`),
    ...more(report.timeline.length, TIMELINE_ROWS_LIMIT),
    '',
    '</details>',
    '',
  ];
}

function foot(report: Report, reportFile: string): readonly string[] {
  const { requests, retries, bytes, watchRestarts } = report.api;
  const api = `${requests} requests (${retries} retried), ${Math.ceil(bytes / 1024)} KiB, ${watchRestarts} watches reopened`;
  const file = reportFile === '' ? 'no report file was written' : `report: ${markdown(reportFile, 1_000)}`;
  return [
    `<sub>${prose(report.cluster.server, 300)} · Kubernetes ${prose(report.cluster.kubernetesVersion, 100)} · ${api} · ${file}</sub>`,
    '',
  ];
}

function more(count: number, limit: number): readonly string[] {
  return count > limit ? ['', `… and ${count - limit} more in the report`] : [];
}

function durationMs(report: Report): number {
  return Date.parse(report.finishedAt) - Date.parse(report.startedAt);
}
