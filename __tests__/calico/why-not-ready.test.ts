import { describe, expect, test } from '@jest/globals';
import { whyNotReady } from '../../src/calico/why-not-ready.ts';
import type { Container } from '../../src/objects/pod.ts';
import {
  aCalicoNodePod,
  aContainer,
  aLostNode,
  anObservation,
  aSnapshot,
  podConditions,
  terminated,
  waiting,
} from '../builders.ts';

const installed = terminated({ reason: 'Completed', exitCode: 0 });
const done = aContainer({ name: 'install-cni', role: 'init', state: installed, ready: true, started: false });
const conditions = podConditions({ ready: false });

function why(...containers: readonly Container[]): string {
  return whyNotReady(aCalicoNodePod({ containers, conditions }), anObservation());
}

describe('why a calico-node pod is not Ready', () => {
  test.each<[string, readonly Container[], string]>([
    [
      'an init container that fails',
      [
        aContainer({
          name: 'install-cni',
          role: 'init',
          state: waiting('CrashLoopBackOff'),
          lastEnd: terminated({ exitCode: 1 }),
        }),
        aContainer({ name: 'calico-node', state: waiting('PodInitializing') }),
      ],
      'init container install-cni ended with exit code 1',
    ],
    [
      'a probe that does not pass',
      [done, aContainer({ name: 'calico-node', ready: false })],
      'container calico-node runs, and its readiness probe does not pass',
    ],
    [
      'an image that is not there',
      [done, aContainer({ name: 'calico-node', state: waiting('ErrImagePull') })],
      'container calico-node has no image',
    ],
    [
      'settings that are missing',
      [done, aContainer({ name: 'calico-node', state: waiting('CreateContainerConfigError') })],
      'container calico-node waits: CreateContainerConfigError',
    ],
    [
      'containers that have not had their turn',
      [done, aContainer({ name: 'calico-node', state: waiting('ContainerCreating') })],
      '',
    ],
  ])('is told of %s', (_, containers, words) => {
    expect(why(...containers)).toBe(words);
  });

  test('is told in the same words from one state of a crash to the next, and without its last words', () => {
    const lastEnd = terminated({ exitCode: 137, reason: 'OOMKilled', message: `at ${Date.now()}` });
    const states: readonly Partial<Container>[] = [
      { state: lastEnd },
      { state: waiting('CrashLoopBackOff'), lastEnd },
      { ready: false, lastEnd, restartCount: 4 },
    ];
    expect(new Set(states.map((state) => why(done, aContainer({ name: 'calico-node', ...state }))))).toEqual(
      new Set(['container calico-node ended with exit code 137 (SIGKILL, OOMKilled)']),
    );
  });

  test('is its node, where that is lost: its containers still say that they are ready', () => {
    const observation = anObservation({ snapshot: aSnapshot({ nodes: [aLostNode({ name: 'n1' })] }) });
    expect(whyNotReady(aCalicoNodePod({ conditions }), observation)).toMatch(/^node n1 is not ready: /);
  });
});
