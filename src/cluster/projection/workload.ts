import type { Condition, Metadata } from '../../objects/metadata.ts';
import type { Deployment, Job, StatefulSet } from '../../objects/workload.ts';
import { type Projection, projectConditions, projectMetadata } from './metadata.ts';
import { numberOr, type Raw, record, stringMap, timeMs, word } from './raw.ts';

/** The API's defaults (apps/v1 and batch/v1 defaulting; a server fills them in, a double may not). */
const DEFAULT_REPLICAS = 1;
const DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;
const DEFAULT_STRATEGY = 'RollingUpdate';

/** What all workloads share. */
export function projectWorkloadBase(raw: Raw): Metadata & {
  readonly generation: number;
  readonly observedGeneration: number | null;
  readonly templateLabels: Readonly<Record<string, string>>;
  readonly conditions: readonly Condition[];
} {
  const status = record(raw.status);
  const template = record(record(raw.spec).template);
  return {
    ...projectMetadata(raw),
    generation: numberOr(record(raw.metadata).generation, 0),
    observedGeneration: numberOr(status.observedGeneration, null),
    templateLabels: stringMap(record(template.metadata).labels),
    conditions: projectConditions(status.conditions),
  };
}

export function annotationOf(raw: Raw, name: string): string {
  return word(record(record(raw.metadata).annotations)[name]);
}

export function strategyOf(strategy: unknown): string {
  return word(record(strategy).type) || DEFAULT_STRATEGY;
}

/** apps/v1 Deployment. */
export const projectDeployment: Projection<Deployment> = (raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: 'Deployment',
    ...projectWorkloadBase(raw),
    desired: numberOr(spec.replicas, DEFAULT_REPLICAS),
    strategy: strategyOf(spec.strategy),
    paused: spec.paused === true,
    progressDeadlineMs: numberOr(spec.progressDeadlineSeconds, DEFAULT_PROGRESS_DEADLINE_SECONDS) * 1_000,
    revision: annotationOf(raw, 'deployment.kubernetes.io/revision'),
    replicas: numberOr(status.replicas, 0),
    updated: numberOr(status.updatedReplicas, 0),
    ready: numberOr(status.readyReplicas, 0),
    available: numberOr(status.availableReplicas, 0),
  };
};

/** apps/v1 StatefulSet. */
export const projectStatefulSet: Projection<StatefulSet> = (raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: 'StatefulSet',
    ...projectWorkloadBase(raw),
    desired: numberOr(spec.replicas, DEFAULT_REPLICAS),
    strategy: strategyOf(spec.updateStrategy),
    partition: numberOr(record(record(spec.updateStrategy).rollingUpdate).partition, 0),
    ordinalsStart: numberOr(record(spec.ordinals).start, 0),
    currentRevision: word(status.currentRevision),
    updateRevision: word(status.updateRevision),
    replicas: numberOr(status.replicas, 0),
    updated: numberOr(status.updatedReplicas, 0),
    ready: numberOr(status.readyReplicas, 0),
    available: numberOr(status.availableReplicas, 0),
  };
};

/** batch/v1 Job. */
export const projectJob: Projection<Job> = (raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: 'Job',
    ...projectWorkloadBase(raw),
    completions: numberOr(spec.completions, null),
    parallelism: numberOr(spec.parallelism, 1),
    suspended: spec.suspend === true,
    active: numberOr(status.active, 0),
    succeeded: numberOr(status.succeeded, 0),
    failed: numberOr(status.failed, 0),
    startedAtMs: timeMs(status.startTime),
    completedAtMs: timeMs(status.completionTime),
  };
};
