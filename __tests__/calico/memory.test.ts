import { describe, expect, test } from '@jest/globals';
import { EMPTY_CALICO_MEMORY } from '../../src/calico/memory.ts';
import type { NodeMemory } from '../../src/calico/node-memory.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import {
  aCalicoDaemonSet,
  aCalicoNodePod,
  aContainer,
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
import { aNeighbour, calicoOn, type Look, look } from './looks.ts';

const stuck = aStuckPod();
const failure = aSandboxEvent(stuck);

interface Scene {
  readonly pods?: readonly Pod[];
  readonly events?: readonly Event[];
  readonly calico?: Partial<Snapshot['calico']>;
}

/** The time of the look with that number. */
const timeOf = (index: number): number => NOW_MS + index * 2 * SECOND;

/** What is remembered of n1 after these scenes, two seconds apart, the first one at `NOW_MS`. */
function remember(...scenes: readonly Scene[]): NodeMemory {
  let last: Look | null = null;
  scenes.forEach(({ pods = [stuck], events = [failure], calico = calicoOn(['n1']) }, index) => {
    const memory = last?.memory ?? EMPTY_CALICO_MEMORY;
    last = look(aSnapshot({ pods, events, calico }), { memory, atMs: timeOf(index) });
  });
  const node = (last as Look | null)?.memory.nodes.get('n1');
  if (node === undefined) throw new Error('n1 is not remembered');
  return node;
}

test('nothing is remembered, and the memory stays the same object, while the failure was never found', () => {
  const quiet = look(aSnapshot({ pods: [aStuckPod(), aPod({ name: 'web-2' })] }), { memory: EMPTY_CALICO_MEMORY });
  expect(quiet.memory).toBe(EMPTY_CALICO_MEMORY);
});

test('a node is remembered from the first look at the failure, proven or not, and after it has gone', () => {
  const young = aSandboxEvent(stuck, undefined, { lastAtMs: ago(29 * SECOND) });
  expect(remember({ events: [young] })).toMatchObject({ foundAtMs: timeOf(0), provenAtMs: null });
  expect(remember({ events: [young] }, { events: [young] })).toMatchObject({
    foundAtMs: timeOf(0),
    provenAtMs: timeOf(1),
  });
  expect(remember({}, { pods: [] }, { pods: [] })).toMatchObject({ foundAtMs: timeOf(0), provenAtMs: timeOf(0) });
});

describe('evidence', () => {
  test('belongs to the node of its pod', () => {
    const other = aStuckPod({ name: 'web-2', nodeName: 'n2' });
    const node = remember({ pods: [stuck, other], events: [failure, aSandboxEvent(other)] });
    expect([...node.evidence.keys()]).toEqual([stuck.uid]);
    expect([...node.pods.keys()]).toEqual([stuck.uid]);
  });

  test('is renewed with the event, and stays when the pod is well or gone', () => {
    const leaving = aTerminatingPod();
    const kill = (count: number, lastAtMs: number): Event => aKillEvent(leaving, undefined, { count, lastAtMs });
    const node = remember(
      { pods: [leaving], events: [kill(3, ago(20 * SECOND))] },
      { pods: [leaving], events: [kill(4, ago(7 * SECOND))] },
      { pods: [] },
    );
    expect([...node.evidence.values()]).toMatchObject([{ pod: 'shop/web-1', count: 4, lastSeenMs: ago(7 * SECOND) }]);
  });

  test('is bounded where pods come and go all the time', () => {
    const many = Array.from({ length: 501 }, (_, index) => aStuckPod({ name: `web-${index}` }));
    const node = remember({ pods: many, events: many.map((pod) => aSandboxEvent(pod)) });
    expect(node.evidence.size).toBe(500);
  });

  test('has room for a pod of each other namespace then: nobody keeps others out of it', () => {
    const flood = Array.from({ length: 600 }, (_, index) => aStuckPod({ namespace: 'evil', name: `web-${index}` }));
    const others = ['shop', 'bank'].flatMap((namespace) => [
      aStuckPod({ namespace, name: 'a' }),
      aStuckPod({ namespace, name: 'b' }),
    ]);
    const many = [...flood, ...others];
    const node = remember({ pods: many, events: many.map((pod) => aSandboxEvent(pod)) });
    const pods = [...node.evidence.values()].map(({ pod }) => pod);
    expect(pods).toEqual(expect.arrayContaining(['shop/a', 'bank/a']));
    expect(pods).toHaveLength(502);
  });
});

describe('the newest network on the node', () => {
  const networkAt = (name: string, agoMs: number, overrides: Partial<Pod> = {}): Pod =>
    aNeighbour('n1', {
      name,
      uid: name,
      createdAtMs: ago(HOUR),
      conditions: podConditions({ sinceMs: ago(agoMs) }),
      ...overrides,
    });

  test('is the one that was made last, in whatever order pods are listed', () => {
    const pods = [stuck, networkAt('a', 9 * MINUTE), networkAt('b', 7 * MINUTE), networkAt('c', 8 * MINUTE)];
    expect(remember({ pods }).newestSandbox).toMatchObject({ uid: 'b', moment: { onNodeMs: ago(7 * MINUTE) } });
    expect(remember({ pods: [...pods].reverse() }).newestSandbox).toMatchObject({ uid: 'b' });
  });

  test('is the one that is certain to be later, where a kubelet does not say when', () => {
    const pods = [
      stuck,
      networkAt('a', 0, { conditions: [], createdAtMs: ago(9 * MINUTE) }),
      networkAt('b', 0, { conditions: [], createdAtMs: ago(7 * MINUTE) }),
      networkAt('c', 0, { conditions: [], createdAtMs: ago(8 * MINUTE) }),
    ];
    expect(remember({ pods }).newestSandbox).toMatchObject({
      uid: 'b',
      moment: { onNodeMs: null, notBeforeMs: ago(7 * MINUTE) },
    });
  });

  test('was made between the last look without it and the first look with it', () => {
    const before = aStuckPod({ uid: 'a', name: 'a' });
    const after = networkAt('a', -3 * SECOND);
    const node = remember(
      { pods: [stuck, before] },
      { pods: [stuck, before] },
      { pods: [stuck, after] },
      { pods: [stuck, after] },
    );
    expect(node.newestSandbox).toMatchObject({
      moment: { onNodeMs: NOW_MS + 3 * SECOND, notBeforeMs: timeOf(1), notAfterMs: timeOf(2) },
    });
    expect(node.pods.get('a')).toMatchObject({ lastWithoutAtMs: timeOf(1), firstWithAtMs: timeOf(2) });
  });

  test('is remembered when its pod has gone', () => {
    const node = remember({ pods: [stuck, networkAt('a', 7 * MINUTE)] }, { pods: [stuck] });
    expect(node.newestSandbox).toMatchObject({ uid: 'a' });
    expect(node.pods.has('a')).toBe(false);
  });
});

test('of each namespace the first sandbox is remembered that came clearly after the events of the others', () => {
  const theirs = aStuckPod({ namespace: 'evil', name: 'held' });
  const at = (pod: Pod, agoMs: number): Event => aSandboxEvent(pod, undefined, { lastAtMs: ago(agoMs) });
  const sandboxOf = (name: string, agoMs: number): Pod =>
    aPod({ namespace: 'evil', name, conditions: podConditions({ sinceMs: ago(agoMs) }) });
  const firstOf = (agoMs: readonly number[], shopAgoMs: number, evilAgoMs: number): string | undefined => {
    const pods = [stuck, theirs, ...agoMs.map((each) => sandboxOf(`at-${each / SECOND}`, each))];
    const node = remember({ pods, events: [at(stuck, shopAgoMs), at(theirs, evilAgoMs)] });
    return node.firstSandboxOf.get('evil')?.pod;
  };
  const times = [190 * SECOND, 170 * SECOND, 160 * SECOND, 20 * SECOND];
  expect(firstOf(times, 3 * MINUTE, 4 * MINUTE)).toBe('evil/at-160');
  // What it writes itself makes no later one the first.
  expect(firstOf(times, 3 * MINUTE, MINUTE)).toBe('evil/at-160');
  expect(firstOf(times, MINUTE, MINUTE)).toBe('evil/at-20');
  expect(firstOf(times, 30 * SECOND, MINUTE)).toBeUndefined();
});

test('the newest event of each namespace is remembered', () => {
  const theirs = aStuckPod({ namespace: 'evil', name: 'held' });
  const leaving = aTerminatingPod({ name: 'leaving' });
  const at = (pod: Pod, agoMs: number): Event => aSandboxEvent(pod, undefined, { lastAtMs: ago(agoMs) });
  const node = remember({
    pods: [stuck, theirs, leaving],
    events: [at(stuck, 3 * MINUTE), at(theirs, MINUTE), aKillEvent(leaving, undefined, { lastAtMs: ago(2 * MINUTE) })],
  });
  expect(node.lastMatch?.pod).toBe('evil/held');
  expect([...node.lastMatchOf].map(([namespace, { pod }]) => `${namespace}: ${pod}`)).toEqual([
    'shop: shop/leaving',
    'evil: evil/held',
  ]);
});

describe('a pod that the kubelet ended', () => {
  const leaving = aTerminatingPod();
  const held = { pods: [leaving], events: [aKillEvent(leaving)] };
  const ended = { ...leaving, phase: 'Succeeded', deletionGraceMs: 0 };

  test('is traced from being held to being gone', () => {
    expect(remember(held).pods.get(leaving.uid)).toMatchObject({ heldByDel: true, endedAtMs: null, goneAtMs: null });
    expect(remember(held, { pods: [ended] }).pods.get(leaving.uid)).toMatchObject({
      endedAtMs: timeOf(1),
      goneAtMs: null,
    });
    expect(remember(held, { pods: [ended] }, { pods: [] }, { pods: [] }).pods.get(leaving.uid)).toMatchObject({
      endedAtMs: timeOf(1),
      goneAtMs: timeOf(2),
    });
  });

  test('was held only if it was overdue with the failure: one that failed while it was starting was not', () => {
    const failed = { ...stuck, phase: 'Failed' };
    expect(remember({}, { pods: [failed] }).pods.get(stuck.uid)).toMatchObject({ heldByDel: false, endedAtMs: null });
    const other = { pods: [stuck, aTerminatingPod({ name: 'slow' })] };
    const slow = { pods: [stuck, aTerminatingPod({ name: 'slow', phase: 'Succeeded' })] };
    expect(remember(other, slow).pods.get('Pod/shop/slow')).toMatchObject({ heldByDel: false, endedAtMs: null });
  });
});

test('the address that Calico wrote is compared with the look before, and the change is remembered', () => {
  const addressed = { pods: [{ ...stuck, calicoPodIp: '10.0.0.1/32' }] };
  expect(remember({}).pods.get(stuck.uid)?.addressChangedAtMs).toBeNull();
  expect(remember({}, addressed, addressed).pods.get(stuck.uid)?.addressChangedAtMs).toBe(timeOf(1));
});

test('retries are remembered by their count, from the newest event of the pod’s own kubelet', () => {
  const retry = (count: number, lastAtMs: number, overrides: Partial<Event> = {}): Event =>
    anEvent(stuck, { reason: 'SandboxChanged', count, lastAtMs, uid: `${count}`, ...overrides });
  const counts = (...scenes: readonly (readonly Event[])[]): readonly number[] | undefined =>
    remember(...scenes.map((events) => ({ events: [failure, ...events] })))
      .pods.get(stuck.uid)
      ?.retries.map(({ count }) => count);
  expect(counts([retry(7, ago(20 * SECOND))], [retry(7, ago(20 * SECOND))], [retry(8, ago(7 * SECOND))])).toEqual([
    7, 8,
  ]);
  expect(counts([retry(9, ago(5 * SECOND)), retry(4, ago(30 * MINUTE))])).toEqual([9]);
  expect(counts([retry(4, ago(30 * MINUTE)), retry(9, ago(5 * SECOND))])).toEqual([9]);
  expect(counts([retry(9, ago(5 * SECOND), { component: 'somebody' })])).toEqual([]);
});

test('install-cni is remembered of each installation’s pods on the node', () => {
  const second = aCalicoDaemonSet({ namespace: 'kube-system', name: 'canal', uid: 'second' });
  const installing = {
    ...aCalicoNodePod(),
    containers: [aContainer({ name: 'install-cni', role: 'init' })],
    conditions: [],
  };
  const other = aCalicoNodePod({
    namespace: 'kube-system',
    uid: 'other',
    controller: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'canal', uid: 'second' },
  });
  const elsewhere = aCalicoNodePod({ nodeName: 'n2' });
  const daemonSets = [aCalicoDaemonSet(), second];
  const node = remember(
    { calico: { daemonSets, pods: [installing, other, elsewhere] } },
    { calico: { daemonSets, pods: [aCalicoNodePod(), other, elsewhere] } },
    { calico: { daemonSets, pods: [aCalicoNodePod(), elsewhere] } },
  );
  expect([...node.installs]).toEqual([
    [
      installing.uid,
      {
        daemonSetUid: installing.controller?.uid,
        finishedAtMs: ago(HOUR - 2 * SECOND),
        lastUnfinishedAtMs: timeOf(0),
        firstFinishedAtMs: timeOf(1),
        lastSeenAtMs: timeOf(2),
      },
    ],
    [
      'other',
      {
        daemonSetUid: 'second',
        finishedAtMs: ago(HOUR - 2 * SECOND),
        lastUnfinishedAtMs: null,
        firstFinishedAtMs: timeOf(0),
        lastSeenAtMs: timeOf(1),
      },
    ],
  ]);
});
