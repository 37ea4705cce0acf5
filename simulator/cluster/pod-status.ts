import type { Condition, ContainerStatus, Pod, PodStatus } from '../objects.ts';
import type { ContainerRun, PodRun } from './pod-run.ts';

/** The order in which the kubelet writes them. */
const CONDITION_ORDER = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

interface Verdict {
  readonly status: boolean;
  readonly reason?: string;
  readonly message?: string;
}

function containerStatus(run: ContainerRun): ContainerStatus {
  const { spec } = run;
  const everRan = run.containerId !== undefined;
  const id = run.containerId === undefined ? {} : { containerID: run.containerId };
  return {
    name: spec.name,
    state: run.state,
    lastState: run.last,
    ready: run.ready,
    restartCount: run.restarts,
    image: spec.image,
    imageID: everRan ? (run.imageId ?? imageIdOf(spec.image)) : '',
    ...id,
    started: run.started,
    ...(everRan ? { resources: {} } : {}),
    ...(spec.volumeMounts === undefined
      ? {}
      : {
          volumeMounts: spec.volumeMounts.map((mount) => ({
            name: mount.name,
            mountPath: mount.mountPath,
            ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
          })),
        }),
  };
}

/** A digest that belongs to the image's name. */
function imageIdOf(image: string): string {
  let digest = '';
  for (let part = 0; digest.length < 64; part += 1) {
    let hash = 0x811c9dc5 ^ part;
    for (const character of image) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
    digest += hash.toString(16).padStart(8, '0');
  }
  return `sha256:${digest}`;
}

function isInitialized(run: ContainerRun): boolean {
  return run.role === 'sidecar' ? run.started : run.state.terminated?.exitCode === 0;
}

function hasEverEnded(run: ContainerRun): boolean {
  return run.state.terminated !== undefined || run.last.terminated !== undefined;
}

/** kubelet `kubelet_pods.go: getPhase`. */
function phaseOf(run: PodRun, restartPolicy: string): string {
  if (run.finished) return run.finished;
  const init = run.containers.filter((container) => container.role === 'init');
  const main = run.containers.filter((container) => container.role === 'main');
  const failedInit = init.some((container) => (container.state.terminated?.exitCode ?? 0) !== 0);
  if (failedInit && restartPolicy === 'Never') return 'Failed';
  if (init.some((container) => container.state.terminated?.exitCode !== 0)) return 'Pending';
  const running = main.filter((container) => container.state.running).length;
  const waiting = main.filter((container) => container.state.waiting && !hasEverEnded(container)).length;
  const stopped = main.filter(
    (container) => container.state.terminated || (container.state.waiting && hasEverEnded(container)),
  );
  if (waiting > 0) return 'Pending';
  if (running > 0 || run.stopping || restartPolicy === 'Always') return 'Running';
  const succeeded = stopped.every((container) => container.state.terminated?.exitCode === 0);
  if (succeeded) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

function names(containers: readonly ContainerRun[]): string {
  return `[${containers.map((container) => container.spec.name).join(' ')}]`;
}

/** kubelet `status/generate.go`: what each condition says. */
function verdicts(pod: Pod, run: PodRun, phase: string): Readonly<Record<string, Verdict>> {
  const uninitialized = run.containers.filter((container) => container.role !== 'main' && !isInitialized(container));
  const unready = run.containers.filter((container) => container.role !== 'init' && !container.ready);
  const gates = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status.conditions?.find((entry) => entry.type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const endReason = phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed';
  let containersReady: Verdict = { status: true };
  if (ended) containersReady = { status: false, reason: endReason };
  else if (unready.length > 0) {
    containersReady = {
      status: false,
      reason: 'ContainersNotReady',
      message: `containers with unready status: ${names(unready)}`,
    };
  }
  let ready = containersReady;
  if (containersReady.status && gates.length > 0)
    ready = { status: false, reason: 'ReadinessGatesNotReady', message: gates.join(', ') };
  let initialized: Verdict = { status: true };
  if (phase === 'Succeeded') initialized = { status: true, reason: endReason };
  else if (uninitialized.length > 0) {
    initialized = {
      status: false,
      reason: 'ContainersNotInitialized',
      message: `containers with incomplete status: ${names(uninitialized)}`,
    };
  }
  return {
    PodReadyToStartContainers: { status: run.sandbox === 'ready' },
    Initialized: initialized,
    Ready: ready,
    ContainersReady: containersReady,
    PodScheduled: { status: true },
  };
}

/** The status that the kubelet writes for a pod; transition times move only where a condition changes. */
export function podStatus(pod: Pod, run: PodRun, stamp: string): PodStatus {
  const phase = phaseOf(run, pod.spec.restartPolicy ?? 'Always');
  const said = verdicts(pod, run, phase);
  const own = CONDITION_ORDER.map((type): Condition => {
    const verdict = said[type] ?? { status: false };
    const status = verdict.status ? 'True' : 'False';
    const before = pod.status.conditions?.find((condition) => condition.type === type);
    return {
      type,
      observedGeneration: run.observedGeneration,
      status,
      lastProbeTime: null,
      lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? stamp) : stamp,
      ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
      ...(verdict.message === undefined ? {} : { message: verdict.message }),
    };
  });
  const others = (pod.status.conditions ?? []).filter((condition) => !CONDITION_ORDER.includes(condition.type));
  const init = run.containers.filter((container) => container.role !== 'main').map(containerStatus);
  const main = run.containers.filter((container) => container.role === 'main').map(containerStatus);
  return {
    observedGeneration: run.observedGeneration,
    phase,
    conditions: [...own, ...others],
    hostIP: run.node.ip,
    hostIPs: [{ ip: run.node.ip }],
    ...(run.podIp === undefined ? {} : { podIP: run.podIp, podIPs: [{ ip: run.podIp }] }),
    startTime: run.startedAt,
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
    ...(pod.status.qosClass === undefined ? {} : { qosClass: pod.status.qosClass }),
  };
}
