import { formatSeconds } from '../duration.ts';
import { type FindingGroup, groupFindings, podsBesideSubject } from './finding-groups.ts';
import type { Report, ReportedFinding, ReportedNode } from './report.ts';
import { codeBlock, markdown, prose } from './untrusted.ts';

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
 * about Calico with proof, warnings, and workloads and timeline folded away; what would make it too long is left out.
 * `reportFile` is '' when none was written.
 */
export function summaryOf(report: Report, reportFile: string): string {
  const sections = [findings, calico, warnings, workloads, timeline].map((section) => text(section(report)));
  const end = text(foot(report, reportFile));
  let whole = text(head(report));
  let isWhole = true;
  for (const section of sections) {
    if (Buffer.byteLength(`${whole}${section}${TOO_LONG}${end}`) <= SUMMARY_LIMIT_BYTES) whole += section;
    else isWhole = false;
  }
  return `${whole}${isWhole ? '' : TOO_LONG}${end}`;
}

const TOO_LONG = 'Something is left out here, for a summary may not be longer; the report has it.\n\n';

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
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
  return [
    '### What is wrong',
    '',
    '| who | cause | what the cluster says |',
    '|---|---|---|',
    ...groups.slice(0, ROWS_LIMIT).map((group) => findingRow(group, report)),
    ...more(groups.length, ROWS_LIMIT),
    '',
    'What a cause means, and what to do about it: `npx calico-health-gate --explain CAUSE`',
    '',
  ];
}

/** Three columns: a page is too narrow for more beside a message. */
function findingRow(group: FindingGroup<ReportedFinding>, { finishedAt }: Report): string {
  const first = group.findings[0];
  const pods = podsBesideSubject(group);
  const who = [markdown(group.subject, 300), ...(pods === '' ? [] : [prose(pods, 300)])];
  const since = formatSeconds(Date.parse(finishedAt) - Date.parse(first?.since ?? finishedAt));
  const waits = group.derivedFrom === null ? [] : [`waits for ${markdown(group.derivedFrom, 200)}`];
  const cause = [`**${group.cause}**`, `${group.stage}, for ${since}`, ...waits];
  return `| ${who.join('<br>')} | ${cause.join('<br>')} | ${markdown(first?.message ?? '', CELL_LIMIT_BYTES)} |`;
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
    lines.length === 1
      ? 'By hand:'
      : 'By hand, one node after the other, the next one only when pods start on the one before:',
    '',
    ...codeBlock(lines.slice(0, ROWS_LIMIT), CELL_LIMIT_BYTES),
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
    '| UTC | what |',
    '|---|---|',
    ...shown.map((entry) => `| ${entry.at.slice(11, 19)} | ${prose(entry.what, CELL_LIMIT_BYTES)} |`),
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
