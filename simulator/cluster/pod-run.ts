import type { Container, ContainerState, Pod } from '../objects.ts';
import type { NodeModel } from './nodes.ts';
import type { Program } from './programs.ts';

/** One container as its kubelet knows it. */
export interface ContainerRun {
  readonly spec: Container;
  /** A sidecar is an init container that goes on running (restartPolicy Always). */
  readonly role: 'init' | 'sidecar' | 'main';
  state: ContainerState;
  last: ContainerState;
  ready: boolean;
  started: boolean;
  restarts: number;
  containerId: string | undefined;
  /** Known of an adopted container; else it follows from the image's name. */
  imageId: string | undefined;
  /** What an adopted container is seen to do, whatever its image does elsewhere. */
  program: Program | undefined;
  /** How often it ended by itself; decides the next back-off. */
  ends: number;
  startedAtMs: number;
  /** Its first start is under way or behind it. */
  launched: boolean;
}

/** One pod as its kubelet knows it. */
export interface PodRun {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: NodeModel;
  readonly containers: readonly ContainerRun[];
  readonly hostNetwork: boolean;
  /** `broken`: made, but without a network; a DEL must succeed before the next ADD. */
  sandbox: 'none' | 'broken' | 'ready';
  sandboxId: string;
  attempts: number;
  podIp: string | undefined;
  startedAt: string;
  observedGeneration: number;
  /** Asked to stop: nothing is started any more. */
  stopping: boolean;
  /** The phase it ended with. */
  finished: 'Succeeded' | 'Failed' | undefined;
  /** Early retries follow fast: something else about the pod changed (`pod_workers.go`). */
  quickRetries: number;
  /** Cancels whatever the pod waits for. */
  readonly timers: Set<() => void>;
  /** The write of the status that is on its way. */
  reporting: (() => void) | undefined;
  over: boolean;
}

const WAITING: ContainerState = { waiting: { reason: 'ContainerCreating' } };
const INITIALIZING: ContainerState = { waiting: { reason: 'PodInitializing' } };

function containerRun(spec: Container, role: ContainerRun['role'], state: ContainerState): ContainerRun {
  return {
    spec,
    role,
    state,
    last: {},
    ready: false,
    started: false,
    restarts: 0,
    containerId: undefined,
    imageId: undefined,
    program: undefined,
    ends: 0,
    startedAtMs: 0,
    launched: false,
  };
}

/** A pod that its kubelet has just seen. */
export function newPodRun(pod: Pod, node: NodeModel, startedAt: string, quickRetries: number): PodRun {
  const init = pod.spec.initContainers ?? [];
  const hostNetwork = pod.spec.hostNetwork === true;
  return {
    uid: pod.metadata.uid,
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    node,
    containers: [
      ...init.map((spec) => containerRun(spec, spec.restartPolicy === 'Always' ? 'sidecar' : 'init', INITIALIZING)),
      ...pod.spec.containers.map((spec) => containerRun(spec, 'main', init.length > 0 ? INITIALIZING : WAITING)),
    ],
    hostNetwork,
    sandbox: 'none',
    sandboxId: '',
    attempts: 0,
    podIp: hostNetwork ? node.ip : undefined,
    startedAt,
    observedGeneration: pod.metadata.generation ?? 1,
    stopping: false,
    finished: undefined,
    quickRetries,
    timers: new Set(),
    reporting: undefined,
    over: false,
  };
}

/** A run that continues from what a pod's status says; what the status cannot tell is told by `sandbox`. */
export function adoptedPodRun(pod: Pod, node: NodeModel, sandbox: PodRun['sandbox'], nowMs: number): PodRun {
  const { status } = pod;
  const fresh = newPodRun(pod, node, status.startTime ?? '', 0);
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  for (const container of fresh.containers) {
    const known = statuses.find((entry) => entry.name === container.spec.name);
    if (!known) continue;
    container.state = known.state;
    container.last = known.lastState;
    container.ready = known.ready;
    container.started = known.started ?? false;
    container.restarts = known.restartCount;
    container.containerId = known.containerID;
    container.imageId = known.imageID === '' ? undefined : known.imageID;
    container.ends = known.restartCount + (known.state.running || known.containerID === undefined ? 0 : 1);
    container.startedAtMs = nowMs;
    container.launched = known.containerID !== undefined;
  }
  fresh.sandbox = sandbox;
  fresh.sandboxId = pod.metadata.annotations?.['cni.projectcalico.org/containerID'] ?? '';
  fresh.attempts = 1;
  fresh.podIp = status.podIP ?? fresh.podIp;
  fresh.observedGeneration = status.observedGeneration ?? fresh.observedGeneration;
  if (status.phase === 'Succeeded' || status.phase === 'Failed') fresh.finished = status.phase;
  return fresh;
}
