import { describe, expect, test } from '@jest/globals';
import type { NodePlan } from '../../src/calico/case.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import {
  AGE_MS,
  aCalicoDaemonSet,
  aCalicoNodePod,
  aContainer,
  ago,
  aKillEvent,
  aNode,
  anEvent,
  aSandboxEvent,
  aSnapshot,
  aStuckPod,
  aTerminatingPod,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
  terminated,
} from '../builders.ts';
import { aNeighbour, type LookOptions, look } from './looks.ts';

interface World {
  /** How long ago the present calico-node pod was created; its install-cni ended 2 s later. */
  readonly startedAgoMs: number;
  /** How long ago each stuck pod's first event with the failure was written. */
  readonly failedAgoMs: readonly number[];
  /** How long ago other pods got their network. */
  readonly networkAgoMs?: readonly number[];
  /** How long ago node and DaemonSet were created; default 10 min, so that the present pod is their first. */
  readonly placeAgoMs?: { readonly node: number; readonly daemonSet: number };
  /** Whose stuck pods are; default all are of shop. */
  readonly namespaces?: readonly string[];
  readonly pods?: readonly Pod[];
  readonly events?: readonly Event[];
}

function planOf(
  { startedAgoMs, failedAgoMs, networkAgoMs = [], pods = [], events = [], placeAgoMs, namespaces = [] }: World,
  options: LookOptions = {},
  changed: Partial<Pick<Snapshot, 'nodes'>> = {},
): NodePlan | undefined {
  const stuck = failedAgoMs.map((agoMs, index) =>
    aStuckPod({ namespace: namespaces[index] ?? 'shop', name: `stuck-${index}`, createdAtMs: ago(agoMs + SECOND) }),
  );
  const place = placeAgoMs ?? { node: AGE_MS, daemonSet: AGE_MS };
  const neighbours = networkAgoMs.map((agoMs, index) =>
    aNeighbour('n1', {
      uid: `neighbour-${index}`,
      createdAtMs: ago(agoMs + SECOND),
      conditions: podConditions({ sinceMs: ago(agoMs) }),
    }),
  );
  const snapshot = aSnapshot({
    pods: [...stuck, ...neighbours, ...pods],
    events: [
      ...stuck.map((pod, index) => aSandboxEvent(pod, undefined, { lastAtMs: ago(failedAgoMs[index] ?? 0) })),
      // The kubelet goes on trying, so no network of another pod is taken for a sign of health.
      ...stuck.map((pod) =>
        anEvent(pod, { reason: 'SandboxChanged', count: 9, createdAtMs: ago(HOUR), lastAtMs: ago(SECOND) }),
      ),
      ...events,
    ],
    nodes: [aNode({ createdAtMs: ago(place.node) })],
    calico: {
      daemonSets: [aCalicoDaemonSet({ desired: 1, createdAtMs: ago(place.daemonSet) })],
      pods: [aCalicoNodePod({ createdAtMs: ago(startedAgoMs) })],
    },
  });
  const { plan } = look({ ...snapshot, ...changed }, options);
  const node = plan.nodes[0];
  return node === undefined || plan.next === null ? node : { ...node, action: 'restarted' };
}

describe('a failure since before the present calico-node pod', () => {
  test('waits until that restart had its restart-timeout, counted from the end of install-cni', () => {
    expect(planOf({ startedAgoMs: 181 * SECOND, failedAgoMs: [10 * MINUTE] })).toMatchObject({
      action: 'waiting',
      why: expect.stringContaining('has 3m to help'),
    });
    expect(planOf({ startedAgoMs: 182 * SECOND, failedAgoMs: [10 * MINUTE] })).toMatchObject({
      action: 'refused',
      why: expect.stringContaining('in vain'),
    });
  });

  test('is in vain also when other pods got their network since: this pod’s trouble is another', () => {
    expect(planOf({ startedAgoMs: 10 * MINUTE, failedAgoMs: [11 * MINUTE], networkAgoMs: [9 * MINUTE] })).toMatchObject(
      { action: 'refused' },
    );
  });

  test('is in vain long after, too: a restart that cannot cure is not repeated for ever', () => {
    expect(planOf({ startedAgoMs: 3 * HOUR, failedAgoMs: [4 * HOUR] })).toMatchObject({ action: 'refused' });
  });

  test('is in vain at once when it came back more than 5 s after install-cni', () => {
    const leaving = (lastAgoMs: number): Partial<World> => {
      const pod = aTerminatingPod({ name: 'leaving' });
      return {
        pods: [pod],
        events: [
          aKillEvent(pod, undefined, {
            createdAtMs: ago(4 * MINUTE),
            firstAtMs: ago(4 * MINUTE),
            lastAtMs: ago(lastAgoMs),
            count: 9,
          }),
        ],
      };
    };
    const restarted = { startedAgoMs: MINUTE, failedAgoMs: [] };
    expect(planOf({ ...restarted, ...leaving(53 * SECOND) })).toMatchObject({ action: 'waiting' });
    expect(planOf({ ...restarted, ...leaving(52 * SECOND) })).toMatchObject({
      action: 'refused',
      why: expect.stringContaining('came back'),
    });
  });

  test('speaks against a new failure of another pod as well, as long as no pod got its network', () => {
    expect(planOf({ startedAgoMs: HOUR, failedAgoMs: [2 * HOUR, 10 * MINUTE] })).toMatchObject({ action: 'refused' });
  });

  test('of one namespace’s pods alone does not speak against a new one of others: a pod can be held for days', () => {
    const held = { startedAgoMs: HOUR, failedAgoMs: [2 * HOUR, 10 * MINUTE] };
    expect(planOf({ ...held, namespaces: ['evil', 'shop'] })).toMatchObject({ action: 'restarted' });
    const both = { ...held, failedAgoMs: [...held.failedAgoMs, 2 * HOUR] };
    expect(planOf({ ...both, namespaces: ['evil', 'shop', 'shop'] })).toMatchObject({ action: 'refused' });
    const young = { ...held, failedAgoMs: [2 * HOUR, 10 * SECOND] };
    expect(planOf({ ...young, namespaces: ['evil', 'shop'] })).toMatchObject({ action: 'refused' });
  });

  test('of one namespace is not called in vain by what another one’s pod reports: its retry decides', () => {
    const again = aStuckPod({ namespace: 'evil', name: 'held', createdAtMs: ago(11 * MINUTE) });
    const world = {
      startedAgoMs: MINUTE,
      failedAgoMs: [10 * MINUTE],
      pods: [again],
      events: [
        aSandboxEvent(again, undefined, { firstAtMs: ago(10 * MINUTE), lastAtMs: ago(20 * SECOND), seenAtMs: NOW_MS }),
      ],
    };
    expect(planOf(world)).toMatchObject({ action: 'waiting', why: expect.stringContaining('has 3m to help') });
  });
});

describe('a failure that began after the present calico-node pod', () => {
  test('is a new one if a pod got its network since: that token worked', () => {
    expect(planOf({ startedAgoMs: 10 * MINUTE, failedAgoMs: [2 * MINUTE], networkAgoMs: [9 * MINUTE] })).toMatchObject({
      action: 'restarted',
    });
  });

  test('is a new one then also beside a pod that has been stuck since before', () => {
    expect(
      planOf({ startedAgoMs: 10 * MINUTE, failedAgoMs: [11 * MINUTE, 2 * MINUTE], networkAgoMs: [9 * MINUTE] }),
    ).toMatchObject({ action: 'restarted' });
  });

  test('needs one proven pod, not all', () => {
    const failedAgoMs = [10 * SECOND, 2 * MINUTE];
    expect(planOf({ startedAgoMs: 10 * MINUTE, failedAgoMs, networkAgoMs: [9 * MINUTE] })).toMatchObject({
      action: 'restarted',
    });
    const old = [11 * MINUTE, ...failedAgoMs];
    expect(planOf({ startedAgoMs: 10 * MINUTE, failedAgoMs: old, networkAgoMs: [9 * MINUTE] })).toMatchObject({
      action: 'restarted',
    });
  });

  test('is refused at once when no pod got its network: that restart did not help', () => {
    expect(planOf({ startedAgoMs: 90 * SECOND, failedAgoMs: [40 * SECOND] })).toMatchObject({
      action: 'refused',
      why: expect.stringContaining('no pod got its network since'),
    });
  });

  test('waits for its own proof then', () => {
    const plan = planOf({
      startedAgoMs: 10 * MINUTE,
      failedAgoMs: [11 * MINUTE, 10 * SECOND],
      networkAgoMs: [9 * MINUTE],
    });
    expect(plan).toMatchObject({ action: 'waiting', why: expect.stringContaining('stuck for 10s') });
  });

  test('is a new one long after install-cni had ended, even if no pod got its network', () => {
    expect(planOf({ startedAgoMs: 30 * MINUTE + 2 * SECOND, failedAgoMs: [10 * MINUTE] })).toMatchObject({
      action: 'restarted',
    });
    expect(planOf({ startedAgoMs: 30 * MINUTE + SECOND, failedAgoMs: [10 * MINUTE] })).toMatchObject({
      action: 'refused',
      why: expect.stringContaining('no pod got its network since'),
    });
  });

  test.each<[string, number, number, boolean, number, NodePlan['action']]>([
    ['was made and ran after install-cni had ended: that token worked', 9, 9, false, 0, 'restarted'],
    ['was refused a sandbox, and ran after install-cni had ended: that token worked', 20, 9, true, 0, 'restarted'],
    ['ran late, perhaps in a sandbox from before: its image took long', 20, 9, false, 0, 'refused'],
    ['ran before', 20, 11, true, 0, 'refused'],
    ['may have run before, for its first start is forgotten', 20, 9, true, 1, 'refused'],
  ])('and a pod that has lost its sandbox since %s', (_, madeAgo, startedAgo, isRefused, restartCount, action) => {
    const ended = terminated({ startedAtMs: ago(startedAgo * MINUTE), finishedAtMs: ago(3 * MINUTE) });
    const leaving = aTerminatingPod({
      uid: 'leaving',
      createdAtMs: ago(madeAgo * MINUTE),
      containers: [aContainer({ state: ended, restartCount })],
    });
    const events = isRefused ? [aSandboxEvent(leaving, undefined, { lastAtMs: ago(19 * MINUTE) })] : [];
    const world = { startedAgoMs: 10 * MINUTE, failedAgoMs: [2 * MINUTE], pods: [leaving], events };
    expect(planOf(world)).toMatchObject({ action });
  });

  test('a network of the host or from before install-cni ended does not show that the token worked', () => {
    const hostPod = aNeighbour('n1', {
      uid: 'host',
      hostNetwork: true,
      conditions: podConditions({ sinceMs: ago(9 * MINUTE) }),
    });
    expect(planOf({ startedAgoMs: 10 * MINUTE, failedAgoMs: [2 * MINUTE], pods: [hostPod] })).toMatchObject({
      action: 'refused',
    });
    expect(
      planOf({ startedAgoMs: 10 * MINUTE, failedAgoMs: [2 * MINUTE], networkAgoMs: [10 * MINUTE - SECOND] }),
    ).toMatchObject({ action: 'refused' });
  });

  test('while install-cni was at work may be the old token’s: it waits as a failure from before does', () => {
    const between = { failedAgoMs: [55 * SECOND], startedAgoMs: MINUTE, networkAgoMs: [50 * SECOND] };
    expect(planOf(between)).toMatchObject({ action: 'waiting', why: expect.stringContaining('has 3m to help') });
    const later = {
      failedAgoMs: [5 * MINUTE - 5 * SECOND],
      startedAgoMs: 5 * MINUTE,
      networkAgoMs: [5 * MINUTE - 10 * SECOND],
    };
    expect(planOf(later)).toMatchObject({ action: 'restarted' });
  });
});

describe('a failure that began within half an hour after calico-node was replaced', () => {
  const OLD = { node: 3 * HOUR, daemonSet: 3 * HOUR };
  const again = { startedAgoMs: 10 * MINUTE, failedAgoMs: [2 * MINUTE], networkAgoMs: [9 * MINUTE], placeAgoMs: OLD };

  test('is refused while starting pods of one namespace alone speak of it; a person is told what to type', () => {
    expect(planOf(again)).toMatchObject({
      action: 'refused',
      why: 'calico-system/calico-node-n1 replaced another one 9m58s ago, and only pods of one namespace speak of a new failure: for 30m that is not enough for another restart',
      command: 'kubectl delete pod -n calico-system calico-node-n1',
    });
    expect(planOf({ ...again, failedAgoMs: [2 * MINUTE, 3 * MINUTE] })).toMatchObject({ action: 'refused' });
  });

  test('is refused as well if it began while install-cni was at work, and its restart-timeout is over', () => {
    const between = { ...again, startedAgoMs: 5 * MINUTE, failedAgoMs: [295 * SECOND], networkAgoMs: [4 * MINUTE] };
    expect(planOf(between)).toMatchObject({ action: 'refused', why: expect.stringContaining('replaced another one') });
  });

  test.each<[string, Partial<World>]>([
    ['pods of two namespaces speak of it', { failedAgoMs: [2 * MINUTE, 2 * MINUTE], namespaces: ['shop', 'bank'] }],
    ['the node is not much older: nobody has restarted that pod', { placeAgoMs: { ...OLD, node: 39 * MINUTE } }],
    ['Calico is not much older', { placeAgoMs: { ...OLD, daemonSet: 39 * MINUTE } }],
    ['half an hour is over', { startedAgoMs: 30 * MINUTE + 2 * SECOND, networkAgoMs: [29 * MINUTE] }],
  ])('is a new one if %s', (_, overrides) => {
    expect(planOf({ ...again, ...overrides })).toMatchObject({ action: 'restarted' });
  });

  test.each([
    ['says so', true],
    ['does not say whether it has come to the deletion', null],
  ])('is refused where a pod cannot end, too, and its kubelet %s: a tenant can keep it from that', (_, observed) => {
    const leaving = aTerminatingPod({ name: 'leaving', deletionAtMs: ago(3 * MINUTE), observed });
    const kill = aKillEvent(leaving, undefined, { firstAtMs: ago(3 * MINUTE), lastAtMs: ago(SECOND) });
    expect(planOf({ ...again, pods: [leaving], events: [kill] })).toMatchObject({ action: 'refused' });
  });

  test('waits for pods of another namespace to be proven as well', () => {
    const young = { failedAgoMs: [2 * MINUTE, 10 * SECOND], namespaces: ['shop', 'bank'] };
    expect(planOf({ ...again, ...young })).toMatchObject({
      action: 'waiting',
      why: 'stuck for 10s, which counts after 30s',
      command: null,
    });
  });

  test('is told without restarts, too', () => {
    expect(planOf(again, { settings: { restartCalicoNode: false } })).toMatchObject({
      action: 'refused',
      command: 'kubectl delete pod -n calico-system calico-node-n1',
    });
  });

  test('counts from the node’s age only where nodes may be read', () => {
    const youngNode = { ...again, placeAgoMs: { ...OLD, node: 39 * MINUTE } };
    expect(planOf(youngNode, {}, { nodes: null })).toMatchObject({ action: 'refused' });
  });
});

test('two gates at once, and a sweep that comes later, see the same and restart only once', () => {
  const settings = { restartTimeoutMs: MINUTE };
  const failure = { failedAgoMs: [20 * MINUTE] };
  expect(planOf({ ...failure, startedAgoMs: HOUR }, { settings })).toMatchObject({ action: 'restarted' });
  expect(planOf({ ...failure, startedAgoMs: 40 * SECOND }, { settings })).toMatchObject({ action: 'waiting' });
  expect(planOf({ ...failure, startedAgoMs: 10 * MINUTE }, { settings })).toMatchObject({ action: 'refused' });
});

test('a node’s clock that is five minutes ahead changes nothing', () => {
  const skewMs = 5 * MINUTE;
  const stuck = aStuckPod({
    createdAtMs: ago(10 * MINUTE),
    conditions: podConditions({ sandbox: false, sinceMs: ago(10 * MINUTE) + skewMs }),
  });
  const restartedAtMs = ago(5 * MINUTE);
  const { containers } = aCalicoNodePod({ createdAtMs: restartedAtMs + skewMs });
  const event = aSandboxEvent(stuck, undefined, {
    createdAtMs: ago(9 * MINUTE),
    lastAtMs: ago(9 * MINUTE) + skewMs,
    seenAtMs: ago(MINUTE),
  });
  const snapshot = aSnapshot({
    pods: [stuck],
    events: [event],
    calico: {
      daemonSets: [aCalicoDaemonSet({ desired: 1 })],
      pods: [aCalicoNodePod({ createdAtMs: restartedAtMs, containers })],
    },
  });
  // By the node's words the failure is from after that restart; by the server's it is from before.
  const first = look(snapshot, { atMs: NOW_MS });
  expect(first.plan.next).toBeNull();
  const later = look(snapshot, { atMs: NOW_MS + 4 * MINUTE, memory: first.memory });
  expect(later.plan).toMatchObject({
    next: null,
    nodes: [{ action: 'refused', why: expect.stringContaining('shop/web-1 has been stuck since before') }],
  });
});
