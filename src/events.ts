import type { NodePlan, Outcome } from './calico/case.ts';
import type { Now } from './clock.ts';
import type { Assessment } from './health/assessment.ts';
import type { Unseen } from './health/blindness.ts';
import type { Report } from './report/report.ts';
import type { Settings } from './settings.ts';

/** What a run tells while it goes on; the log and the report's timeline are made from these and from nothing else. */
export type GateEvent =
  /** The first line of every run: what is asked of it. */
  | { readonly type: 'started'; readonly version: string; readonly settings: Settings }
  | { readonly type: 'connecting'; readonly server: string; readonly context: string; readonly source: string }
  | { readonly type: 'connected'; readonly server: string; readonly kubernetesVersion: string }
  /** Rights that the chosen settings need and do not have: the exact rule to add and what it costs to lack it. */
  | { readonly type: 'missing-right'; readonly rule: string; readonly costs: string }
  | {
      readonly type: 'calico-found';
      readonly installations: readonly { readonly namespace: string; readonly daemonSet: string }[];
    }
  | { readonly type: 'calico-absent' }
  /** After every look that changed something, and at least every 30 s. */
  | {
      readonly type: 'assessed';
      readonly assessment: Assessment;
      /** What of the scope cannot be seen at this moment, and why; null: all of it is seen. */
      readonly unseen: Unseen | null;
      readonly nodes: readonly NodePlan[];
      readonly deadlineInMs: number;
    }
  /** `wasSeen`: it could be seen before. */
  | { readonly type: 'view-lost'; readonly what: string; readonly why: string; readonly wasSeen: boolean }
  /** `catchUpMs`: for how long nothing is decided yet. */
  | { readonly type: 'view-regained'; readonly what: string; readonly wasSeen: boolean; readonly catchUpMs: number }
  /** It was not told while it lasted: it was short, or nobody looked. */
  | { readonly type: 'outage-over'; readonly catchUpMs: number }
  | {
      readonly type: 'calico-failure';
      readonly node: string;
      readonly pods: readonly string[];
      readonly message: string;
    }
  | {
      readonly type: 'planned';
      readonly node: string;
      readonly why: string;
      readonly command: string | null;
      readonly action: NodePlan['action'];
    }
  | { readonly type: 'restarting'; readonly node: string; readonly pod: string }
  | { readonly type: 'restarted'; readonly node: string; readonly pod: string; readonly answer: string }
  | { readonly type: 'installed'; readonly node: string; readonly pod: string; readonly afterMs: number }
  | { readonly type: 'outcome'; readonly node: string; readonly outcome: Outcome; readonly why: string }
  /** All is ready, and has to stay so for `leftMs` more; `begunAnew`: whose window began at this look, and why. */
  | {
      readonly type: 'stable-window';
      readonly stableForMs: number;
      readonly leftMs: number;
      readonly begunAnew: readonly { readonly name: string; readonly because: string }[];
    }
  | { readonly type: 'confirming'; readonly verdict: 'healthy' | 'unhealthy' }
  /** Nothing but an answer is waited for, and that for long. */
  | { readonly type: 'waiting'; readonly what: string }
  /** What somebody may wonder about who expects the gate to wait for it. */
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'debug'; readonly message: string }
  | { readonly type: 'finished'; readonly report: Report };

export type Tell = (event: GateEvent, now: Now) => void;
