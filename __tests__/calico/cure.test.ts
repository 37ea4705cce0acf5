import { describe, expect, test } from '@jest/globals';
import type { Restart } from '../../src/calico/case.ts';
import { closeRestarts, needsLists } from '../../src/calico/cure.ts';
import type { Now } from '../../src/clock.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Gap } from '../../src/objects/snapshot.ts';
import {
  aCalicoDaemonSet,
  aCalicoNodePod,
  aCondition,
  aContainer,
  aCoverage,
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
  terminated,
  waiting,
} from '../builders.ts';
import { aNeighbour, type Look, look } from './looks.ts';

/** The DELETE is answered at `NOW_MS`; the new pod's install-cni ends 2 s after it, unless a test says otherwise. */
const old = aCalicoNodePod({ uid: 'old' });
const fresh = aCalicoNodePod({ uid: 'fresh', name: 'calico-node-fresh', createdAtMs: NOW_MS });
const INSTALLED_MS = NOW_MS + 2 * SECOND;
const stuck = aStuckPod();
const UNSEEN: Gap = { resource: 'pods', namespace: 'calico-system', why: 'stale', sinceMs: NOW_MS, message: '' };
const leaving = aTerminatingPod({ name: 'leaving' });
const failure = aSandboxEvent(stuck, undefined, { lastAtMs: ago(5 * MINUTE), seenAtMs: ago(MINUTE) });

const kill = (atMs: number): Event =>
  aKillEvent(leaving, undefined, {
    createdAtMs: ago(4 * MINUTE),
    firstAtMs: ago(4 * MINUTE),
    lastAtMs: atMs,
    seenAtMs: Math.max(atMs, ago(MINUTE)),
    count: 9,
  });

const retry = (atMs: number, count: number): Event =>
  anEvent(stuck, {
    reason: 'SandboxChanged',
    createdAtMs: ago(5 * MINUTE),
    firstAtMs: ago(5 * MINUTE),
    lastAtMs: atMs,
    seenAtMs: Math.max(atMs, ago(MINUTE)),
    count,
  });

const healed = (atMs: number): Pod => ({ ...aPod(), conditions: podConditions({ sinceMs: atMs }) });

/** What the kubelet says of a pod whose first container it has just started. */
const started = (atMs: number): Pick<Pod, 'conditions' | 'containers'> => ({
  conditions: podConditions({ sinceMs: atMs }),
  containers: [aContainer({ state: { kind: 'running', startedAtMs: atMs } })],
});

interface Scene {
  readonly pods?: readonly Pod[];
  readonly events?: readonly Event[];
  readonly calicoNode?: readonly Pod[];
  readonly podGaps?: readonly Gap[];
  /** Of the pods in scope. */
  readonly gaps?: readonly Gap[];
  readonly catchUpLeftMs?: number;
}

function picture({
  pods = [stuck],
  events = [failure],
  calicoNode = [fresh],
  podGaps = [],
  gaps = [],
}: Scene): Parameters<typeof look>[0] {
  return aSnapshot({
    pods,
    events,
    calico: { daemonSets: [aCalicoDaemonSet({ desired: 1 })], pods: calicoNode, podGaps },
    coverage: aCoverage({ gaps }),
  });
}

/** The restart of n1 and all that follows: one look at the broken node, the DELETE, then each scene after so many ms. */
function story(
  scenes: readonly (readonly [number, Scene])[],
  options: {
    readonly answer?: Restart['answer'];
    readonly seenBy?: Restart['seenBy'];
    readonly before?: Scene;
    readonly restartTimeoutMs?: number;
  } = {},
): Restart {
  const settings = options.restartTimeoutMs === undefined ? {} : { restartTimeoutMs: options.restartTimeoutMs };
  let last: Look = look(picture({ calicoNode: [old], ...options.before }), { atMs: ago(SECOND), settings });
  const { next } = last.plan;
  if (next === null) throw new Error(`nothing is restarted: ${last.plan.nodes[0]?.why}`);
  let restarts: readonly Restart[] = [
    {
      node: 'n1',
      before: next.target,
      atMs: NOW_MS,
      elapsedMs: MINUTE,
      answer: options.answer ?? 'deleted',
      stuckUids: next.stuckUids,
      namespaces: next.namespaces,
      settled: null,
      settledElapsedMs: null,
      seenBy: options.seenBy ?? null,
      outcome: null,
      why: 'deleted',
      after: null,
    },
  ];
  for (const [afterMs, scene] of scenes) {
    const { catchUpLeftMs = 0 } = scene;
    last = look(picture(scene), { atMs: NOW_MS + afterMs, memory: last.memory, restarts, settings, catchUpLeftMs });
    restarts = last.restarts;
  }
  const [restart] = restarts;
  if (restart === undefined) throw new Error('the restart was lost');
  return restart;
}

describe('cured', () => {
  test('when a stuck pod gets its network after install-cni ended', () => {
    expect(story([[9 * SECOND, { pods: [healed(NOW_MS + 8 * SECOND)] }]])).toMatchObject({
      outcome: 'cured',
      settled: 'cured',
      why: 'shop/web-1 got its network 6s after install-cni had ended',
      after: { pod: 'calico-node-fresh', createdAtMs: NOW_MS, installedAtMs: INSTALLED_MS },
    });
  });

  test('when another pod, even a new one or a witness, gets its network there', () => {
    const newcomer = aNeighbour('n1', {
      createdAtMs: NOW_MS + 5 * SECOND,
      conditions: podConditions({ sinceMs: NOW_MS + 6 * SECOND }),
    });
    expect(story([[9 * SECOND, { pods: [stuck, newcomer] }]])).toMatchObject({
      outcome: 'cured',
      why: expect.stringContaining('infra/neighbour-n1'),
    });
    const snapshot = { ...picture({}), witnesses: [newcomer] };
    const before = look(picture({ calicoNode: [old] }), { atMs: ago(SECOND) });
    const pending = story([]);
    expect(
      look(snapshot, { atMs: NOW_MS + 9 * SECOND, memory: before.memory, restarts: [pending] }).restarts,
    ).toMatchObject([{ outcome: 'cured' }]);
  });

  test('not when a pod had its address before, and its kubelet says so only when its image has come', () => {
    const pulling = aStuckPod({ name: 'big', namespace: 'bank', calicoPodIp: '10.244.1.9/32' });
    const pulled = { ...pulling, phase: 'Running', ...started(NOW_MS + 20 * SECOND) };
    const before = { pods: [stuck, pulling] };
    expect(story([[25 * SECOND, { pods: [stuck, pulled] }]], { before }).settled).toBeNull();
    // Of one that had none before it is the proof.
    const waitingToo = { ...pulling, calicoPodIp: null };
    expect(story([[25 * SECOND, { pods: [stuck, pulled] }]], { before: { pods: [stuck, waitingToo] } })).toMatchObject({
      outcome: 'cured',
      why: expect.stringContaining('bank/big'),
    });
  });

  test('not by such a pod either when it was seen a moment before the restart, and its image came while nobody looked', () => {
    const pulling = aStuckPod({ name: 'before', calicoPodIp: '10.244.1.9/32' });
    const pulled = { ...pulling, phase: 'Running', ...started(NOW_MS + 3 * SECOND) };
    const before = { pods: [stuck, pulling] };
    // Its creation has whole seconds.
    const calicoNode = [{ ...fresh, createdAtMs: ago(SECOND) }];
    expect(story([[25 * SECOND, { pods: [stuck, pulled], calicoNode }]], { before }).settled).toBeNull();
  });

  test('in the very second in which install-cni ended: times have whole seconds', () => {
    expect(story([[3 * SECOND, { pods: [healed(INSTALLED_MS)] }]])).toMatchObject({ outcome: 'cured' });
  });

  test('when the kubelet told of it some seconds before it told that install-cni had ended', () => {
    const installing = {
      ...fresh,
      conditions: [],
      containers: [aContainer({ name: 'install-cni', role: 'init' as const })],
    };
    const pods = [healed(NOW_MS + 4 * SECOND)];
    const scenes: [number, Scene][] = [
      [3 * SECOND, { calicoNode: [installing] }],
      [5 * SECOND, { calicoNode: [installing], pods }],
      [8 * SECOND, { calicoNode: [installing], pods }],
      [9 * SECOND, { pods }],
    ];
    expect(story(scenes)).toMatchObject({
      outcome: 'cured',
      why: 'shop/web-1 got its network 2s after install-cni had ended',
    });
  });

  test('also after a newer event with the failure: a network that was made is the better proof', () => {
    const events = [failure, kill(NOW_MS + 9 * SECOND)];
    expect(story([[10 * SECOND, { pods: [healed(NOW_MS + 8 * SECOND), leaving], events }]])).toMatchObject({
      outcome: 'cured',
    });
  });

  test.each(['Succeeded', 'Failed'])('when an overdue pod vanished after the kubelet had written %s', (phase) => {
    const before = { pods: [stuck, leaving], events: [failure, kill(ago(10 * SECOND))] };
    const ended = { ...leaving, phase, deletionGraceMs: 0, deletionAtMs: NOW_MS + 6 * SECOND };
    const scenes: [number, Scene][] = [
      [3 * SECOND, before],
      [6 * SECOND, { ...before, pods: [stuck, ended] }],
      [7 * SECOND, { ...before, pods: [stuck] }],
    ];
    expect(story(scenes.slice(0, 2), { before })).toMatchObject({ settled: null });
    expect(story(scenes, { before })).toMatchObject({ outcome: 'cured', why: expect.stringContaining('shop/leaving') });
  });

  test('on a kubelet without the condition, when this run saw the pod without its network and then with it', () => {
    const plain = { ...stuck, conditions: [] };
    const scenes: [number, Scene][] = [
      [3 * SECOND, { pods: [plain] }],
      [9 * SECOND, { pods: [{ ...plain, hasPodIp: true }] }],
    ];
    expect(story(scenes, { before: { pods: [plain] } })).toMatchObject({ outcome: 'cured' });
  });
});

test('the report gets the time that the node wrote for the end of install-cni', () => {
  const installing = {
    ...fresh,
    conditions: [],
    containers: [aContainer({ name: 'install-cni', role: 'init' as const })],
  };
  const scenes: [number, Scene][] = [
    [2.9 * SECOND, { calicoNode: [installing] }],
    [9 * SECOND, {}],
  ];
  expect(story(scenes)).toMatchObject({
    after: { installedAtMs: INSTALLED_MS },
    why: 'install-cni of calico-system/calico-node-fresh ended 6s ago: waiting for a pod to get its network',
  });
});

describe('nothing is proven', () => {
  const held = { pods: [stuck, leaving], events: [failure, kill(ago(10 * SECOND))] };

  test.each<[string, readonly (readonly [number, Scene])[]]>([
    ['by a Ready calico-node', [[40 * SECOND, {}]]],
    ['before the new pod is there', [[2 * SECOND, { calicoNode: [] }]]],
    [
      'by a network from before the restart',
      [[9 * SECOND, { pods: [stuck, healed(ago(2 * MINUTE))].map((pod, index) => ({ ...pod, uid: `${index}` })) }]],
    ],
    ['by a network before install-cni ended', [[9 * SECOND, { pods: [healed(INSTALLED_MS - SECOND)] }]]],
    [
      'by a pod of the host’s network',
      [
        [
          9 * SECOND,
          {
            pods: [
              stuck,
              aNeighbour('n1', { hostNetwork: true, conditions: podConditions({ sinceMs: NOW_MS + 8 * SECOND }) }),
            ],
          },
        ],
      ],
    ],
    [
      'by a network on another node',
      [
        [
          9 * SECOND,
          { pods: [stuck, aNeighbour('n2', { conditions: podConditions({ sinceMs: NOW_MS + 8 * SECOND }) })] },
        ],
      ],
    ],
    [
      'by a pod that was force-deleted while it was Running',
      [
        [3 * SECOND, held],
        [6 * SECOND, { ...held, pods: [stuck] }],
      ],
    ],
    [
      'by a pod that the pod collector ended because its node was gone',
      [
        [3 * SECOND, held],
        [
          6 * SECOND,
          {
            ...held,
            pods: [
              stuck,
              {
                ...leaving,
                phase: 'Failed',
                deletionGraceMs: 0,
                conditions: [
                  ...leaving.conditions,
                  aCondition('DisruptionTarget', 'True', { reason: 'DeletionByPodGC' }),
                ],
              },
            ],
          },
        ],
        [7 * SECOND, { ...held, pods: [stuck] }],
      ],
    ],
    [
      'by a pod that ends, but is still there',
      [
        [3 * SECOND, held],
        [6 * SECOND, { ...held, pods: [stuck, { ...leaving, phase: 'Succeeded' }] }],
      ],
    ],
    [
      'by the address that Calico wrote: anybody may forge it',
      [
        [3 * SECOND, {}],
        [9 * SECOND, { pods: [{ ...stuck, calicoPodIp: '10.244.1.5/32' }] }],
      ],
    ],
    [
      'by an event 5 s after install-cni ended: its attempt may have begun with the old token',
      [[9 * SECOND, { pods: [stuck, leaving], events: [failure, kill(INSTALLED_MS + 5 * SECOND)] }]],
    ],
    [
      'by two retries',
      [
        [3 * SECOND, {}],
        [15 * SECOND, { events: [failure, retry(NOW_MS + 14 * SECOND, 10)] }],
        [29 * SECOND, { events: [failure, retry(NOW_MS + 28 * SECOND, 11)] }],
      ],
    ],
  ])('%s', (_, scenes) => {
    expect(story(scenes, { before: held })).toMatchObject({ settled: null, outcome: null });
  });
});

describe('not cured', () => {
  test('when an event with the failure is more than 5 s newer than the end of install-cni', () => {
    const scene = { pods: [stuck, leaving], events: [failure, kill(INSTALLED_MS + 6 * SECOND)] };
    expect(
      story([[9 * SECOND, scene]], { before: { pods: [stuck, leaving], events: [failure, kill(ago(SECOND))] } }),
    ).toMatchObject({
      outcome: 'not-cured',
      why: expect.stringMatching(/shop\/leaving reported the failure 6s after install-cni .*CALICO_MANAGE_CNI/),
    });
  });

  test('when a new pod fails in the same way', () => {
    const newcomer = aStuckPod({ name: 'web-2', createdAtMs: NOW_MS + 10 * SECOND });
    const event = aSandboxEvent(newcomer, undefined, { lastAtMs: NOW_MS + 11 * SECOND });
    expect(story([[12 * SECOND, { pods: [stuck, newcomer], events: [failure, event] }]])).toMatchObject({
      outcome: 'not-cured',
    });
  });

  describe('where pods of several namespaces spoke of the node', () => {
    const theirs = aStuckPod({ namespace: 'evil', name: 'held' });
    const report = (pod: Pod, atMs: number): Event =>
      aSandboxEvent(pod, undefined, { uid: `again ${pod.uid}`, createdAtMs: atMs, lastAtMs: atMs, seenAtMs: atMs });
    const before = { pods: [stuck, theirs], events: [failure, report(theirs, ago(4 * MINUTE))] };
    const after = INSTALLED_MS + 8 * SECOND;
    const look1 = (events: readonly Event[], pods: readonly Pod[] = before.pods): readonly [number, Scene] => [
      10 * SECOND,
      { pods, events: [...before.events, ...events] },
    ];

    test('not by the word of one of them: what those of others wait for may come yet', () => {
      const first = look1([report(theirs, after)]);
      expect(story([first], { before }).settled).toBeNull();
      const cured = { pods: [healed(INSTALLED_MS + 12 * SECOND), theirs], events: first[1].events ?? [] };
      expect(story([first, [15 * SECOND, cured]], { before })).toMatchObject({ outcome: 'cured' });
      expect(story([first, [181 * SECOND, first[1]]], { before })).toMatchObject({ outcome: 'timed-out' });
    });

    test('not by a namespace that did not speak before', () => {
      const stranger = aStuckPod({ namespace: 'bank', name: 'new', createdAtMs: NOW_MS });
      expect(story([look1([report(stranger, after)], [...before.pods, stranger])], { before }).settled).toBeNull();
    });

    test('when each of them has reported it', () => {
      const events = [report(theirs, after), report(stuck, after - SECOND)];
      expect(story([look1(events)], { before })).toMatchObject({
        outcome: 'not-cured',
        why: expect.stringMatching(/^evil\/held reported the failure 8s after install-cni/),
      });
    });

    test('when those of two have, whatever the third waits for', () => {
      const third = aStuckPod({ namespace: 'bank', name: 'waits' });
      const pods = [...before.pods, third];
      const withThird = { pods, events: [...before.events, report(third, ago(4 * MINUTE))] };
      const events = [...withThird.events, report(theirs, after), report(stuck, after - SECOND)];
      expect(story([[10 * SECOND, { pods, events }]], { before: withThird })).toMatchObject({
        outcome: 'not-cured',
        refutedBy: ['shop', 'evil'],
      });
    });

    test('not by a pod that cannot end either: a tenant can keep it from that, and write the event', () => {
      const pods = [...before.pods, leaving];
      const withLeaving = { pods, events: [...before.events, kill(ago(MINUTE))] };
      expect(story([look1([kill(after)], pods)], { before: withLeaving }).settled).toBeNull();
    });
  });

  const failing = (restartCount: number): Pod => ({
    ...fresh,
    conditions: podConditions({ ready: false }).map((each) =>
      each.type === 'Initialized' ? { ...each, status: 'False' } : each,
    ),
    containers: [
      aContainer({
        name: 'install-cni',
        role: 'init',
        state: waiting('CrashLoopBackOff'),
        lastEnd: terminated({ message: 'Unable to create token for CNI kubeconfig error=Unauthorized' }),
        restartCount,
      }),
    ],
  });

  test('when install-cni itself fails for the third time, with its words', () => {
    expect(story([[20 * SECOND, { calicoNode: [failing(1)] }]])).toMatchObject({
      settled: null,
      why: 'install-cni of calico-system/calico-node-fresh failed 2 times with exit code 1: Unable to create token for CNI kubeconfig error=Unauthorized',
    });
    expect(story([[50 * SECOND, { calicoNode: [failing(2)] }]])).toMatchObject({
      outcome: 'not-cured',
      why: expect.stringMatching(/failed 3 times .* another restart will not help: read its log/),
    });
  });

  test('not when it did so while the API server was away, but when it does so once more', () => {
    const back: readonly [number, Scene] = [50 * SECOND, { calicoNode: [failing(2)], catchUpLeftMs: 15 * SECOND }];
    expect(story([back, [70 * SECOND, { calicoNode: [failing(2)] }]])).toMatchObject({
      settled: null,
      why: expect.stringMatching(/^install-cni of .* failed 3 times/),
    });
    expect(story([back, [100 * SECOND, { calicoNode: [failing(3)] }]])).toMatchObject({ outcome: 'not-cured' });
  });

  test('not by an event that a clock from the future had stamped before the restart', () => {
    const jumped = aSandboxEvent(stuck, undefined, {
      createdAtMs: ago(5 * MINUTE),
      lastAtMs: NOW_MS + 24 * HOUR,
      seenAtMs: ago(MINUTE),
    });
    expect(story([[30 * SECOND, { events: [jumped] }]], { before: { events: [jumped] } })).toMatchObject({
      settled: null,
    });
  });
});

describe('when restart-timeout is over', () => {
  test('it is timed out while pods are still stuck, and says what to look at', () => {
    expect(story([[179 * SECOND, {}]])).toMatchObject({ settled: null });
    expect(story([[180 * SECOND, {}]])).toMatchObject({
      outcome: 'timed-out',
      why: expect.stringMatching(
        /^1 pod is still stuck 3m after the restart.*kubeconfig.*CALICO_MANAGE_CNI.*left over.*service account keys.*clock/,
      ),
    });
  });

  test('retries in vain are a hint in the reason', () => {
    const scenes: [number, Scene][] = [
      [3 * SECOND, { events: [failure, retry(NOW_MS, 8)] }],
      [20 * SECOND, { events: [failure, retry(NOW_MS + 14 * SECOND, 9)] }],
      [40 * SECOND, { events: [failure, retry(NOW_MS + 30 * SECOND, 10)] }],
    ];
    expect(story(scenes).why).toContain('(shop/web-1 was tried again 2 times in vain)');
    expect(story(scenes.slice(0, 2)).why).not.toContain('in vain');
    expect(story([...scenes, [180 * SECOND, scenes[2]?.[1] ?? {}]])).toMatchObject({
      outcome: 'timed-out',
      why: expect.stringContaining('2 times in vain'),
    });
  });

  test('retries are counted from the first one that was seen, where none was seen before', () => {
    const scenes: [number, Scene][] = [
      [20 * SECOND, { events: [failure, retry(NOW_MS + 14 * SECOND, 3)] }],
      [40 * SECOND, { events: [failure, retry(NOW_MS + 30 * SECOND, 4)] }],
    ];
    expect(story(scenes).why).toContain('tried again 2 times in vain');
    expect(story(scenes.slice(0, 1)).why).not.toContain('in vain');
  });

  test('an address that Calico wrote is a hint in the reason, at later looks too', () => {
    const addressed = { pods: [{ ...stuck, calicoPodIp: '10.244.1.5/32' }] };
    const scenes: [number, Scene][] = [
      [3 * SECOND, {}],
      [9 * SECOND, addressed],
      [180 * SECOND, addressed],
    ];
    expect(story(scenes)).toMatchObject({
      outcome: 'timed-out',
      why: expect.stringMatching(
        /^1 pod has an address of Calico's, and no container that has started 3m after the restart \(Calico has changed the address of shop\/web-1 since.*; an image that takes long/,
      ),
      refutedBy: [],
    });
  });

  test('it names whose pods show that it did not help, such as came later, too', () => {
    const late = aStuckPod({ namespace: 'bank', name: 'late', createdAtMs: NOW_MS + SECOND });
    const failing = aSandboxEvent(late, undefined, { lastAtMs: NOW_MS + 2 * SECOND });
    const both = { pods: [stuck, late], events: [failure, failing] };
    expect(story([[180 * SECOND, both]])).toMatchObject({ outcome: 'timed-out', refutedBy: ['shop', 'bank'] });
  });

  test('pods that were stuck at the restart count as stuck without their event, others only with the failure', () => {
    expect(story([[180 * SECOND, { events: [] }]])).toMatchObject({ outcome: 'timed-out' });
    const newcomer = aStuckPod({ name: 'web-2', createdAtMs: NOW_MS + SECOND });
    expect(story([[180 * SECOND, { pods: [newcomer], events: [] }]])).toMatchObject({ outcome: 'unknown' });
    const other = aSandboxEvent(newcomer, 'failed to allocate for range 0: no IP addresses available', {
      lastAtMs: NOW_MS + 2 * SECOND,
    });
    expect(story([[180 * SECOND, { pods: [newcomer], events: [other] }]])).toMatchObject({ outcome: 'unknown' });
    const early = aSandboxEvent(newcomer, undefined, { lastAtMs: NOW_MS + 2 * SECOND });
    expect(story([[180 * SECOND, { pods: [newcomer], events: [early] }]])).toMatchObject({ outcome: 'timed-out' });
  });

  test('it is timed out also when the new pod never came, or never finished install-cni', () => {
    expect(story([[180 * SECOND, { calicoNode: [] }]])).toMatchObject({ outcome: 'timed-out', after: null });
    const installing = {
      ...fresh,
      conditions: [],
      containers: [aContainer({ name: 'install-cni', role: 'init' as const })],
    };
    expect(story([[180 * SECOND, { calicoNode: [installing] }]])).toMatchObject({
      outcome: 'timed-out',
      after: { installedAtMs: null },
    });
  });

  test.each<[string, Scene]>([
    ['Calico’s pods are out of sight', { podGaps: [UNSEEN] }],
    ['the pods in scope are out of sight', { gaps: [{ ...UNSEEN, namespace: 'shop' }] }],
    ['kubelets have to catch up', { catchUpLeftMs: 10 * SECOND }],
  ])(
    'time in which %s does not count: no kubelet gets a token, or tells of a network, without an API server',
    (_, out) => {
      const scenes: [number, Scene][] = [
        [20 * SECOND, {}],
        [30 * SECOND, out],
        [230 * SECOND, out],
      ];
      expect(story(scenes)).toMatchObject({ settled: null });
      expect(story([...scenes, [389 * SECOND, {}]])).toMatchObject({ settled: null });
      expect(story([...scenes, [390 * SECOND, {}]])).toMatchObject({
        outcome: 'timed-out',
        why: expect.stringMatching(
          /^1 pod is still stuck 6m30s after the restart, 3m30s of which nothing could be seen/,
        ),
      });
      expect(story([...scenes, [300 * SECOND, { pods: [healed(NOW_MS + 250 * SECOND)] }]])).toMatchObject({
        outcome: 'cured',
      });
    },
  );

  test('what may not be seen counts: waiting does not change it', () => {
    const forbidden: Scene = { podGaps: [{ ...UNSEEN, why: 'forbidden' }], calicoNode: [] };
    expect(
      story([
        [20 * SECOND, forbidden],
        [180 * SECOND, forbidden],
      ]),
    ).toMatchObject({ outcome: 'timed-out' });
  });

  test('a shorter one decides sooner', () => {
    expect(story([[50 * SECOND, {}]], { restartTimeoutMs: 50 * SECOND })).toMatchObject({ outcome: 'timed-out' });
  });
});

describe('unknown', () => {
  test('when no stuck pod is left and three retries after install-cni nothing came', () => {
    expect(story([[46 * SECOND, { pods: [] }]])).toMatchObject({ settled: null });
    expect(story([[47 * SECOND, { pods: [] }]])).toMatchObject({
      outcome: 'unknown',
      why: expect.stringMatching(/^no pod is stuck .*CALICO_MANAGE_CNI/),
    });
  });

  test('when no stuck pod is left at restart-timeout and install-cni has not even ended', () => {
    expect(story([[180 * SECOND, { pods: [], calicoNode: [] }]])).toMatchObject({ outcome: 'unknown' });
  });

  test('when the run ends first', () => {
    expect(closeRestarts([story([[9 * SECOND, {}]])])).toMatchObject([
      { outcome: 'unknown', why: expect.stringMatching(/^the run ended first: install-cni/) },
    ]);
    const cured = story([[9 * SECOND, { pods: [healed(NOW_MS + 8 * SECOND)] }]]);
    expect(closeRestarts([cured])).toEqual([cured]);
  });
});

test('what is settled stays settled', () => {
  const scenes: [number, Scene][] = [[9 * SECOND, { pods: [healed(NOW_MS + 8 * SECOND)] }]];
  const again = aStuckPod({ name: 'web-9', createdAtMs: NOW_MS + MINUTE });
  const later: [number, Scene] = [
    90 * SECOND,
    { pods: [again], events: [aSandboxEvent(again, undefined, { lastAtMs: NOW_MS + 61 * SECOND })] },
  ];
  expect(story([...scenes, later])).toEqual(story(scenes));
});

test('a pod that had been there before, or is leaving, is not taken for the new one', () => {
  const older = aCalicoNodePod({ uid: 'older', createdAtMs: ago(2 * HOUR) });
  const gone = { ...fresh, uid: 'gone', deletionAtMs: NOW_MS };
  expect(story([[9 * SECOND, { calicoNode: [older, gone] }]])).toMatchObject({
    after: null,
    why: 'waiting for the new calico-node pod',
  });
});

describe('a restart by somebody else', () => {
  test('is judged in the same way and has no outcome', () => {
    const scenes: [number, Scene][] = [[9 * SECOND, { pods: [healed(NOW_MS + 8 * SECOND)] }]];
    expect(story(scenes, { answer: 'elsewhere' })).toMatchObject({ settled: 'cured', outcome: null });
    expect(story([[180 * SECOND, {}]], { answer: 'elsewhere' })).toMatchObject({ settled: 'timed-out', outcome: null });
  });
});

describe('a DELETE without an answer', () => {
  test('is this run’s once the pod is seen to be gone or going, and is judged as such', () => {
    expect(story([[SECOND, { calicoNode: [] }]], { answer: 'lost' })).toMatchObject({
      answer: 'deleted',
      settled: null,
    });
    expect(story([[SECOND, { calicoNode: [{ ...old, deletionAtMs: NOW_MS }] }]], { answer: 'lost' })).toMatchObject({
      answer: 'deleted',
    });
    expect(story([[9 * SECOND, { pods: [healed(NOW_MS + 8 * SECOND)] }]], { answer: 'lost' })).toMatchObject({
      answer: 'deleted',
      outcome: 'cured',
    });
  });

  test('stays open while it may yet be carried out, and is undone when lists show the pod after that', () => {
    expect(story([[9 * SECOND, { calicoNode: [old] }]], { answer: 'lost' })).toMatchObject({
      answer: 'lost',
      settled: null,
    });
    expect(story([[20 * SECOND, { calicoNode: [old] }]], { answer: 'lost' })).toMatchObject({ answer: 'lost' });
    expect(story([[10 * SECOND, { calicoNode: [old] }]], { answer: 'lost', seenBy: 'listed' })).toMatchObject({
      answer: 'undone',
      settled: null,
      outcome: null,
      why: expect.stringContaining('still there'),
    });
  });

  test('stays open while the pod may not be seen, then it has failed', () => {
    const unseen: Scene = { calicoNode: [old], podGaps: [{ ...UNSEEN, why: 'forbidden' }] };
    expect(story([[179 * SECOND, unseen]], { answer: 'lost' })).toMatchObject({ answer: 'lost', settled: null });
    expect(story([[180 * SECOND, unseen]], { answer: 'lost' })).toMatchObject({
      answer: 'failed',
      outcome: null,
      why: expect.stringContaining('for 3m nothing showed whether the pod is gone'),
    });
  });

  test('stays open for as long as the API server is away, and is this run’s when it is back and the pod gone', () => {
    const away: Scene = { calicoNode: [old], podGaps: [UNSEEN] };
    const scenes: [number, Scene][] = [
      [2 * SECOND, away],
      [240 * SECOND, away],
    ];
    expect(story(scenes, { answer: 'lost' })).toMatchObject({ answer: 'lost', settled: null });
    expect(story([...scenes, [241 * SECOND, { calicoNode: [] }]], { answer: 'lost' })).toMatchObject({
      answer: 'deleted',
      settled: null,
    });
  });
});

test('a DELETE with an answer is called none where lists show the same pod after restart-timeout, not where a watch does', () => {
  const untouched: Scene = { calicoNode: [old] };
  expect(story([[180 * SECOND, untouched]], { seenBy: 'listed' })).toMatchObject({
    answer: 'failed',
    why: expect.stringContaining('3m later the same pod is still there'),
  });
  for (const seenBy of ['read', null] as const) {
    expect(story([[180 * SECOND, untouched]], { seenBy })).toMatchObject({ answer: 'deleted', settled: 'timed-out' });
  }
});

describe('lists are read before a restart is judged', () => {
  const at = (elapsedMs: number): Now => ({ atMs: NOW_MS + elapsedMs, elapsedMs });
  const settings = { restartTimeoutMs: 60 * SECOND };
  const isNeeded = (waitedMs: number, change: Partial<Restart>): boolean => {
    const restart = { ...story([]), seenBy: null, ...change };
    return needsLists(restart, at(restart.elapsedMs + waitedMs), settings);
  };

  test.each<[string, Partial<Restart>, number]>([
    ['whose DELETE got no answer, when it would have been carried out', { answer: 'lost' }, 10 * SECOND],
    ['whose pod could not be read after the answer, at its restart-timeout', { answer: 'deleted' }, 60 * SECOND],
  ])('%s', (_, change, fromMs) => {
    expect(isNeeded(fromMs - 1, change)).toBe(false);
    expect(isNeeded(fromMs, change)).toBe(true);
    expect(isNeeded(fromMs, { ...change, seenBy: 'listed' })).toBe(false);
  });

  test.each<[string, Partial<Restart>]>([
    ['whose pod was read', { seenBy: 'read' }],
    ['which has an outcome', { settled: 'timed-out' }],
    ['of somebody else', { answer: 'elsewhere' }],
    ['that failed', { answer: 'failed' }],
  ])('but not for one %s', (_, change) => {
    expect(isNeeded(600 * SECOND, change)).toBe(false);
  });
});

test.each<Restart['answer']>(['forbidden', 'failed'])('a DELETE that was %s has nothing to prove', (answer) => {
  expect(story([[9 * SECOND, { pods: [healed(NOW_MS + 8 * SECOND)] }]], { answer })).toMatchObject({
    answer,
    settled: null,
    outcome: null,
    why: 'deleted',
  });
});
