import type { Condition, Metadata } from './metadata.ts';

interface WorkloadBase extends Metadata {
  /** Grows with every change of the spec, scaling included. */
  readonly generation: number;
  /** null: the controller has never looked at it. */
  readonly observedGeneration: number | null;
  /** Labels of the pod template: what a selector is matched with. */
  readonly templateLabels: Readonly<Record<string, string>>;
  readonly conditions: readonly Condition[];
}

/** Status counts are absent when zero; they are 0 here. `desired` is `spec.replicas` with the API's default. */
export interface Deployment extends WorkloadBase {
  readonly kind: 'Deployment';
  readonly desired: number;
  readonly strategy: 'RollingUpdate' | 'Recreate' | (string & {});
  readonly paused: boolean;
  readonly progressDeadlineMs: number;
  /** Annotation `deployment.kubernetes.io/revision`: changes with the template, stays when scaled; '' when absent. */
  readonly revision: string;
  /** Pods of all ReplicaSets that do not terminate. */
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
}

export interface StatefulSet extends WorkloadBase {
  readonly kind: 'StatefulSet';
  readonly desired: number;
  readonly strategy: 'RollingUpdate' | 'OnDelete' | (string & {});
  /** Only ordinals from it on need the new revision (with `spec.ordinals.start` as offset of the numbering). */
  readonly partition: number;
  readonly ordinalsStart: number;
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly replicas: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
}

export interface DaemonSet extends WorkloadBase {
  readonly kind: 'DaemonSet';
  readonly strategy: 'RollingUpdate' | 'OnDelete' | (string & {});
  /** `desiredNumberScheduled`; null when the status does not have it. */
  readonly desired: number | null;
  readonly current: number;
  readonly misscheduled: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  /** Annotation `deprecated.daemonset.template.generation`; '' when absent: changes with the template only. */
  readonly templateGeneration: string;
  readonly template: DaemonSetTemplate;
}

/** What tells a Calico DaemonSet from its look-alikes. */
export interface DaemonSetTemplate {
  readonly containers: readonly string[];
  readonly initContainers: readonly string[];
  readonly hostNetwork: boolean;
  /** `securityContext.windowsOptions.hostProcess`, of the pod or of all containers. */
  readonly hostProcess: boolean;
  /** Host paths that are mounted into a container or init container. */
  readonly hostPaths: readonly string[];
}

export interface Job extends WorkloadBase {
  readonly kind: 'Job';
  readonly completions: number | null;
  readonly parallelism: number;
  readonly suspended: boolean;
  readonly active: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly startedAtMs: number | null;
  readonly completedAtMs: number | null;
}

export type Workload = Deployment | StatefulSet | DaemonSet | Job;
export type WorkloadKind = Workload['kind'];
