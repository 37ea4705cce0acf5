import { describe, expect, test } from '@jest/globals';
import type { Node } from '../../src/objects/node.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { DaemonSet } from '../../src/objects/workload.ts';
import {
  aCondition,
  aDaemonSet,
  ago,
  aLostNode,
  aNode,
  aNotReadyPod,
  aPod,
  MINUTE,
  podConditions,
  SECOND,
} from '../builders.ts';
import { agents, assessOnce, brief, forbidden, ofAgent } from './health-run.ts';

const young = aNode({ name: 'n2', createdAtMs: ago(4 * MINUTE) });
const one = { current: 1, updated: 1, ready: 1, available: 1 };

describe('a DaemonSet is carried out', () => {
  test.each<readonly [string, Partial<DaemonSet>, readonly Pod[], readonly Node[]]>([
    [
      'when a pod of the present template is available on every node',
      {},
      agents('n1', 'n2'),
      [aNode(), aNode({ name: 'n2' })],
    ],
    [
      'when a pod is not ready on a node that is NotReady',
      { ready: 1, available: 1 },
      [...agents('n1'), aNotReadyPod(ofAgent('n2'))],
      [aNode(), aLostNode({ name: 'n2' })],
    ],
    [
      'when a pod is not ready on a node that is younger than five minutes',
      { ready: 1, available: 1 },
      [...agents('n1'), aNotReadyPod(ofAgent('n2'))],
      [aNode(), young],
    ],
    [
      'when a pod is not ready on a node that is being deleted',
      { ready: 1, available: 1 },
      [...agents('n1'), aNotReadyPod(ofAgent('n2'))],
      [aNode(), aNode({ name: 'n2', deletionAtMs: ago(SECOND) })],
    ],
    [
      'when a pod is not ready on a node that is gone',
      { ready: 1, available: 1 },
      [...agents('n1'), aNotReadyPod(ofAgent('n2'))],
      [aNode()],
    ],
    [
      'when an old pod is left of a node that is gone, and counted no more',
      { desired: 1, ...one },
      [aPod(ofAgent('n1', { createdAtMs: ago(MINUTE) }, '2')), ...agents('n2')],
      [aNode()],
    ],
    [
      'when an old pod is left of a node that is gone, and counted still',
      { updated: 1 },
      [aPod(ofAgent('n1', { createdAtMs: ago(MINUTE) }, '2')), ...agents('n2')],
      [aNode()],
    ],
    ['when a Ready pod on a young node is not available yet', { available: 1 }, agents('n1', 'n2'), [aNode(), young]],
    ['when a young node has no pod yet', one, agents('n1'), [aNode(), young]],
    [
      'when a lost node still has a pod of an older template',
      { updated: 1, ready: 1, available: 1 },
      [aPod(ofAgent('n1', { createdAtMs: ago(MINUTE) }, '2')), aNotReadyPod(ofAgent('n2'))],
      [aNode(), aLostNode({ name: 'n2' })],
    ],
    [
      'when it is OnDelete and ready, whatever the templates',
      { strategy: 'OnDelete', updated: 0 },
      agents('n1', 'n2'),
      [aNode(), aNode({ name: 'n2' })],
    ],
    ['when it wants no pod at all', { desired: 0, current: 0, updated: 0, ready: 0, available: 0 }, [], [aNode()]],
    ['when it is being deleted', { deletionAtMs: 1, ready: 0, available: 0 }, [], [aNode()]],
  ])('%s', (_, state, pods, nodes) => {
    const { complete, findings, counts } = assessOnce({ workloads: [aDaemonSet(state)], pods, nodes }, { minPods: 0 });
    expect(findings).toEqual([]);
    expect(complete).toBe(true);
    expect(counts.notReady).toBe(0);
  });
});

test('in a cluster that has just been made young nodes count: a DaemonSet that fails everywhere does not pass', () => {
  const pods = [aNotReadyPod(ofAgent('n1')), aNotReadyPod(ofAgent('n2'))];
  const workloads = [aDaemonSet({ ready: 0, available: 0 })];
  const { complete, findings } = assessOnce({ workloads, pods, nodes: [aNode({ createdAtMs: ago(MINUTE) }), young] });
  expect(findings.map(brief)).toEqual(['probe NotReady shop/agent-n1', 'probe NotReady shop/agent-n2']);
  expect(complete).toBe(false);
});

describe('a DaemonSet is not carried out', () => {
  const nodes = [aNode(), aNode({ name: 'n2' })];
  test.each<readonly [string, Partial<DaemonSet>, readonly Pod[], readonly Node[], string]>([
    [
      'while its controller has not seen the present generation',
      { generation: 2 },
      agents('n1', 'n2'),
      nodes,
      'its controller has not carried out generation 2 yet (it has seen 1)',
    ],
    [
      'without an observedGeneration',
      { observedGeneration: null },
      agents('n1', 'n2'),
      nodes,
      'its controller has not looked at it yet',
    ],
    [
      'without a desiredNumberScheduled: that is in progress, not 0 of 0',
      { desired: null, current: 0, updated: 0, ready: 0, available: 0 },
      [],
      nodes,
      'its controller has not said yet on how many nodes it wants a pod',
    ],
    ['while a node lacks its pod', one, agents('n1'), nodes, '1 of 2 pods exist'],
    [
      'while pods are of an older template',
      { updated: 1 },
      [aPod(ofAgent('n1')), aPod(ofAgent('n2', { createdAtMs: ago(MINUTE) }, '2'))],
      nodes,
      '1 of 2 pods are of the new pod template',
    ],
    [
      'while its only old pod is on a node that counts, although another node is lost',
      { updated: 0, ready: 1, available: 1 },
      [aPod(ofAgent('n1')), aNotReadyPod(ofAgent('n2'))],
      [aNode(), aLostNode({ name: 'n2' })],
      '0 of 2 pods are of the new pod template',
    ],
    [
      'while its last old pod is on a node that counts, although one of a node that is gone is left',
      { desired: 2, current: 2, updated: 1 },
      [aPod(ofAgent('n1', { createdAtMs: ago(MINUTE) }, '2')), ...agents('n2', 'n3')],
      nodes,
      '1 of 2 pods are of the new pod template',
    ],
    [
      'while a node lacks its pod, although one of a node that is gone is left',
      one,
      agents('n1', 'n3'),
      nodes,
      '1 of 2 pods exist',
    ],
    [
      'while pods are ready and not available yet',
      { available: 1 },
      agents('n1', 'n2'),
      nodes,
      '1 of 2 pods are available',
    ],
    [
      'when it is OnDelete and lacks ready pods',
      { strategy: 'OnDelete', ready: 1 },
      agents('n1', 'n2'),
      nodes,
      '1 of 2 pods are ready',
    ],
    ['while its status still counts a pod that is gone', {}, agents('n1'), nodes, '1 of 2 pods are available'],
    [
      'while its status still counts a pod that is gone, although a young node has none yet',
      {},
      agents('n1'),
      [...nodes, aNode({ name: 'n3', createdAtMs: ago(MINUTE) })],
      '1 of 2 pods are available',
    ],
    [
      'when it is OnDelete and its status still counts a pod that is gone',
      { strategy: 'OnDelete' },
      agents('n1'),
      nodes,
      '1 of 2 pods are ready',
    ],
  ])('%s', (_, state, pods, there, message) => {
    const { findings, complete } = assessOnce({ workloads: [aDaemonSet(state)], pods, nodes: there }, { minPods: 0 });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/agent']);
    expect(findings).toMatchObject([{ message }]);
    expect(complete).toBe(false);
  });

  test('while a pod is not ready on a cordoned node: those count', () => {
    const pods = [...agents('n1'), aNotReadyPod(ofAgent('n2'))];
    const cordoned = [aNode(), aNode({ name: 'n2', unschedulable: true })];
    const { findings } = assessOnce({ workloads: [aDaemonSet({ ready: 1, available: 1 })], pods, nodes: cordoned });
    expect(findings.map(brief)).toEqual(['probe NotReady shop/agent-n2']);
  });

  test('by a starting pod on a node that does not count: a missing one elsewhere is still missing', () => {
    const pods = [aNotReadyPod(ofAgent('n2'))];
    const set = aDaemonSet({ desired: 2, current: 1, updated: 1, ready: 0, available: 0 });
    const { findings, counts } = assessOnce({ workloads: [set], pods, nodes: [aNode(), aLostNode({ name: 'n2' })] });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/agent']);
    expect(counts).toMatchObject({ total: 1, starting: 1, notReady: 0 });
  });
});

test('what it is measured on is shown: nodes that do not count are taken off what it wants', () => {
  const pods = [...agents('n1'), aNotReadyPod(ofAgent('n2'))];
  const { workloads, notes } = assessOnce({
    workloads: [aDaemonSet({ ready: 1, available: 1 })],
    pods,
    nodes: [aNode(), aLostNode({ name: 'n2' })],
  });
  expect(workloads).toMatchObject([{ desired: 1, ready: 1 }]);
  expect(notes).toEqual([
    'DaemonSets are not measured on nodes that are younger than 5m, not Ready or being deleted (n2): 1 of their pods is in the total only',
  ]);
});

test('OnDelete is noted with how many pods are of the old template', () => {
  const set = aDaemonSet({ strategy: 'OnDelete', updated: 1 });
  const pods = [aPod(ofAgent('n1')), aPod(ofAgent('n2', { createdAtMs: ago(MINUTE) }, '2'))];
  expect(assessOnce({ workloads: [set], pods }).notes).toEqual([
    'DaemonSet shop/agent (OnDelete): 1 pod of the old template',
  ]);
});

describe('without the right to read nodes', () => {
  const blind = { nodes: null, coverage: forbidden('nodes') };
  const marked = podConditions({ ready: false, sinceMs: ago(MINUTE) }).map((condition) => {
    if (condition.type === 'Ready') return { ...condition, reason: '', message: '' };
    return condition.type === 'ContainersReady' ? aCondition('ContainersReady', 'True') : condition;
  });
  const lost = aPod(ofAgent('n2', { conditions: marked }));
  const set = aDaemonSet({ ready: 1, available: 1 });

  test.each<readonly [string, readonly Pod[]]>([
    ['younger than five minutes', [aNotReadyPod(ofAgent('n2', { createdAtMs: ago(4 * MINUTE) }))]],
    ['on a node all of whose pods lost Ready', [lost, aPod({ name: 'other', nodeName: 'n2', conditions: marked })]],
  ])('a pod of a DaemonSet that is %s is excused, and the guess is warned about', (_, there) => {
    const { complete, warnings, counts } = assessOnce({
      workloads: [set],
      pods: [...agents('n1'), ...there.slice(0, 1)],
      ...blind,
    });
    expect(complete).toBe(true);
    expect(counts).toMatchObject({ total: 2, ready: 1, starting: 1 });
    expect(warnings).toContain(
      'nodes may not be read, so it is guessed that these pods of DaemonSets are on nodes that do not count (too young, or lost): shop/agent-n2',
    );
  });

  test.each<readonly [string, readonly Pod[]]>([
    ['fails on a node where another pod is Ready', [lost, aPod({ name: 'other', nodeName: 'n2' })]],
    [
      'waits for its readiness gate',
      [
        aPod(
          ofAgent('n2', {
            conditions: [
              aCondition('Ready', 'False', { reason: 'ReadinessGatesNotReady' }),
              aCondition('ContainersReady', 'True'),
              aCondition('PodReadyToStartContainers', 'True'),
            ],
          }),
        ),
      ],
    ],
    ['fails by itself: the containers of nothing on its node are ready', [aNotReadyPod(ofAgent('n2'))]],
  ])('a pod of a DaemonSet that %s counts', (_, there) => {
    const { complete, counts } = assessOnce({ workloads: [set], pods: [...agents('n1'), ...there], ...blind });
    expect(complete).toBe(false);
    expect(counts.notReady).toBe(1);
  });
});
