import type { Manifest } from './api.ts';
import { STAND_IN_IMAGE } from './cluster/images.ts';
import { until } from './cluster/waiting.ts';
import { type Cluster, isReady, podsIn } from './harness.ts';

/** A container of the stand-in image; `args` say what it does (`e2e/stand-in/workload.go`). */
export interface ContainerOptions {
  readonly name?: string;
  readonly args?: readonly string[];
  readonly [field: string]: unknown;
}

/** By default a server that is ready at once and is asked every second. */
export function aContainer({ args = ['serve'], ...others }: ContainerOptions = {}): object {
  const probe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 };
  return {
    name: 'app',
    image: STAND_IN_IMAGE,
    imagePullPolicy: 'Never',
    args,
    ...(args[0] === 'serve' ? { readinessProbe: probe } : {}),
    ...others,
  };
}

export interface PodOptions {
  readonly container?: ContainerOptions;
  /** Nodes that it may run on; default: any. */
  readonly nodes?: readonly string[];
  readonly [field: string]: unknown;
}

/** The spec of a pod with one container and a grace period of a second. */
export function aPodSpec({ container = {}, nodes, ...others }: PodOptions = {}): object {
  return {
    containers: [aContainer(container)],
    terminationGracePeriodSeconds: 1,
    ...(nodes === undefined ? {} : { affinity: onlyOn(nodes) }),
    ...others,
  };
}

function onlyOn(nodes: readonly string[]): object {
  const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: nodes }];
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
  };
}

export interface WorkloadOptions {
  readonly name: string;
  readonly namespace: string;
  /** Default: one; a DaemonSet has none. */
  readonly replicas?: number;
  readonly pod?: PodOptions;
  /** Further fields of the spec. */
  readonly spec?: object;
}

export function aDeployment(options: WorkloadOptions): Manifest {
  return aWorkload('Deployment', { replicas: 1, ...options });
}

export function aStatefulSet(options: WorkloadOptions): Manifest {
  const spec = { serviceName: options.name, ...options.spec };
  return aWorkload('StatefulSet', { replicas: 1, ...options, spec });
}

export function aDaemonSet(options: Omit<WorkloadOptions, 'replicas'>): Manifest {
  return aWorkload('DaemonSet', options);
}

function aWorkload(kind: string, { name, namespace, replicas, pod = {}, spec = {} }: WorkloadOptions): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: aPodSpec(pod) },
      ...spec,
    },
  };
}

/** Makes the pods of each revision spread evenly over the nodes they may run on. */
export function spreadEvenly(app: string): object {
  return {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app } },
        matchLabelKeys: ['pod-template-hash'],
      },
    ],
  };
}

/** Rolls a Deployment (StatefulSet, DaemonSet) out anew, as `kubectl rollout restart` does. */
export async function roll({ api }: Cluster, plural: string, namespace: string, name: string): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  await api.patch(`/apis/apps/v1/namespaces/${namespace}/${plural}/${name}`, {
    spec: { template: { metadata: { annotations } } },
  });
}

/** Makes a namespace of the scenario's own; whatever was left of that name goes first. */
export async function makeNamespace(cluster: Cluster, name: string): Promise<void> {
  await removeNamespace(cluster, name);
  await cluster.api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

/** Deletes a namespace with all that is in it, and resolves when it is gone. */
export async function removeNamespace({ api }: Cluster, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${name}`;
  await api.remove(path);
  const gone = { what: `namespace ${name} to be gone`, timeoutMs: GONE_WITHIN_MS };
  await until(gone, async () => (await api.request('GET', path)).status === 404);
}

/**
 * Deletes a namespace with all that is in it, and resolves when no pod is left there: the nodes are as they were, and the
 * rest goes by itself.
 */
export async function leaveNamespace(cluster: Cluster, name: string): Promise<void> {
  await cluster.api.remove(`/api/v1/namespaces/${name}`);
  const gone = { what: `the pods of ${name} to be gone`, timeoutMs: GONE_WITHIN_MS };
  await until(gone, async () => (await podsIn(cluster, name)).length === 0);
}

/** Deletes all pods of a namespace without waiting for their ends, and without those who would hold them back. */
export async function forcePodsOut(cluster: Cluster, namespace: string): Promise<void> {
  for (const { metadata } of await podsIn(cluster, namespace)) {
    const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}`;
    await cluster.api.remove(path, { gracePeriodSeconds: 0 });
    // One that ended meanwhile needs nothing more.
    if (metadata.finalizers !== undefined) await cluster.api.patch(path, { metadata: { finalizers: null } });
  }
}

/** Resolves when a namespace has this many pods, all of them Ready. */
export async function allReady(cluster: Cluster, namespace: string, count: number): Promise<void> {
  const waiting = { what: `${count} Ready pods in ${namespace}`, timeoutMs: READY_WITHIN_MS };
  await until(waiting, async () => {
    const pods = await podsIn(cluster, namespace);
    return pods.length === count && pods.every(isReady);
  });
}

const GONE_WITHIN_MS = 120_000;
const READY_WITHIN_MS = 120_000;
