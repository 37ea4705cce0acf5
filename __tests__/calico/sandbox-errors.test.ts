import { describe, expect, test } from '@jest/globals';
import type { SandboxError } from '../../src/calico/case.ts';
import { heldSinceMs, isStuck, MOST_READ_OF_A_POD, readSandboxErrors } from '../../src/calico/sandbox-errors.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Pod } from '../../src/objects/pod.ts';
import { TIMING } from '../../src/timing.ts';
import {
  aCondition,
  aContainer,
  ago,
  aKillEvent,
  anEvent,
  anUnboundPod,
  aPod,
  aSandboxEvent,
  aSnapshot,
  aStuckPod,
  aTerminatingPod,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  running,
  SECOND,
  terminated,
  UNAUTHORIZED,
  waiting,
} from '../builders.ts';

const NOW = { atMs: NOW_MS, elapsedMs: MINUTE };
const FORBIDDEN =
  'error getting ClusterInformation: connection is unauthorized: clusterinformations.crd.projectcalico.org "default" is forbidden: User "x" cannot get resource "clusterinformations"';

const ADDRESS = '10.244.1.5/32';

function errorOf(pod: Pod, events: readonly Event[]): SandboxError | undefined {
  return readSandboxErrors(aSnapshot({ pods: [pod], events }), NOW, TIMING).get(pod.uid);
}

describe('a pod is stuck', () => {
  test.each<[string, Pod]>([
    ['while it waits for its sandbox', aStuckPod()],
    ['when it is overdue', aTerminatingPod()],
    ['when it was deleted while it waited and is overdue', aStuckPod({ deletionAtMs: ago(31 * SECOND) })],
    [
      'when it is overdue and its kubelet does not say whether it has seen the deletion',
      aTerminatingPod({ observed: null }),
    ],
    ['when Calico took its address back', aStuckPod({ calicoPodIp: '' })],
    [
      'when it has an address that was not taken back, and its containers have run',
      aStuckPod({
        calicoPodIp: ADDRESS,
        containers: [aContainer({ state: waiting('ContainerCreating'), lastEnd: terminated() })],
      }),
    ],
    [
      'when its kubelet has begun to end it before anything was started',
      aStuckPod({ calicoPodIp: ADDRESS, deletionAtMs: ago(31 * SECOND) }),
    ],
  ])('%s', (_, pod) => {
    expect(isStuck(pod, NOW_MS, TIMING)).toBe(true);
  });

  test.each<[string, Pod]>([
    ['when it has its sandbox', aPod()],
    ['when it needs no pod network', aStuckPod({ hostNetwork: true })],
    ['when it is bound to no node', anUnboundPod('Unschedulable')],
    ['while it terminates in time', aTerminatingPod({ deletionAtMs: ago(30 * SECOND) })],
    ['when it is overdue on the host network', aTerminatingPod({ hostNetwork: true })],
    ['when a finalizer keeps it', aTerminatingPod({ finalizers: ['example.com/keep'] })],
    ['when it has succeeded', aTerminatingPod({ phase: 'Succeeded' })],
    ['when it has failed', aTerminatingPod({ phase: 'Failed' })],
    ['while an ephemeral container still runs', aTerminatingPod({ isDebugged: true })],
    [
      'while one of its containers still runs: those end before the network is removed',
      aTerminatingPod({
        containers: [aContainer({ state: terminated() }), aContainer({ name: 'hung', state: running })],
      }),
    ],
    [
      'while Calico has given it an address and nothing was started: its image is on the way',
      aStuckPod({ calicoPodIp: ADDRESS }),
    ],
    ['while its kubelet has not come to its deletion', aTerminatingPod({ observed: false })],
    [
      'while its kubelet has not come to its deletion, for it pulls an image',
      aStuckPod({ calicoPodIp: ADDRESS, deletionAtMs: ago(HOUR), observed: null }),
    ],
    ['when it was deleted unbound', anUnboundPod('Unschedulable', '', { deletionAtMs: ago(HOUR) })],
  ])('not %s', (_, pod) => {
    expect(isStuck(pod, NOW_MS, TIMING)).toBe(false);
  });
});

describe('since when a pod is held', () => {
  const without = (sinceMs: number, overrides: Partial<Pod> = {}): Pod =>
    aStuckPod({ createdAtMs: ago(HOUR), conditions: podConditions({ sandbox: false, sinceMs }), ...overrides });
  const unsaid = (container: Parameters<typeof aContainer>[0]): Pod =>
    aStuckPod({ createdAtMs: ago(HOUR), conditions: [], containers: [aContainer(container)] });

  test.each<[string, Pod, number | null]>([
    ['is the kubelet’s word', without(ago(MINUTE)), ago(MINUTE)],
    ['is not before the pod', without(ago(2 * HOUR)), ago(HOUR)],
    ['is not said by a clock that is ahead', without(NOW_MS + SECOND), null],
    ['is its deletion, where it cannot end', aTerminatingPod({ deletionAtMs: ago(2 * MINUTE) }), ago(2 * MINUTE)],
    ['is its creation, where a kubelet does not say and nothing of it ever ran', unsaid({}), ago(HOUR)],
    ['is not known, where a kubelet does not say and something of it did', unsaid({ lastEnd: terminated() }), null],
  ])('%s', (_, pod, sinceMs) => {
    expect(heldSinceMs(pod, NOW_MS)).toBe(sinceMs);
  });
});

describe('only an event that the pod’s own kubelet wrote about it counts', () => {
  const pod = aStuckPod();

  test('a genuine one does', () => {
    expect(errorOf(pod, [aSandboxEvent(pod)])).toMatchObject({
      cause: 'CalicoUnauthorized',
      verb: 'add',
      plugin: 'calico',
      text: UNAUTHORIZED,
    });
  });

  test.each<[string, Partial<Event>]>([
    ['another uid', { about: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'another' } }],
    ['another kind of object', { about: { kind: 'ReplicaSet', namespace: 'shop', name: 'web-1', uid: pod.uid } }],
    ['an event in another namespace', { namespace: 'evil' }],
    ['an object in another namespace', { about: { kind: 'Pod', namespace: 'evil', name: 'web-1', uid: pod.uid } }],
    ['another component', { component: 'default-scheduler' }],
    ['no component', { component: '' }],
    ['another node', { host: 'n2' }],
    ['no node', { host: '' }],
    ['the time field of newer recorders', { eventAtMs: ago(MINUTE) }],
    ['the reason of another failure', { reason: 'FailedPodSandBoxStatus' }],
    ['the reason of a retry', { reason: 'SandboxChanged' }],
  ])('one with %s does not', (_, forged) => {
    expect(errorOf(pod, [aSandboxEvent(pod, UNAUTHORIZED, forged)])).toBeUndefined();
  });

  test('a FailedKillPod must name the pod’s uid', () => {
    const leaving = aTerminatingPod();
    const genuine = aKillEvent(leaving);
    expect(errorOf(leaving, [genuine])).toMatchObject({ cause: 'CalicoUnauthorized', verb: 'delete' });
    const message = genuine.message.replace(leaving.uid, 'd3b07384-d113-4ec4-8b57-2f5b2b5ad7a1');
    expect(errorOf(leaving, [{ ...genuine, message }])).toBeUndefined();
    expect(errorOf(leaving, [{ ...genuine, message: `${message} ${leaving.uid}` }])).toBeUndefined();
  });

  test.each<[string, Partial<Event>]>([
    ['another uid', { about: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'another' } }],
    ['an event in another namespace', { namespace: 'evil' }],
    ['another component', { component: 'somebody' }],
    ['another node', { host: 'n2' }],
  ])('a FailedKillPod with %s does not count, whatever its text names', (_, forged) => {
    const leaving = aTerminatingPod();
    expect(errorOf(leaving, [aKillEvent(leaving, UNAUTHORIZED, forged)])).toBeUndefined();
  });

  test('one that does not count does not hide an older one that does', () => {
    const old = aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(5 * MINUTE) });
    const forged = aSandboxEvent(pod, FORBIDDEN, { lastAtMs: ago(MINUTE), component: 'somebody' });
    expect(errorOf(pod, [forged, old])?.cause).toBe('CalicoUnauthorized');
  });

  test('pods of Calico and witnesses are read too, and pods that are not stuck are not', () => {
    const own = aStuckPod({ uid: 'own', namespace: 'calico-system' });
    const witness = aStuckPod({ uid: 'witness', namespace: 'other' });
    const fine = aPod({ uid: 'fine' });
    const events = [own, witness, fine].map((each) => aSandboxEvent(each));
    const snapshot = aSnapshot({ pods: [fine], witnesses: [witness], calico: { pods: [own] }, events });
    expect([...readSandboxErrors(snapshot, NOW, TIMING).keys()].sort()).toEqual(['own', 'witness']);
  });
});

describe('of several events', () => {
  const pod = aStuckPod({ createdAtMs: ago(HOUR) });

  test.each([
    ['a 401 after a 403 is the failure', UNAUTHORIZED, FORBIDDEN, 'CalicoUnauthorized'],
    ['a 403 after a 401 is none', FORBIDDEN, UNAUTHORIZED, 'CalicoForbidden'],
  ])('the newest decides: %s', (_, newer, older, cause) => {
    const events = [
      aSandboxEvent(pod, newer, { lastAtMs: ago(MINUTE) }),
      aSandboxEvent(pod, older, { lastAtMs: ago(2 * MINUTE) }),
    ];
    expect(errorOf(pod, events)?.cause).toBe(cause);
    expect(errorOf(pod, [...events].reverse())?.cause).toBe(cause);
  });

  test('the newest of both reasons decides', () => {
    const leaving = aStuckPod({ createdAtMs: ago(HOUR), deletionAtMs: ago(5 * MINUTE) });
    const events = [
      aSandboxEvent(leaving, UNAUTHORIZED, { lastAtMs: ago(10 * MINUTE) }),
      aKillEvent(leaving, FORBIDDEN, { lastAtMs: ago(MINUTE) }),
    ];
    expect(errorOf(leaving, events)?.cause).toBe('CalicoForbidden');
  });

  test('a runtime that writes a new event with each attempt began with the first of them', () => {
    const events = [1, 2, 3, 4].map((attempt) =>
      aSandboxEvent(pod, UNAUTHORIZED, { uid: `attempt-${attempt}`, lastAtMs: ago(attempt * 13 * SECOND) }),
    );
    expect(errorOf(pod, events)).toMatchObject({ firstAtMs: ago(52 * SECOND), lastAtMs: ago(13 * SECOND) });
  });

  test('what began before another cause came in between has begun anew', () => {
    const events = [
      aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(MINUTE) }),
      aSandboxEvent(pod, FORBIDDEN, { lastAtMs: ago(2 * MINUTE) }),
      aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(3 * MINUTE) }),
    ];
    expect(errorOf(pod, events)?.firstAtMs).toBe(ago(MINUTE));
  });

  test('one that counts since long ago began after another cause that came in between', () => {
    const events = [
      aSandboxEvent(pod, UNAUTHORIZED, { firstAtMs: ago(9 * MINUTE), lastAtMs: ago(SECOND), count: 40 }),
      aSandboxEvent(pod, FORBIDDEN, { uid: 'between', firstAtMs: ago(8 * MINUTE), lastAtMs: ago(10 * SECOND) }),
    ];
    expect(errorOf(pod, events)).toMatchObject({ firstAtMs: ago(10 * SECOND), storedAtMs: ago(10 * SECOND) });
  });

  test.each([
    ['the same', UNAUTHORIZED, ago(5 * MINUTE)],
    ['another cause', FORBIDDEN, ago(SECOND)],
  ])('an event that stands for several began with those before it: %s', (_, older, firstAtMs) => {
    const combined = aSandboxEvent(pod, UNAUTHORIZED, { firstAtMs: ago(3 * MINUTE), lastAtMs: ago(SECOND) });
    const events = [
      { ...combined, message: `(combined from similar events): ${combined.message}` },
      aSandboxEvent(pod, older, { uid: 'before', firstAtMs: ago(5 * MINUTE), lastAtMs: ago(4 * MINUTE) }),
    ];
    expect(errorOf(pod, events)).toMatchObject({ cause: 'CalicoUnauthorized', firstAtMs });
  });

  test('the kubelet’s own words decide where the API server’s clock cannot tell them apart', () => {
    const storedAtMs = ago(5 * MINUTE);
    const ahead = (seconds: number): Partial<Event> => ({
      lastAtMs: NOW_MS + seconds * SECOND,
      createdAtMs: storedAtMs,
    });
    const events = [
      aSandboxEvent(pod, FORBIDDEN, ahead(60)),
      aSandboxEvent(pod, UNAUTHORIZED, ahead(90)),
      aSandboxEvent(pod, FORBIDDEN, ahead(30)),
    ];
    expect(errorOf(pod, events)?.cause).toBe('CalicoUnauthorized');
  });

  test('of two with the same words the one that was stored later decides', () => {
    const at = { lastAtMs: ago(MINUTE) };
    const events = [
      aSandboxEvent(pod, FORBIDDEN, { ...at, createdAtMs: ago(3 * MINUTE) }),
      aSandboxEvent(pod, UNAUTHORIZED, { ...at, createdAtMs: ago(2 * MINUTE) }),
      aSandboxEvent(pod, FORBIDDEN, { ...at, createdAtMs: ago(4 * MINUTE) }),
    ];
    expect(errorOf(pod, events)?.cause).toBe('CalicoUnauthorized');
  });

  test('one that repeats in one event began with its first time', () => {
    const leaving = aTerminatingPod();
    const event = aKillEvent(leaving, UNAUTHORIZED, { firstAtMs: ago(4 * MINUTE), lastAtMs: ago(SECOND), count: 9 });
    expect(errorOf(leaving, [event])).toMatchObject({ firstAtMs: ago(4 * MINUTE), lastAtMs: ago(SECOND) });
  });
});

describe('of thousands of events about one pod, which anybody may write who may create events', () => {
  const pod = aStuckPod();
  /** Counts how often its text is read. */
  const counted = (agoMs: number, error: string, read: () => void): Event => {
    const { message, ...event } = aSandboxEvent(pod, error, { name: `e-${agoMs}`, lastAtMs: ago(agoMs) });
    return Object.defineProperty(event, 'message', {
      enumerable: true,
      get: () => {
        read();
        return message;
      },
    }) as Event;
  };

  test('the newest are read, and no more than a kubelet would write', () => {
    const read = new Set<number>();
    const old = Array.from({ length: 2_000 }, (_, index) => counted(MINUTE + index, FORBIDDEN, () => read.add(index)));
    const newest = aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(30 * SECOND) });
    expect(errorOf(pod, [...old, newest])?.cause).toBe('CalicoUnauthorized');
    expect(errorOf(pod, old)?.cause).toBe('CalicoForbidden');
    expect([...read].sort((one, other) => one - other)).toEqual(
      Array.from({ length: MOST_READ_OF_A_POD }, (_, index) => index),
    );
  });

  test('none is read again at the next look', () => {
    let reads = 0;
    const events = Array.from({ length: 100 }, (_, index) =>
      counted(MINUTE + index, FORBIDDEN, () => {
        reads += 1;
      }),
    );
    const readIn = (): number => {
      const before = reads;
      errorOf(pod, events);
      return reads - before;
    };
    const first = readIn();
    // Whether it is one of several that were combined is asked at each look, which is quick.
    expect(first - readIn()).toBe(events.length);
  });
});

describe('an event of a former sandbox counts for nothing', () => {
  test('a pod that had its network meanwhile and lost it is not stuck with the old failure', () => {
    const conditions = podConditions({ sandbox: false, sinceMs: ago(MINUTE) });
    const pod = aStuckPod({ createdAtMs: ago(HOUR), conditions });
    expect(errorOf(pod, [aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(50 * MINUTE) })])).toBeUndefined();
    expect(errorOf(pod, [aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(50 * SECOND) })])?.cause).toBe(
      'CalicoUnauthorized',
    );
  });

  test('a pod that got its network and now terminates too long for another reason is not held by the old failure', () => {
    const conditions = podConditions({ ready: false, sinceMs: ago(50 * MINUTE) });
    const pod = aTerminatingPod({ createdAtMs: ago(HOUR), conditions });
    expect(errorOf(pod, [aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(51 * MINUTE) })])).toBeUndefined();
    expect(errorOf(pod, [aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(50 * MINUTE) })])).toBeUndefined();
    expect(errorOf(pod, [aKillEvent(pod, UNAUTHORIZED, { lastAtMs: ago(MINUTE) })])?.cause).toBe('CalicoUnauthorized');
  });

  test('the kubelet may write the event a moment before it writes the status', () => {
    const pod = aTerminatingPod({ conditions: podConditions({ sandbox: false, sinceMs: ago(MINUTE) }) });
    expect(errorOf(pod, [aKillEvent(pod, UNAUTHORIZED, { lastAtMs: ago(MINUTE + 5 * SECOND) })])).toBeDefined();
    expect(errorOf(pod, [aKillEvent(pod, UNAUTHORIZED, { lastAtMs: ago(MINUTE + 6 * SECOND) })])).toBeUndefined();
  });

  test('a kubelet that does not write the condition is believed as it is', () => {
    const pod = aStuckPod({ createdAtMs: ago(HOUR), conditions: [aCondition('Ready', 'False')] });
    expect(errorOf(pod, [aSandboxEvent(pod, UNAUTHORIZED, { lastAtMs: ago(50 * MINUTE) })])).toBeDefined();
  });
});

describe('times are their writer’s words', () => {
  const pod = aStuckPod({ createdAtMs: ago(10 * MINUTE) });
  const createdAtMs = ago(5 * MINUTE);

  test.each<[string, number, number]>([
    ['before the pod was created', ago(HOUR), createdAtMs],
    ['in the future', NOW_MS + HOUR, createdAtMs],
    ['possible', ago(7 * MINUTE), ago(7 * MINUTE)],
  ])('one that is %s', (_, saidMs, safeMs) => {
    const conditions = [aCondition('Ready', 'False')];
    const event = aSandboxEvent(pod, UNAUTHORIZED, { firstAtMs: saidMs, lastAtMs: saidMs, createdAtMs });
    expect(errorOf({ ...pod, conditions }, [event])).toMatchObject({ firstAtMs: safeMs, lastAtMs: safeMs });
  });

  test('without any, the API server’s creationTimestamp stands', () => {
    const event = { ...aSandboxEvent(pod), firstAtMs: null, lastAtMs: null, createdAtMs };
    expect(errorOf(pod, [event])).toMatchObject({ firstAtMs: createdAtMs, lastAtMs: createdAtMs });
  });
});

test('other events of a stuck pod are no sandbox errors', () => {
  const pod = aStuckPod();
  expect(errorOf(pod, [anEvent(pod, { reason: 'FailedMount', message: UNAUTHORIZED })])).toBeUndefined();
});
