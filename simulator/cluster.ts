import type { DeleteOptions } from './api/delete-options.ts';
import type { ApiServer } from './api-server.ts';
import { adoptAll } from './cluster/adoption.ts';
import { type CalicoActions, type CalicoOptions, createCalico, createCalicoActions } from './cluster/calico.ts';
import type { TokenState } from './cluster/cni.ts';
import { type ClusterContext, newMetadata } from './cluster/context.ts';
import { createDaemonSetController } from './cluster/daemonsets.ts';
import { createDatabase } from './cluster/database.ts';
import { createDeploymentController } from './cluster/deployments.ts';
import { createEventWriter } from './cluster/events.ts';
import { createGarbageCollector } from './cluster/garbage-collector.ts';
import { createJobController } from './cluster/jobs.ts';
import { createNodeActions, type NodeActions } from './cluster/node-actions.ts';
import { type NodeOptions, registerNode } from './cluster/nodes.ts';
import { createPodActions, type PodActions } from './cluster/pod-actions.ts';
import { createPods } from './cluster/pods.ts';
import { createReplicaSetController } from './cluster/replicasets.ts';
import { createScheduler } from './cluster/scheduler.ts';
import { createStatefulSetController } from './cluster/statefulsets.ts';
import { createTokenActions, type TokenActions } from './cluster/token-actions.ts';
import { createWorkloadActions, type WorkloadActions } from './cluster/workload-actions.ts';
import { controllerOf, type EventObject, type KubeObject, type Pod } from './objects.ts';
import type { Random } from './random.ts';
import type { ResourceTypes } from './workload-objects.ts';
import type { WorldClock } from './world-clock.ts';

export interface ClusterOptions {
  /** Default `n1` and `n2`. */
  readonly nodes?: readonly (string | NodeOptions)[];
  /** `false`: no Calico in this cluster. An array: several installations side by side. */
  readonly calico?: CalicoOptions | readonly CalicoOptions[] | false;
  /** How long events live. Default one hour; 0: there are none at all. */
  readonly eventTtlMs?: number;
  /** Deployments print `terminatingReplicas`, as since 1.35. */
  readonly terminatingReplicas?: boolean;
}

/** Any object; the store adds uid and creationTimestamp where they are missing. */
export interface RawObject {
  readonly metadata: Partial<KubeObject['metadata']> & { readonly name: string };
  readonly [field: string]: unknown;
}

export type Controller = 'deployment' | 'replicaset' | 'statefulset' | 'daemonset' | 'job';

/** The model of a cluster: what can be done to it, and what is in it. */
export interface Cluster extends CalicoActions, NodeActions, PodActions, TokenActions, WorkloadActions {
  /** Stores any object as it is; missing metadata is filled in. The model leaves it alone unless `adopt` is set. */
  readonly put: (plural: string, object: RawObject | KubeObject, options?: { readonly adopt?: boolean }) => void;
  /** Removes an object at once, whatever it is. */
  readonly remove: (plural: string, namespace: string | undefined, name: string) => void;
  /** Deletes an object as a client would, finalizers and grace and all. */
  readonly delete: (
    plural: keyof ResourceTypes,
    namespace: string | undefined,
    name: string,
    options?: DeleteOptions,
  ) => void;
  /** Lets a controller hang: it sees nothing and writes nothing, so that observedGeneration lags. */
  readonly pauseController: (controller: Controller) => void;
  readonly resumeController: (controller: Controller) => void;
  /** Takes over whatever objects are stored, as if the model had made them. `tokens`: the CNI tokens that are not valid. */
  readonly adoptAll: (tokens?: Readonly<Record<string, TokenState>>) => void;
  readonly pods: (namespace?: string) => readonly Pod[];
  readonly events: (namespace?: string) => readonly EventObject[];
  readonly get: <K extends keyof ResourceTypes>(
    plural: K,
    namespace: string | undefined,
    name: string,
  ) => ResourceTypes[K] | undefined;
  readonly list: <K extends keyof ResourceTypes>(plural: K, namespace?: string) => readonly ResourceTypes[K][];
  readonly onNode: (node: string) => NodeView;
}

export interface NodeView {
  readonly token: TokenState;
  /** The pod of a DaemonSet that carries install-cni, if there is one. */
  readonly calicoNode: Pod | undefined;
  readonly pods: readonly Pod[];
}

const EVENT_TTL_MS = 3_600_000;
const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

function createContext(api: ApiServer, world: WorldClock, random: Random, options: ClusterOptions): ClusterContext {
  return {
    world,
    random,
    database: createDatabase(api, world),
    events: createEventWriter(api, world, random, options.eventTtlMs ?? EVENT_TTL_MS),
    managed: new Set(),
    nodes: new Map(),
    programs: new Map(),
    missing: new Set(),
    quotas: new Map(),
    terminatingReplicas: options.terminatingReplicas ?? false,
  };
}

function isCalicoNode(pod: Pod): boolean {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  return (
    controllerOf(pod)?.kind === 'DaemonSet' &&
    pod.spec.hostNetwork === true &&
    containers.some((container) => container.name === 'install-cni' || container.name === 'calico-node')
  );
}

/** A cluster in the store of `api`, with the nodes and the Calico of the options. */
export function createCluster(
  api: ApiServer,
  world: WorldClock,
  random: Random,
  options: ClusterOptions = {},
): Cluster {
  const context = createContext(api, world, random, options);
  const { database } = context;
  const installations = options.calico === false ? [] : [options.calico ?? {}].flat();
  const pods = createPods(context, installations[0]?.namespace ?? 'calico-system');
  createScheduler(context);
  const controllers = {
    deployment: createDeploymentController(context),
    replicaset: createReplicaSetController(context),
    statefulset: createStatefulSetController(context),
    daemonset: createDaemonSetController(context),
    job: createJobController(context),
  };
  createGarbageCollector(context);
  createCalico(context, pods.kubelet);
  api.readLog = pods.logOf;
  const workloadActions = createWorkloadActions(context);
  const calicoActions = createCalicoActions(context, workloadActions.createNamespace);

  for (const name of SYSTEM_NAMESPACES) workloadActions.createNamespace(name);
  for (const node of options.nodes ?? ['n1', 'n2'])
    registerNode(context, typeof node === 'string' ? { name: node } : node, true);
  for (const installation of installations) calicoActions.installCalico(installation);

  return {
    ...createNodeActions(context, pods.kubelet),
    ...createPodActions(api, context, pods.kubelet),
    ...createTokenActions(context),
    ...workloadActions,
    ...calicoActions,
    put: (plural, object, { adopt = false } = {}) => {
      const resource = api.resource(plural);
      const complete = { ...object, metadata: newMetadata(context, object.metadata, resource.hasGeneration) };
      const { namespace, uid } = complete.metadata;
      if (namespace !== undefined) workloadActions.createNamespace(namespace);
      if (adopt) context.managed.add(uid);
      const stored = api.store.put(resource, complete);
      if (adopt && plural === 'pods') pods.adopt(stored as Pod, false);
    },
    remove: (plural, namespace, name) => {
      api.store.remove(api.resource(plural), namespace === undefined ? name : `${namespace}/${name}`);
    },
    delete: (plural, namespace, name, deleteOptions = {}) => {
      const object = database.get(plural, namespace, name);
      if (!object) throw new Error(`the simulated cluster has no ${plural} "${namespace ?? ''}/${name}"`);
      database.delete(plural, object, deleteOptions);
    },
    pauseController: (controller) => controllers[controller].pause(),
    resumeController: (controller) => controllers[controller].resume(),
    adoptAll: (tokens = {}) => adoptAll(context, pods, controllers, tokens),
    pods: (namespace) => database.list('pods', namespace),
    events: (namespace) => database.list('events', namespace),
    get: database.get,
    list: database.list,
    onNode: (node) => {
      const onNode = database.onNode(node);
      return { token: context.nodes.get(node)?.token ?? 'valid', calicoNode: onNode.find(isCalicoNode), pods: onNode };
    },
  };
}
