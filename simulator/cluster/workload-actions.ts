import type { KubeObject, StringMap } from '../objects.ts';
import type { DaemonSet, Deployment, Job, StatefulSet } from '../workload-objects.ts';
import { type ClusterContext, controlledBy, newMetadata } from './context.ts';
import { podFrom } from './pod-template.ts';
import type { BehaviourSource } from './programs.ts';
import { createWorkloads, type DeployOptions, type WorkloadOptions } from './workloads.ts';

export interface StatefulSetOptions extends WorkloadOptions {
  readonly replicas?: number;
  readonly podManagementPolicy?: 'OrderedReady' | 'Parallel';
  readonly updateStrategy?: 'RollingUpdate' | 'OnDelete';
  readonly partition?: number;
}

export interface DaemonSetOptions extends WorkloadOptions {
  readonly updateStrategy?: 'RollingUpdate' | 'OnDelete';
  readonly maxUnavailable?: number;
}

export interface JobOptions extends WorkloadOptions {
  readonly completions?: number;
  readonly parallelism?: number;
  readonly backoffLimit?: number;
  readonly ttlSeconds?: number;
  readonly restartPolicy?: 'Never' | 'OnFailure';
  readonly suspend?: boolean;
  /** The CronJob that made it; created when it does not exist. */
  readonly cronJob?: string;
}

export interface PodOptions extends WorkloadOptions {
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
}

/** What people and pipelines do to workloads. A second call with the same name brings a new version. */
export interface WorkloadActions {
  readonly deploy: (options: DeployOptions) => void;
  readonly deployStatefulSet: (options: StatefulSetOptions) => void;
  readonly deployDaemonSet: (options: DaemonSetOptions) => void;
  readonly runJob: (options: JobOptions) => void;
  readonly createPod: (options: PodOptions) => void;
  readonly scale: (namespace: string, name: string, replicas: number) => void;
  readonly pause: (namespace: string, name: string) => void;
  readonly resume: (namespace: string, name: string) => void;
  /** What the containers of a workload do from their next attempt on. */
  readonly setBehaviour: (namespace: string, workload: string, behaviour: BehaviourSource) => void;
  /** Most pods of a namespace; `undefined` lifts it. */
  readonly setQuota: (namespace: string, pods: number | undefined) => void;
  readonly createNamespace: (name: string) => void;
}

function changed<T extends KubeObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, generation: (object.metadata.generation ?? 1) + 1 } };
}

export function createWorkloadActions(context: ClusterContext): WorkloadActions {
  const { database, managed } = context;
  const workloads = createWorkloads(context);

  const createNamespace = (name: string): void => {
    if (database.get('namespaces', undefined, name)) return;
    const object: KubeObject & { readonly [field: string]: unknown } = {
      metadata: newMetadata(context, { name, labels: { 'kubernetes.io/metadata.name': name } }, false),
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
    database.put('namespaces', object);
  };

  const metadata = (options: WorkloadOptions, annotations?: StringMap): KubeObject['metadata'] =>
    newMetadata(context, {
      name: options.name,
      namespace: options.namespace,
      labels: { app: options.name, ...options.labels },
      ...(annotations === undefined ? {} : { annotations }),
    });

  const edit = (namespace: string, name: string, change: (spec: Deployment['spec']) => Deployment['spec']): void => {
    const deployment = database.get('deployments', namespace, name);
    if (!deployment) throw new Error(`the simulated cluster has no Deployment "${namespace}/${name}"`);
    database.put('deployments', changed({ ...deployment, spec: change(deployment.spec) }));
  };

  const deployStatefulSet = (options: StatefulSetOptions): void => {
    createNamespace(options.namespace);
    const before = database.get('statefulsets', options.namespace, options.name);
    const template = workloads.template(options, before?.spec.template);
    const partition = options.partition ?? before?.spec.updateStrategy.rollingUpdate?.partition ?? 0;
    const type = options.updateStrategy ?? before?.spec.updateStrategy.type ?? 'RollingUpdate';
    const spec: StatefulSet['spec'] = {
      replicas: options.replicas ?? before?.spec.replicas ?? 1,
      selector: { matchLabels: { app: options.name } },
      template,
      serviceName: options.name,
      podManagementPolicy: options.podManagementPolicy ?? before?.spec.podManagementPolicy ?? 'OrderedReady',
      updateStrategy: type === 'OnDelete' ? { type } : { type, rollingUpdate: { partition } },
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    };
    const set: StatefulSet = before
      ? changed({ ...before, spec })
      : { metadata: metadata(options), spec, status: { replicas: 0, availableReplicas: 0 } };
    managed.add(set.metadata.uid);
    database.put('statefulsets', set);
  };

  const deployDaemonSet = (options: DaemonSetOptions): void => {
    createNamespace(options.namespace);
    const before = database.get('daemonsets', options.namespace, options.name);
    const template = workloads.template(options, before?.spec.template);
    const generation = String(Number(before?.metadata.generation ?? 0) + 1);
    const annotation = { 'deprecated.daemonset.template.generation': generation };
    const type = options.updateStrategy ?? before?.spec.updateStrategy.type ?? 'RollingUpdate';
    const spec: DaemonSet['spec'] = {
      selector: { matchLabels: { app: options.name } },
      template,
      updateStrategy:
        type === 'OnDelete'
          ? { type }
          : { type, rollingUpdate: { maxUnavailable: options.maxUnavailable ?? 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    };
    const status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
    const set: DaemonSet = before
      ? changed({
          ...before,
          spec,
          metadata: { ...before.metadata, annotations: { ...before.metadata.annotations, ...annotation } },
        })
      : { metadata: metadata(options, annotation), spec, status };
    managed.add(set.metadata.uid);
    database.put('daemonsets', set);
  };

  const cronJob = (namespace: string, name: string): KubeObject => {
    const existing = database.get('cronjobs', namespace, name);
    if (existing) return existing;
    const object: KubeObject & { readonly [field: string]: unknown } = {
      metadata: metadata({ namespace, name }),
      spec: {
        schedule: '*/10 * * * *',
        concurrencyPolicy: 'Allow',
        suspend: false,
        jobTemplate: { metadata: {}, spec: {} },
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      },
      status: {},
    };
    managed.add(object.metadata.uid);
    return database.put('cronjobs', object);
  };

  const runJob = (options: JobOptions): void => {
    createNamespace(options.namespace);
    const template = workloads.template({ probe: false, behaviour: { kind: 'completes' }, ...options });
    const owner = options.cronJob === undefined ? undefined : cronJob(options.namespace, options.cronJob);
    const base = newMetadata(context, { name: options.name, namespace: options.namespace });
    const own: StringMap = {
      'batch.kubernetes.io/controller-uid': base.uid,
      'batch.kubernetes.io/job-name': options.name,
      'controller-uid': base.uid,
      'job-name': options.name,
    };
    const labels = { ...template.metadata.labels, ...own };
    const job: Job = {
      metadata: {
        ...base,
        labels,
        ...(owner === undefined ? {} : { ownerReferences: controlledBy(owner, 'CronJob', 'batch/v1') }),
      },
      spec: {
        parallelism: options.parallelism ?? 1,
        completions: options.completions ?? 1,
        backoffLimit: options.backoffLimit ?? 6,
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': base.uid } },
        manualSelector: false,
        template: {
          metadata: { ...template.metadata, labels },
          spec: { ...template.spec, restartPolicy: options.restartPolicy ?? 'Never' },
        },
        ...(options.ttlSeconds === undefined ? {} : { ttlSecondsAfterFinished: options.ttlSeconds }),
        completionMode: 'NonIndexed',
        suspend: options.suspend ?? false,
        podReplacementPolicy: 'TerminatingOrFailed',
      },
      status: {},
    };
    managed.add(job.metadata.uid);
    database.put('jobs', job);
  };

  return {
    deploy: (options) => {
      createNamespace(options.namespace);
      const deployment = workloads.deployment(options, database.get('deployments', options.namespace, options.name));
      managed.add(deployment.metadata.uid);
      database.put('deployments', deployment);
    },
    deployStatefulSet,
    deployDaemonSet,
    runJob,
    createPod: ({ restartPolicy, ...options }) => {
      createNamespace(options.namespace);
      const template = workloads.template(options);
      const spec = restartPolicy === undefined ? template.spec : { ...template.spec, restartPolicy };
      const pod = podFrom(context, { ...template, spec }, { name: options.name, namespace: options.namespace });
      managed.add(pod.metadata.uid);
      database.put('pods', pod);
    },
    scale: (namespace, name, replicas) => {
      const set = database.get('statefulsets', namespace, name);
      if (set && !database.get('deployments', namespace, name))
        database.put('statefulsets', changed({ ...set, spec: { ...set.spec, replicas } }));
      else edit(namespace, name, (spec) => ({ ...spec, replicas }));
    },
    pause: (namespace, name) => edit(namespace, name, (spec) => ({ ...spec, paused: true })),
    resume: (namespace, name) =>
      edit(namespace, name, (spec) => {
        const { paused: _paused, ...rest } = spec;
        return rest;
      }),
    setBehaviour: workloads.setBehaviour,
    setQuota: (namespace, limit) => {
      if (limit === undefined) context.quotas.delete(namespace);
      else context.quotas.set(namespace, limit);
    },
    createNamespace,
  };
}
