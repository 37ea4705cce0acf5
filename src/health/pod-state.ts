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

/** What a run remembers of one pod (by uid). Elapsed times are the run's own (monotonic). */
export interface PodMemory {
  readonly firstSeenElapsedMs: number;
  /** Server's time of the first look, for "was it so when the run began". */
  readonly firstSeenAtMs: number;
  /** Stage and cause of the last look, since when they stand, and how many observations (≥ 2 s apart) have seen them. */
  readonly stage: Stage | null;
  readonly cause: Cause | null;
  readonly causeSinceElapsedMs: number;
  readonly observations: number;
  readonly lastObservationElapsedMs: number;
  /** Of each container: the last cause of a failing pull (the kubelet alternates ErrImagePull and ImagePullBackOff). */
  readonly pullCauses: Readonly<Record<string, { readonly cause: Cause; readonly message: string }>>;
  /** When this run saw it become Ready (elapsed); null while it is not Ready. */
  readonly readySinceElapsedMs: number | null;
  /** Total restarts at the first look, and the newest abnormal end that this run saw (elapsed), for flapping and CrashLoop. */
  readonly restartsAtFirst: number;
  readonly restarts: number;
  readonly lastAbnormalEndElapsedMs: number | null;
}

/** The decision about one pod. */
export interface PodState {
  readonly pod: Pod;
  readonly class: PodClass;
  /** Null for pods that are fine as they are. `starting` pods have their finding, which does not hold back. */
  readonly finding: Finding | null;
}
