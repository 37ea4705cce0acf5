import type { Action, Outcome } from '../calico/case.ts';
import type { Verdict } from '../contract.ts';
import type { Cause, PodCounts, Stage } from '../health/assessment.ts';

export type { Verdict } from '../contract.ts';

/** The JSON report, `schemaVersion` 1. Times are RFC 3339 on the API server's clock; untrusted text is capped and clean. */
export interface Report {
  readonly schemaVersion: 1;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly cluster: { readonly server: string; readonly kubernetesVersion: string };
  readonly scope: {
    readonly namespaces: readonly string[];
    readonly excludeNamespaces: readonly string[];
    readonly selector: string;
  };
  readonly pods: PodCounts;
  readonly findings: readonly ReportedFinding[];
  readonly workloads: readonly {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly desired: number;
    readonly ready: number;
    readonly problem: Cause | null;
  }[];
  readonly calico: {
    readonly detected: boolean;
    readonly installations: readonly { readonly namespace: string; readonly daemonSet: string }[];
    readonly nodes: readonly ReportedNode[];
  };
  readonly timeline: readonly { readonly at: string; readonly what: string }[];
  readonly api: {
    readonly requests: number;
    readonly retries: number;
    readonly bytes: number;
    readonly watchRestarts: number;
  };
  readonly warnings: readonly string[];
}

export interface ReportedFinding {
  readonly namespace: string;
  readonly pod: string | null;
  readonly uid: string | null;
  readonly node: string | null;
  readonly owner: { readonly kind: string; readonly name: string } | null;
  readonly stage: Stage;
  readonly cause: Cause;
  readonly message: string;
  readonly since: string;
  readonly fatal: boolean;
  readonly derivedFrom: string | null;
}

export interface ReportedNode {
  readonly node: string;
  readonly pods: readonly string[];
  readonly evidence: readonly {
    readonly pod: string;
    readonly reason: string;
    readonly message: string;
    readonly count: number;
    readonly lastSeen: string;
  }[];
  readonly action: Action;
  readonly why: string;
  readonly command: string | null;
  readonly outcome: Outcome | null;
  readonly before: { readonly calicoNodePod: string; readonly startedAt: string } | null;
  readonly after: {
    readonly calicoNodePod: string;
    readonly startedAt: string;
    readonly installedAt: string | null;
  } | null;
}
