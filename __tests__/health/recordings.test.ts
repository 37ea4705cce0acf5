import { describe, expect, test } from '@jest/globals';
import { readSandboxErrors } from '../../src/calico/sandbox-errors.ts';
import { judgePod } from '../../src/health/pod.ts';
import { rememberPod } from '../../src/health/pod-memory.ts';
import type { PodState } from '../../src/health/pod-state.ts';
import { fullName } from '../../src/objects/metadata.ts';
import { TIMING } from '../../src/timing.ts';
import { recordedState } from '../calico/recorded-cluster.ts';
import { anOwner, circumstancesAt, type Look } from './pod-looks.ts';

/** What the first look at a recorded cluster says of each pod by itself. */
function judged(name: string): readonly PodState[] {
  const { snapshot, atMs } = recordedState(name);
  const now = { atMs, elapsedMs: 0 };
  const errors = readSandboxErrors(snapshot, now, TIMING);
  return snapshot.pods.map((pod) => {
    const look: Look = {
      owner: pod.controller === null ? null : anOwner(pod.controller),
      sandboxError: errors.get(pod.uid) ?? null,
      events: snapshot.events.filter(({ about }) => about.uid === pod.uid),
      node: snapshot.nodes?.find((node) => node.name === pod.nodeName) ?? null,
    };
    const circumstances = { ...circumstancesAt(0, look), now };
    return judgePod(pod, { ...circumstances, memory: rememberPod(undefined, pod, circumstances, true) });
  });
}

/** Each pod that is not simply ready: `name class stage/cause`. */
function troubles(name: string): readonly string[] {
  return judged(name)
    .filter(({ class: podClass }) => podClass !== 'ready')
    .map(({ pod, class: podClass, finding }) => {
      const what = finding === null ? '' : ` ${finding.stage}/${finding.cause}`;
      return `${fullName(pod)} ${podClass}${what}`;
    })
    .toSorted();
}

describe('the pods of a real cluster', () => {
  test.each<[string, readonly string[]]>([
    ['1-healthy', []],
    [
      '2-one-node-unauthorized',
      [
        'shop/ledger-6f98d48b7-pjtlf notReady terminating/CalicoUnauthorized',
        'shop/web-84c5c9947d-d55q4 notReady sandbox/CalicoUnauthorized',
        'shop/web-84c5c9947d-tbm6n notReady sandbox/CalicoUnauthorized',
        'shop/web-899997f4b-zk598 notReady terminating/CalicoUnauthorized',
      ],
    ],
    [
      '3-restarted',
      [
        'calico-system/calico-node-xw4f7 notReady sandbox/SandboxSilent',
        'shop/ledger-6f98d48b7-pjtlf notReady terminating/CalicoUnauthorized',
        'shop/web-84c5c9947d-d55q4 notReady sandbox/CalicoUnauthorized',
        'shop/web-84c5c9947d-tbm6n notReady sandbox/CalicoUnauthorized',
        'shop/web-899997f4b-zk598 notReady terminating/CalicoUnauthorized',
      ],
    ],
    // The events of the failure are still there; they say nothing about pods that are Ready by now.
    ['4-cured', []],
    [
      '5-forbidden',
      [
        'shop/web-6c8c6944cc-blds5 notReady sandbox/CalicoForbidden',
        'shop/web-6c8c6944cc-wlnzq notReady sandbox/CalicoForbidden',
        'shop/web-84c5c9947d-sf2mm terminating',
      ],
    ],
    [
      '6-ordinary-failures',
      [
        'trouble/bad-command notReady start/StartError',
        'trouble/bad-image notReady image/RegistryUnavailable',
        'trouble/bad-name notReady image/InvalidImage',
        'trouble/bare-failed notReady crash/Failed',
        'trouble/crash-77cc5f6c7d-6pndb notReady crash/CrashLoop',
        'trouble/crash-77cc5f6c7d-wmpjn notReady crash/CrashLoop',
        'trouble/gated notReady scheduling/SchedulingGated',
        'trouble/init-crash notReady crash/InitCrash',
        'trouble/job-fails-47bcz superseded',
        'trouble/job-fails-dg9mw superseded',
        'trouble/never-image notReady image/ImageNotFound',
        'trouble/never-ready notReady probe/NotReady',
        'trouble/never-started notReady probe/NotStarted',
        'trouble/no-configmap-volume notReady volumes/VolumeMissing',
        'trouble/no-secret notReady config/MissingConfig',
        'trouble/readiness-gate notReady gate/ReadinessGate',
        'trouble/too-big-7f7d9cc5c-dc9zw notReady scheduling/Unschedulable',
      ],
    ],
  ])('in %s', (name, expected) => {
    expect(troubles(name)).toEqual(expected);
  });

  test.each([
    [
      'bad-command',
      'container c: 4 restarts, exit code 128 (StartError): failed to create containerd task',
      '15:55:26',
    ],
    ['bad-image', 'container c: image registry.invalid/none:1: failed to pull and unpack image', '15:55:25'],
    ['bare-failed', 'container c: exit code 1', '15:55:26'],
    ['crash-77cc5f6c7d-wmpjn', 'container c: 4 restarts, exit code 1', '15:57:03'],
    ['init-crash', 'init container i: 4 restarts, exit code 1', '15:55:26'],
    ['never-ready', 'readiness probe GET :8080/: Readiness probe failed: Get "http://10.244.0.11:8080/"', '15:55:26'],
    ['never-started', 'startup probe GET :8080/: Startup probe failed: Get "http://10.244.0.22:8080/"', '15:55:26'],
    ['no-configmap-volume', 'MountVolume.SetUp failed for volume "v" : configmap "nope" not found', '15:55:25'],
    ['no-secret', 'container c: secret "nope" not found', '15:55:25'],
    ['readiness-gate', 'corresponding condition of pod readiness gate "example.com/lb" does not exist.', '15:55:26'],
    ['too-big-7f7d9cc5c-dc9zw', '0/2 nodes are available: 2 Insufficient cpu.', '15:55:26'],
  ])('%s says what happened in the words of the cluster, and since when', (name, message, since) => {
    const finding = judged('6-ordinary-failures').find(({ pod }) => pod.name === name)?.finding;
    expect(finding?.message).toContain(message);
    expect(finding?.sinceMs).toBe(Date.parse(`2026-11-22T${since}Z`));
  });
});
