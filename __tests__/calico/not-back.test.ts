import { describe, expect, test } from '@jest/globals';
import type { Restart } from '../../src/calico/case.ts';
import { whyNotBack } from '../../src/calico/not-back.ts';
import type { Node } from '../../src/objects/node.ts';
import type { Pod } from '../../src/objects/pod.ts';
import {
  aCalicoNodePod,
  aCondition,
  aLostNode,
  aNode,
  anObservation,
  aSnapshot,
  podConditions,
  SECOND,
} from '../builders.ts';
import { calicoOn } from './looks.ts';

const NOW_MS = 400 * SECOND;
const calico = calicoOn(['n1', 'n2']);
const restart: Restart = {
  node: 'n1',
  before: {
    namespace: 'calico-system',
    pod: 'calico-node-old',
    uid: 'old',
    createdAtMs: 0,
    daemonSetUid: calico.daemonSets[0]?.uid ?? '',
  },
  atMs: 0,
  elapsedMs: NOW_MS - 60 * SECOND,
  answer: 'deleted',
  seenBy: 'read',
  stuckUids: [],
  namespaces: ['shop'],
  settled: 'cured',
  settledElapsedMs: NOW_MS - 40 * SECOND,
  outcome: 'cured',
  why: '',
  after: null,
};

const notReady = { conditions: podConditions({ ready: false }) };
const lost = { conditions: [aCondition('Ready', 'False'), aCondition('ContainersReady', 'True')] };

function why(on: readonly Partial<Pod>[], nodes: readonly Node[] | null, overrides: Partial<Restart> = {}) {
  const there = on.map((pod) => aCalicoNodePod({ nodeName: 'n1', ...pod }));
  const snapshot = aSnapshot({ nodes, calico: { ...calico, pods: there } });
  const observation = anObservation({ snapshot });
  return whyNotBack([{ ...restart, ...overrides }], {
    ...observation,
    now: { ...observation.now, elapsedMs: NOW_MS },
  });
}

const here = [aNode({ name: 'n1' })];

describe('a calico-node pod that this run deleted has no Ready successor', () => {
  test.each<readonly [string, readonly Partial<Pod>[]]>([
    ['there is none', []],
    ['it is not Ready', [notReady]],
    ['it is being deleted', [{ deletionAtMs: 1 }]],
    ['only the old one is Ready', [{ uid: 'old' }]],
    ['a Ready pod of another DaemonSet is there', [{ controller: null }]],
  ])('while %s', (_, pods) => {
    expect(why(pods, here)).toEqual({
      kind: 'wait',
      why: 'calico-node on n1 is not Ready 1m after this run restarted it: one node at a time',
    });
  });

  test('for so long that another one’s would count as dead: ours does not come back', () => {
    expect(why([notReady], here, { elapsedMs: NOW_MS - 300 * SECOND })).toEqual({
      kind: 'refuse',
      why: 'no further node is restarted, because calico-node on n1 is not Ready 5m after this run restarted it: find out why first',
    });
  });

  test('where nodes may not be read', () => {
    expect(why([notReady], null)).toMatchObject({ kind: 'wait' });
    expect(why([], null)).toMatchObject({ kind: 'wait' });
  });
});

describe('nothing is in the way', () => {
  test.each<readonly [string, readonly Partial<Pod>[], readonly Node[] | null, Partial<Restart>]>([
    ['when the successor is Ready', [{}], here, {}],
    ['when a second successor is Ready', [notReady, { uid: 'third' }], here, {}],
    ['when the node does not report any more', [lost], [aLostNode({ name: 'n1' })], {}],
    ['when the node is gone', [], [aNode({ name: 'n2' })], {}],
    ['when the node controller has marked the pod, and nodes may not be read', [lost], null, {}],
    ['when somebody else had restarted it', [], here, { answer: 'elsewhere' }],
    ['when the DELETE was refused', [], here, { answer: 'forbidden' }],
  ])('%s', (_, pods, nodes, overrides) => {
    expect(why(pods, nodes, overrides)).toBeNull();
  });
});
