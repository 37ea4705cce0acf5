import { expect, test } from '@jest/globals';
import type { NodePlan, Restart } from '../../src/calico/case.ts';
import { doneAndLeft } from '../../src/health/done-and-left.ts';

function aRestart(node: string, answer: Restart['answer'], settled: Restart['settled'] = null): Restart {
  return {
    ...{ node, answer, settled, atMs: 0, elapsedMs: 0, stuckUids: [], namespaces: ['shop'], settledElapsedMs: null },
    ...{ seenBy: null, outcome: null, why: '', after: null },
    before: { namespace: 'calico-system', pod: `calico-node-${node}`, uid: node, createdAtMs: 0, daemonSetUid: 'set' },
  };
}

function aPlan(node: string, action: NodePlan['action']): NodePlan {
  return { node, action, why: '', target: null, command: null };
}

test.each<[string, readonly NodePlan[], readonly Restart[], readonly string[]]>([
  ['nothing', [], [], []],
  [
    'a cure',
    [aPlan('n1', 'restarted')],
    [aRestart('n1', 'deleted', 'cured')],
    ['calico-node was restarted on n1, which cured it'],
  ],
  [
    'a restart without an outcome, and nodes that wait for it',
    [aPlan('n1', 'restarted'), aPlan('n2', 'waiting'), aPlan('n3', 'waiting')],
    [aRestart('n1', 'deleted')],
    [
      'calico-node was restarted on n1, and whether that cures it was not seen any more',
      'calico-node on n2, n3 was left as it is',
    ],
  ],
  [
    'a restart in vain',
    [aPlan('n1', 'restarted'), aPlan('n2', 'refused')],
    [aRestart('n1', 'deleted', 'timed-out')],
    ['calico-node was restarted on n1, without a cure'],
  ],
  [
    'a DELETE without an answer, after one that was turned away',
    [aPlan('n1', 'waiting')],
    [aRestart('n1', 'turned-away'), aRestart('n1', 'lost')],
    ['whether calico-node was restarted on n1 is not known: its DELETE got no answer'],
  ],
  [
    'a restart by somebody else',
    [aPlan('n1', 'waiting')],
    [aRestart('n1', 'elsewhere')],
    ['calico-node on n1 had been restarted by somebody else'],
  ],
  [
    'many nodes',
    ['n1', 'n2', 'n3', 'n4', 'n5'].map((node) => aPlan(node, 'waiting')),
    [],
    ['calico-node on n1, n2, n3 and 2 more was left as it is'],
  ],
])('of %s', (_, nodes, restarts, expected) => {
  expect(doneAndLeft(nodes, restarts, true)).toEqual(expected);
});

test('a run that restarts nothing leaves nothing undone', () => {
  expect(doneAndLeft([aPlan('n1', 'waiting')], [], false)).toEqual([]);
});
