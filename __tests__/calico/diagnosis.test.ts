import { describe, expect, test } from '@jest/globals';
import type { NodeCase } from '../../src/calico/case.ts';
import { EMPTY_CALICO_MEMORY } from '../../src/calico/memory.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Pod } from '../../src/objects/pod.ts';
import {
  ago,
  aKillEvent,
  anEvent,
  aPod,
  aSandboxEvent,
  aSnapshot,
  aStuckPod,
  aTerminatingPod,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
} from '../builders.ts';
import { aNeighbour, calicoOn, type LookOptions, look } from './looks.ts';

interface World {
  readonly pods?: readonly Pod[];
  readonly events?: readonly Event[];
  readonly witnesses?: readonly Pod[];
}

const stuck = aStuckPod();

function casesOf(
  { pods = [stuck], events = [aSandboxEvent(stuck)], witnesses = [] }: World,
  options: LookOptions = {},
): readonly NodeCase[] {
  return look(aSnapshot({ pods, events, witnesses, calico: calicoOn(['n1', 'n2']) }), options).cases;
}

function retry(pod: Pod, lastAtMs: number): Event {
  return anEvent(pod, {
    reason: 'SandboxChanged',
    type: 'Normal',
    message: 'Pod sandbox changed, it will be killed and re-created.',
    lastAtMs,
    createdAtMs: ago(5 * MINUTE),
    seenAtMs: Math.max(lastAtMs, ago(MINUTE)),
    count: 9,
  });
}

test('one pod that is stuck with the failure for 30 s proves it for its node', () => {
  const event = aSandboxEvent(stuck, undefined, { lastAtMs: ago(30 * SECOND) });
  expect(casesOf({ events: [event] })).toMatchObject([
    {
      node: 'n1',
      proven: true,
      lacks: null,
      well: false,
      firstAtMs: ago(30 * SECOND),
      stuckPods: [{ pod: stuck, proven: true, lacks: null }],
    },
  ]);
});

test('an old event is as good as a recent one: the warning comes once', () => {
  const pod = aStuckPod({ createdAtMs: ago(2 * HOUR) });
  expect(
    casesOf({ pods: [pod], events: [aSandboxEvent(pod, undefined, { lastAtMs: ago(59 * MINUTE) })] }),
  ).toMatchObject([{ proven: true }]);
});

test('an overdue pod whose network cannot be removed proves it too', () => {
  const pod = aTerminatingPod();
  expect(casesOf({ pods: [pod], events: [aKillEvent(pod)] })).toMatchObject([{ node: 'n1', proven: true }]);
});

test('each node has its own case, with the first and last time of its pods', () => {
  const other = aStuckPod({ name: 'web-2', nodeName: 'n2' });
  const third = aStuckPod({ name: 'web-3', nodeName: 'n2' });
  const events = [
    aSandboxEvent(stuck),
    aSandboxEvent(other, undefined, { lastAtMs: ago(3 * MINUTE) }),
    aSandboxEvent(third, undefined, { lastAtMs: ago(40 * SECOND) }),
  ];
  expect(casesOf({ pods: [stuck, other, third], events })).toMatchObject([
    { node: 'n1' },
    { node: 'n2', firstAtMs: ago(3 * MINUTE), lastAtMs: ago(40 * SECOND), stuckPods: [{ pod: other }, { pod: third }] },
  ]);
});

describe('no case', () => {
  test.each<[string, World]>([
    ['without an event', { events: [] }],
    ['from a pod that has its network by now', { pods: [aPod()], events: [aSandboxEvent(aPod())] }],
    ['from a pod that is gone', { pods: [] }],
    [
      'from another cause',
      { events: [aSandboxEvent(stuck, 'failed to request IPv4 addresses: No IPs available in pools: [10.99.0.0/30]')] },
    ],
    ['from a witness outside the scope', { pods: [], witnesses: [stuck] }],
  ])('%s', (_, world) => {
    expect(casesOf(world)).toEqual([]);
  });
});

describe('the proof is not complete', () => {
  test('before 30 s', () => {
    const event = aSandboxEvent(stuck, undefined, { lastAtMs: ago(29 * SECOND) });
    expect(casesOf({ events: [event] })).toMatchObject([
      { proven: false, lacks: expect.stringContaining('stuck for 29s') },
    ]);
  });

  test('while the pod has been without its sandbox for less, however old its event is', () => {
    const lostAgo = (agoMs: number): Pod =>
      aStuckPod({ createdAtMs: ago(HOUR), conditions: podConditions({ sandbox: false, sinceMs: ago(agoMs) }) });
    const event = (pod: Pod): Event =>
      aSandboxEvent(pod, undefined, { createdAtMs: ago(20 * MINUTE), lastAtMs: ago(SECOND) });
    const [young, old] = [lostAgo(29 * SECOND), lostAgo(30 * SECOND)];
    expect(casesOf({ pods: [young], events: [event(young)] })).toMatchObject([
      { proven: false, lacks: expect.stringContaining('stuck for 29s') },
    ]);
    expect(casesOf({ pods: [old], events: [event(old)] })).toMatchObject([{ proven: true }]);
  });

  test('on a node whose clock is ahead, until this run has seen it for 30 s', () => {
    const pod = aStuckPod({
      createdAtMs: ago(5 * MINUTE),
      conditions: podConditions({ sandbox: false, sinceMs: NOW_MS + 10 * MINUTE }),
    });
    const events = [aSandboxEvent(pod, undefined, { createdAtMs: ago(4 * MINUTE), lastAtMs: NOW_MS + 10 * MINUTE })];
    const snapshot = aSnapshot({ pods: [pod], events, calico: calicoOn(['n1', 'n2']) });
    const first = look(snapshot, { memory: EMPTY_CALICO_MEMORY });
    expect(first.cases).toMatchObject([{ proven: false, lacks: expect.stringContaining('stuck for 0s') }]);
    const { memory } = first;
    expect(look(snapshot, { memory, atMs: NOW_MS + 29 * SECOND }).cases).toMatchObject([{ proven: false }]);
    expect(look(snapshot, { memory, atMs: NOW_MS + 30 * SECOND }).cases).toMatchObject([{ proven: true }]);
  });

  test.each(['FailedMount', 'FailedAttachVolume'])(
    'while %s was reported in the last 130 s, whoever wrote it',
    (reason) => {
      const volume = (agoMs: number): Event =>
        anEvent(stuck, { reason, component: 'attachdetach-controller', host: '', lastAtMs: ago(agoMs) });
      expect(casesOf({ events: [aSandboxEvent(stuck), volume(129 * SECOND)] })).toMatchObject([
        { proven: false, lacks: expect.stringContaining(reason) },
      ]);
      expect(casesOf({ events: [aSandboxEvent(stuck), volume(130 * SECOND)] })).toMatchObject([{ proven: true }]);
    },
  );

  test('a volume event of a node whose clock is behind is as young as its clock is wrong', () => {
    const behindMs = 90 * SECOND;
    const volume = (agoMs: number): Event =>
      anEvent(stuck, {
        reason: 'FailedMount',
        createdAtMs: ago(8 * MINUTE),
        firstAtMs: ago(8 * MINUTE + behindMs),
        lastAtMs: ago(agoMs + behindMs),
        seenAtMs: ago(agoMs - SECOND),
      });
    expect(casesOf({ events: [aSandboxEvent(stuck), volume(120 * SECOND)] })).toMatchObject([{ proven: false }]);
    expect(casesOf({ events: [aSandboxEvent(stuck), volume(131 * SECOND)] })).toMatchObject([{ proven: true }]);
  });

  test('a volume event of another pod or another namespace counts for nothing', () => {
    const other = aStuckPod({ name: 'other', nodeName: 'n2' });
    const elsewhere = anEvent(stuck, { reason: 'FailedMount', namespace: 'evil' });
    expect(
      casesOf({ events: [aSandboxEvent(stuck), anEvent(other, { reason: 'FailedMount' }), elsewhere] }),
    ).toMatchObject([{ proven: true }]);
  });

  test('a volume event from the future counts as now', () => {
    const volume = anEvent(stuck, {
      reason: 'FailedMount',
      lastAtMs: NOW_MS + HOUR,
      createdAtMs: ago(9 * MINUTE),
      seenAtMs: ago(SECOND),
    });
    expect(casesOf({ events: [aSandboxEvent(stuck), volume] })).toMatchObject([{ proven: false }]);
  });

  test('one proven pod is enough, whatever its neighbours lack', () => {
    const young = aStuckPod({ name: 'web-2' });
    const events = [aSandboxEvent(young, undefined, { lastAtMs: ago(SECOND) }), aSandboxEvent(stuck)];
    expect(casesOf({ pods: [young, stuck], events })).toMatchObject([
      { proven: true, lacks: null, stuckPods: [{ proven: false }, { proven: true }] },
    ]);
  });
});

describe('a pod that got its network on the node', () => {
  const failedAgoMs = 5 * MINUTE;
  const failure = aSandboxEvent(stuck, undefined, { lastAtMs: ago(failedAgoMs) });
  const networkAt = (atMs: number, overrides: Partial<Pod> = {}): Pod =>
    aNeighbour('n1', { createdAtMs: ago(4.9 * MINUTE), conditions: podConditions({ sinceMs: atMs }), ...overrides });

  test('more than 15 s after the last failure is a sign that the node is well', () => {
    const neighbour = networkAt(ago(20 * SECOND));
    expect(casesOf({ pods: [stuck, neighbour], events: [failure] })).toMatchObject([
      {
        proven: false,
        well: false,
        lacks: expect.stringMatching(/infra\/neighbour-n1 got its network .* the pod has 25s to follow$/),
      },
    ]);
  });

  test.each<[string, Partial<World>]>([
    ['within 15 s', { pods: [stuck, networkAt(ago(failedAgoMs - 15 * SECOND))] }],
    ['before the failure', { pods: [stuck, networkAt(ago(failedAgoMs + MINUTE), { createdAtMs: ago(HOUR) })] }],
    ['on another node', { pods: [stuck, networkAt(ago(20 * SECOND), { nodeName: 'n2' })] }],
    ['of the host', { pods: [stuck, networkAt(ago(20 * SECOND), { hostNetwork: true })] }],
    [
      'before a later failure of another pod',
      {
        pods: [stuck, networkAt(ago(MINUTE)), aTerminatingPod({ name: 'old' })],
        events: [failure, aKillEvent(aTerminatingPod({ name: 'old' }), undefined, { lastAtMs: ago(40 * SECOND) })],
      },
    ],
  ])('%s is no such sign', (_, world) => {
    expect(casesOf({ events: [failure], ...world })).toMatchObject([{ proven: true }]);
  });

  test('is seen also as a witness outside the scope', () => {
    expect(casesOf({ events: [failure], witnesses: [networkAt(ago(20 * SECOND))] })).toMatchObject([{ proven: false }]);
  });

  test('gives the stuck pod 45 s: if it goes on retrying after that, the sign is void', () => {
    const world = (agoMs: number): World => ({
      pods: [stuck, networkAt(ago(agoMs))],
      events: [failure, retry(stuck, ago(agoMs - 10 * SECOND))],
    });
    expect(casesOf(world(44 * SECOND))).toMatchObject([{ proven: false, well: false }]);
    expect(casesOf(world(45 * SECOND))).toMatchObject([{ proven: true }]);
  });

  test('shows that the node is well, if the stuck pod is not even tried again', () => {
    const pods = [stuck, networkAt(ago(MINUTE))];
    expect(casesOf({ pods, events: [failure, retry(stuck, ago(2 * MINUTE))] })).toMatchObject([
      { proven: false, well: true },
    ]);
    expect(
      casesOf({ pods, events: [failure, { ...retry(stuck, ago(10 * SECOND)), component: 'somebody' }] }),
    ).toMatchObject([{ well: true }]);
    expect(casesOf({ pods, events: [failure, retry(stuck, ago(10 * SECOND))] })).toMatchObject([
      { proven: true, well: false },
    ]);
  });

  test('does not make the node well while one of its stuck pods goes on retrying', () => {
    const other = aStuckPod({ name: 'web-2' });
    const both = casesOf({
      pods: [stuck, other, networkAt(ago(MINUTE))],
      events: [
        failure,
        aSandboxEvent(other, undefined, { lastAtMs: ago(failedAgoMs) }),
        retry(other, ago(10 * SECOND)),
      ],
    });
    expect(both).toMatchObject([{ proven: true, well: false, stuckPods: [{ proven: false }, { proven: true }] }]);
  });

  test('remains a sign after that pod has gone', () => {
    const with1 = look(
      aSnapshot({ pods: [stuck, networkAt(ago(20 * SECOND))], events: [failure], calico: calicoOn(['n1']) }),
    );
    const later = casesOf({ events: [failure] }, { memory: with1.memory, atMs: NOW_MS + 10 * SECOND });
    expect(later).toMatchObject([{ proven: false, lacks: expect.stringContaining('infra/neighbour-n1') }]);
  });
});

describe('a kubelet that does not write PodReadyToStartContainers', () => {
  const withoutCondition = { conditions: [] };
  const failure = aSandboxEvent(stuck, undefined, { lastAtMs: ago(5 * MINUTE), seenAtMs: ago(5 * MINUTE) });

  test('shows a sign of health by a pod that was created after the failure and has an address', () => {
    const neighbour = aNeighbour('n1', { ...withoutCondition, createdAtMs: ago(30 * SECOND) });
    expect(casesOf({ pods: [stuck, neighbour], events: [failure] })).toMatchObject([{ proven: false }]);
  });

  test('and by a change that this run has seen, not by an address that was there before', () => {
    const waitingForIt = aStuckPod({ name: 'web-2', ...withoutCondition });
    const first = look(
      aSnapshot({
        pods: [stuck, waitingForIt, aNeighbour('n1', withoutCondition)],
        events: [failure],
        calico: calicoOn(['n1']),
      }),
    );
    expect(first.cases).toMatchObject([{ proven: true }]);
    const healed = { ...waitingForIt, hasPodIp: true };
    const second = casesOf(
      { pods: [stuck, healed], events: [failure] },
      { memory: first.memory, atMs: NOW_MS + SECOND },
    );
    expect(second).toMatchObject([{ proven: false, lacks: expect.stringContaining('shop/web-2 got its network') }]);
  });
});
