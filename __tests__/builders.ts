/**
 * Builders of the objects that decisions are made from: each call gives a healthy specimen, and a test names only what
 * differs. Uids follow from kind and name, so that two calls with the same name are the same object; give `uid` for
 * a namesake.
 */
import type { SandboxError } from '../src/calico/case.ts';
import type { Finding, Observation } from '../src/health/assessment.ts';
import type { Event } from '../src/objects/event.ts';
import type { Condition, ControllerReference, Metadata } from '../src/objects/metadata.ts';
import type { Node } from '../src/objects/node.ts';
import type { Container, ContainerState, Pod, Terminated } from '../src/objects/pod.ts';
import type { Coverage, Snapshot } from '../src/objects/snapshot.ts';
import type { DaemonSet, Deployment, Job, StatefulSet } from '../src/objects/workload.ts';
import type { Settings } from '../src/settings.ts';
import { TIMING } from '../src/timing.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** The API server's time in every specimen. */
export const NOW_MS = Date.parse('2026-11-22T16:00:00Z');

/** The API server's time `durationMs` before `NOW_MS`. */
export function ago(durationMs: number): number {
  return NOW_MS - durationMs;
}

/** Specimens were created this long ago unless a test says otherwise. */
export const AGE_MS = 10 * MINUTE;

function aMetadata(kind: string, overrides: { readonly namespace?: string; readonly name: string }): Metadata {
  const namespace = overrides.namespace ?? 'shop';
  return {
    namespace,
    name: overrides.name,
    uid: `${kind}/${namespace}/${overrides.name}`,
    resourceVersion: '1',
    createdAtMs: ago(AGE_MS),
    deletionAtMs: null,
    finalizers: [],
    controller: null,
  };
}

export function aCondition(type: string, status: string, overrides: Partial<Condition> = {}): Condition {
  return { type, status, reason: '', message: '', lastTransitionAtMs: ago(AGE_MS), lastUpdateAtMs: null, ...overrides };
}

/** An ownerReference with `controller: true`; the uid is that of the builder of that kind. */
export function aController(
  kind: string,
  name: string,
  overrides: Partial<ControllerReference> = {},
): ControllerReference {
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1';
  return { apiVersion, kind, name, uid: `${kind}/shop/${name}`, ...overrides };
}

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
    calicoPodIp: null,
    phase: 'Running',
    reason: '',
    message: '',
    conditions: podConditions({ sinceMs: overrides.createdAtMs ?? ago(AGE_MS) }),
    hasPodIp: true,
    nominatedNodeName: null,
    readinessGates: [],
    containers: [aContainer()],
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

/** An Event as the kubelet of `pod`'s node writes it, a minute old. */
export function anEvent(pod: Pod, overrides: Partial<Event> = {}): Event {
  const name = `${pod.name}.${overrides.reason ?? 'Unhealthy'}`;
  const lastAtMs = overrides.lastAtMs ?? ago(MINUTE);
  return {
    namespace: pod.namespace,
    name,
    uid: `Event/${pod.namespace}/${name}`,
    createdAtMs: lastAtMs ?? ago(MINUTE),
    about: { kind: 'Pod', namespace: pod.namespace, name: pod.name, uid: pod.uid },
    type: 'Warning',
    reason: 'Unhealthy',
    message: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
    component: 'kubelet',
    host: pod.nodeName ?? '',
    reportingComponent: 'kubelet',
    count: 1,
    firstAtMs: lastAtMs,
    lastAtMs,
    eventAtMs: null,
    seriesAtMs: null,
    seenAtMs: lastAtMs ?? ago(MINUTE),
    ...overrides,
  };
}

export const UNAUTHORIZED = 'error getting ClusterInformation: connection is unauthorized: Unauthorized';
const SANDBOX_ID = '0123456789abcdef'.repeat(4);

/** The event of a CNI ADD that fails with `error` (Calico's authorization failure by default), containerd's wording. */
export function aSandboxEvent(pod: Pod, error: string = UNAUTHORIZED, overrides: Partial<Event> = {}): Event {
  const message = `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${SANDBOX_ID}": plugin type="calico" failed (add): ${error}`;
  return anEvent(pod, { reason: 'FailedCreatePodSandBox', message, ...overrides });
}

/** The event of a CNI DEL that fails with `error`, which the kubelet repeats for a pod that cannot end. */
export function aKillEvent(pod: Pod, error: string = UNAUTHORIZED, overrides: Partial<Event> = {}): Event {
  const message = `error killing pod: failed to "KillPodSandbox" for "${pod.uid}" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox \\"${SANDBOX_ID}\\": plugin type=\\"calico\\" failed (delete): ${error}"`;
  return anEvent(pod, { reason: 'FailedKillPod', message, ...overrides });
}

/** What `readSandboxErrors` makes of a pod that is stuck: Calico's authorization failure, first seen five minutes ago. */
export function aSandboxError(pod: Pod, overrides: Partial<SandboxError> = {}): SandboxError {
  const terminating = pod.deletionAtMs !== null;
  const times = { firstAtMs: ago(5 * MINUTE), lastAtMs: ago(MINUTE) };
  return {
    cause: 'CalicoUnauthorized',
    verb: terminating ? 'delete' : 'add',
    plugin: 'calico',
    text: UNAUTHORIZED,
    event: terminating ? aKillEvent(pod, UNAUTHORIZED, times) : aSandboxEvent(pod, UNAUTHORIZED, times),
    ...times,
    ...overrides,
  };
}

/** A Ready node, an hour old. */
export function aNode(overrides: Partial<Node> = {}): Node {
  const name = overrides.name ?? 'n1';
  return {
    name,
    uid: `Node/${name}`,
    createdAtMs: ago(HOUR),
    deletionAtMs: null,
    unschedulable: false,
    conditions: [aCondition('Ready', 'True', { reason: 'KubeletReady', lastTransitionAtMs: ago(HOUR) })],
    ...overrides,
  };
}

/** A node whose kubelet has stopped reporting. */
export function aLostNode(overrides: Partial<Node> = {}): Node {
  const why = {
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionAtMs: ago(AGE_MS),
  };
  return aNode({ conditions: [aCondition('Ready', 'Unknown', why)], ...overrides });
}

/** A Deployment of two replicas, rolled out. */
export function aDeployment(overrides: Partial<Deployment> = {}): Deployment {
  const replicas = overrides.desired ?? 2;
  return {
    kind: 'Deployment',
    ...aMetadata('Deployment', { name: 'web', ...overrides }),
    generation: 1,
    observedGeneration: 1,
    templateLabels: { app: 'web' },
    conditions: [
      aCondition('Available', 'True', { reason: 'MinimumReplicasAvailable' }),
      aCondition('Progressing', 'True', { reason: 'NewReplicaSetAvailable', lastUpdateAtMs: ago(AGE_MS) }),
    ],
    desired: replicas,
    strategy: 'RollingUpdate',
    paused: false,
    progressDeadlineMs: 10 * MINUTE,
    revision: '1',
    replicas,
    updated: replicas,
    ready: replicas,
    available: replicas,
    ...overrides,
  };
}

/** A StatefulSet of two replicas, rolled out. */
export function aStatefulSet(overrides: Partial<StatefulSet> = {}): StatefulSet {
  const replicas = overrides.desired ?? 2;
  return {
    kind: 'StatefulSet',
    ...aMetadata('StatefulSet', { name: 'db', ...overrides }),
    generation: 1,
    observedGeneration: 1,
    templateLabels: { app: 'db' },
    conditions: [],
    desired: replicas,
    strategy: 'RollingUpdate',
    partition: 0,
    ordinalsStart: 0,
    currentRevision: 'db-1',
    updateRevision: 'db-1',
    replicas,
    updated: replicas,
    ready: replicas,
    available: replicas,
    ...overrides,
  };
}

/** A DaemonSet on two nodes, rolled out. */
export function aDaemonSet(overrides: Partial<DaemonSet> = {}): DaemonSet {
  const pods = overrides.desired ?? 2;
  return {
    kind: 'DaemonSet',
    ...aMetadata('DaemonSet', { name: 'agent', ...overrides }),
    generation: 1,
    observedGeneration: 1,
    templateLabels: { app: 'agent' },
    conditions: [],
    strategy: 'RollingUpdate',
    desired: pods,
    current: pods,
    misscheduled: 0,
    updated: pods,
    ready: pods,
    available: pods,
    templateGeneration: '1',
    template: { containers: ['agent'], initContainers: [], hostNetwork: false, hostProcess: false, hostPaths: [] },
    ...overrides,
  };
}

/** A Calico DaemonSet, as the operator makes it. */
export function aCalicoDaemonSet(overrides: Partial<DaemonSet> = {}): DaemonSet {
  return aDaemonSet({
    ...aMetadata('DaemonSet', { namespace: 'calico-system', name: 'calico-node', ...overrides }),
    templateLabels: { 'k8s-app': 'calico-node' },
    template: {
      containers: ['calico-node'],
      initContainers: ['install-cni'],
      hostNetwork: true,
      hostProcess: false,
      hostPaths: ['/etc/cni/net.d', '/opt/cni/bin', '/var/lib/calico'],
    },
    ...overrides,
  });
}

/** The Ready calico-node pod of `nodeName`, whose `install-cni` ended shortly after it was created. */
export function aCalicoNodePod(overrides: Partial<Pod> = {}): Pod {
  const nodeName = overrides.nodeName ?? 'n1';
  const createdAtMs = overrides.createdAtMs ?? ago(HOUR);
  const installed = terminated({
    reason: 'Completed',
    exitCode: 0,
    startedAtMs: createdAtMs + SECOND,
    finishedAtMs: createdAtMs + 2 * SECOND,
  });
  return aPod({
    ...aMetadata('Pod', { namespace: 'calico-system', name: `calico-node-${nodeName}`, ...overrides }),
    createdAtMs,
    controller: aController('DaemonSet', 'calico-node', { uid: 'DaemonSet/calico-system/calico-node' }),
    nodeName,
    hostNetwork: true,
    conditions: podConditions({ sinceMs: createdAtMs + 3 * SECOND }),
    containers: [
      aContainer({ name: 'install-cni', role: 'init', state: installed, ready: true, started: false }),
      aContainer({ name: 'calico-node' }),
    ],
    ...overrides,
  });
}

/** A Job of one completion that has completed. */
export function aJob(overrides: Partial<Job> = {}): Job {
  return {
    kind: 'Job',
    ...aMetadata('Job', { name: 'migrate', ...overrides }),
    generation: 1,
    observedGeneration: null,
    templateLabels: { 'job-name': overrides.name ?? 'migrate' },
    conditions: [aCondition('Complete', 'True')],
    completions: 1,
    parallelism: 1,
    suspended: false,
    active: 0,
    succeeded: 1,
    failed: 0,
    startedAtMs: ago(AGE_MS),
    completedAtMs: ago(AGE_MS - MINUTE),
    ...overrides,
  };
}

export function aCoverage(overrides: Partial<Coverage> = {}): Coverage {
  return { gaps: [], complete: true, freshAtMs: NOW_MS, reconnections: 0, ...overrides };
}

/** A complete picture of a cluster without Calico, with nothing in it but what is given. */
export function aSnapshot(
  overrides: Partial<Omit<Snapshot, 'calico'>> & { readonly calico?: Partial<Snapshot['calico']> } = {},
): Snapshot {
  return {
    pods: [],
    workloads: [],
    events: [],
    nodes: [aNode(), aNode({ name: 'n2' })],
    namespaces: [],
    witnesses: [],
    coverage: aCoverage(),
    ...overrides,
    calico: { daemonSets: [], searched: true, pods: [], podsReadable: true, ...overrides.calico },
  };
}

/** The contract's defaults. */
export function aSettings(overrides: Partial<Settings> = {}): Settings {
  return {
    kubeconfig: null,
    context: null,
    namespaces: [],
    excludeNamespaces: [],
    selector: null,
    selectorText: '',
    timeoutMs: 10 * MINUTE,
    stableForMs: 15 * SECOND,
    stuckAfterMs: 0,
    minPods: 1,
    failFast: true,
    restartCalicoNode: false,
    maxNodeRestarts: 3,
    restartTimeoutMs: 3 * MINUTE,
    calicoNamespace: null,
    failOn: ['unhealthy', 'inconclusive'],
    reportFile: null,
    jobSummary: true,
    ...overrides,
  };
}

/**
 * An observation a minute into the run. `elapsedMs` moves both clocks, so that a sequence of looks is
 * `anObservation({ elapsedMs: 0 })`, `anObservation({ elapsedMs: 2_000 })` …
 */
export function anObservation(overrides: Partial<Observation> & { readonly elapsedMs?: number } = {}): Observation {
  const { elapsedMs = MINUTE, ...rest } = overrides;
  return {
    snapshot: aSnapshot(),
    sandboxErrors: new Map(),
    now: { atMs: NOW_MS - MINUTE + elapsedMs, elapsedMs },
    settings: aSettings(),
    timing: TIMING,
    ...rest,
  };
}

/** A finding about a pod that is not ready, not fatal. */
export function aFinding(overrides: Partial<Finding> = {}): Finding {
  return {
    namespace: 'shop',
    pod: 'web-1',
    uid: 'Pod/shop/web-1',
    node: 'n1',
    owner: null,
    stage: 'probe',
    cause: 'NotReady',
    message: 'readiness probe fails',
    sinceMs: ago(MINUTE),
    fatal: false,
    derivedFrom: null,
    holdsBack: true,
    fatalAtMs: null,
    ...overrides,
  };
}
