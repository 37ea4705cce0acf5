import type { Moment } from './moments.ts';

/** What the report quotes as proof: an event of a pod that was stuck when it was read. */
export interface Evidence {
  /** `namespace/name` */
  readonly pod: string;
  readonly reason: string;
  /** Untrusted. */
  readonly message: string;
  readonly count: number;
  readonly lastSeenMs: number;
}

/** Something about a pod of the node, and when. */
export interface Sighting {
  /** `namespace/name` */
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  readonly moment: Moment;
}

/** A version of a pod's `SandboxChanged` event: the kubelet counts its retries in one event. */
export interface Retry {
  readonly count: number;
  readonly moment: Moment;
}

/** What the run saw of one pod of the node that needs a pod network, by the API server's clock. */
export interface PodTrace {
  /** `namespace/name` */
  readonly pod: string;
  /** The last look at which it had no sandbox. */
  readonly lastWithoutAtMs: number | null;
  /** The first look at which it had its present sandbox, whether or not its kubelet said so; null while it has none. */
  readonly firstWithAtMs: number | null;
  /** It was seen past its sandbox before its kubelet said so: what that says of the time is late. */
  readonly isSaidLate: boolean;
  /** Since when every look found it stuck with the failure; null: the last one did not. */
  readonly failingSinceMs: number | null;
  /** It was overdue with the failure at some look. */
  readonly heldByDel: boolean;
  /** The first look at which the kubelet had ended it (Succeeded or Failed) after that. */
  readonly endedAtMs: number | null;
  /** The first look at which it was gone after that. */
  readonly goneAtMs: number | null;
  /** Calico's own annotation, and the first look at which it differed from the look before. Anybody may forge it. */
  readonly calicoPodIp: string | null;
  readonly addressChangedAtMs: number | null;
  /** Newest last. */
  readonly retries: readonly Retry[];
}

/** What the run saw of `install-cni` in one calico-node pod, by the API server's clock. */
export interface InstallTrace {
  /** Of the pod's DaemonSet. */
  readonly daemonSetUid: string;
  /** On the node's clock; null when nobody says. */
  readonly finishedAtMs: number | null;
  /** The last look at which it had not finished. */
  readonly lastUnfinishedAtMs: number | null;
  /** The first look at which it had finished; null while it has not. */
  readonly firstFinishedAtMs: number | null;
  /** The last look at which the pod was there. */
  readonly lastSeenAtMs: number;
}

/** All that a run remembers of a node on which it found the failure. */
export interface NodeMemory {
  /** The API server's time when the failure was first found there. */
  readonly foundAtMs: number;
  /** When the whole proof first held; null: never so far. */
  readonly provenAtMs: number | null;
  /** Of each pod that was stuck with the failure, by uid, its newest event. Kept after the cure. */
  readonly evidence: ReadonlyMap<string, Evidence>;
  /** The newest event with the failure, of whatever pod that was stuck when it was read. */
  readonly lastMatch: Sighting | null;
  /** The same of each namespace: what one tenant writes about its pods says nothing about those of others. */
  readonly lastMatchOf: ReadonlyMap<string, Sighting>;
  /** The newest sandbox that a pod in need of a pod network got there. */
  readonly newestSandbox: Sighting | null;
  /** The same of each namespace. */
  readonly newestSandboxOf: ReadonlyMap<string, Sighting>;
  /** Of each namespace the first one that came clearly after the newest event with the failure of all other namespaces. */
  readonly firstSandboxOf: ReadonlyMap<string, Sighting>;
  /** By uid. */
  readonly pods: ReadonlyMap<string, PodTrace>;
  /** Calico-node pods of the node, by uid. */
  readonly installs: ReadonlyMap<string, InstallTrace>;
}

/** What a run remembers of Calico's failure. */
export interface CalicoMemory {
  /** When it was first found on a pod that was stuck at that moment (the API server's time); null: never. */
  readonly foundAtMs: number | null;
  readonly nodes: ReadonlyMap<string, NodeMemory>;
  /** Of each calico-node pod (uid), the last look at which it was Ready; filled while a node is remembered. */
  readonly readyAtMs: ReadonlyMap<string, number>;
}
