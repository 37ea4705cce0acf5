import type { SandboxError } from '../calico/case.ts';
import type { Now } from '../clock.ts';
import type { Event } from '../objects/event.ts';
import type { Node } from '../objects/node.ts';
import type { Pod } from '../objects/pod.ts';
import type { Workload } from '../objects/workload.ts';
import type { Timing } from '../timing.ts';
import type { Cause, Finding, PodClass, Stage } from './assessment.ts';

/** The workload that people know a pod by, and what its own status says about needing this pod. */
export interface Owner {
  readonly kind: string;
  readonly name: string;
  /** Null: bare pod's owner kinds that are not judged (Argo Rollouts, bare ReplicaSets …), or not readable. */
  readonly workload: Workload | null;
  /** The workload has all the ready pods that it wants without this one (superseded and lost pods are replaced). */
  readonly satisfied: boolean;
}

/** Everything that the decision about one pod may look at. */
export interface PodContext {
  readonly owner: Owner | null;
  readonly sandboxError: SandboxError | null;
  /** Events about this uid in the pod's own namespace, any order. */
  readonly events: readonly Event[];
  /** The pod's node; null when unbound, when nodes may not be read, or when the node is gone. */
  readonly node: Node | null;
  readonly nodesReadable: boolean;
  /** For DaemonSet pods: whether the node counts (`workload.ts` decides; guessed where nodes may not be read). */
  readonly eligibleNode: boolean;
  /** What the run remembers of this uid up to and including this look. */
  readonly memory: PodMemory;
  readonly now: Now;
  readonly timing: Timing;
  readonly stuckAfterMs: number;
}

/** What is known of a pod at one look, before anything is remembered of it. */
export type PodCircumstances = Omit<PodContext, 'memory'>;

/**
 * What a run has seen of one pod (by uid), whatever is made of it. Elapsed times are the run's own (monotonic); the
 * others are the API server's.
 */
export interface PodFacts {
  readonly firstSeenElapsedMs: number;
  /** Server's time of the first look, for "was it so when the run began". */
  readonly firstSeenAtMs: number;
  /** Of each container that cannot pull its image: the last cause (the kubelet alternates ErrImagePull and ImagePullBackOff). */
  readonly pullErrors: ReadonlyMap<string, { readonly cause: Cause; readonly text: string }>;
  /** Of each container that ended abnormally: how often in all, and when this run saw the newest; null: before it began. */
  readonly abnormalEnds: ReadonlyMap<string, { readonly count: number; readonly seenElapsedMs: number | null }>;
  /** `lastTransitionTime` of Ready as its writer put it; another one means that it flipped, seen or not. */
  readonly readyChangedAtMs: number | null;
  /** Since when it is Ready (may lie before the run began); null while it is not. */
  readonly readySinceElapsedMs: number | null;
  /** Since when it is not Ready, made safe against a node's clock; null while it is. */
  readonly notReadySinceMs: number | null;
  /** The last look that saw it Ready; null: none did. */
  readonly lastReadyAtMs: number | null;
}

/** What a run remembers of one pod: the facts, and what was made of them. */
export interface PodMemory extends PodFacts {
  /** Stage and cause of the last look; null when nothing was wrong. */
  readonly stage: Stage | null;
  readonly cause: Cause | null;
  /** Since when the run sees that cause without a break. */
  readonly causeSinceElapsedMs: number;
  /** Since when it sees what makes the cause fatal at once; null: the cause has patience. */
  readonly atOnceSinceElapsedMs: number | null;
  /** How many observations have seen that cause (and, where it is fatal at once, what makes it so). */
  readonly observations: number;
  readonly lastObservationElapsedMs: number;
  /** The last look at a live view; patience runs out only in the light. */
  readonly lastLiveElapsedMs: number | null;
}

/** The decision about one pod. */
export interface PodState {
  readonly pod: Pod;
  readonly class: PodClass;
  /** Null for pods that are fine as they are. `starting` pods have their finding, which does not hold back. */
  readonly finding: Finding | null;
}
