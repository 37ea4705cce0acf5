import type { Report, ReportedFinding, ReportedNode } from '../../src/report/report.ts';
import { NOW_MS } from '../builders/times.ts';

const AT = new Date(NOW_MS).toISOString();

export function aReportedFinding(overrides: Partial<ReportedFinding> = {}): ReportedFinding {
  return {
    namespace: 'shop',
    pod: 'web-1',
    uid: 'uid-1',
    node: 'n1',
    owner: { kind: 'Deployment', name: 'web' },
    stage: 'image',
    cause: 'ImageNotFound',
    message: 'container web: no such tag',
    since: new Date(NOW_MS - 90_000).toISOString(),
    fatal: true,
    derivedFrom: null,
    ...overrides,
  };
}

/** Findings of as many different Deployments. */
export function manyFindings(count: number, overrides: Partial<ReportedFinding> = {}): readonly ReportedFinding[] {
  return Array.from({ length: count }, (_, index) =>
    aReportedFinding({
      pod: `app-${index}-x`,
      uid: `uid-${index}`,
      owner: { kind: 'Deployment', name: `app-${index}` },
      ...overrides,
    }),
  );
}

export function aReportedNode(overrides: Partial<ReportedNode> = {}): ReportedNode {
  return {
    node: 'n1',
    pods: ['shop/web-1'],
    evidence: [
      { pod: 'shop/web-1', reason: 'FailedCreatePodSandBox', message: 'Unauthorized', count: 3, lastSeen: AT },
    ],
    action: 'planned',
    why: 'calico-system/calico-node-1 would be restarted, but restart-calico-node is off',
    command: 'kubectl delete pod -n calico-system calico-node-1',
    outcome: null,
    before: null,
    after: null,
    ...overrides,
  };
}

/** An unhealthy report about one Deployment. */
export function aReport(overrides: Partial<Report> = {}): Report {
  return {
    schemaVersion: 1,
    verdict: 'unhealthy',
    reason: 'shop/web: no such tag; push it',
    startedAt: new Date(NOW_MS - 60_000).toISOString(),
    finishedAt: AT,
    cluster: { server: 'https://example.com', kubernetesVersion: 'v1.34.4' },
    scope: { namespaces: ['shop'], excludeNamespaces: [], selector: '' },
    pods: { total: 1, ready: 0, notReady: 1, completed: 0, starting: 0, terminating: 0, superseded: 0 },
    findings: [aReportedFinding()],
    workloads: [{ kind: 'Deployment', namespace: 'shop', name: 'web', desired: 1, ready: 0, problem: 'ImageNotFound' }],
    calico: { detected: false, installations: [], nodes: [] },
    timeline: [{ at: AT, what: 'connected' }],
    api: { requests: 5, retries: 0, bytes: 2_000, watchRestarts: 0 },
    warnings: [],
    ...overrides,
  };
}
