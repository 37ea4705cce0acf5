import { expect, test } from '@jest/globals';
import {
  aCondition,
  aContainer,
  ago,
  anEvent,
  aPod,
  aSandboxError,
  aStuckPod,
  MINUTE,
  SECOND,
  waiting,
} from '../builders.ts';
import { AT_ONCE, type Row, testRows } from './ladder-rows.ts';
import { aWatcher, findingOf, type Look } from './pod-looks.ts';

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
    [
      'CalicoForbidden',
      'CniProxy',
      'CniApiUnreachable',
      'CniCertificate',
      'CalicoNodeDown',
      'CalicoNotReady',
      'IpamExhausted',
    ] as const
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
  ...(['CniError', 'OtherPluginUnauthorized'] as const).map(
    (cause): Row => ({
      when: `a plugin fails that nobody knows unless it is named (${cause})`,
      pod: stuck,
      look: { sandboxError: aSandboxError(stuck, { cause, plugin: 'kmesh-cni', text: 'its words' }) },
      stage: 'sandbox',
      cause,
      fatalAfterMs: 3 * MINUTE,
      message: 'plugin kmesh-cni: its words',
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

testRows('a pod without its sandbox', sandboxAndVolumes);

test('a volume event that is newer than the error of the sandbox explains more, until it is too old to hold', () => {
  const look: Look = { sandboxError: aSandboxError(stuck, { lastAtMs: ago(2 * MINUTE) }), events: [mountEvent] };
  const watcher = aWatcher();
  const causeAt = (afterMs: number): unknown => watcher.lookAt(stuck, afterMs, look).finding?.cause;
  expect(causeAt(0)).toBe('VolumeMissing');
  expect(causeAt(70 * SECOND)).toBe('VolumeMissing');
  expect(causeAt(71 * SECOND)).toBe('CalicoUnauthorized');
});

test('a kubelet that writes no PodReadyToStartContainers is understood by its containers', () => {
  const older = aStuckPod({ conditions: [aCondition('Ready', 'False', { reason: 'ContainersNotReady' })] });
  const pulling = { ...older, containers: [aContainer({ state: waiting('ErrImagePull', 'x: not found') })] };
  expect(findingOf(older).stage).toBe('sandbox');
  expect(findingOf(pulling).stage).toBe('image');
});
