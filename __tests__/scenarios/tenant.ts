/**
 * A tenant without scruples: rights of its own in one namespace (pods, events, annotations, Jobs, DaemonSets), none
 * elsewhere, and none on any `status`, which kubelets and controllers write.
 */

import type { RawObject } from '../../simulator/cluster.ts';
import type { Condition, Pod } from '../../simulator/objects.ts';
import type { World } from '../harness.ts';
import { CURE, stampAgo, UNAUTHORIZED_ADD, unauthorizedDelete } from './broken-node.ts';

/** The tenant's namespace. */
export const TENANT = 'evil';
/** Somebody else's. */
export const OTHERS = 'shop';

/** A run that looks at all namespaces and may restart. */
export const EVERYWHERE = { ...CURE, namespaces: '', timeout: '4m' };

/** An event in every field as the kubelet of the pod's node writes it, by its own words `agoMs` old; stored now. */
export function failureEvent(world: World, pod: Pod, agoMs = 0): RawObject & Readonly<Record<string, unknown>> {
  const at = stampAgo(world, agoMs);
  const { name, namespace = '', uid, deletionTimestamp } = pod.metadata;
  const isLeaving = deletionTimestamp !== undefined;
  return {
    metadata: { name: `${name}.${world.sim.world.nowMs()}.${agoMs}`, namespace },
    involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace, name, uid },
    reason: isLeaving ? 'FailedKillPod' : 'FailedCreatePodSandBox',
    message: isLeaving ? unauthorizedDelete(uid) : UNAUTHORIZED_ADD,
    source: { component: 'kubelet', host: pod.spec.nodeName ?? '' },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    type: 'Warning',
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: pod.spec.nodeName ?? '',
  };
}

/** Writes the best forgery there is about a pod: of making its sandbox, and of removing it. */
export function forgeFailure(world: World, pod: Pod, agoMs = 0): void {
  const ending = { ...pod, metadata: { ...pod.metadata, name: `${pod.metadata.name}`, deletionTimestamp: 'yes' } };
  const kill = failureEvent(world, ending, agoMs);
  world.sim.cluster.put('events', failureEvent(world, { ...pod, metadata: withoutDeletion(pod) }, agoMs));
  world.sim.cluster.put('events', { ...kill, metadata: { ...kill.metadata, name: `kill.${kill.metadata.name}` } });
}

function withoutDeletion({ metadata }: Pod): Pod['metadata'] {
  const { deletionTimestamp: _, ...rest } = metadata;
  return rest;
}

export function podNamed({ sim }: World, namespace: string, name: string): Pod {
  const pod = sim.cluster.get('pods', namespace, name);
  if (pod === undefined) throw new Error(`${namespace}/${name} is not there`);
  return pod;
}

interface HeldPod {
  readonly name: string;
  readonly nodeName?: string;
  readonly namespace?: string;
  readonly spec?: Partial<Pod['spec']>;
  readonly metadata?: Partial<Pod['metadata']>;
}

function sandboxConditions(stamp: string, hasSandbox: boolean): readonly Condition[] {
  const of = (type: string, isTrue: boolean): Condition => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: stamp,
  });
  return [
    of('PodReadyToStartContainers', hasSandbox),
    of('Initialized', true),
    of('Ready', hasSandbox),
    of('ContainersReady', hasSandbox),
    of('PodScheduled', true),
  ];
}

/**
 * A pod that is bound to a node and whose kubelet waits in silence for something before its sandbox (a volume, say, of
 * which the tenant deletes the events): what no gate can tell from the failure once an event is forged.
 */
export function hold(world: World, { name, nodeName = 'n1', namespace = TENANT, spec, metadata }: HeldPod): Pod {
  const stamp = stampAgo(world, 0);
  world.sim.cluster.put('pods', {
    metadata: { name, namespace, labels: { app: name }, ...metadata },
    spec: { nodeName, containers: [{ name: 'app', image: 'registry.example/app:1' }], ...spec },
    status: {
      phase: 'Pending',
      conditions: sandboxConditions(stamp, false),
      containerStatuses: [
        {
          name: 'app',
          image: 'registry.example/app:1',
          imageID: '',
          state: { waiting: { reason: 'ContainerCreating' } },
          lastState: {},
          ready: false,
          restartCount: 0,
          started: false,
        },
      ],
    },
  });
  return podNamed(world, namespace, name);
}

/**
 * A pod that has ended but for its network, as kubelets say since 1.34: the tenant gave it an annotation that Calico's plugin
 * cannot read (`cni.projectcalico.org/allowedSourcePrefixes`), which then fails with it before it removes anything
 * (calico `cni-plugin/pkg/k8s/k8s.go`, `libcalico-go/lib/backend/k8s/conversion`). The genuine events the tenant deletes.
 */
export function keepFromEnding(world: World, held: HeldPod): Pod {
  const deletionTimestamp = stampAgo(world, 60_000);
  const annotations = { 'cni.projectcalico.org/allowedSourcePrefixes': 'not JSON' };
  const metadata = { ...held.metadata, generation: 2, deletionTimestamp, annotations };
  const { status, ...pod } = hold(world, { ...held, metadata });
  world.sim.cluster.put('pods', {
    ...pod,
    status: {
      ...status,
      observedGeneration: 2,
      phase: 'Running',
      podIP: '10.244.9.9',
      containerStatuses: (status.containerStatuses ?? []).map((container) => ({
        ...container,
        state: { terminated: { exitCode: 0, reason: 'Completed', finishedAt: deletionTimestamp } },
      })),
    },
  });
  return podNamed(world, pod.metadata.namespace ?? '', pod.metadata.name);
}

/** What the pod waited for is there: its kubelet makes the sandbox and starts it. */
export function release(world: World, { metadata }: Pod): void {
  const { name, namespace = '' } = metadata;
  const pod = podNamed(world, namespace, name);
  const stamp = stampAgo(world, 0);
  world.sim.cluster.put('pods', {
    ...pod,
    status: {
      ...pod.status,
      phase: 'Running',
      podIP: '10.244.9.9',
      conditions: sandboxConditions(stamp, true),
      containerStatuses: (pod.status.containerStatuses ?? []).map((status) => ({
        ...status,
        state: { running: { startedAt: stamp } },
        ready: true,
        started: true,
      })),
    },
  });
}
