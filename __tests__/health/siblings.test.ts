import { describe, expect, test } from '@jest/globals';
import { countSiblings, isSatisfiedWithout } from '../../src/health/siblings.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Workload } from '../../src/objects/workload.ts';
import {
  aDaemonSet,
  aDeployment,
  ago,
  aJob,
  aNotReadyPod,
  aPod,
  aStatefulSet,
  aTerminatingPod,
  HOUR,
  MINUTE,
} from '../builders.ts';

function isDoneWithout(pod: Pod, workload: Workload | null, others: readonly Pod[], wholeInScope = true): boolean {
  return isSatisfiedWithout(pod, workload, countSiblings([pod, ...others]), wholeInScope);
}

const ready = [aPod({ name: 'a' }), aPod({ name: 'b' })];
const starting = [aNotReadyPod({ name: 'a' }), aNotReadyPod({ name: 'b' })];
const ended = aPod({ name: 'ended', phase: 'Failed' });
const lost = aNotReadyPod({ name: 'lost' });
const leaving = aTerminatingPod({ name: 'leaving' });

describe('an owner does without a pod', () => {
  test.each<readonly [string, Pod, Workload | null, readonly Pod[]]>([
    ['that has ended, once there are as many others, Ready or not', ended, aDeployment(), starting],
    ['that is lost, once as many others are Ready', lost, aDeployment(), ready],
    ['that is overdue, once as many others are Ready', leaving, aStatefulSet(), ready],
    [
      'that has ended on a node where its DaemonSet has made another',
      ended,
      aDaemonSet(),
      [aNotReadyPod({ name: 'a' })],
    ],
    ['that is lost on a node where its DaemonSet has a Ready one', lost, aDaemonSet(), [aPod({ name: 'a' })]],
    ['of a Job that is complete', ended, aJob(), []],
    [
      'of an owner that is not judged, once it has a younger Ready one',
      ended,
      null,
      [aPod({ name: 'a', createdAtMs: ago(MINUTE) })],
    ],
  ])('%s', (_, pod, workload, others) => {
    expect(isDoneWithout(pod, workload, others)).toBe(true);
  });

  test.each<readonly [string, Pod, Workload | null, readonly Pod[]]>([
    ['that has ended, while too few others were made', ended, aDeployment(), starting.slice(1)],
    ['that is lost, while others are only starting', lost, aDeployment(), starting],
    [
      'that is lost, while its others are on their way out',
      lost,
      aDeployment(),
      [aPod({ name: 'a' }), aTerminatingPod({ name: 'b' })],
    ],
    ['that has ended, while the others have ended as well', ended, aDeployment(), [ended, ended]],
    [
      'that has ended on a node, for what its DaemonSet has elsewhere',
      ended,
      aDaemonSet(),
      [aPod({ name: 'a', nodeName: 'n2' })],
    ],
    [
      'that is lost on a node where its DaemonSet has one that is not Ready',
      lost,
      aDaemonSet(),
      [aNotReadyPod({ name: 'a' })],
    ],
    ['of a Job that is not complete', ended, aJob({ conditions: [] }), ready],
    ['of an owner that is not judged, for older ones', ended, null, [aPod({ name: 'a', createdAtMs: ago(HOUR) })]],
  ])('not %s', (_, pod, workload, others) => {
    expect(isDoneWithout(pod, workload, others)).toBe(false);
  });

  test('by what its status counts, where a selector may hide its other pods', () => {
    expect(isDoneWithout(lost, aDeployment({ ready: 2 }), [], false)).toBe(true);
    expect(isDoneWithout(lost, aDeployment({ ready: 2 }), [], true)).toBe(false);
    expect(isDoneWithout(lost, aDeployment({ ready: 0 }), ready, false)).toBe(true);
  });
});
