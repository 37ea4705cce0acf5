import type { Condition } from '../../src/objects/metadata.ts';
import type { Container, ContainerState, Pod, Terminated } from '../../src/objects/pod.ts';
import { aCondition, aMetadata } from './metadata.ts';
import { AGE_MS, ago, MINUTE, SECOND } from './times.ts';

export const running: ContainerState = { kind: 'running', startedAtMs: ago(AGE_MS) };

export function waiting(reason: string, message = ''): ContainerState {
  return { kind: 'waiting', reason, message };
}

/** An abnormal end by default: `Error`, exit code 1, a minute ago. */
export function terminated(overrides: Partial<Terminated> = {}): Terminated {
  return {
    kind: 'terminated',
    reason: 'Error',
    message: '',
    exitCode: 1,
    signal: null,
    startedAtMs: ago(2 * MINUTE),
    finishedAtMs: ago(MINUTE),
    ...overrides,
  };
}

/** A main container that runs and is ready; one whose `state` is not running is not ready and not started. */
export function aContainer(overrides: Partial<Container> = {}): Container {
  const runs = (overrides.state ?? running).kind === 'running';
  return {
    name: 'app',
    role: 'main',
    image: 'registry.example/app:1',
    state: running,
    lastEnd: null,
    ready: runs,
    started: runs,
    restartCount: 0,
    readinessProbe: null,
    startupProbe: null,
    ...overrides,
  };
}

/** The conditions of a running pod; `Ready` False when any of the arguments says so. */
export function podConditions(
  state: { readonly sandbox?: boolean; readonly ready?: boolean; readonly sinceMs?: number } = {},
): readonly Condition[] {
  const { sandbox = true, ready = sandbox, sinceMs = ago(AGE_MS) } = state;
  const changed: Partial<Condition> = { lastTransitionAtMs: sinceMs };
  const why: Partial<Condition> = ready
    ? changed
    : { ...changed, reason: 'ContainersNotReady', message: 'containers with unready status: [app]' };
  return [
    aCondition('PodReadyToStartContainers', sandbox ? 'True' : 'False', changed),
    aCondition('Initialized', 'True', changed),
    aCondition('Ready', ready ? 'True' : 'False', why),
    aCondition('ContainersReady', ready ? 'True' : 'False', why),
    aCondition('PodScheduled', 'True', changed),
  ];
}

/** A Ready pod without a controller on node `n1`, 10 min old, with one container. */
export function aPod(overrides: Partial<Pod> = {}): Pod {
  return {
    ...aMetadata('Pod', { name: 'web-1', ...overrides }),
    revision: null,
    jobName: null,
    nodeName: 'n1',
    hostNetwork: false,
    restartPolicy: 'Always',
    mirror: false,
    deletionGraceMs: null,
    observed: true,
    calicoPodIp: null,
    phase: 'Running',
    reason: '',
    message: '',
    conditions: podConditions({ sinceMs: overrides.createdAtMs ?? ago(AGE_MS) }),
    startTimeMs: overrides.createdAtMs ?? ago(AGE_MS),
    hasPodIp: true,
    nominatedNodeName: null,
    readinessGates: [],
    containers: [aContainer()],
    isDebugged: false,
    ...overrides,
  };
}

/** A pod that runs but is not Ready, since it was created. */
export function aNotReadyPod(overrides: Partial<Pod> = {}): Pod {
  const createdAtMs = overrides.createdAtMs ?? ago(AGE_MS);
  return aPod({
    conditions: podConditions({ ready: false, sinceMs: createdAtMs }),
    containers: [aContainer({ ready: false })],
    ...overrides,
  });
}

/** A pod that is bound to its node and has no sandbox, since it was created: the shape every failing CNI ADD leaves. */
export function aStuckPod(overrides: Partial<Pod> = {}): Pod {
  const createdAtMs = overrides.createdAtMs ?? ago(AGE_MS);
  return aPod({
    phase: 'Pending',
    hasPodIp: false,
    conditions: podConditions({ sandbox: false, sinceMs: createdAtMs }),
    containers: [aContainer({ state: waiting('ContainerCreating') })],
    ...overrides,
  });
}

/** A pod that is being deleted and whose containers have ended, as a failing CNI DEL leaves it; overdue by default. */
export function aTerminatingPod(overrides: Partial<Pod> = {}): Pod {
  const deletionAtMs = overrides.deletionAtMs ?? ago(5 * MINUTE);
  return aPod({
    deletionAtMs,
    deletionGraceMs: 30 * SECOND,
    conditions: podConditions({ sandbox: false, sinceMs: deletionAtMs }),
    containers: [aContainer({ state: terminated({ reason: 'Completed', exitCode: 0 }) })],
    ...overrides,
  });
}

/** A pod that the scheduler has not bound: no node, no statuses, only its `PodScheduled` condition. */
export function anUnboundPod(reason: string, message = '', overrides: Partial<Pod> = {}): Pod {
  return aPod({
    nodeName: null,
    phase: 'Pending',
    hasPodIp: false,
    conditions: [aCondition('PodScheduled', 'False', { reason, message })],
    containers: [aContainer({ state: { kind: 'none' }, started: null })],
    ...overrides,
  });
}
