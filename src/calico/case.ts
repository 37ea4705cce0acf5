import type { SandboxCause } from '../health/assessment.ts';
import type { Event } from '../objects/event.ts';
import type { Pod } from '../objects/pod.ts';
import type { DaemonSet } from '../objects/workload.ts';

/** What the newest authentic sandbox event of a pod that is stuck now says. */
export interface SandboxError {
  readonly cause: SandboxCause;
  readonly verb: 'add' | 'delete' | null;
  /** Name of the CNI plugin that failed first, where the text names it. */
  readonly plugin: string | null;
  /** The error behind the runtime's wrapper. Untrusted. */
  readonly text: string;
  readonly event: Event;
  /** First and last time, made safe: one before the pod's creation or after now is replaced (design, proof). */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** A DaemonSet that is Calico's, by what owns a node anyway: containers, hostNetwork, the CNI conf folder. */
export interface Installation {
  readonly daemonSet: DaemonSet;
  /** `policy-only`: no `install-cni`, another plugin gives pods their network; never restarted. */
  readonly kind: 'full' | 'policy-only';
}

/** A pod that is stuck with Calico's authorization failure now. */
export interface StuckPod {
  readonly pod: Pod;
  readonly error: SandboxError;
  /** Whether the whole proof holds (stuck for long enough, no volume trouble); else what it lacks. */
  readonly proven: boolean;
  readonly lacks: string | null;
}

/** A node on which pods are stuck with Calico's authorization failure. */
export interface NodeCase {
  readonly node: string;
  readonly stuckPods: readonly StuckPod[];
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** At least one pod is proven and nothing shows that the node is well. */
  readonly proven: boolean;
  /** What the proof lacks, or which sign of health is being waited out; for people. */
  readonly lacks: string | null;
}

export type Action = 'none' | 'planned' | 'waiting' | 'restarted' | 'refused';
export type Outcome = 'cured' | 'not-cured' | 'timed-out' | 'unknown';

/** What is to be done about one node, or why not. */
export interface NodePlan {
  readonly node: string;
  readonly action: Action;
  /** One sentence for people. */
  readonly why: string;
  /** The calico-node pod that would be deleted. */
  readonly target: { readonly namespace: string; readonly pod: string; readonly uid: string; readonly createdAtMs: number } | null;
}

/** One restart of this run, from the DELETE to its outcome. */
export interface Restart {
  readonly node: string;
  readonly before: { readonly namespace: string; readonly pod: string; readonly uid: string; readonly createdAtMs: number };
  /** The DaemonSet's uid: its pod on the node with another uid than `before` is the new one. */
  readonly daemonSetUid: string;
  /** When the DELETE was answered (server's clock, and the run's). */
  readonly atMs: number;
  readonly elapsedMs: number;
  /** `deleted` by our DELETE; `elsewhere`: 404 or 409, somebody else did it; `forbidden`; `failed`: not carried out. */
  readonly answer: 'deleted' | 'elsewhere' | 'forbidden' | 'failed';
  /** The pods that were stuck with the failure on the node when it was restarted, by uid. */
  readonly stuckUids: readonly string[];
  /** Namespaces of the evidence, for design rule 8. */
  readonly namespaces: readonly string[];
  readonly outcome: Outcome | null;
  /** What proved or refuted the cure; for people. */
  readonly why: string;
  readonly after: { readonly pod: string; readonly createdAtMs: number; readonly installedAtMs: number | null } | null;
}
