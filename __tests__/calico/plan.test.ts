import { describe, expect, test } from '@jest/globals';
import type { Outcome, Restart } from '../../src/calico/case.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import { ago, aPod, aSandboxEvent, aSnapshot, aStuckPod, MINUTE, NOW_MS, SECOND } from '../builders.ts';
import { aNeighbour, calicoOn, type LookOptions, look } from './looks.ts';

/** Stuck pods, as `node/namespace/name`. */
function clusterWith(stuck: readonly string[], others: readonly Pod[] = []): Snapshot {
  const pods = stuck.map((path) => {
    const [nodeName = '', namespace = '', name = ''] = path.split('/');
    return aStuckPod({ nodeName, namespace, name });
  });
  const nodes = [...new Set(pods.map(({ nodeName }) => nodeName ?? ''))];
  return aSnapshot({
    pods: [...pods, ...nodes.map((node) => aNeighbour(node)), ...others],
    events: pods.map((pod) => aSandboxEvent(pod)),
    calico: calicoOn(nodes),
  });
}

/** `node: action`, in the plan's order, `>` in front of the one that is restarted now. */
function planOf(snapshot: Snapshot, options: LookOptions = {}): readonly string[] {
  const { plan } = look(snapshot, options);
  return plan.nodes.map(({ node, action }) => `${node === plan.next?.node ? '> ' : ''}${node}: ${action}`);
}

function aRestart(node: string, overrides: Partial<Restart> = {}): Restart {
  const settled = overrides.settled ?? null;
  return {
    node,
    before: {
      namespace: 'calico-system',
      pod: `calico-node-${node}`,
      uid: `old-${node}`,
      createdAtMs: ago(MINUTE),
      daemonSetUid: 'DaemonSet/calico-system/calico-node',
    },
    atMs: ago(10 * SECOND),
    elapsedMs: 50 * SECOND,
    answer: 'deleted',
    stuckUids: [],
    namespaces: ['shop', 'web'],
    settled,
    settledElapsedMs: null,
    seenBy: null,
    outcome: (overrides.answer ?? 'deleted') === 'deleted' ? settled : null,
    why: 'waiting for a pod to get its network',
    after: null,
    ...overrides,
  };
}

const cured = (node: string): Restart => aRestart(node, { settled: 'cured', why: 'a pod got its network' });

describe('the order', () => {
  test('is most namespaces, then most pods, then the name', () => {
    const cluster = clusterWith(['n4/shop/a', 'n3/shop/b', 'n2/shop/c', 'n2/shop/d', 'n1/shop/e', 'n1/web/f']);
    expect(planOf(cluster, { settings: { maxNodeRestarts: 9 } })).toEqual([
      '> n1: waiting',
      'n2: waiting',
      'n3: waiting',
      'n4: waiting',
    ]);
  });

  test('puts the node that the gate itself runs on last', () => {
    const cluster = clusterWith(['n1/shop/a', 'n1/web/b', 'n2/shop/c']);
    expect(planOf(cluster, { runsOnNode: 'n1' })).toEqual(['> n2: waiting', 'n1: waiting']);
    expect(planOf(clusterWith(['n1/shop/a']), { runsOnNode: 'n1' })).toEqual(['> n1: waiting']);
  });

  test('gives others their turn before a namespace gets a second node restarted that it alone speaks of', () => {
    const cluster = clusterWith(['n1/evil/a', 'n2/evil/b', 'n2/evil/c', 'n3/shop/d', 'n4/evil/e', 'n4/shop/f']);
    const settings = { maxNodeRestarts: 2 };
    const alone = aRestart('n1', { settled: 'cured', namespaces: ['evil'] });
    expect(planOf(cluster, { settings, restarts: [alone] })).toEqual([
      '> n4: waiting',
      'n3: refused',
      'n2: refused',
      'n1: restarted',
    ]);
    const together = { ...alone, namespaces: ['evil', 'shop'] };
    expect(planOf(cluster, { settings, restarts: [together] })[1]).toBe('n2: refused');
  });

  test('leaves a node that a guard holds back behind one that is free', () => {
    const cluster = clusterWith(['n1/shop/a', 'n1/web/b', 'n2/shop/c']);
    const pods = cluster.calico.pods.filter(({ nodeName }) => nodeName !== 'n1');
    expect(planOf({ ...cluster, calico: { ...cluster.calico, pods } })).toEqual(['n1: refused', '> n2: waiting']);
  });
});

describe('one node at a time', () => {
  const cluster = clusterWith(['n1/shop/a', 'n2/shop/b']);

  test.each<[string, Partial<Restart>]>([
    ['the cure of another node is not proven yet', {}],
    ['somebody else’s restart of another node is not proven yet', { answer: 'elsewhere' }],
    ['a DELETE of another node was not answered', { answer: 'lost', elapsedMs: 59 * SECOND }],
  ])('nothing begins while %s', (_, restart) => {
    const both = {
      ...cluster,
      calico: {
        ...cluster.calico,
        pods: [...cluster.calico.pods, aPod({ namespace: 'calico-system', uid: 'old-n1', nodeName: 'n1' })],
      },
    };
    const { plan } = look(both, { restarts: [aRestart('n1', restart)] });
    expect(plan.next).toBeNull();
    expect(plan.nodes).toMatchObject([
      { node: 'n1' },
      { node: 'n2', action: 'waiting', why: expect.stringContaining('when pods get their network again on n1') },
    ]);
  });

  test('the next one begins when the last one is proven cured', () => {
    expect(planOf(cluster, { restarts: [cured('n1')] })).toEqual(['n1: restarted', '> n2: waiting']);
  });

  test('a node that shows the failure only after a cure is in the new plan', () => {
    const both = { ...clusterWith(['n3/shop/c']), calico: calicoOn(['n1', 'n3']) };
    expect(planOf(both, { restarts: [cured('n1')] })).toEqual(['> n3: waiting', 'n1: restarted']);
  });
});

describe('after a restart that was not proven to help', () => {
  const cluster = clusterWith(['n1/shop/a', 'n2/shop/b']);

  test.each<Outcome>(['not-cured', 'timed-out', 'unknown'])('(%s) no further node is restarted', (settled) => {
    const { plan } = look(cluster, { restarts: [aRestart('n1', { settled, why: 'as it was' })] });
    expect(plan.next).toBeNull();
    expect(plan.nodes).toMatchObject([
      { node: 'n1', action: 'restarted', why: 'as it was' },
      {
        node: 'n2',
        action: 'refused',
        why: expect.stringMatching(/restart of n1 was not proven to help: find out why there first$/),
      },
    ]);
  });

  test.each<Outcome>(['not-cured', 'timed-out', 'unknown'])(
    '(%s) the others go on, if only one namespace had spoken of that node: a tenant cannot block them',
    (settled) => {
      const restarts = [aRestart('n1', { settled, namespaces: ['evil', 'evil'] })];
      expect(planOf(cluster, { restarts })).toEqual(['n1: restarted', '> n2: waiting']);
    },
  );

  test.each<Outcome>(['not-cured', 'timed-out', 'unknown'])(
    '(%s) nodes of which only that same namespace speaks are not restarted: nobody else is kept waiting there',
    (settled) => {
      const restarts = [aRestart('n1', { settled, namespaces: ['shop', 'shop'] })];
      expect(planOf(cluster, { restarts })).toEqual(['n1: restarted', 'n2: refused']);
      const others = clusterWith(['n1/shop/a', 'n2/shop/b', 'n2/bank/c']);
      expect(planOf(others, { restarts })).toContain('> n2: waiting');
    },
  );

  test.each<Outcome>(['not-cured', 'timed-out'])(
    '(%s) no other goes on where a second namespace showed afterwards that it had not helped',
    (settled) => {
      const restarts = [aRestart('n1', { settled, namespaces: ['evil'], refutedBy: ['bank'] })];
      expect(planOf(cluster, { restarts })).toEqual(['n1: restarted', 'n2: refused']);
      const bySame = [aRestart('n1', { settled, namespaces: ['evil'], refutedBy: ['evil'] })];
      expect(planOf(cluster, { restarts: bySame })).toEqual(['n1: restarted', '> n2: waiting']);
    },
  );

  test('others that speak of a node count once their failure is proven: until then it waits', () => {
    const restarts = [aRestart('n1', { settled: 'timed-out', namespaces: ['shop'] })];
    const young = aStuckPod({ nodeName: 'n2', namespace: 'bank', name: 'young', createdAtMs: ago(20 * SECOND) });
    const failing = aSandboxEvent(young, undefined, { lastAtMs: ago(10 * SECOND) });
    const both = { ...cluster, pods: [...cluster.pods, young], events: [...cluster.events, failing] };
    const { plan } = look(both, { restarts });
    expect(plan.next).toBeNull();
    expect(plan.nodes).toMatchObject([
      { node: 'n2', action: 'waiting', why: expect.stringMatching(/^stuck for \d+s, which counts after 30s$/) },
      { node: 'n1' },
    ]);
    const later = look(both, { restarts, atMs: NOW_MS + 25 * SECOND });
    expect(later.plan.next).toMatchObject({ node: 'n2' });
  });

  test('one such node does not excuse another', () => {
    const restarts = [
      aRestart('n8', { settled: 'timed-out', namespaces: ['evil'] }),
      aRestart('n9', { settled: 'timed-out' }),
    ];
    expect(look(cluster, { restarts }).plan.next).toBeNull();
  });

  test.each<[Outcome, boolean]>([
    ['not-cured', false],
    ['timed-out', false],
    ['unknown', true],
    ['cured', true],
  ])('of somebody else (%s) the others go on: %s', (settled, goesOn) => {
    const { plan } = look(clusterWith(['n2/shop/b']), { restarts: [aRestart('n1', { answer: 'elsewhere', settled })] });
    expect(plan.next !== null).toBe(goesOn);
  });

  test('a DELETE that could not be carried out ends the restarts too', () => {
    const { plan } = look(cluster, { restarts: [aRestart('n1', { answer: 'failed', why: 'failed to delete' })] });
    expect(plan.next).toBeNull();
    expect(plan.nodes).toMatchObject([
      { action: 'refused', why: 'failed to delete', command: expect.stringContaining('calico-node-n1') },
      { action: 'refused' },
    ]);
  });

  test('a DELETE that was forbidden costs every node of that namespace its restart, with the command for people', () => {
    const { plan } = look(cluster, {
      restarts: [aRestart('n1', { answer: 'forbidden', why: 'the right is missing' })],
    });
    expect(plan.next).toBeNull();
    expect(plan.nodes).toMatchObject([
      {
        node: 'n1',
        action: 'refused',
        why: 'the right is missing',
        command: 'kubectl delete pod -n calico-system calico-node-n1',
      },
      {
        node: 'n2',
        action: 'refused',
        why: expect.stringMatching(/right to delete pods/),
        command: 'kubectl delete pod -n calico-system calico-node-n2',
      },
    ]);
  });
});

describe('a DELETE that was lost on its way', () => {
  const cluster = clusterWith(['n1/shop/a']);
  const undone = aRestart('n1', { answer: 'undone', why: 'the pod is still there' });

  test('is sent once more, if the guards still allow it', () => {
    expect(planOf(cluster, { restarts: [undone] })).toEqual(['> n1: waiting']);
    expect(planOf(cluster, { restarts: [undone], deadlineInMs: 0 })).toEqual(['n1: refused']);
  });

  test('says so in the plan: what finds the pod gone by then was late, and nobody else’s', () => {
    expect(look(cluster, { restarts: [] }).plan.next?.unanswered).toBe(0);
    const { target } = look(cluster, { restarts: [] }).plan.next ?? {};
    const before = target ?? undone.before;
    expect(look(cluster, { restarts: [{ ...undone, before }] }).plan.next?.unanswered).toBe(1);
  });

  test('is not sent a third time', () => {
    const { plan } = look(cluster, { restarts: [undone, undone] });
    expect(plan).toMatchObject({
      next: null,
      nodes: [{ action: 'refused', why: 'the pod is still there', command: expect.stringContaining('kubectl delete') }],
    });
  });
});

describe('a DELETE that was turned away', () => {
  const cluster = clusterWith(['n1/shop/a']);
  const away = aRestart('n1', { answer: 'turned-away', why: 'too many requests' });

  test('is planned anew, with the same guards', () => {
    expect(planOf(cluster, { restarts: [away] })).toEqual(['> n1: waiting']);
    expect(planOf(cluster, { restarts: [away, away] })).toEqual(['> n1: waiting']);
    expect(planOf(cluster, { restarts: [away], deadlineInMs: 0 })).toEqual(['n1: refused']);
  });

  test('three times is left to somebody else, and stops no other node', () => {
    expect(planOf(cluster, { restarts: [away, away, away] })).toEqual(['n1: refused']);
    const more = clusterWith(['n1/shop/a', 'n2/shop/b']);
    expect(planOf(more, { restarts: [away, away, away] })).toEqual(['n1: refused', '> n2: waiting']);
  });
});

describe('the cap', () => {
  const cluster = clusterWith(['n1/shop/a', 'n2/shop/b', 'n3/shop/c']);

  test('refuses what is beyond it, with the command', () => {
    const { plan } = look(cluster, { settings: { maxNodeRestarts: 2 } });
    expect(plan.nodes).toMatchObject([
      { node: 'n1', action: 'waiting', command: null },
      { node: 'n2', action: 'waiting', command: null },
      {
        node: 'n3',
        action: 'refused',
        why: expect.stringContaining('max-node-restarts allows 2'),
        command: 'kubectl delete pod -n calico-system calico-node-n3',
      },
    ]);
  });

  test('counts the restarts so far', () => {
    const settings = { maxNodeRestarts: 1 };
    expect(planOf(cluster, { settings, restarts: [cured('n1')] })).toEqual([
      'n1: restarted',
      'n2: refused',
      'n3: refused',
    ]);
    expect(
      planOf(cluster, { settings, restarts: [aRestart('n9', { answer: 'elsewhere', settled: 'cured' })] }),
    ).toEqual(['> n1: waiting', 'n2: refused', 'n3: refused', 'n9: none']);
  });

  test('refuses also a node that another guard only holds back for a while', () => {
    const young = aStuckPod({ nodeName: 'n2' });
    const events = [...cluster.events.slice(0, 1), aSandboxEvent(young, undefined, { lastAtMs: ago(SECOND) })];
    const snapshot = { ...cluster, events, pods: [...cluster.pods.slice(0, 1), young] };
    const { plan } = look(snapshot, { settings: { maxNodeRestarts: 1 }, restarts: [cured('n9')] });
    expect(plan.nodes).toMatchObject([{ action: 'refused' }, { node: 'n2', action: 'refused' }, { node: 'n9' }]);
  });
});

describe('without restarts', () => {
  const cluster = clusterWith(['n1/shop/a', 'n2/shop/b', 'n3/shop/c', 'n4/shop/d', 'n5/shop/e']);

  test.each([
    ['restart-calico-node is off', { restartCalicoNode: false, maxNodeRestarts: 1 }],
    ['max-node-restarts is 0', { maxNodeRestarts: 0 }],
  ])('because %s: every node is planned, whatever cap, time and rights', (because, settings) => {
    const { plan } = look(cluster, {
      settings,
      deadlineInMs: 0,
      deleteRights: new Map([['calico-system', false]]),
      context: 'my cluster',
    });
    expect(plan.next).toBeNull();
    expect(plan.nodes).toHaveLength(5);
    for (const { node, action, why, command } of plan.nodes) {
      expect(action).toBe('planned');
      expect(why).toContain(because);
      expect(command).toBe(`kubectl delete pod -n calico-system calico-node-${node} --context 'my cluster'`);
    }
  });

  test('what a guard holds back is waiting or refused, without a command', () => {
    const [daemonSet] = cluster.calico.daemonSets;
    if (daemonSet === undefined) throw new Error('no DaemonSet');
    const rolling = { ...cluster, calico: { ...cluster.calico, daemonSets: [{ ...daemonSet, updated: 1 }] } };
    const { plan } = look(rolling, { settings: { restartCalicoNode: false } });
    expect(plan.nodes.map(({ action, command }) => [action, command])).toEqual(Array(5).fill(['waiting', null]));
  });
});

describe('what became of a node', () => {
  test('a node that healed by itself has nothing left to do', () => {
    const before = look(clusterWith(['n1/shop/a']));
    const { plan } = look(clusterWith([]), { memory: before.memory });
    expect(plan).toMatchObject({ next: null, nodes: [{ node: 'n1', action: 'none' }] });
  });

  test('a node whose pods get their network has nothing left to do, whatever is stuck there for another reason', () => {
    const pod = aStuckPod();
    const snapshot = aSnapshot({
      pods: [pod, aNeighbour('n1')],
      events: [aSandboxEvent(pod, undefined, { lastAtMs: ago(9 * MINUTE) })],
      calico: calicoOn(['n1']),
    });
    const later = { ...snapshot, pods: [pod, aPod({ name: 'web-2', createdAtMs: ago(MINUTE) })] };
    expect(look(later).plan).toMatchObject({
      next: null,
      nodes: [{ action: 'none', why: expect.stringContaining('so the node is well') }],
    });
  });

  test('a restarted node stays restarted, and is never restarted again', () => {
    const cluster = clusterWith(['n1/shop/a']);
    expect(planOf(cluster, { restarts: [cured('n1')] })).toEqual(['n1: restarted']);
    expect(planOf(clusterWith([]), { restarts: [cured('n1')] })).toEqual(['n1: restarted']);
  });

  test.each<Restart['answer']>(['forbidden', 'failed', 'turned-away', 'undone'])(
    'a node whose DELETE was %s, and that healed by itself, has nothing left to do',
    (answer) => {
      expect(planOf(clusterWith([]), { restarts: [aRestart('n1', { answer })] })).toEqual(['n1: none']);
    },
  );

  test('a node that somebody else restarted waits, then has nothing left to do', () => {
    const pending = aRestart('n1', { answer: 'elsewhere' });
    expect(planOf(clusterWith(['n1/shop/a']), { restarts: [pending] })).toEqual(['n1: waiting']);
    expect(planOf(clusterWith([]), { restarts: [{ ...pending, settled: 'cured' }] })).toEqual(['n1: none']);
  });

  test('a node whose restart by somebody else did not help is judged as if that had been before the run', () => {
    const restarts = [aRestart('n1', { answer: 'elsewhere', settled: 'timed-out', namespaces: ['shop'] })];
    const cluster = clusterWith(['n1/shop/a']);
    const [old] = cluster.calico.pods;
    if (old === undefined) throw new Error('no calico-node');
    const pods = [{ ...old, createdAtMs: ago(50 * SECOND) }];
    expect(
      look({ ...cluster, calico: { ...cluster.calico, pods } }, { restarts, atMs: NOW_MS + 20 * MINUTE }).plan,
    ).toMatchObject({
      next: null,
      nodes: [{ action: 'refused', why: expect.stringContaining('in vain') }],
    });
  });
});

test('the order to restart carries what the cure is judged by', () => {
  const { plan } = look(clusterWith(['n1/shop/a', 'n1/web/b', 'n1/web/c']));
  expect(plan.next).toEqual({
    node: 'n1',
    target: {
      namespace: 'calico-system',
      pod: 'calico-node-n1',
      uid: 'Pod/calico-system/calico-node-n1',
      createdAtMs: expect.any(Number),
      daemonSetUid: 'DaemonSet/calico-system/calico-node',
    },
    stuckUids: ['Pod/shop/a', 'Pod/web/b', 'Pod/web/c'],
    namespaces: ['shop', 'web'],
    unanswered: 0,
  });
});
