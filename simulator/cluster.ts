import { removeFinalizer } from './api/deletion.ts';
import type { ApiServer } from './api-server.ts';
import { type CalicoOptions, createCalico, installCalico } from './cluster/calico.ts';
import type { TokenState } from './cluster/cni.ts';
import { type ClusterContext, newMetadata } from './cluster/context.ts';
import { createDaemonSetController } from './cluster/daemonsets.ts';
import { createDatabase } from './cluster/database.ts';
import { createDeploymentController } from './cluster/deployments.ts';
import { createEventWriter } from './cluster/events.ts';
import { createGarbageCollector } from './cluster/garbage-collector.ts';
import { createNodeActions, type NodeActions } from './cluster/node-actions.ts';
import type { NodeOptions } from './cluster/nodes.ts';
import { registerNode } from './cluster/nodes.ts';
import { podFrom } from './cluster/pod-template.ts';
import { createPods } from './cluster/pods.ts';
import type { BehaviourSource } from './cluster/programs.ts';
import { createReplicaSetController } from './cluster/replicasets.ts';
import { createScheduler } from './cluster/scheduler.ts';
import { createWorkloads, type DeployOptions, type WorkloadOptions } from './cluster/workloads.ts';
import { controllerOf, type EventObject, type KubeObject, keyOf, type Pod, type ResourceTypes } from './objects.ts';
import type { Random } from './random.ts';
import { secondsStamp } from './timestamps.ts';
import type { WorldClock } from './world-clock.ts';

export interface ClusterOptions {
  readonly nodes?: readonly (string | NodeOptions)[];
  /** `false`: no Calico in this cluster. An array: several installations. */
  readonly calico?: CalicoOptions | readonly CalicoOptions[] | false;
  /** How long events live. Default one hour. */
  readonly eventTtlMs?: number;
  /** Deployments print `terminatingReplicas`, as since 1.35. */
  readonly terminatingReplicas?: boolean;
}

/** An event as somebody might write it; what is left out is taken from the pod and its kubelet. */
export interface ForgedEvent {
  readonly namespace: string;
  readonly pod: string;
  readonly reason: string;
  readonly message: string;
  readonly type?: 'Normal' | 'Warning';
  /** Replaces fields of the finished event. */
  readonly overrides?: Partial<EventObject>;
}

/** The model of a cluster: what can be done to it, and what is in it. */
export interface Cluster extends NodeActions {
  /** Creates a Deployment, or rolls out its next version. */
  readonly deploy: (options: DeployOptions) => void;
  readonly createPod: (
    options: WorkloadOptions & { readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never' },
  ) => void;
  readonly scale: (namespace: string, name: string, replicas: number) => void;
  readonly pause: (namespace: string, name: string) => void;
  readonly resume: (namespace: string, name: string) => void;
  /** Deletes a pod as another actor would; `force` without waiting for its kubelet. */
  readonly deletePod: (
    namespace: string,
    name: string,
    options?: { readonly force?: boolean; readonly graceSeconds?: number },
  ) => void;
  /** The kubelet evicts a pod under pressure: it stays, Failed, and its owner makes another. */
  readonly evict: (namespace: string, name: string) => void;
  readonly removeFinalizer: (namespace: string, pod: string, finalizer: string) => void;
  /** Breaks a node's CNI token. With `cachedMs` the API server still accepts it for a while, as its cache does. */
  readonly breakToken: (node: string, state?: TokenState, options?: { readonly cachedMs?: number }) => void;
  readonly restoreToken: (node: string) => void;
  /** The account is deleted and recreated: the tokens of all nodes die. */
  readonly recreateServiceAccount: (options?: { readonly cachedMs?: number }) => void;
  /** Whether a restart of calico-node on a node brings a token that works. */
  readonly setRestartCures: (node: string, cures: boolean) => void;
  readonly setBehaviour: (namespace: string, workload: string, behaviour: BehaviourSource) => void;
  /** Most pods of a namespace; `undefined` lifts it. */
  readonly setQuota: (namespace: string, pods: number | undefined) => void;
  readonly createNamespace: (name: string) => void;
  readonly createEvent: (event: ForgedEvent) => void;
  /** Stores any object as it is. What is missing of its metadata is filled in. */
  readonly put: <K extends string>(
    plural: K,
    object: K extends keyof ResourceTypes ? ResourceTypes[K] | RawObject : RawObject,
    options?: { readonly adopt?: boolean },
  ) => void;
  readonly remove: (plural: string, namespace: string | undefined, name: string) => void;
  /** Lets a controller hang: it sees nothing and writes nothing, so that observedGeneration lags. */
  readonly pauseController: (controller: Controller) => void;
  readonly resumeController: (controller: Controller) => void;
  readonly pods: (namespace?: string) => readonly Pod[];
  readonly events: (namespace?: string) => readonly EventObject[];
  readonly get: <K extends keyof ResourceTypes>(
    plural: K,
    namespace: string | undefined,
    name: string,
  ) => ResourceTypes[K] | undefined;
  readonly list: <K extends keyof ResourceTypes>(plural: K, namespace?: string) => readonly ResourceTypes[K][];
  readonly onNode: (node: string) => {
    readonly token: TokenState;
    readonly calicoNode: Pod | undefined;
    readonly pods: readonly Pod[];
  };
}

export type Controller = 'deployment' | 'replicaset' | 'daemonset';

/** Any object; the store adds uid and creationTimestamp where they are missing. */
export interface RawObject {
  readonly metadata: Partial<KubeObject['metadata']> & { readonly name: string };
  readonly [field: string]: unknown;
}

const EVENT_TTL_MS = 3_600_000;
/** A pod that is deleted but does not vanish at once is what `force` is for. */
const FORCE = { gracePeriodSeconds: 0 };

export function createCluster(
  api: ApiServer,
  world: WorldClock,
  random: Random,
  options: ClusterOptions = {},
): Cluster {
  const database = createDatabase(api, world);
  const context: ClusterContext = {
    world,
    random,
    database,
    events: createEventWriter(api, world, random, options.eventTtlMs ?? EVENT_TTL_MS),
    managed: new Set(),
    nodes: new Map(),
    programs: new Map(),
    missing: new Set(),
    quotas: new Map(),
    logs: new Map(),
    terminatingReplicas: options.terminatingReplicas ?? false,
  };
  const installations = options.calico === false ? [] : [options.calico ?? {}].flat();
  const pods = createPods(context, installations[0]?.namespace ?? 'calico-system');
  createScheduler(context);
  const controllers = {
    deployment: createDeploymentController(context),
    replicaset: createReplicaSetController(context),
    daemonset: createDaemonSetController(context),
  };
  createGarbageCollector(context);
  createCalico(context, pods.kubelet);
  const workloads = createWorkloads(context);
  const nodeActions = createNodeActions(context, pods.kubelet);

  const createNamespace = (name: string): void => {
    if (database.get('namespaces', undefined, name)) return;
    const object: KubeObject & RawObject = {
      metadata: newMetadata(context, { name, labels: { 'kubernetes.io/metadata.name': name } }, false),
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
    database.put('namespaces', object);
  };

  const existing = <K extends keyof ResourceTypes>(plural: K, namespace: string, name: string): ResourceTypes[K] => {
    const object = database.get(plural, namespace, name);
    if (!object) throw new Error(`the simulated cluster has no ${plural} "${namespace}/${name}"`);
    return object;
  };

  const nodeModel = (name: string) => {
    const node = context.nodes.get(name);
    if (!node)
      throw new Error(`the simulated cluster has no node "${name}": it has ${[...context.nodes.keys()].join(', ')}`);
    return node;
  };

  const breakToken: Cluster['breakToken'] = (node, state = 'unauthorized', { cachedMs = 0 } = {}) => {
    const model = nodeModel(node);
    if (cachedMs === 0) model.token = state;
    else {
      world.after(cachedMs, () => {
        model.token = state;
      });
    }
  };

  const editDeployment = (
    namespace: string,
    name: string,
    edit: (spec: ResourceTypes['deployments']['spec']) => ResourceTypes['deployments']['spec'],
  ): void => {
    database.update('deployments', existing('deployments', namespace, name), (current) => ({
      ...current,
      metadata: { ...current.metadata, generation: (current.metadata.generation ?? 1) + 1 },
      spec: edit(current.spec),
    }));
  };

  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) createNamespace(name);
  for (const node of options.nodes ?? ['n1', 'n2'])
    registerNode(context, typeof node === 'string' ? { name: node } : node, true);
  for (const installation of installations) {
    createNamespace(installation.namespace ?? 'calico-system');
    installCalico(context, installation);
    if (installation.restartCures === false) for (const node of context.nodes.values()) node.restartCures = false;
  }

  return {
    ...nodeActions,
    deploy: (deployOptions) => {
      createNamespace(deployOptions.namespace);
      const before = database.get('deployments', deployOptions.namespace, deployOptions.name);
      const deployment = workloads.deployment(deployOptions, before);
      context.managed.add(deployment.metadata.uid);
      database.put('deployments', deployment);
    },
    createPod: ({ restartPolicy, ...podOptions }) => {
      createNamespace(podOptions.namespace);
      const template = workloads.template(podOptions);
      const spec = restartPolicy === undefined ? template.spec : { ...template.spec, restartPolicy };
      const pod = podFrom(
        context,
        { ...template, spec },
        {
          name: podOptions.name,
          namespace: podOptions.namespace,
          finalizers: workloads.finalizers(podOptions.namespace, podOptions.name),
        },
      );
      context.managed.add(pod.metadata.uid);
      database.put('pods', pod);
    },
    scale: (namespace, name, replicas) => editDeployment(namespace, name, (spec) => ({ ...spec, replicas })),
    pause: (namespace, name) => editDeployment(namespace, name, (spec) => ({ ...spec, paused: true })),
    resume: (namespace, name) =>
      editDeployment(namespace, name, (spec) => {
        const { paused: _paused, ...rest } = spec;
        return rest;
      }),
    deletePod: (namespace, name, { force = false, graceSeconds } = {}) => {
      const pod = existing('pods', namespace, name);
      database.delete(
        'pods',
        pod,
        force ? FORCE : { ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }) },
      );
    },
    evict: (namespace, name) => {
      const pod = existing('pods', namespace, name);
      const run = pods.kubelet.runs.get(pod.metadata.uid);
      if (run) pods.kubelet.end(run);
      const ended = {
        exitCode: 137,
        reason: 'Error',
        startedAt: secondsStamp(world.wallMs()),
        finishedAt: secondsStamp(world.wallMs()),
      };
      database.update('pods', pod, (current) => ({
        ...current,
        status: {
          ...current.status,
          phase: 'Failed',
          reason: 'Evicted',
          message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 87040Ki. ',
          conditions: [
            ...(current.status.conditions ?? [])
              .filter((condition) => condition.type !== 'DisruptionTarget')
              .map((condition) =>
                condition.type === 'Ready' || condition.type === 'ContainersReady'
                  ? {
                      ...condition,
                      status: 'False',
                      reason: 'PodFailed',
                      lastTransitionTime: secondsStamp(world.wallMs()),
                    }
                  : condition,
              ),
            {
              type: 'DisruptionTarget',
              status: 'True',
              lastProbeTime: null,
              lastTransitionTime: secondsStamp(world.wallMs()),
              reason: 'TerminationByKubelet',
              message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 87040Ki. ',
            },
          ],
          containerStatuses: (current.status.containerStatuses ?? []).map((status) => ({
            ...status,
            state: { terminated: ended },
            ready: false,
            started: false,
          })),
        },
      }));
    },
    removeFinalizer: (namespace, name, finalizer) => {
      removeFinalizer(api.store, api.resource('pods'), existing('pods', namespace, name), finalizer);
    },
    breakToken,
    restoreToken: (node) => {
      nodeModel(node).token = 'valid';
    },
    recreateServiceAccount: (tokenOptions) => {
      for (const node of context.nodes.keys()) breakToken(node, 'unauthorized', tokenOptions);
    },
    setRestartCures: (node, cures) => {
      nodeModel(node).restartCures = cures;
    },
    setBehaviour: workloads.setBehaviour,
    setQuota: (namespace, limit) => {
      if (limit === undefined) context.quotas.delete(namespace);
      else context.quotas.set(namespace, limit);
    },
    createNamespace,
    createEvent: (event) => {
      const pod = existing('pods', event.namespace, event.pod);
      const stamp = secondsStamp(world.wallMs());
      const host = pod.spec.nodeName ?? '';
      database.put('events', {
        metadata: newMetadata(context, { name: `${event.pod}.${random.hex(16)}`, namespace: event.namespace }, false),
        involvedObject: {
          kind: 'Pod',
          namespace: event.namespace,
          name: event.pod,
          uid: pod.metadata.uid,
          apiVersion: 'v1',
          resourceVersion: pod.metadata.resourceVersion,
        },
        reason: event.reason,
        message: event.message,
        source: { component: 'kubelet', host },
        firstTimestamp: stamp,
        lastTimestamp: stamp,
        count: 1,
        type: event.type ?? 'Warning',
        eventTime: null,
        reportingComponent: 'kubelet',
        reportingInstance: host,
        ...event.overrides,
      });
    },
    put: (plural, object, { adopt = false } = {}) => {
      const resource = api.resource(plural);
      const raw = object as RawObject;
      const complete = {
        ...raw,
        metadata: newMetadata(context, raw.metadata, resource.hasGeneration),
      };
      const { namespace } = complete.metadata;
      if (namespace !== undefined) createNamespace(namespace);
      if (adopt) context.managed.add(complete.metadata.uid);
      const stored = api.store.put(resource, complete);
      if (adopt && plural === 'pods') pods.adopt(stored as Pod, false);
    },
    remove: (plural, namespace, name) => {
      api.store.remove(api.resource(plural), namespace === undefined ? name : `${namespace}/${name}`);
    },
    pauseController: (controller) => controllers[controller].pause(),
    resumeController: (controller) => controllers[controller].resume(),
    pods: (namespace) => database.list('pods', namespace),
    events: (namespace) => database.list('events', namespace),
    get: database.get,
    list: database.list,
    onNode: (node) => {
      const onNode = database.onNode(node);
      const calicoNode = onNode.find(
        (pod) =>
          controllerOf(pod)?.kind === 'DaemonSet' &&
          pod.spec.hostNetwork === true &&
          /calico-node|canal/.test(keyOf(pod)),
      );
      return { token: nodeModel(node).token, calicoNode, pods: onNode };
    },
  };
}
