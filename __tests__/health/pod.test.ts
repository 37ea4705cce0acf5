import { describe, expect, test } from '@jest/globals';
import type { Cause, PodClass, Stage } from '../../src/health/assessment.ts';
import type { Container, Pod } from '../../src/objects/pod.ts';
import {
  aCondition,
  aContainer,
  aController,
  ago,
  aLostNode,
  aNotReadyPod,
  anEvent,
  anUnboundPod,
  aPod,
  aSandboxError,
  aStuckPod,
  aTerminatingPod,
  MINUTE,
  podConditions,
  SECOND,
  terminated,
  waiting,
} from '../builders.ts';
import { anOwner, aWatcher, fatalAfterMs, findingOf, judge, type Look } from './pod-looks.ts';

/** A pod that is not ready because of this container. */
function podWith(container: Partial<Container>, overrides: Partial<Pod> = {}): Pod {
  return aNotReadyPod({ containers: [aContainer({ ready: false, ...container })], ...overrides });
}

function podWaiting(reason: string, message = '', container: Partial<Container> = {}): Pod {
  return podWith({ state: waiting(reason, message), ...container });
}

const job = { controller: aController('Job', 'migrate'), restartPolicy: 'Never' } as const;
const jobOwner = anOwner({ kind: 'Job', name: 'migrate' });
const failed = { phase: 'Failed', conditions: podConditions({ sandbox: false }) } as const;
const OCI = 'failed to create containerd task: OCI runtime create failed: unable to start container process: ';

interface Row {
  readonly when: string;
  readonly pod: Pod;
  readonly look?: Look;
  readonly class?: PodClass;
  readonly stage: Stage;
  readonly cause: Cause;
  /** ms after the first look, looking every second; null: only the deadline. */
  readonly fatalAfterMs: number | null;
  readonly message: string;
}

const AT_ONCE = 2 * SECOND;

const scheduling: readonly Row[] = [
  {
    when: 'scheduling gates hold it back',
    pod: anUnboundPod('SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates'),
    stage: 'scheduling',
    cause: 'SchedulingGated',
    fatalAfterMs: null,
    message: 'non-empty scheduling gates',
  },
  {
    when: 'no node can take it',
    pod: anUnboundPod('Unschedulable', '0/2 nodes are available: 2 Insufficient cpu.'),
    stage: 'scheduling',
    cause: 'Unschedulable',
    fatalAfterMs: 5 * MINUTE,
    message: '0/2 nodes are available',
  },
  {
    when: 'the scheduler fails',
    pod: anUnboundPod('SchedulerError', 'binding rejected'),
    stage: 'scheduling',
    cause: 'Unschedulable',
    fatalAfterMs: 5 * MINUTE,
    message: 'SchedulerError: binding rejected',
  },
  {
    when: 'preemption clears a node for it',
    pod: anUnboundPod('Unschedulable', '0/2 nodes are available', { nominatedNodeName: 'n2' }),
    stage: 'scheduling',
    cause: 'Unschedulable',
    fatalAfterMs: null,
    message: 'it is to take node n2',
  },
  {
    when: 'the scheduler has a reason that is not known here',
    pod: anUnboundPod('SomethingNew', 'the moon is full'),
    stage: 'scheduling',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'PodScheduled is False: SomethingNew: the moon is full',
  },
  {
    when: 'no scheduler has looked at it',
    pod: anUnboundPod('', '', { conditions: [], phase: 'Pending' }),
    stage: 'scheduling',
    cause: 'SchedulerSilent',
    fatalAfterMs: 3 * MINUTE,
    message: 'no scheduler',
  },
];

const stuck = aStuckPod();
const unauthorized = aSandboxError(stuck, { firstAtMs: ago(10 * SECOND), lastAtMs: ago(10 * SECOND) });
const mountEvent = anEvent(stuck, {
  reason: 'FailedMount',
  message: 'MountVolume.SetUp failed for volume "v" : configmap "nope" not found',
});

const sandboxAndVolumes: readonly Row[] = [
  {
    when: "Calico's token is rejected (two minutes from the first event)",
    pod: stuck,
    look: { sandboxError: unauthorized },
    stage: 'sandbox',
    cause: 'CalicoUnauthorized',
    fatalAfterMs: 110 * SECOND,
    message: 'connection is unauthorized: Unauthorized',
  },
  ...(
    ['CalicoForbidden', 'CniProxy', 'CniApiUnreachable', 'CniCertificate', 'CalicoNodeDown', 'IpamExhausted'] as const
  ).map(
    (cause): Row => ({
      when: `a look-alike happens (${cause})`,
      pod: stuck,
      look: { sandboxError: aSandboxError(stuck, { cause, text: 'the words of the plugin' }) },
      stage: 'sandbox',
      cause,
      fatalAfterMs: 3 * MINUTE,
      message: 'the words of the plugin',
    }),
  ),
  {
    when: 'a sandbox is missing and nothing says why',
    pod: stuck,
    stage: 'sandbox',
    cause: 'SandboxSilent',
    fatalAfterMs: null,
    message: 'no event says why',
  },
  {
    when: 'only SandboxChanged is left of the events',
    pod: stuck,
    look: {
      events: [
        anEvent(stuck, { reason: 'SandboxChanged', type: 'Normal', message: 'Pod sandbox changed.', count: 14 }),
      ],
    },
    stage: 'sandbox',
    cause: 'SandboxSilent',
    fatalAfterMs: null,
    message: '14 times',
  },
  {
    when: 'the network of the node is not ready',
    pod: stuck,
    look: { events: [anEvent(stuck, { reason: 'NetworkNotReady', message: 'cni plugin not initialized' })] },
    stage: 'sandbox',
    cause: 'CniError',
    fatalAfterMs: 3 * MINUTE,
    message: 'cni plugin not initialized',
  },
  {
    when: 'the kubelet has not reported on it',
    pod: aPod({
      phase: 'Pending',
      hasPodIp: false,
      conditions: [aCondition('PodScheduled', 'True')],
      containers: [aContainer({ state: { kind: 'none' } })],
    }),
    stage: 'sandbox',
    cause: 'SandboxSilent',
    fatalAfterMs: null,
    message: 'the kubelet of node n1 has not reported',
  },
  {
    when: 'its pod on the host network cannot get a sandbox, which is no plugin’s fault',
    pod: aStuckPod({ hostNetwork: true }),
    look: {
      sandboxError: unauthorized,
      events: [anEvent(stuck, { reason: 'FailedCreatePodSandBox', message: 'failed to get sandbox image' })],
    },
    stage: 'sandbox',
    cause: 'SandboxError',
    fatalAfterMs: 3 * MINUTE,
    message: 'failed to get sandbox image',
  },
  {
    when: 'a ConfigMap that it mounts is missing',
    pod: stuck,
    look: { events: [mountEvent] },
    stage: 'volumes',
    cause: 'VolumeMissing',
    fatalAfterMs: 5 * MINUTE,
    message: 'configmap "nope" not found',
  },
  {
    when: 'a key that it mounts is missing',
    pod: stuck,
    look: {
      events: [anEvent(stuck, { reason: 'FailedMount', message: 'references non-existent secret key: password' })],
    },
    stage: 'volumes',
    cause: 'VolumeMissing',
    fatalAfterMs: 5 * MINUTE,
    message: 'references non-existent secret key: password',
  },
  {
    when: 'another node still has its volume',
    pod: stuck,
    look: {
      events: [
        anEvent(stuck, {
          reason: 'FailedAttachVolume',
          component: 'attachdetach-controller',
          message: 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) db-0',
        }),
      ],
    },
    stage: 'volumes',
    cause: 'VolumeAttach',
    fatalAfterMs: 7 * MINUTE,
    message: 'already used by pod(s) db-0',
  },
  {
    when: 'a volume cannot be attached',
    pod: stuck,
    look: {
      events: [
        anEvent(stuck, { reason: 'FailedAttachVolume', message: 'AttachVolume.Attach failed for volume "pvc-1"' }),
        // The kubelet's summary is newer and says less.
        anEvent(stuck, {
          reason: 'FailedMount',
          message: 'Unable to attach or mount volumes: unmounted volumes=[data]',
          lastAtMs: ago(SECOND),
        }),
      ],
    },
    stage: 'volumes',
    cause: 'VolumeAttach',
    fatalAfterMs: 5 * MINUTE,
    message: 'AttachVolume.Attach failed',
  },
  {
    when: 'a volume cannot be mounted',
    pod: stuck,
    look: {
      events: [anEvent(stuck, { reason: 'FailedMount', message: 'hostPath type check failed: /x is not a directory' })],
    },
    stage: 'volumes',
    cause: 'VolumeMount',
    fatalAfterMs: 5 * MINUTE,
    message: '/x is not a directory',
  },
  {
    when: 'it waited for a volume before its sandbox failed',
    pod: stuck,
    look: { sandboxError: aSandboxError(stuck, { lastAtMs: ago(30 * SECOND) }), events: [mountEvent] },
    stage: 'sandbox',
    cause: 'CalicoUnauthorized',
    fatalAfterMs: AT_ONCE,
    message: 'connection is unauthorized',
  },
];

const PULL = 'failed to pull and unpack image "r/app:1": ';

const imagesAndConfig: readonly Row[] = [
  {
    when: 'its image name is invalid',
    pod: podWaiting('InvalidImageName', 'invalid reference format: repository name must be lowercase'),
    stage: 'image',
    cause: 'InvalidImage',
    fatalAfterMs: AT_ONCE,
    message: 'container app: InvalidImageName: invalid reference format',
  },
  {
    when: 'its image must not be pulled and is not there',
    pod: podWaiting('ErrImageNeverPull', 'Container image is not present with pull policy of Never'),
    stage: 'image',
    cause: 'ImageNotFound',
    fatalAfterMs: AT_ONCE,
    message: 'pull policy of Never',
  },
  {
    when: 'the signature of its image does not verify',
    pod: podWaiting('SignatureValidationFailed', 'no valid signature'),
    stage: 'image',
    cause: 'ImageError',
    fatalAfterMs: AT_ONCE,
    message: 'no valid signature',
  },
  {
    when: 'its image does not exist',
    pod: podWaiting('ErrImagePull', `${PULL}r/app:1: not found`),
    stage: 'image',
    cause: 'ImageNotFound',
    fatalAfterMs: 30 * SECOND,
    message:
      'container app: image registry.example/app:1: failed to pull and unpack image "r/app:1": r/app:1: not found',
  },
  {
    when: 'its image may not be pulled',
    pod: podWaiting('ImagePullBackOff', `Back-off pulling image "r/app:1": ErrImagePull: ${PULL}401 Unauthorized`),
    stage: 'image',
    cause: 'ImageUnauthorized',
    fatalAfterMs: 60 * SECOND,
    message: '401 Unauthorized',
  },
  {
    when: 'its registry does not answer',
    pod: podWaiting('ErrImagePull', `${PULL}dial tcp 10.0.0.1:443: i/o timeout`),
    stage: 'image',
    cause: 'RegistryUnavailable',
    fatalAfterMs: 5 * MINUTE,
    message: 'i/o timeout',
  },
  {
    when: 'the kubelet says that the registry is away',
    pod: podWaiting('RegistryUnavailable', 'service unavailable'),
    stage: 'image',
    cause: 'RegistryUnavailable',
    fatalAfterMs: 5 * MINUTE,
    message: 'service unavailable',
  },
  {
    when: 'an older kubelet backs off without a cause',
    pod: podWaiting('ImagePullBackOff', 'Back-off pulling image "r/app:1"'),
    stage: 'image',
    cause: 'ImageError',
    fatalAfterMs: 5 * MINUTE,
    message: 'ImagePullBackOff: Back-off pulling image',
  },
  {
    when: 'its image cannot be inspected',
    pod: podWaiting('ImageInspectError', 'disk trouble'),
    stage: 'image',
    cause: 'ImageError',
    fatalAfterMs: 2 * MINUTE,
    message: 'disk trouble',
  },
  {
    when: 'a Secret for its environment is missing',
    pod: podWaiting('CreateContainerConfigError', 'secret "nope" not found'),
    stage: 'config',
    cause: 'MissingConfig',
    fatalAfterMs: 5 * MINUTE,
    message: 'container app: secret "nope" not found',
  },
  {
    when: 'a key for its environment is missing',
    pod: podWaiting('CreateContainerConfigError', "couldn't find key k in ConfigMap shop/settings"),
    stage: 'config',
    cause: 'MissingConfig',
    fatalAfterMs: 5 * MINUTE,
    message: "couldn't find key k",
  },
  {
    when: "the kubelet's cache lags behind",
    pod: podWaiting('CreateContainerConfigError', 'failed to sync secret cache: timed out waiting for the condition'),
    stage: 'config',
    cause: 'MissingConfig',
    fatalAfterMs: 3 * MINUTE,
    message: 'failed to sync secret cache',
  },
  {
    when: 'the kubelet refuses its settings',
    pod: podWaiting('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root'),
    stage: 'config',
    cause: 'InvalidConfig',
    fatalAfterMs: 30 * SECOND,
    message: 'runAsNonRoot',
  },
];

const startAndCrash: readonly Row[] = [
  {
    when: 'its command does not exist (seen twice)',
    pod: podWith({
      state: waiting('CrashLoopBackOff', 'back-off 20s'),
      lastEnd: terminated({ reason: 'StartError', exitCode: 128, message: `${OCI}exec: "/nope": no such file` }),
      restartCount: 1,
    }),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: AT_ONCE,
    message: 'container app: 1 restart, exit code 128 (StartError): failed to create containerd task',
  },
  {
    when: 'its command does not exist (seen once)',
    pod: podWith({
      state: terminated({ reason: 'StartError', exitCode: 128, message: `${OCI}exec: "/nope": no such file` }),
    }),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: 2 * MINUTE,
    message: '/nope',
  },
  {
    when: 'the runtime cannot start it for a reason of its own',
    pod: podWaiting('RunContainerError', 'error mounting "/x": no such file or directory', { restartCount: 3 }),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: 2 * MINUTE,
    message: 'RunContainerError: error mounting',
  },
  {
    when: 'the runtime cannot create it',
    pod: podWaiting('CreateContainerError', 'context deadline exceeded'),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: 2 * MINUTE,
    message: 'CreateContainerError: context deadline exceeded',
  },
  {
    when: 'it crashed once',
    pod: podWith({ state: terminated({ exitCode: 2 }) }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: null,
    message: 'container app: 0 restarts, exit code 2',
  },
  {
    when: 'it crashed three times',
    pod: podWith({
      state: waiting('CrashLoopBackOff'),
      lastEnd: terminated({ exitCode: 1, message: 'no database' }),
      restartCount: 2,
    }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'container app: 2 restarts, exit code 1: no database',
  },
  {
    when: 'it ends with exit code 0 again and again',
    pod: podWith({
      state: waiting('CrashLoopBackOff'),
      lastEnd: terminated({ exitCode: 0, reason: 'Completed' }),
      restartCount: 4,
    }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'exit code 0 (Completed)',
  },
  {
    when: 'it ran out of memory twice',
    pod: podWith({
      state: waiting('CrashLoopBackOff'),
      lastEnd: terminated({ exitCode: 137, reason: 'OOMKilled' }),
      restartCount: 1,
    }),
    stage: 'crash',
    cause: 'OutOfMemory',
    fatalAfterMs: AT_ONCE,
    message: 'exit code 137 (SIGKILL, OOMKilled)',
  },
  {
    when: 'its init container crashed three times',
    pod: aNotReadyPod({
      containers: [
        aContainer({
          name: 'i',
          role: 'init',
          state: waiting('CrashLoopBackOff'),
          lastEnd: terminated(),
          restartCount: 4,
        }),
        aContainer({ state: waiting('PodInitializing') }),
      ],
    }),
    stage: 'crash',
    cause: 'InitCrash',
    fatalAfterMs: AT_ONCE,
    message: 'init container i: 4 restarts, exit code 1',
  },
  {
    when: 'its sidecar crashed three times, which is like a main container',
    pod: aNotReadyPod({
      restartPolicy: 'Never',
      containers: [
        aContainer({
          name: 's',
          role: 'sidecar',
          state: waiting('CrashLoopBackOff'),
          lastEnd: terminated(),
          restartCount: 2,
        }),
        aContainer({ state: waiting('PodInitializing') }),
      ],
    }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'sidecar s',
  },
  {
    when: 'one of its containers failed and is never restarted',
    pod: aNotReadyPod({
      restartPolicy: 'Never',
      containers: [aContainer({ name: 'a', state: terminated({ exitCode: 3 }) }), aContainer({ name: 'b' })],
    }),
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: AT_ONCE,
    message: 'container a: 0 restarts, exit code 3',
  },
  {
    when: 'a signal ended it',
    pod: podWith({ state: terminated({ exitCode: 0, signal: 11 }) }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: null,
    message: 'signal 11 (SIGSEGV)',
  },
  {
    when: 'its liveness probe ended it',
    pod: podWith({ state: waiting('CrashLoopBackOff'), lastEnd: terminated({ exitCode: 143 }), restartCount: 2 }),
    look: { events: [anEvent(aPod(), { message: 'Liveness probe failed: HTTP probe failed with statuscode: 500' })] },
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'exit code 143 (SIGTERM); Liveness probe failed: HTTP probe failed',
  },
  {
    when: 'it failed and nobody replaces it',
    pod: podWith({ state: terminated({ exitCode: 7 }) }, failed),
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: AT_ONCE,
    message: 'container app: exit code 7',
  },
  {
    when: 'it was evicted and nobody replaces it',
    pod: podWith({}, { ...failed, reason: 'Evicted', message: 'The node was low on resource: memory.' }),
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: AT_ONCE,
    message: 'Evicted: The node was low on resource: memory.',
  },
  {
    when: 'it failed for a reason of its own and its owner lacks it',
    pod: podWith({}, { ...failed, reason: 'DeadlineExceeded', controller: aController('ReplicaSet', 'web-1') }),
    look: { owner: anOwner({ satisfied: false }) },
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: 30 * SECOND,
    message: 'DeadlineExceeded',
  },
];

const probe = { initialDelayMs: 0, periodMs: 2 * SECOND, failureThreshold: 3, asks: 'GET :8080/ready' } as const;

const probesAndRest: readonly Row[] = [
  {
    when: 'its readiness probe fails',
    pod: podWith({ readinessProbe: probe }),
    look: {
      events: [
        anEvent(aPod(), { message: 'Readiness probe failed: connection refused' }),
        anEvent(aPod(), { message: 'Liveness probe failed: not this one', lastAtMs: ago(SECOND) }),
      ],
    },
    stage: 'probe',
    cause: 'NotReady',
    fatalAfterMs: null,
    message:
      '0 of 1 containers ready; container app runs and is not ready, readiness probe GET :8080/ready: Readiness probe failed: connection refused',
  },
  {
    when: 'its startup probe has not passed',
    pod: podWith({ started: false, startupProbe: probe }),
    look: { events: [anEvent(aPod(), { message: 'Startup probe failed: connection refused' })] },
    stage: 'probe',
    cause: 'NotStarted',
    fatalAfterMs: null,
    message: 'startup probe GET :8080/ready: Startup probe failed: connection refused',
  },
  {
    when: 'its init container runs',
    pod: aNotReadyPod({
      containers: [
        aContainer({ name: 'migrate', role: 'init', ready: false }),
        aContainer({ state: waiting('PodInitializing') }),
      ],
    }),
    stage: 'probe',
    cause: 'NotStarted',
    fatalAfterMs: null,
    message: 'init container migrate has not finished',
  },
  {
    when: 'it has its sandbox and its image is being pulled',
    pod: podWaiting('ContainerCreating'),
    look: { events: [anEvent(aPod(), { reason: 'Pulling', type: 'Normal', message: 'Pulling image "r/app:1"' })] },
    stage: 'probe',
    cause: 'NotStarted',
    fatalAfterMs: null,
    message: 'container app is being created: Pulling image "r/app:1"',
  },
  {
    when: 'one of its containers has completed',
    pod: aNotReadyPod({
      restartPolicy: 'OnFailure',
      containers: [
        aContainer({ name: 'a', state: terminated({ exitCode: 0, reason: 'Completed' }) }),
        aContainer({ name: 'b' }),
      ],
    }),
    stage: 'probe',
    cause: 'NotReady',
    fatalAfterMs: null,
    message: '1 of 2 containers ready; container a has completed',
  },
  {
    when: 'a readiness gate is closed',
    pod: aPod({
      readinessGates: ['example.com/lb'],
      conditions: [
        aCondition('PodReadyToStartContainers', 'True'),
        aCondition('ContainersReady', 'True'),
        aCondition('Ready', 'False', {
          reason: 'ReadinessGatesNotReady',
          message: 'corresponding condition of pod readiness gate "example.com/lb" does not exist.',
        }),
      ],
    }),
    stage: 'gate',
    cause: 'ReadinessGate',
    fatalAfterMs: null,
    message: '"example.com/lb" does not exist',
  },
  {
    when: 'its node is lost',
    pod: aNotReadyPod({ containers: [aContainer()], conditions: [aCondition('Ready', 'False')] }),
    look: { node: aLostNode() },
    stage: 'node',
    cause: 'NodeNotReady',
    fatalAfterMs: 5 * MINUTE,
    message: 'node n1 is not ready: NodeStatusUnknown: Kubelet stopped posting node status.',
  },
  {
    when: 'its phase is Unknown',
    pod: aNotReadyPod({ phase: 'Unknown' }),
    look: { node: null, nodesReadable: false },
    stage: 'node',
    cause: 'NodeNotReady',
    fatalAfterMs: 5 * MINUTE,
    message: 'node n1 does not report',
  },
  {
    when: 'its node does not exist any more',
    pod: aNotReadyPod(),
    look: { node: null },
    stage: 'node',
    cause: 'NodeNotReady',
    fatalAfterMs: 5 * MINUTE,
    message: 'node n1 does not exist',
  },
  {
    when: 'only the missing reason tells that its node may be lost, for nodes may not be read',
    pod: aPod({ conditions: [aCondition('Ready', 'False'), aCondition('ContainersReady', 'True')] }),
    look: { node: null, nodesReadable: false },
    stage: 'node',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'node n1 may have stopped reporting',
  },
  {
    when: 'a container waits for a reason that is not known here',
    pod: podWaiting('QuantumError', 'entangled'),
    stage: 'start',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'container app: QuantumError: entangled',
  },
  {
    when: 'Ready is False for a reason that is not known here',
    pod: aPod({ conditions: [aCondition('Ready', 'False', { reason: 'Eclipse', message: 'too dark' })] }),
    stage: 'probe',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'Ready is False: Eclipse: too dark',
  },
  {
    when: 'it has no Ready condition though its containers are ready',
    pod: aPod({ conditions: [] }),
    stage: 'probe',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'it has no Ready condition',
  },
];

describe('the ladder', () => {
  test.each([...scheduling, ...sandboxAndVolumes, ...imagesAndConfig, ...startAndCrash, ...probesAndRest])(
    'says $stage/$cause when $when',
    ({ pod, look, stage, cause, message }) => {
      const state = judge(pod, look);
      expect(state.class).toBe('notReady');
      expect(state.finding).toMatchObject({ stage, cause, holdsBack: true, fatal: false });
      expect(state.finding?.message).toContain(message);
    },
  );

  test.each([...scheduling, ...sandboxAndVolumes, ...imagesAndConfig, ...startAndCrash, ...probesAndRest])(
    'has the patience of $fatalAfterMs ms when $when',
    (row) => {
      expect(fatalAfterMs(row.pod, row.look)).toBe(row.fatalAfterMs);
    },
  );

  test('a finding says who, where, whose and since when', () => {
    const pod = podWaiting('InvalidImageName', 'x');
    expect(findingOf(pod, { owner: anOwner({ kind: 'Deployment', name: 'web' }) })).toMatchObject({
      namespace: 'shop',
      pod: 'web-1',
      uid: 'Pod/shop/web-1',
      node: 'n1',
      owner: { kind: 'Deployment', name: 'web' },
      sinceMs: pod.createdAtMs,
      derivedFrom: null,
    });
  });

  test('the pods of a lost node are derived from it', () => {
    expect(findingOf(aNotReadyPod(), { node: aLostNode() }).derivedFrom).toBe('n1');
  });

  test('a pod that is still Ready on a lost node is not ready', () => {
    expect(judge(aPod(), { node: aLostNode() })).toMatchObject({
      class: 'notReady',
      finding: { cause: 'NodeNotReady' },
    });
  });

  test('a Ready pod whose node is not in the picture yet is ready', () => {
    expect(judge(aPod(), { node: null })).toMatchObject({ class: 'ready', finding: null });
  });

  test('a node without a Ready condition is no evidence', () => {
    expect(judge(aPod(), { node: { ...aLostNode(), conditions: [] } }).class).toBe('ready');
  });

  test('where nodes may not be read, a node causes nothing', () => {
    expect(findingOf(aNotReadyPod(), { node: null, nodesReadable: false }).cause).toBe('NotReady');
  });

  test('a static pod is judged the same, and people learn where it can be changed', () => {
    const finding = findingOf(podWaiting('InvalidImageName', 'x', {}), {});
    const mirror = findingOf({ ...podWaiting('InvalidImageName', 'x'), mirror: true });
    expect(mirror).toMatchObject({ cause: finding.cause });
    expect(mirror.message).toContain('static pod');
  });

  test('a volume event that is newer than the error of the sandbox explains more, until it is too old to hold', () => {
    const look: Look = { sandboxError: aSandboxError(stuck, { lastAtMs: ago(2 * MINUTE) }), events: [mountEvent] };
    const watcher = aWatcher();
    const causeAt = (afterMs: number): unknown => watcher.lookAt(stuck, afterMs, look).finding?.cause;
    expect(causeAt(0)).toBe('VolumeMissing');
    expect(causeAt(70 * SECOND)).toBe('VolumeMissing');
    expect(causeAt(71 * SECOND)).toBe('CalicoUnauthorized');
  });

  test('an autoscaler that makes a node stops the clock, one that cannot help does not', () => {
    const pod = anUnboundPod('Unschedulable', '0/2 nodes are available');
    const scaleUp = anEvent(pod, {
      reason: 'TriggeredScaleUp',
      message: 'pod triggered scale-up',
      lastAtMs: ago(MINUTE),
    });
    const noHelp = anEvent(pod, { reason: 'NotTriggerScaleUp', message: 'max size reached', lastAtMs: ago(SECOND) });
    expect(fatalAfterMs(pod, { events: [scaleUp] })).toBeNull();
    expect(fatalAfterMs(pod, { events: [scaleUp, noHelp] })).toBe(5 * MINUTE);
  });

  test('a kubelet that writes no PodReadyToStartContainers is understood by its containers', () => {
    const older = aStuckPod({ conditions: [aCondition('Ready', 'False', { reason: 'ContainersNotReady' })] });
    const pulling = { ...older, containers: [aContainer({ state: waiting('ErrImagePull', 'x: not found') })] };
    expect(findingOf(older).stage).toBe('sandbox');
    expect(findingOf(pulling).stage).toBe('image');
  });
});

describe('pods that hold nothing back', () => {
  test.each<[string, Pod, Look, PodClass]>([
    ['a Ready pod', aPod(), {}, 'ready'],
    [
      'a pod that completed',
      aPod({ phase: 'Succeeded', conditions: podConditions({ sandbox: false }) }),
      {},
      'completed',
    ],
    [
      'a failed attempt of a Job',
      podWith({ state: terminated() }, { ...failed, ...job }),
      { owner: jobOwner },
      'superseded',
    ],
    [
      'an evicted pod with a controller',
      podWith({}, { ...failed, reason: 'Evicted', controller: aController('ReplicaSet', 'web-1') }),
      { owner: anOwner() },
      'superseded',
    ],
    [
      'a pod that the kubelet had no room for',
      podWith({}, { ...failed, reason: 'OutOfcpu', controller: aController('ReplicaSet', 'web-1') }),
      { owner: anOwner() },
      'superseded',
    ],
    [
      'a disrupted pod with a controller',
      podWith(
        {},
        { ...failed, conditions: [aCondition('DisruptionTarget', 'True', { reason: 'PreemptionByScheduler' })] },
      ),
      { owner: anOwner() },
      'superseded',
    ],
    [
      'a failed pod whose owner has all it wants',
      podWith({ state: terminated() }, { ...failed, controller: aController('ReplicaSet', 'web-1') }),
      { owner: anOwner({ satisfied: true }) },
      'superseded',
    ],
    [
      'a pod that was deleted less than 30 s beyond its grace period ago',
      aTerminatingPod({ deletionAtMs: ago(30 * SECOND) }),
      { sandboxError: aSandboxError(aTerminatingPod()) },
      'terminating',
    ],
    [
      'a pod of a DaemonSet on a node that does not count',
      aNotReadyPod({ controller: aController('DaemonSet', 'agent') }),
      { eligibleNode: false, node: aLostNode() },
      'starting',
    ],
    [
      'a deleted pod of a DaemonSet on a node that does not count',
      aTerminatingPod({ controller: aController('DaemonSet', 'agent') }),
      { eligibleNode: false, node: aLostNode() },
      'terminating',
    ],
    ['a pod of a running Job that is not ready yet', aNotReadyPod(job), { owner: jobOwner }, 'starting'],
    ['a pod of a running Job that waits for its sandbox', aStuckPod(job), { owner: jobOwner }, 'starting'],
    [
      'a pod of a running Job that made another attempt',
      podWith({ state: waiting('CrashLoopBackOff'), lastEnd: terminated(), restartCount: 5 }, job),
      { owner: jobOwner },
      'starting',
    ],
  ])('%s', (_, pod, look, expected) => {
    expect(judge(pod, look)).toEqual({ pod, class: expected, finding: null });
  });

  test('the pod of a running Job whose image is missing is trouble all the same', () => {
    const pod = podWaiting('ErrImageNeverPull');
    expect(judge({ ...pod, ...job }, { owner: jobOwner })).toMatchObject({
      class: 'notReady',
      finding: { holdsBack: true },
    });
  });

  test("Calico's failure counts on a young node that would otherwise excuse its DaemonSet pods", () => {
    const pod = aStuckPod({ controller: aController('DaemonSet', 'agent') });
    expect(judge(pod, { eligibleNode: false, sandboxError: aSandboxError(pod) }).class).toBe('notReady');
    expect(judge(pod, { eligibleNode: false }).class).toBe('starting');
  });
});
