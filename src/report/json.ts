import type { Assessment, Finding, PodCounts } from '../health/assessment.ts';
import type { Settings } from '../settings.ts';
import type { Report, ReportedFinding, ReportedNode, Verdict } from './report.ts';
import { field, printable, printableJson } from './untrusted.ts';

/** Everything a finished run knows about itself. Texts may still be untrusted; `buildReport` is their door. */
export interface Account {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly server: string;
  readonly kubernetesVersion: string;
  readonly settings: Pick<Settings, 'namespaces' | 'excludeNamespaces' | 'selectorText'>;
  /** Null when the run ended before it saw anything. */
  readonly assessment: Assessment | null;
  readonly calico: Report['calico'];
  readonly timeline: readonly { readonly atMs: number; readonly what: string }[];
  readonly api: Report['api'];
  readonly warnings: readonly string[];
}

/** Bounds of a report: a run of hours in a cluster in flames must not become a file of gigabytes. */
export const TIMELINE_LIMIT = 2_000;
export const WARNINGS_LIMIT = 200;

export const NO_PODS: PodCounts = {
  total: 0,
  ready: 0,
  notReady: 0,
  completed: 0,
  starting: 0,
  terminating: 0,
  superseded: 0,
};

/** The report of a run: `schema/report.schema.json` describes it, and every text in it is clean and capped. */
export function buildReport(account: Account): Report {
  const { assessment } = account;
  return {
    schemaVersion: 1,
    verdict: account.verdict,
    reason: printable(account.reason),
    startedAt: rfc3339(account.startedAtMs),
    finishedAt: rfc3339(account.finishedAtMs),
    cluster: { server: field(account.server), kubernetesVersion: field(account.kubernetesVersion) },
    scope: {
      namespaces: account.settings.namespaces.map((name) => field(name)),
      excludeNamespaces: account.settings.excludeNamespaces.map((name) => field(name)),
      selector: field(account.settings.selectorText),
    },
    pods: assessment?.counts ?? NO_PODS,
    findings: (assessment?.findings ?? []).map(reportedFinding),
    workloads: (assessment?.workloads ?? []).map((workload) => ({
      kind: workload.kind,
      namespace: field(workload.namespace),
      name: field(workload.name),
      desired: wholeNumber(workload.desired),
      ready: wholeNumber(workload.ready),
      problem: workload.problem,
    })),
    calico: {
      detected: account.calico.detected,
      installations: account.calico.installations.map((one) => ({
        namespace: field(one.namespace),
        daemonSet: field(one.daemonSet),
      })),
      nodes: account.calico.nodes.map(cleanNode),
    },
    timeline: bounded(account.timeline, TIMELINE_LIMIT).map((entry) => ({
      at: rfc3339(entry.atMs),
      what: field(entry.what),
    })),
    api: account.api,
    warnings: bounded([...new Set(account.warnings.map((warning) => field(warning)))], WARNINGS_LIMIT),
  };
}

/** A server may count with any number that JSON has. */
function wholeNumber(count: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(count)));
}

/** The report as the file and `--json` hold it: two spaces of indent, a line break at the end. */
export function reportText(report: Report): string {
  return `${printableJson(report, 2)}\n`;
}

/** RFC 3339 in UTC with milliseconds; a time that no calendar knows becomes the epoch rather than an exception. */
export function rfc3339(atMs: number): string {
  const date = new Date(Number.isFinite(atMs) ? atMs : 0);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

function reportedFinding(finding: Finding): ReportedFinding {
  return {
    namespace: field(finding.namespace),
    pod: finding.pod === null ? null : field(finding.pod),
    uid: finding.uid === null ? null : field(finding.uid),
    node: finding.node === null ? null : field(finding.node),
    owner: finding.owner === null ? null : { kind: field(finding.owner.kind), name: field(finding.owner.name) },
    stage: finding.stage,
    cause: finding.cause,
    message: field(finding.message),
    since: rfc3339(finding.sinceMs),
    fatal: finding.fatal,
    derivedFrom: finding.derivedFrom === null ? null : field(finding.derivedFrom),
  };
}

function cleanNode(node: ReportedNode): ReportedNode {
  return {
    ...node,
    node: field(node.node),
    pods: node.pods.map((pod) => field(pod)),
    evidence: node.evidence.map((evidence) => ({
      ...evidence,
      pod: field(evidence.pod),
      reason: field(evidence.reason),
      count: wholeNumber(evidence.count),
      message: field(evidence.message),
    })),
    why: field(node.why),
    command: node.command === null ? null : field(node.command),
    before: node.before === null ? null : { ...node.before, calicoNodePod: field(node.before.calicoNodePod) },
    after: node.after === null ? null : { ...node.after, calicoNodePod: field(node.after.calicoNodePod) },
  };
}

/** The first half and the last half of a list that is too long: how it began, and how it ended. */
function bounded<T>(list: readonly T[], limit: number): readonly T[] {
  if (list.length <= limit) return list;
  const half = Math.floor(limit / 2);
  return [...list.slice(0, half), ...list.slice(list.length - half)];
}
