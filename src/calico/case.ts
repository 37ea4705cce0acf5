import type { SandboxCause } from '../health/cause.ts';
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
  /**
   * First and last time of this cause without another one in between, made safe: one before the pod's creation or after
   * now is replaced by the event's `creationTimestamp`.
   */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /**
   * When the API server stored the first event of it: what "for how long" is measured with. A node whose clock is behind
   * would make a failure of this moment look old.
   */
  readonly storedAtMs: number;
  /** This run saw it come back after calico-node was restarted on its node. */
  readonly cameBack?: true;
}

/** A DaemonSet that is Calico's, by what owns a node anyway: containers, hostNetwork, the CNI conf folder. */
export interface Installation {
  readonly daemonSet: DaemonSet;
  /** `policy-only`: no `install-cni`, another plugin gives pods their network; never restarted. */
  readonly kind: 'full' | 'policy-only';
}

/** All that was found of Calico; `lookAlikes` bear its names without its shape: mentioned, never touched. */
export interface Installations {
  readonly found: readonly Installation[];
  readonly lookAlikes: readonly { readonly daemonSet: DaemonSet; readonly lacks: string }[];
  /** The input `calico-namespace`: decides where two installations have a pod on one node. */
  readonly preferredNamespace: string | null;
}

/** The calico-node pod of a node. */
export type CalicoNodePod =
  | { readonly kind: 'one'; readonly installation: Installation; readonly pod: Pod }
  | { readonly kind: 'none' }
  /** Two installations have one there, and nothing tells which gives the pods their network. */
  | { readonly kind: 'ambiguous'; readonly pods: readonly Pod[] }
  | { readonly kind: 'policy-only'; readonly installation: Installation; readonly pod: Pod };

/** A pod that is stuck with Calico's authorization failure now. */
export interface StuckPod {
  readonly pod: Pod;
  readonly error: SandboxError;
  /** Whether the whole proof holds (stuck for long enough, no volume trouble, node not well); else what it lacks. */
  readonly proven: boolean;
  readonly lacks: string | null;
}

/** A node on which pods are stuck with Calico's authorization failure. */
export interface NodeCase {
  readonly node: string;
  readonly stuckPods: readonly StuckPod[];
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** At least one pod is proven. */
  readonly proven: boolean;
  /** What the proof lacks, or which sign of health is being waited out; for people. */
  readonly lacks: string | null;
  /** Other pods get their network there: the node is well, and what is stuck is stuck for another reason. */
  readonly well: boolean;
}

export type Action = 'none' | 'planned' | 'waiting' | 'restarted' | 'refused';
export type Outcome = 'cured' | 'not-cured' | 'timed-out' | 'unknown';

/** The calico-node pod that a restart deletes. */
export interface RestartTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly createdAtMs: number;
  readonly daemonSetUid: string;
}

/** What is to be done about one node, or why not. */
export interface NodePlan {
  readonly node: string;
  readonly action: Action;
  /** One sentence for people. */
  readonly why: string;
  /** The calico-node pod that would be deleted; null where there is none to delete. */
  readonly target: RestartTarget | null;
  /** What a person would type instead, for `planned` and for `refused` where it makes sense. */
  readonly command: string | null;
}

/** The one restart that may begin now. */
export interface NextRestart {
  readonly node: string;
  readonly target: RestartTarget;
  /** The pods that are stuck with the failure on the node, by uid, and their namespaces. */
  readonly stuckUids: readonly string[];
  readonly namespaces: readonly string[];
  /** How often this run has sent a DELETE of this very pod that got no answer and was not seen to be carried out. */
  readonly unanswered: number;
}

/** What to do about all nodes, worst first, and what to do now. */
export interface RestartPlan {
  readonly nodes: readonly NodePlan[];
  readonly next: NextRestart | null;
}

/** One restart of this run, from the DELETE to its outcome. */
export interface Restart {
  readonly node: string;
  readonly before: RestartTarget;
  /** When the DELETE was answered (server's clock, and the run's). */
  readonly atMs: number;
  readonly elapsedMs: number;
  /**
   * `deleted` by our DELETE; `elsewhere`: 404 or 409, somebody else did it; `forbidden`; `failed`: not carried out;
   * `turned-away`: the server did not look at it (429, 401 with credentials that were renewed since); `lost`: no answer,
   * and the pod could not be read either (the view will show whether it is gone); `undone`: no answer, and the same pod
   * is still there.
   */
  readonly answer: 'deleted' | 'elsewhere' | 'forbidden' | 'failed' | 'turned-away' | 'lost' | 'undone';
  /**
   * How it is known whether the pod is gone: `read`: it was read after the answer; `listed`: lists that were begun since
   * show it; null: not yet, and a picture that may be older than the DELETE does not tell.
   */
  readonly seenBy: 'read' | 'listed' | null;
  /** The pods that were stuck with the failure on the node when it was restarted, by uid. */
  readonly stuckUids: readonly string[];
  /** Namespaces of the evidence: whether one tenant's pods were all that spoke of this node. */
  readonly namespaces: readonly string[];
  /** Namespaces of the pods that showed afterwards that it had not helped; absent: none did. */
  readonly refutedBy?: readonly string[];
  /** What became of the node, whoever restarted it; null: not known yet. */
  readonly settled: Outcome | null;
  /** When that became known, on the run's clock; null: not yet, or only by the end of the run. */
  readonly settledElapsedMs: number | null;
  /** `settled` of this run's own restarts (`deleted`); null for all others. */
  readonly outcome: Outcome | null;
  /** What proved or refuted the cure, or what is waited for; for people. Untrusted text inside. */
  readonly why: string;
  readonly after: { readonly pod: string; readonly createdAtMs: number; readonly installedAtMs: number | null } | null;
  /** For how long nothing could be seen since, and no kubelet could get a token; absent: always. */
  readonly unseenMs?: number;
  /** Up to when `unseenMs` is reckoned, on the run's clock; absent: up to the restart. */
  readonly reckonedElapsedMs?: number;
  /** How often the new pod's `install-cni` had failed when an outage of the API server was over; absent: never. */
  readonly failedInOutage?: number;
}

/**
 * What the credentials may do: by namespace, whether they may delete pods there. A namespace that is absent is not
 * known: the DELETE itself will tell.
 */
export type DeleteRights = ReadonlyMap<string, boolean>;
