import { describe, expect, test } from '@jest/globals';
import { installationNotes, reportCalico, restartedNodes } from '../../src/calico/calico-report.ts';
import type { Restart } from '../../src/calico/case.ts';
import { EMPTY_CALICO_MEMORY } from '../../src/calico/memory.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import type { Report } from '../../src/report/report.ts';
import {
  ago,
  aKillEvent,
  aPod,
  aSandboxEvent,
  aSnapshot,
  aStuckPod,
  aTerminatingPod,
  MINUTE,
  NOW_MS,
  SECOND,
} from '../builders.ts';
import { aNeighbour, calicoOn, type Look, type LookOptions, look } from './looks.ts';

const stuck = aStuckPod();
const broken = aSnapshot({ pods: [stuck, aNeighbour()], events: [aSandboxEvent(stuck)], calico: calicoOn(['n1']) });
const well = aSnapshot({ pods: [aPod(), aNeighbour()], events: broken.events, calico: calicoOn(['n1']) });

function reportOf(last: Look): Report['calico'] {
  return reportCalico({ ...last, nodes: last.plan.nodes });
}

function reportAfter(snapshots: readonly Snapshot[], options: LookOptions = {}): Report['calico'] {
  let last = look(aSnapshot(), options);
  snapshots.forEach((snapshot, at) => {
    last = look(snapshot, { ...options, memory: last.memory, atMs: NOW_MS + at * 2 * SECOND });
  });
  return reportOf(last);
}

test('a cluster without Calico and without the failure has nothing to report', () => {
  expect(reportAfter([aSnapshot()])).toEqual({ detected: false, installations: [], nodes: [] });
});

describe('the failure is detected', () => {
  test('as soon as one stuck pod has it, before its proof is complete', () => {
    const young = { ...broken, events: [aSandboxEvent(stuck, undefined, { lastAtMs: ago(SECOND) })] };
    expect(reportAfter([young])).toMatchObject({ detected: true, nodes: [{ node: 'n1', action: 'waiting' }] });
  });

  test('also when it is over by the end of the run', () => {
    expect(reportAfter([broken, well])).toMatchObject({
      detected: true,
      nodes: [{ node: 'n1', action: 'none', outcome: null, pods: ['shop/web-1'] }],
    });
  });

  test('not by old events of pods that are well or gone', () => {
    expect(reportAfter([well])).toMatchObject({ detected: false, nodes: [] });
    expect(reportAfter([{ ...broken, pods: [] }])).toMatchObject({ detected: false, nodes: [] });
  });
});

describe('a node that turned out to be well is not affected', () => {
  const young = { ...broken, events: [aSandboxEvent(stuck, undefined, { lastAtMs: ago(SECOND) })] };

  test('because it healed before its proof was complete', () => {
    expect(reportAfter([young, well])).toMatchObject({ detected: true, nodes: [] });
  });

  test('because other pods get their network there and the stuck one is not even tried', () => {
    const events = [aSandboxEvent(stuck, undefined, { lastAtMs: ago(9 * MINUTE) })];
    const newcomer = aPod({ name: 'web-2', createdAtMs: ago(MINUTE) });
    expect(reportAfter([{ ...broken, events, pods: [stuck, newcomer] }])).toMatchObject({ detected: true, nodes: [] });
  });
});

test('evidence is the newest event of each pod that was stuck, newest first, kept after the cure', () => {
  const leaving = aTerminatingPod({ name: 'old' });
  const events = [
    aSandboxEvent(stuck, undefined, { lastAtMs: ago(3 * MINUTE) }),
    aKillEvent(leaving, undefined, { firstAtMs: ago(4 * MINUTE), lastAtMs: ago(10 * SECOND), count: 9 }),
  ];
  const report = reportAfter([{ ...broken, pods: [stuck, leaving], events }, well]);
  expect(report.nodes[0]?.pods).toEqual(['shop/old', 'shop/web-1']);
  expect(report.nodes[0]?.evidence).toEqual([
    {
      pod: 'shop/old',
      reason: 'FailedKillPod',
      message: events[1]?.message,
      count: 9,
      lastSeen: '2026-11-22T15:59:50.000Z',
    },
    {
      pod: 'shop/web-1',
      reason: 'FailedCreatePodSandBox',
      message: events[0]?.message,
      count: 1,
      lastSeen: '2026-11-22T15:57:00.000Z',
    },
  ]);
});

test('a plan carries its command', () => {
  const report = reportAfter([broken], { settings: { restartCalicoNode: false }, context: 'prod' });
  expect(report.nodes).toMatchObject([
    {
      action: 'planned',
      command: 'kubectl delete pod -n calico-system calico-node-n1 --context prod',
      outcome: null,
      before: null,
      after: null,
    },
  ]);
});

describe('a restart', () => {
  const first = look(broken);
  const record = (overrides: Partial<Restart>): Restart => {
    const { next } = first.plan;
    if (next === null) throw new Error('nothing was planned');
    const { node, target, stuckUids, namespaces } = next;
    return {
      node,
      before: target,
      atMs: NOW_MS,
      elapsedMs: MINUTE,
      answer: 'deleted',
      stuckUids,
      namespaces,
      settled: null,
      settledElapsedMs: null,
      seenBy: null,
      outcome: null,
      why: 'waiting',
      after: null,
      ...overrides,
    };
  };
  const after = { pod: 'calico-node-new', createdAtMs: NOW_MS, installedAtMs: NOW_MS + 2 * SECOND };
  const report = (restart: Restart): Report['calico'] =>
    reportOf({ ...first, ...look(broken, { memory: first.memory, restarts: [restart] }), restarts: [restart] });
  const before = { calicoNodePod: 'calico-system/calico-node-n1', startedAt: '2026-11-22T15:00:00.000Z' };

  test('of this run shows its outcome, and the pod before and after', () => {
    expect(report(record({ settled: 'cured', outcome: 'cured', after })).nodes).toMatchObject([
      {
        action: 'restarted',
        outcome: 'cured',
        before,
        after: {
          calicoNodePod: 'calico-system/calico-node-new',
          startedAt: '2026-11-22T16:00:00.000Z',
          installedAt: '2026-11-22T16:00:02.000Z',
        },
      },
    ]);
  });

  test('whose cure was not proven when the run ended is unknown', () => {
    expect(report(record({ after: { ...after, installedAtMs: null } })).nodes).toMatchObject([
      { action: 'restarted', outcome: 'unknown', why: 'the run ended first: waiting', after: { installedAt: null } },
    ]);
    expect(report(record({})).nodes).toMatchObject([{ outcome: 'unknown', before, after: null }]);
  });

  test('of somebody else has no outcome', () => {
    expect(report(record({ answer: 'elsewhere', after })).nodes).toMatchObject([
      { action: 'waiting', outcome: null, before, after: { startedAt: '2026-11-22T16:00:00.000Z' } },
    ]);
  });

  test.each<Restart['answer']>(['forbidden', 'failed', 'lost'])('that was %s changed no pod', (answer) => {
    expect(report(record({ answer, why: 'no' })).nodes).toMatchObject([{ outcome: null, before: null, after: null }]);
  });

  test('counts for restarted-nodes only when this run’s DELETE removed the pod', () => {
    const answers: readonly Restart['answer'][] = ['deleted', 'elsewhere', 'forbidden', 'failed', 'lost'];
    expect(restartedNodes(answers.map((answer) => record({ answer, node: answer })))).toEqual(['deleted']);
  });
});

test('nothing is said about installations that are as they should be', () => {
  expect(installationNotes(look(broken).installations)).toEqual([]);
  expect(look(aSnapshot()).memory).toBe(EMPTY_CALICO_MEMORY);
});
