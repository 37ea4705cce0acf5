import { describe, expect, test } from '@jest/globals';
import type { PodClass } from '../../src/health/assessment.ts';
import type { Pod } from '../../src/objects/pod.ts';
import {
  aCondition,
  aContainer,
  aController,
  ago,
  aLostNode,
  aNotReadyPod,
  aPod,
  aSandboxError,
  aStuckPod,
  aTerminatingPod,
  podConditions,
  SECOND,
  terminated,
  waiting,
} from '../builders.ts';
import { podWaiting, podWith } from './ladder-rows.ts';
import { anOwner, findingOf, judge, type Look } from './pod-looks.ts';

const job = { controller: aController('Job', 'migrate'), restartPolicy: 'Never' } as const;
const jobOwner = anOwner({ kind: 'Job', name: 'migrate' });
const failed = { phase: 'Failed', conditions: podConditions({ sandbox: false }) } as const;

describe('what is found', () => {
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

  test('a pod of a running Job that works at last is ready, whatever was tried before', () => {
    const tried = aContainer({ restartCount: 5, lastEnd: terminated({ finishedAtMs: ago(SECOND) }) });
    const pod = aPod({ conditions: podConditions({ sinceMs: ago(SECOND) }), containers: [tried] });
    expect(judge({ ...pod, ...job }, { owner: jobOwner }).class).toBe('ready');
    expect(judge(pod).class).toBe('notReady');
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
