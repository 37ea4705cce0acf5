import { type Condition, conditionOf, type Metadata } from './metadata.ts';

export interface Terminated {
  readonly kind: 'terminated';
  readonly reason: string;
  readonly message: string;
  readonly exitCode: number;
  readonly signal: number | null;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
}

export type ContainerState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string }
  | { readonly kind: 'running'; readonly startedAtMs: number | null }
  | Terminated
  | { readonly kind: 'none' };

/** The numbers of a probe that bound how long it may take (defaults of the API filled in), and what it asks. */
export interface Probe {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly failureThreshold: number;
  /** For people: `GET :8080/ready`, `tcp :5432`, `exec pg_isready`, `grpc :9000`. */
  readonly asks: string;
}

export interface Container {
  readonly name: string;
  /** `sidecar`: an init container with restartPolicy Always (KEP-753). */
  readonly role: 'init' | 'sidecar' | 'main';
  readonly image: string;
  readonly state: ContainerState;
  /** How the container ended the time before, if it did. */
  readonly lastEnd: Terminated | null;
  readonly ready: boolean;
  /** null when the status does not say. */
  readonly started: boolean | null;
  readonly restartCount: number;
  readonly readinessProbe: Probe | null;
  readonly startupProbe: Probe | null;
}

export interface Pod extends Metadata {
  /** `pod-template-hash`, else `controller-revision-hash`, else null: which template of its owner it was made from. */
  readonly revision: string | null;
  /** All labels of a pod of Calico; elsewhere only what decisions need is kept. */
  readonly jobName: string | null;
  readonly nodeName: string | null;
  readonly hostNetwork: boolean;
  readonly restartPolicy: string;
  /** A static pod: the kubelet made it from a file, the API shows a mirror. */
  readonly mirror: boolean;
  readonly deletionGraceMs: number | null;
  /**
   * Whether the status is about the present spec and deletion (`observedGeneration`, KEP-5067): false while the kubelet has
   * not come to them yet; null where it does not say (before 1.34).
   */
  readonly observed: boolean | null;
  /** Annotation `cni.projectcalico.org/podIP`: null = absent, '' = Calico's DEL ran. Anybody who may edit the pod can forge it. */
  readonly calicoPodIp: string | null;
  /** `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`, '' (no status yet), or something newer. */
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  readonly conditions: readonly Condition[];
  /** When its kubelet took it up (`status.startTime`), by the clock of the node; null: it has not. */
  readonly startTimeMs: number | null;
  readonly hasPodIp: boolean;
  readonly nominatedNodeName: string | null;
  readonly readinessGates: readonly string[];
  /** Init containers and sidecars in their order, then the main ones. Spec and status joined by name. */
  readonly containers: readonly Container[];
  /** An ephemeral container runs (`kubectl debug`): no part of what the pod is for, but it ends before the pod can. */
  readonly isDebugged: boolean;
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod.conditions, 'Ready')?.status === 'True';
}

/** Terminating: somebody deleted it and it is still there. */
export function isTerminating(pod: Pod): boolean {
  return pod.deletionAtMs !== null;
}

/** Succeeded or Failed: its containers will never run again. */
export function hasEnded(pod: Pod): boolean {
  return pod.phase === 'Succeeded' || pod.phase === 'Failed';
}

/**
 * Terminating for longer than it was granted plus `slackMs`. `deletionTimestamp` already includes the grace period
 * (apimachinery ObjectMeta); both times are the API server's.
 */
export function isOverdue(pod: Pod, atMs: number, slackMs: number): boolean {
  return pod.deletionAtMs !== null && atMs > pod.deletionAtMs + slackMs;
}

/**
 * Whether the pod has its sandbox (network namespace). `PodReadyToStartContainers` (KEP-3085, on since 1.29) says so;
 * where an older kubelet does not write it, a pod IP or a container that is past waiting shows it. Null: cannot be
 * told (no status yet).
 */
export function hasSandbox(pod: Pod): boolean | null {
  const condition = conditionOf(pod.conditions, 'PodReadyToStartContainers');
  if (condition !== null) return condition.status === 'True';
  const states = pod.containers.map((container) => container.state.kind);
  if (pod.hasPodIp || states.includes('running') || states.includes('terminated')) return true;
  if (pod.nodeName === null || states.length === 0 || states.every((kind) => kind === 'none')) return null;
  return !states.every((kind) => kind === 'waiting');
}

/**
 * Calico has given the pod its address, and no container of it has started: it is past its sandbox, although its kubelet
 * may not say so. Kubelets before 1.36 write a pod's status only between their steps (kubernetes#134660): as long as the
 * first image is pulled or a postStart hook runs, `PodReadyToStartContainers` stays False. Anybody who may edit the pod can
 * write the address, and take it away. One that the kubelet has begun to end is not starting any more.
 */
export function isPastItsSandbox(pod: Pod): boolean {
  if (!pod.calicoPodIp || (isTerminating(pod) && pod.observed === true)) return false;
  return pod.containers.every(
    ({ state, restartCount, lastEnd }) =>
      (state.kind === 'waiting' || state.kind === 'none') && restartCount === 0 && lastEnd === null,
  );
}

/**
 * Bound to a node, in need of a pod network, and without its sandbox: the shape that every failure of a CNI plugin's
 * ADD leaves. A pod that is being deleted is not starting any more.
 */
export function waitsForSandbox(pod: Pod): boolean {
  return (
    pod.nodeName !== null && !pod.hostNetwork && !isTerminating(pod) && !hasEnded(pod) && hasSandbox(pod) === false
  );
}
