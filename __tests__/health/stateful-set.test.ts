import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/objects/pod.ts';
import type { StatefulSet } from '../../src/objects/workload.ts';
import { ago, aNotReadyPod, aPod, aSandboxError, aStatefulSet, aTerminatingPod, MINUTE } from '../builders.ts';
import { assessOnce, brief, forbidden, ofDb } from './health-run.ts';

const both = [aPod(ofDb(0)), aPod(ofDb(1))];
const oldZero = aPod(ofDb(0, {}, 'db-0'));
const oldOne = aPod(ofDb(1, {}, 'db-0'));

describe('a StatefulSet is carried out', () => {
  test.each<readonly [string, Partial<StatefulSet>, readonly Pod[]]>([
    ['when all replicas have the new revision and are available', {}, both],
    [
      'when only ordinals below its partition have an old revision',
      { partition: 1, updated: 1 },
      [oldZero, aPod(ofDb(1))],
    ],
    [
      'when its partition is beyond its replicas: nothing is to be updated',
      { partition: 5, updated: 0 },
      [oldZero, oldOne],
    ],
    [
      'when its partition counts from its first ordinal',
      { partition: 1, updated: 1, ordinalsStart: 5 },
      [aPod(ofDb(5, {}, 'db-0')), aPod(ofDb(6))],
    ],
    ['when it is OnDelete and ready, whatever the revisions', { strategy: 'OnDelete', updated: 0 }, [oldZero, oldOne]],
    ['when it is scaled to 0', { desired: 0 }, []],
    ['when it is being deleted', { deletionAtMs: 1, ready: 0, available: 0 }, []],
  ])('%s', (_, state, pods) => {
    const { complete, findings } = assessOnce({ workloads: [aStatefulSet(state)], pods }, { minPods: 0 });
    expect(findings).toEqual([]);
    expect(complete).toBe(true);
  });
});

describe('a StatefulSet is not carried out', () => {
  test.each<readonly [string, Partial<StatefulSet>, readonly Pod[], string]>([
    [
      'while its controller has not seen the present generation',
      { generation: 2 },
      both,
      'its controller has not carried out generation 2 yet (it has seen 1)',
    ],
    [
      'while its controller has never looked at it',
      { observedGeneration: null },
      both,
      'its controller has not looked at it yet',
    ],
    [
      'while replicas lack the new revision',
      { updated: 1 },
      [oldZero, aPod(ofDb(1))],
      '1 of 2 replicas have the new revision, 2 are available',
    ],
    [
      'while replicas from its partition on lack the new revision',
      { partition: 1, updated: 0 },
      [oldZero, oldOne],
      '0 of 1 replicas (partition 1) have the new revision, 2 are available',
    ],
    [
      'when the picture still shows an old pod that must be replaced',
      {},
      [aPod(ofDb(0)), oldOne],
      '1 pod of the old revision is still there',
    ],
    [
      'when the ordinal of an old pod is past its partition, counted from the first ordinal',
      { partition: 1, updated: 1, ordinalsStart: 5 },
      [aPod(ofDb(5)), aPod(ofDb(6, {}, 'db-0'))],
      '1 pod of the old revision is still there',
    ],
    ['while replicas are not available', { available: 1 }, both, '1 of 2 replicas are available'],
    ['when it is OnDelete and lacks ready pods', { strategy: 'OnDelete', ready: 1 }, both, '1 of 2 replicas are ready'],
    ['while its status still counts a pod that is gone', {}, [aPod(ofDb(0))], '1 of 2 replicas are available'],
    [
      'when it is OnDelete and its status still counts a pod that is gone',
      { strategy: 'OnDelete' },
      [aPod(ofDb(0))],
      '1 of 2 replicas are ready',
    ],
  ])('%s', (_, state, pods, message) => {
    const { findings, complete } = assessOnce({ workloads: [aStatefulSet(state)], pods });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/db']);
    expect(findings).toMatchObject([{ message }]);
    expect(complete).toBe(false);
  });
});

describe('pods that are not in the picture are taken from the status', () => {
  const front = { selector: [{ key: 'tier', operator: 'in', values: ['front'] }] } as const;
  const templateLabels = { tier: 'front' };

  test.each<readonly [string, Partial<StatefulSet>]>([
    ['its template does not have', {}],
    ['pods below its partition need not have', { templateLabels, partition: 1, updated: 1 }],
    ['pods of an older revision need not have (OnDelete)', { templateLabels, strategy: 'OnDelete' }],
  ])('when a selector asks for labels that %s', (_, state) => {
    const { findings } = assessOnce({ workloads: [aStatefulSet(state)], pods: [aPod(ofDb(0))] }, front);
    expect(findings).toEqual([]);
  });

  test('but not when all of its pods have the labels that a selector asks for', () => {
    const set = aStatefulSet({ templateLabels });
    const { findings } = assessOnce({ workloads: [set], pods: [aPod(ofDb(0))] }, front);
    expect(findings).toMatchObject([{ message: '1 of 2 replicas are available' }]);
  });

  test('when the view of pods is lost', () => {
    const { findings } = assessOnce({
      workloads: [aStatefulSet()],
      pods: [aPod(ofDb(0))],
      coverage: forbidden('pods'),
    });
    expect(findings).toEqual([]);
  });
});

test('a shortage of an OnDelete set is measured by Ready: its starting pod explains it', () => {
  const starting = aNotReadyPod(ofDb(2, { createdAtMs: ago(MINUTE) }));
  const set = aStatefulSet({ strategy: 'OnDelete', desired: 3, ready: 2, available: 0 });
  const { complete } = assessOnce({ workloads: [set], pods: [...both, starting] }, { stuckAfterMs: 5 * MINUTE });
  expect(complete).toBe(true);
});

test('OnDelete is noted with how many pods have the old revision', () => {
  const set = aStatefulSet({ strategy: 'OnDelete', updateRevision: 'db-1', updated: 1 });
  const { notes, warnings } = assessOnce({ workloads: [set], pods: [oldZero, aPod(ofDb(1))] });
  expect(notes).toEqual(['StatefulSet shop/db (OnDelete): 1 pod of the old revision']);
  expect(warnings).toEqual([]);
});

test('a StatefulSet waits for an overdue pod whose name the next one needs', () => {
  const overdue = aTerminatingPod(ofDb(1));
  const sandboxErrors = new Map([[overdue.uid, aSandboxError(overdue)]]);
  const set = aStatefulSet({ ready: 1, available: 1 });
  const { findings } = assessOnce({ workloads: [set], pods: [aPod(ofDb(0)), overdue], sandboxErrors });
  expect(findings.map(brief)).toEqual([
    'terminating CalicoUnauthorized shop/db-1',
    'workload NotRolledOut shop/db ← shop/db-1',
  ]);
});
