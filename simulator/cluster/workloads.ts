import type { Container, PodSpec, StringMap } from '../objects.ts';
import type { Deployment, PodTemplate } from '../workload-objects.ts';
import { type ClusterContext, newMetadata } from './context.ts';
import { defaultedSpec } from './pod-template.ts';
import {
  type Behaviour,
  type BehaviourSource,
  finalizersOf,
  httpProbe,
  missingOf,
  programOf,
  programSource,
  specFor,
} from './programs.ts';

/** What every workload can be given. */
export interface WorkloadOptions {
  readonly namespace: string;
  readonly name: string;
  /** Default: a new tag of the workload's own image, so that a second call is a new version. */
  readonly image?: string;
  readonly behaviour?: BehaviourSource;
  readonly labels?: StringMap;
  readonly graceSeconds?: number;
  /** Bound without the scheduler. */
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  /** What the container asks for, such as `{ cpu: '1' }`: the scheduler finds room for it, or none. */
  readonly requests?: StringMap;
  /** Whether the container has a readiness probe. Default true. */
  readonly probe?: boolean;
  /** Anything else of the pod's spec. */
  readonly spec?: Partial<PodSpec>;
}

export interface DeployOptions extends WorkloadOptions {
  /** Default 1; at a new version what it was. */
  readonly replicas?: number;
  readonly strategy?: 'RollingUpdate' | 'Recreate';
  readonly maxSurge?: number | string;
  readonly maxUnavailable?: number | string;
  readonly minReadySeconds?: number;
  readonly progressDeadlineSeconds?: number;
  readonly paused?: boolean;
}

/** Images and what they run: which version a workload is at, and how to make the next. */
export interface Workloads {
  readonly template: (options: WorkloadOptions, before?: PodTemplate) => PodTemplate;
  readonly deployment: (options: DeployOptions, before?: Deployment) => Deployment;
  readonly setBehaviour: (namespace: string, name: string, behaviour: BehaviourSource) => void;
}

export function createWorkloads(context: ClusterContext): Workloads {
  const versions = new Map<string, number>();
  const images = new Map<string, string>();
  const absences = new Map<string, string>();

  const learn = (namespace: string, name: string, image: string, behaviour: BehaviourSource): void => {
    context.programs.set(image, programSource(behaviour));
    const fixed: Behaviour = typeof behaviour === 'function' ? { kind: 'healthy' } : behaviour;
    context.programs.set(
      `${image}-init`,
      fixed.kind === 'initCrash' ? { exits: { code: fixed.exitCode ?? 1, afterMs: 200 } } : {},
    );
    const key = `${namespace}/${name}`;
    const missing = missingOf(fixed);
    const before = absences.get(key);
    if (before !== undefined && missing === undefined) context.missing.delete(before);
    if (missing === undefined) return;
    const [kind = '', what = ''] = missing.split('/');
    absences.set(key, `${kind}/${namespace}/${what}`);
    context.missing.add(`${kind}/${namespace}/${what}`);
  };

  const template = (options: WorkloadOptions, before?: PodTemplate): PodTemplate => {
    const { namespace, name } = options;
    const key = `${namespace}/${name}`;
    const version = (versions.get(key) ?? 0) + 1;
    versions.set(key, version);
    const behaviour = options.behaviour ?? { kind: 'healthy' };
    const fixed: Behaviour = typeof behaviour === 'function' ? { kind: 'healthy' } : behaviour;
    const wanted = options.image ?? `registry.example/${namespace}/${name}:${version}`;
    const nodeName = options.nodeName ?? before?.spec.nodeName;
    const probe = options.probe ?? before?.spec.containers[0]?.readinessProbe !== undefined;
    const requests = options.requests ?? before?.spec.containers[0]?.resources?.requests;
    const container: Container = {
      name,
      image: wanted,
      command: fixed.kind === 'startError' ? ['/nope'] : ['/agent', 'serve'],
      env: [{ name: 'V', value: String(version) }],
      ...(requests === undefined ? {} : { resources: { requests } }),
      ...((options.probe ?? (before === undefined || probe)) ? { readinessProbe: httpProbe(1, 3) } : {}),
    };
    const spec = specFor(
      fixed,
      {
        containers: [container],
        ...(options.graceSeconds === undefined
          ? { terminationGracePeriodSeconds: before?.spec.terminationGracePeriodSeconds ?? 2 }
          : { terminationGracePeriodSeconds: options.graceSeconds }),
        ...(nodeName === undefined ? {} : { nodeName }),
        ...(options.hostNetwork ? { hostNetwork: true } : {}),
        ...options.spec,
      },
      `${wanted}-init`,
    );
    const image = spec.containers[0]?.image ?? wanted;
    images.set(key, image);
    learn(namespace, name, image, behaviour);
    const finalizers = finalizersOf(fixed);
    return {
      metadata: { labels: { app: name, ...options.labels }, ...(finalizers.length === 0 ? {} : { finalizers }) },
      spec: defaultedSpec(spec),
    };
  };

  return {
    template,
    deployment: (options, before) => {
      const podTemplate = template(options, before?.spec.template);
      const type = options.strategy ?? before?.spec.strategy.type ?? 'RollingUpdate';
      const rolling = before?.spec.strategy.rollingUpdate;
      const minReadySeconds = options.minReadySeconds ?? before?.spec.minReadySeconds;
      const paused = options.paused ?? before?.spec.paused;
      const spec: Deployment['spec'] = {
        replicas: options.replicas ?? before?.spec.replicas ?? 1,
        selector: before?.spec.selector ?? { matchLabels: { app: options.name } },
        template: podTemplate,
        strategy:
          type === 'Recreate'
            ? { type }
            : {
                type,
                rollingUpdate: {
                  maxUnavailable: options.maxUnavailable ?? rolling?.maxUnavailable ?? '25%',
                  maxSurge: options.maxSurge ?? rolling?.maxSurge ?? '25%',
                },
              },
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        revisionHistoryLimit: 10,
        ...(paused === undefined ? {} : { paused }),
        progressDeadlineSeconds: options.progressDeadlineSeconds ?? before?.spec.progressDeadlineSeconds ?? 600,
      };
      if (before) {
        return { ...before, metadata: { ...before.metadata, generation: (before.metadata.generation ?? 1) + 1 }, spec };
      }
      return {
        metadata: newMetadata(context, {
          name: options.name,
          namespace: options.namespace,
          labels: podTemplate.metadata.labels ?? {},
        }),
        spec,
        status: {},
      };
    },
    setBehaviour: (namespace, name, behaviour) => {
      const image = images.get(`${namespace}/${name}`);
      if (image === undefined)
        throw new Error(
          `no workload "${namespace}/${name}" was made by this simulator, so its behaviour cannot be set`,
        );
      learn(namespace, name, image, behaviour);
      const program = typeof behaviour === 'function' ? undefined : programOf(behaviour);
      if (program) context.programs.set(image, program);
    },
  };
}
