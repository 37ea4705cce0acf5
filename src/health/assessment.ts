import type { SandboxError } from '../calico/case.ts';
import type { Now } from '../clock.ts';
import type { Snapshot } from '../objects/snapshot.ts';
import type { WorkloadKind } from '../objects/workload.ts';
import type { Settings } from '../settings.ts';
import type { Timing } from '../timing.ts';
import type { Cause, Stage } from './cause.ts';

export type { Cause, SandboxCause, Stage } from './cause.ts';

/** Which of the contract's six counts a pod of the scope is in. */
export type PodClass = 'ready' | 'notReady' | 'completed' | 'starting' | 'terminating' | 'superseded';

export interface PodCounts {
  readonly total: number;
  readonly ready: number;
  readonly notReady: number;
  readonly completed: number;
  readonly starting: number;
  readonly terminating: number;
  readonly superseded: number;
}

/** One thing wrong. A finding about a workload (or the scope) has `pod: null, uid: null`. */
export interface Finding {
  readonly namespace: string;
  readonly pod: string | null;
  readonly uid: string | null;
  readonly node: string | null;
  /** The workload that people know: the Deployment, not its ReplicaSet; the CronJob, not its Job. */
  readonly owner: { readonly kind: string; readonly name: string } | null;
  readonly stage: Stage;
  readonly cause: Cause;
  /** What happened in the cluster's own words, with have/want numbers where there are any. Untrusted. */
  readonly message: string;
  readonly sinceMs: number;
  /** Certain enough not to heal by waiting: ends the run with `fail-fast`. */
  readonly fatal: boolean;
  /** `namespace/name` of the pod, or the node, that it waits for. */
  readonly derivedFrom: string | null;
  /** Whether it stands between the run and `healthy` (a finalizer that never ends is shown, but does not). */
  readonly holdsBack: boolean;
  /** How long it may go on before it is fatal, from when; null: only the deadline ends it. For the log. */
  readonly fatalAtMs: number | null;
}

export interface WorkloadState {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly desired: number;
  readonly ready: number;
  readonly problem: Cause | null;
  /** Carried out by its controller and all its pods that count are ready, now. */
  readonly complete: boolean;
  /** For how long without a break this run has seen it complete; 0 when it is not. */
  readonly completeForMs: number;
  /** While it is not complete and pods of an older template are there: their names, and how many of them are Ready. */
  readonly old?: { readonly pods: ReadonlySet<string>; readonly ready: number };
}

/** What the picture means at one moment. Pure data; `verdict.ts` decides from it. */
export interface Assessment {
  readonly counts: PodCounts;
  /** Worst first: fatal before not, cause before derived, own order of stages, oldest first. */
  readonly findings: readonly Finding[];
  /** `namespace/name` of the pods that are counted notReady, worst first. */
  readonly notReadyPods: readonly string[];
  readonly workloads: readonly WorkloadState[];
  /** Everything in scope that counts is complete and nothing holds back healthy, now. */
  readonly complete: boolean;
  /**
   * Workloads and bare pods that have not been complete for `stable-for` yet, with for how long they have been, what
   * began their window and how often it was broken before, shortest first. Empty and `complete`: stable.
   */
  readonly unstable: readonly {
    readonly name: string;
    readonly completeForMs: number;
    readonly because: string;
    readonly begunAnew: number;
  }[];
  /** Sentences for the report's `warnings` (kinds that are not judged, guessed eligibility, clocks …). Untrusted text inside. */
  readonly warnings: readonly string[];
  /** Sentences for the log only (a running Job does not hold back healthy, OnDelete's old pods …). */
  readonly notes: readonly string[];
}

/** Everything that an assessment may look at. */
export interface Observation {
  readonly snapshot: Snapshot;
  /** By pod uid: the newest authentic sandbox error of each pod that is stuck now (`calico/sandbox-errors.ts`). */
  readonly sandboxErrors: ReadonlyMap<string, SandboxError>;
  /** For how long kubelets may still have to report what happened while the view was lost (`catching-up.ts`). */
  readonly catchUpLeftMs: number;
  readonly now: Now;
  readonly settings: Settings;
  readonly timing: Timing;
}
