import { describe, expect, test } from '@jest/globals';
import type { Action } from '../../src/calico/case.ts';
import { EMPTY_CALICO_MEMORY } from '../../src/calico/memory.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Node } from '../../src/objects/node.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Gap, Snapshot } from '../../src/objects/snapshot.ts';
import type { DaemonSet } from '../../src/objects/workload.ts';
import {
  aCalicoDaemonSet,
  aCalicoNodePod,
  aCondition,
  aContainer,
  aController,
  aCoverage,
  ago,
  aLostNode,
  aNode,
  aSandboxEvent,
  aSnapshot,
  aStuckPod,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
  terminated,
} from '../builders.ts';
import { aNeighbour, type LookOptions, look } from './looks.ts';

/**
 * A world in which nothing speaks against the restart of calico-node on n1: each row of the tables below changes one
 * thing, and that alone stops the DELETE.
 */
const stuck = aStuckPod();
const target = aCalicoNodePod({ nodeName: 'n1' });
const sibling = aCalicoNodePod({ nodeName: 'n2' });
const daemonSet = aCalicoDaemonSet();

interface Change extends LookOptions {
  readonly calico?: Partial<Snapshot['calico']>;
  readonly daemonSet?: Partial<DaemonSet>;
  readonly target?: Partial<Pod>;
  readonly sibling?: Partial<Pod>;
  readonly events?: readonly Event[];
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Node[] | null;
  readonly gaps?: readonly Gap[];
}

function world(change: Change): Snapshot {
  return aSnapshot({
    pods: change.pods ?? [stuck, aNeighbour()],
    events: change.events ?? [aSandboxEvent(stuck, undefined, { lastAtMs: ago(2 * MINUTE) })],
    ...(change.nodes === undefined ? {} : { nodes: change.nodes }),
    coverage: aCoverage({ gaps: change.gaps ?? [] }),
    calico: {
      daemonSets: [{ ...daemonSet, ...change.daemonSet }],
      pods: [
        { ...target, ...change.target },
        { ...sibling, ...change.sibling },
      ],
      ...change.calico,
    },
  });
}

const notReady = (sinceMs: number): Partial<Pod> => ({ conditions: podConditions({ ready: false, sinceMs }) });

/** A calico-node pod that was created, and whose install-cni ended two seconds later, so long ago. */
const startedAgo = (agoMs: number): Partial<Pod> => {
  const { createdAtMs, containers, conditions } = aCalicoNodePod({ createdAtMs: ago(agoMs) });
  return { createdAtMs, containers, conditions };
};

const gap = (resource: Gap['resource'], why: Gap['why'], namespace: string | null = null): Gap => ({
  resource,
  namespace,
  why,
  sinceMs: ago(MINUTE),
  message: '',
});

test('nothing speaks against a restart in the world that the tables change', () => {
  const { plan } = look(world({}));
  expect(plan.next).toMatchObject({ node: 'n1', target: { uid: target.uid } });
});

describe('alone is enough to stop the DELETE', () => {
  test.each<[string, Change, Action, RegExp]>([
    [
      'a proof that is not complete',
      { events: [aSandboxEvent(stuck, undefined, { lastAtMs: ago(SECOND) })] },
      'waiting',
      /stuck for 1s/,
    ],
    [
      'events that may not be read',
      { gaps: [gap('events', 'forbidden')] },
      'refused',
      /right to list events is missing/,
    ],
    [
      'events of the pod’s namespace that may not be read any more',
      { gaps: [gap('events', 'forbidden', 'shop')] },
      'refused',
      /list events in namespace shop/,
    ],
    ['events that are lost from view', { gaps: [gap('events', 'stale')] }, 'waiting', /events cannot be seen/],
    ['pods that are lost from view', { gaps: [gap('pods', 'stale', 'shop')] }, 'waiting', /pods in namespace shop/],
    [
      'pods of Calico’s namespace that were never read',
      { gaps: [gap('pods', 'never-read', 'calico-system')] },
      'waiting',
      /calico-system/,
    ],
    ['DaemonSets that are lost from view', { gaps: [gap('daemonsets', 'stale')] }, 'waiting', /daemonsets/],
    [
      'Calico that could not be searched for',
      { calico: { daemonSets: [], searched: false, pods: [] } },
      'refused',
      /calico-namespace/,
    ],
    ['Calico that is not there', { calico: { daemonSets: [], pods: [] } }, 'refused', /no Calico DaemonSet/],
    [
      'Calico that has not been searched for yet',
      { calico: { daemonSets: [], searched: false, pods: [] }, atMs: NOW_MS - 31 * SECOND },
      'waiting',
      /not been found yet/,
    ],
    ['the first look at the failure', { memory: EMPTY_CALICO_MEMORY }, 'waiting', /a second look decides/],
    [
      'pods of Calico’s namespace that may not be read',
      { calico: { pods: [], podGaps: [gap('pods', 'forbidden', 'calico-system')] } },
      'refused',
      /right to list pods in Calico's namespace calico-system/,
    ],
    [
      'pods of Calico’s namespace that nobody asked for yet',
      { calico: { pods: [], podNamespaces: [] } },
      'waiting',
      /Calico's namespace calico-system have not been read yet/,
    ],
    [
      'pods of Calico’s namespace that are lost from view',
      { calico: { podGaps: [gap('pods', 'stale', 'calico-system')] } },
      'waiting',
      /Calico's namespace calico-system cannot be seen/,
    ],
    ['no calico-node pod on the node', { calico: { pods: [sibling] } }, 'refused', /no calico-node pod/],
    [
      'policy-only Calico',
      { daemonSet: { template: { ...daemonSet.template, initContainers: [] } } },
      'refused',
      /policy-only/,
    ],
    [
      'two installations on the node',
      {
        calico: {
          daemonSets: [daemonSet, aCalicoDaemonSet({ namespace: 'kube-system', uid: 'two' })],
          pods: [
            target,
            {
              ...target,
              namespace: 'kube-system',
              uid: 'two-n1',
              controller: aController('DaemonSet', 'calico-node', { uid: 'two' }),
            },
          ],
        },
      },
      'refused',
      /two Calico installations.*set calico-namespace/,
    ],
    ['a calico-node that is not Ready', { target: notReady(ago(30 * MINUTE)) }, 'refused', /not Ready: find out why/],
    [
      'a calico-node that crashes',
      { target: { ...notReady(ago(MINUTE)), containers: [aContainer({ name: 'calico-node', state: terminated() })] } },
      'refused',
      /not Ready \(container calico-node ended with exit code 1\): find out why/,
    ],
    [
      'a young calico-node that is not Ready yet',
      { target: { ...startedAgo(MINUTE), ...notReady(ago(MINUTE)) } },
      'waiting',
      /not Ready yet/,
    ],
    [
      'a calico-node that somebody is deleting',
      { target: { deletionAtMs: NOW_MS } },
      'waiting',
      /being deleted by somebody else/,
    ],
    ['a calico-node that does not end', { target: { deletionAtMs: ago(MINUTE) } }, 'refused', /does not end/],
    ['a DaemonSet that is being deleted', { daemonSet: { deletionAtMs: ago(SECOND) } }, 'refused', /is being deleted/],
    [
      'pods where the DaemonSet does not want them',
      { daemonSet: { misscheduled: 1 } },
      'refused',
      /no longer wants them/,
    ],
    [
      'OnDelete with a template that is not rolled out',
      { daemonSet: { strategy: 'OnDelete', updated: 1 } },
      'refused',
      /would upgrade the node/,
    ],
    [
      'OnDelete with a template that nobody has looked at',
      { daemonSet: { strategy: 'OnDelete', generation: 2 } },
      'refused',
      /would upgrade the node/,
    ],
    [
      'an unknown strategy with a pending template',
      { daemonSet: { strategy: 'Newer', updated: 1 } },
      'refused',
      /would upgrade the node/,
    ],
    ['a roll-out that goes on', { daemonSet: { updated: 1 } }, 'waiting', /rolling out \(1 of 2\)/],
    ['a roll-out that has not been looked at', { daemonSet: { generation: 2 } }, 'waiting', /rolling out/],
    [
      'a DaemonSet without a status',
      { daemonSet: { observedGeneration: null, desired: null } },
      'waiting',
      /rolling out/,
    ],
    [
      'a sibling that became not Ready 299 s ago',
      { sibling: notReady(ago(299 * SECOND)) },
      'waiting',
      /calico-node-n2 on node n2 is not Ready/,
    ],
    ['a sibling that is being deleted', { sibling: { deletionAtMs: NOW_MS } }, 'waiting', /calico-node-n2/],
    [
      'a young sibling on an old node',
      { sibling: { ...startedAgo(MINUTE), ...notReady(ago(MINUTE)) } },
      'waiting',
      /calico-node-n2/,
    ],
    [
      'install-cni that ended 29 s ago',
      { target: startedAgo(31 * SECOND), events: [aSandboxEvent(stuck, undefined, { lastAtMs: ago(30 * SECOND) })] },
      'waiting',
      /ended 29s ago/,
    ],
    [
      'a restart that has not had its time',
      { target: startedAgo(50 * SECOND) },
      'waiting',
      /started 48s ago and has 3m to help/,
    ],
    [
      'a restart in vain',
      { target: startedAgo(4 * MINUTE), events: [aSandboxEvent(stuck, undefined, { lastAtMs: ago(5 * MINUTE) })] },
      'refused',
      /in vain.*CALICO_MANAGE_CNI/,
    ],
    [
      'a right that is missing',
      { deleteRights: new Map([['calico-system', false]]) },
      'refused',
      /right to delete pods in namespace calico-system/,
    ],
    ['too little time', { deadlineInMs: 59 * SECOND }, 'refused', /less than 1m of timeout is left/],
    [
      'a restart-timeout that no longer fits',
      { deadlineInMs: 49 * SECOND, settings: { restartTimeoutMs: 50 * SECOND } },
      'refused',
      /less than 50s of timeout is left/,
    ],
    ['restarts that are off', { settings: { restartCalicoNode: false } }, 'planned', /restart-calico-node is off/],
    ['a cap of none', { settings: { maxNodeRestarts: 0 } }, 'planned', /max-node-restarts is 0/],
  ])('%s', (_, change, action, why) => {
    const { plan } = look(world(change), change);
    expect(plan.next).toBeNull();
    expect(plan.nodes).toMatchObject([{ node: 'n1', action, why: expect.stringMatching(why) }]);
  });
});

describe('does not stop the DELETE', () => {
  test.each<[string, Change]>([
    ['nodes that may not be read', { nodes: null }],
    [
      'views that are lost elsewhere',
      {
        gaps: [
          gap('pods', 'stale', 'other'),
          gap('events', 'stale', 'other'),
          gap('nodes', 'stale'),
          gap('jobs', 'stale'),
        ],
      },
    ],
    ['events of other namespaces that may not be read', { gaps: [gap('events', 'forbidden', 'other')] }],
    ['DaemonSets of other namespaces that may not be read', { gaps: [gap('daemonsets', 'forbidden')] }],
    [
      'a sibling that has been not Ready for 5 min: a dead node',
      { sibling: notReady(ago(300 * SECOND)), nodes: [aNode(), aLostNode({ name: 'n2' })] },
    ],
    [
      'a young sibling on a node that is just joining',
      {
        sibling: { ...startedAgo(MINUTE), ...notReady(ago(MINUTE)) },
        nodes: [aNode(), aNode({ name: 'n2', createdAtMs: ago(2 * MINUTE) })],
      },
    ],
    [
      'the same where nodes may not be read',
      { sibling: { ...startedAgo(MINUTE), ...notReady(ago(MINUTE)) }, nodes: null },
    ],
    [
      'a pod of another DaemonSet that is not Ready',
      { sibling: { ...notReady(ago(MINUTE)), controller: aController('DaemonSet', 'other') } },
    ],
    ['OnDelete with nothing pending', { daemonSet: { strategy: 'OnDelete' } }],
    [
      'install-cni that ended two minutes ago, for a failure since then',
      {
        events: [aSandboxEvent(stuck, undefined, { lastAtMs: ago(MINUTE) })],
        target: startedAgo(2 * MINUTE),
        pods: [
          stuck,
          aNeighbour('n1', {
            createdAtMs: ago(110 * SECOND),
            conditions: podConditions({ sinceMs: ago(100 * SECOND) }),
          }),
        ],
      },
    ],
    ['a time that is just enough', { deadlineInMs: 60 * SECOND }],
    ['a right that could not be reviewed', { deleteRights: new Map([['other', false]]) }],
  ])('%s', (_, change) => {
    expect(look(world(change), change).plan.next).toMatchObject({ node: 'n1' });
  });

  test('a young sibling is on an old node where an older pod runs beside it, if nodes may not be read', () => {
    const change: Change = {
      sibling: { ...startedAgo(MINUTE), ...notReady(ago(MINUTE)) },
      nodes: null,
      pods: [stuck, aNeighbour(), aNeighbour('n2')],
    };
    expect(look(world(change)).plan).toMatchObject({ next: null, nodes: [{ action: 'waiting' }] });
  });
});

test('what does not pass by itself is said before what does', () => {
  const change: Change = { daemonSet: { updated: 1, deletionAtMs: ago(SECOND) } };
  expect(look(world(change)).plan.nodes).toMatchObject([
    { action: 'refused', why: expect.stringMatching(/being deleted/) },
  ]);
});

test('a sibling that this run saw Ready a moment ago is down since then, whatever its node’s clock says', () => {
  const before = look(world({}));
  const change: Change = { sibling: notReady(ago(HOUR)) };
  expect(look(world(change)).plan.next).not.toBeNull();
  expect(look(world(change), { memory: before.memory, atMs: NOW_MS + SECOND }).plan.nodes).toMatchObject([
    { action: 'waiting', why: expect.stringMatching(/calico-node-n2/) },
  ]);
});

test('a calico-node pod that has just gone is waited for, as long as a restart may take', () => {
  const before = look(world({}));
  const gone = world({ calico: { pods: [sibling] } });
  const at = (sinceMs: number): Action | undefined =>
    look(gone, { memory: before.memory, atMs: NOW_MS + sinceMs }).plan.nodes[0]?.action;
  expect(at(179 * SECOND)).toBe('waiting');
  expect(at(180 * SECOND)).toBe('refused');
});

test('a time in the future that install-cni ended at counts as the moment it was first seen', () => {
  const future = { ...terminated({ reason: 'Completed', exitCode: 0 }), finishedAtMs: NOW_MS + HOUR };
  const containers = [
    aContainer({ name: 'install-cni', role: 'init', state: future }),
    aContainer({ name: 'calico-node' }),
  ];
  const change: Change = { target: { containers, conditions: [aCondition('Ready', 'True')] } };
  const first = look(world(change));
  expect(first.plan.nodes).toMatchObject([{ action: 'waiting', why: expect.stringMatching(/ended 2s ago/) }]);
  const later = look(world(change), { memory: first.memory, atMs: NOW_MS + 31 * SECOND });
  expect(later.plan.nodes[0]?.why).not.toMatch(/ended/);
});
