import { describe, expect, test } from '@jest/globals';
import { installOf } from '../../src/calico/install-cni.ts';
import type { Container, Pod } from '../../src/objects/pod.ts';
import { aCalicoNodePod, aCondition, aContainer, ago, MINUTE, SECOND, terminated, waiting } from '../builders.ts';

const RUNNING = { kind: 'running', startedAtMs: ago(SECOND) } as const;
const SUCCESS = terminated({ reason: 'Completed', exitCode: 0, finishedAtMs: ago(MINUTE) });

function podWith(install: Partial<Container>, initialized: boolean): Pod {
  const container = aContainer({ name: 'install-cni', role: 'init', ...install });
  const conditions = [
    aCondition('Initialized', initialized ? 'True' : 'False', { lastTransitionAtMs: ago(2 * MINUTE) }),
  ];
  return aCalicoNodePod({ containers: [container, aContainer({ name: 'calico-node' })], conditions });
}

describe('install-cni has finished', () => {
  test.each<[string, Partial<Container>, number | null]>([
    ['when it exited 0', { state: SUCCESS }, ago(MINUTE)],
    ['when it exited 0 after a failure', { state: SUCCESS, lastEnd: terminated(), restartCount: 1 }, ago(MINUTE)],
    [
      'at the time of Initialized, when the runtime knows none',
      { state: { ...SUCCESS, finishedAtMs: 0 } },
      ago(2 * MINUTE),
    ],
    ['at the time of Initialized, when the kubelet has forgotten it', { state: { kind: 'none' } }, ago(2 * MINUTE)],
  ])('%s', (_, install, atMs) => {
    expect(installOf(podWith(install, true))).toEqual({ state: 'finished', atMs });
  });
});

describe('install-cni has not finished', () => {
  test.each<[string, Pod]>([
    ['while it waits for its start', podWith({ state: waiting('PodInitializing') }, false)],
    ['while it runs', podWith({ state: RUNNING }, false)],
    ['while it runs again after a reboot', podWith({ state: RUNNING, lastEnd: SUCCESS }, true)],
    ['where there is none', aCalicoNodePod({ containers: [aContainer({ name: 'calico-node' })] })],
    [
      'where a main container has its name',
      aCalicoNodePod({ containers: [aContainer({ name: 'install-cni', state: SUCCESS })] }),
    ],
  ])('%s', (_, pod) => {
    expect(installOf(pod)).toEqual({ state: 'unfinished' });
  });
});

test.each<[string, Partial<Container>, number]>([
  ['once', { state: terminated() }, 1],
  [
    'twice, seen while it waits for its third start',
    { state: waiting('CrashLoopBackOff'), lastEnd: terminated(), restartCount: 1 },
    2,
  ],
  ['twice, seen while it runs for the third time', { state: RUNNING, lastEnd: terminated(), restartCount: 2 }, 2],
  ['three times, seen as it ends', { state: terminated(), lastEnd: terminated(), restartCount: 2 }, 3],
])('install-cni has failed %s', (_, install, ends) => {
  expect(installOf(podWith(install, false))).toMatchObject({ state: 'failing', ends, end: { exitCode: 1 } });
});
