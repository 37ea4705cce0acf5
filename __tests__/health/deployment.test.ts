import { describe, expect, test } from '@jest/globals';
import type { Deployment } from '../../src/objects/workload.ts';
import {
  aCondition,
  aController,
  aDeployment,
  ago,
  aNotReadyPod,
  aPod,
  aSandboxError,
  aTerminatingPod,
  MINUTE,
  NOW_MS,
  SECOND,
} from '../builders.ts';
import { aHealthRun, assessOnce, brief, ofWeb, webPods } from './health-run.ts';

const PROGRESSING = aCondition('Progressing', 'True', { reason: 'ReplicaSetUpdated', lastUpdateAtMs: ago(SECOND) });

describe('a Deployment is carried out', () => {
  test.each<readonly [string, Partial<Deployment>, number]>([
    ['when all desired replicas are of the present template and available', {}, 2],
    ['when it is scaled to 0', { desired: 0, replicas: 0, updated: 0, ready: 0, available: 0 }, 0],
    ['when it is scaled to 0, although its pods have not gone yet', { desired: 0, replicas: 2, updated: 2 }, 2],
    [
      'when the pods that it no longer wants after scaling down are still there',
      { replicas: 3, updated: 3, available: 3, ready: 3 },
      3,
    ],
    ['when it is paused and has the ready pods that it wants', { paused: true }, 2],
    ['when it is paused with a template that is not rolled out', { paused: true, updated: 0 }, 2],
    ['when it is being deleted', { deletionAtMs: ago(SECOND), available: 0, ready: 0 }, 0],
  ])('%s', (_, state, pods) => {
    const { workloads, complete } = assessOnce(
      { workloads: [aDeployment(state)], pods: webPods(pods) },
      { minPods: 0 },
    );
    expect(workloads).toMatchObject([{ name: 'web', problem: null, complete: true }]);
    expect(complete).toBe(true);
  });
});

describe('a Deployment is not carried out, whatever its pods say', () => {
  test.each<readonly [string, Partial<Deployment>, string]>([
    [
      'while its controller has not seen the present generation: its pods are of the old one',
      { generation: 3, observedGeneration: 2 },
      'its controller has not carried out generation 3 yet (it has seen 2)',
    ],
    [
      'while its controller has never looked at it',
      { observedGeneration: null },
      'its controller has not looked at it yet',
    ],
    [
      'while not all desired replicas are of the new template',
      { updated: 1, replicas: 3, conditions: [PROGRESSING] },
      '1 of 2 replicas are of the new pod template, 2 are available',
    ],
    [
      'while an old pod without a deletionTimestamp is left',
      { replicas: 3, ready: 3, available: 3, conditions: [PROGRESSING] },
      '1 pod of an older pod template is still there',
    ],
    ['while fewer than desired are available', { available: 1 }, '1 of 2 replicas are available'],
    ['when it is paused and lacks ready pods', { paused: true, ready: 1 }, '1 of 2 replicas are ready'],
  ])('%s', (_, state, message) => {
    const { findings, workloads, complete } = assessOnce({ workloads: [aDeployment(state)], pods: webPods(2) });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
    expect(findings).toMatchObject([
      { message, pod: null, uid: null, node: null, owner: { kind: 'Deployment', name: 'web' } },
    ]);
    expect(workloads).toMatchObject([{ problem: 'NotRolledOut', complete: false }]);
    expect(complete).toBe(false);
  });

  test.each<readonly [string, Partial<Deployment>, string]>([
    ['while its status still counts a pod that is gone', {}, '1 of 2 replicas are available'],
    ['when it is paused and its status still counts a pod that is gone', { paused: true }, '1 of 2 replicas are ready'],
  ])('%s', (_, state, message) => {
    const { findings, complete } = assessOnce({ workloads: [aDeployment(state)], pods: webPods(1) });
    expect(findings).toMatchObject([{ cause: 'NotRolledOut', message }]);
    expect(complete).toBe(false);
  });

  test('when the picture still shows an active pod of an older template that its status does not count any more', () => {
    const old = webPods(1, 'old', { createdAtMs: ago(20 * MINUTE) });
    const { findings } = assessOnce({ workloads: [aDeployment()], pods: [...webPods(2), ...old] });
    expect(findings).toMatchObject([
      { cause: 'NotRolledOut', message: '1 pod of an older pod template is still there' },
    ]);
  });

  test('but pods that are on their way out or failed are no old pods', () => {
    const leaving = aPod(ofWeb('web-old-1', { deletionAtMs: NOW_MS + SECOND, createdAtMs: ago(MINUTE) }, 'old'));
    const evicted = aPod(ofWeb('web-old-2', { phase: 'Failed', reason: 'Evicted' }, 'old'));
    const { complete } = assessOnce({ workloads: [aDeployment()], pods: [...webPods(2), leaving, evicted] });
    expect(complete).toBe(true);
  });
});

test('a paused Deployment whose template is not rolled out is warned about, with the way out', () => {
  const { warnings } = assessOnce({ workloads: [aDeployment({ paused: true, updated: 0 })], pods: webPods(2) });
  expect(warnings).toEqual([
    'Deployment shop/web is paused and its pod template is not rolled out: 2 pods of an older one (kubectl rollout resume deployment/web -n shop)',
  ]);
});

test('pods with findings of their own explain a shortage, so that the workload adds none', () => {
  const pods = [...webPods(1), aNotReadyPod(ofWeb('web-abc-9'))];
  const { findings, workloads } = assessOnce({ workloads: [aDeployment({ ready: 1, available: 1 })], pods });
  expect(findings.map(brief)).toEqual(['probe NotReady shop/web-abc-9']);
  expect(workloads).toMatchObject([{ desired: 2, ready: 1, problem: 'NotReady', complete: false }]);
});

describe('since when a Deployment lacks something', () => {
  test('is when it stopped being available', () => {
    const conditions = [aCondition('Available', 'False', { lastTransitionAtMs: ago(3 * MINUTE) })];
    const { findings } = assessOnce({ workloads: [aDeployment({ available: 1, conditions })], pods: webPods(2) });
    expect(findings).toMatchObject([{ sinceMs: ago(3 * MINUTE) }]);
  });

  test('is the time of its oldest unwell pod when that is earlier', () => {
    const conditions = [
      aCondition('Progressing', 'False', {
        reason: 'ProgressDeadlineExceeded',
        lastTransitionAtMs: ago(MINUTE),
        lastUpdateAtMs: ago(MINUTE),
      }),
    ];
    const pods = [aPod(ofWeb('web-abc-1')), aNotReadyPod(ofWeb('web-abc-2', { createdAtMs: ago(7 * MINUTE) }))];
    const { findings } = assessOnce({ workloads: [aDeployment({ available: 1, conditions })], pods });
    expect(findings.find(({ pod }) => pod === null)).toMatchObject({
      cause: 'ProgressDeadline',
      sinceMs: ago(7 * MINUTE),
    });
  });
});

describe('ProgressDeadlineExceeded', () => {
  const exceeded = (saidAgoMs: number): Deployment['conditions'] => [
    aCondition('Progressing', 'False', {
      reason: 'ProgressDeadlineExceeded',
      message: 'ReplicaSet "web-abc" has timed out progressing.',
      lastTransitionAtMs: ago(saidAgoMs),
      lastUpdateAtMs: ago(saidAgoMs),
    }),
  ];
  const lacking = { ready: 1, available: 1 };

  test('of the present roll-out is a finding, fatal when two observations have seen it', () => {
    const run = aHealthRun();
    const picture = { workloads: [aDeployment({ ...lacking, conditions: exceeded(MINUTE) })], pods: webPods(2) };
    expect(run.look(0, picture).findings.map(brief)).toEqual(['workload ProgressDeadline shop/web']);
    expect(run.look(1_000, picture).findings.map(brief)).toEqual(['workload ProgressDeadline shop/web']);
    const { findings, workloads } = run.look(2_000, picture);
    expect(findings.map(brief)).toEqual(['!workload ProgressDeadline shop/web']);
    expect(findings).toMatchObject([
      { message: '1 of 2 replicas are available; ReplicaSet "web-abc" has timed out progressing.' },
    ]);
    expect(workloads).toMatchObject([{ problem: 'ProgressDeadline' }]);
  });

  test('is old when every pod of the present template was made after it', () => {
    const pods = webPods(2, 'abc', { createdAtMs: ago(MINUTE) });
    const deployment = aDeployment({ ...lacking, conditions: exceeded(5 * MINUTE) });
    expect(assessOnce({ workloads: [deployment], pods }).findings.map(brief)).toEqual([
      'workload NotRolledOut shop/web',
    ]);
  });

  test('is old when this run has seen the template change after it', () => {
    const run = aHealthRun();
    run.look(0, { workloads: [aDeployment()], pods: webPods(2) });
    const changed = aDeployment({ ...lacking, revision: '2', conditions: exceeded(MINUTE) });
    const { findings } = run.look(5_000, { workloads: [changed], pods: webPods(2) });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
  });

  test('is not looked at while the controller has not seen the present generation', () => {
    const deployment = aDeployment({ ...lacking, generation: 2, conditions: exceeded(MINUTE) });
    const { findings } = assessOnce({ workloads: [deployment], pods: webPods(2) });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
  });

  test('is nothing once the Deployment is complete', () => {
    const deployment = aDeployment({ conditions: exceeded(MINUTE) });
    expect(assessOnce({ workloads: [deployment], pods: webPods(2) }).complete).toBe(true);
  });
});

describe('a Deployment with Recreate', () => {
  const recreating = aDeployment({
    desired: 1,
    strategy: 'Recreate',
    ...{ replicas: 0, updated: 0, ready: 0, available: 0 },
    conditions: [aCondition('Available', 'False', { lastTransitionAtMs: ago(2 * MINUTE) })],
  });

  test('waits for an overdue pod, which is the cause', () => {
    const overdue = aTerminatingPod(ofWeb('web-old-1', {}, 'old'));
    const sandboxErrors = new Map([[overdue.uid, aSandboxError(overdue)]]);
    const { findings, workloads } = assessOnce(
      { workloads: [recreating], pods: [overdue], sandboxErrors },
      { minPods: 0 },
    );
    expect(findings.map(brief)).toEqual([
      'terminating CalicoUnauthorized shop/web-old-1',
      'workload NotRolledOut shop/web ← shop/web-old-1',
    ]);
    expect(findings[1]?.message).toContain('its strategy Recreate makes no new pod before shop/web-old-1 is gone');
    expect(workloads).toMatchObject([{ problem: 'CalicoUnauthorized', desired: 1, ready: 0 }]);
  });

  test('is as certain as the overdue pod, no sooner and no later', () => {
    const overdue = aTerminatingPod(ofWeb('web-old-1', {}, 'old'));
    const sandboxErrors = new Map([[overdue.uid, aSandboxError(overdue)]]);
    const run = aHealthRun({ minPods: 0 });
    run.look(0, { workloads: [recreating], pods: [overdue], sandboxErrors });
    const { findings } = run.look(2_000, { workloads: [recreating], pods: [overdue], sandboxErrors });
    expect(findings.map(({ fatal }) => fatal)).toEqual([true, true]);
    expect(findings[1]?.fatalAtMs).toBe(findings[0]?.fatalAtMs);
  });

  test('just waits for an old pod that takes its granted time', () => {
    const leaving = aTerminatingPod(ofWeb('web-old-1', { deletionAtMs: NOW_MS }, 'old'));
    const { findings } = assessOnce({ workloads: [recreating], pods: [leaving] }, { minPods: 0 });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
    expect(findings[0]?.message).toContain('shop/web-old-1');
  });
});

test('pods of a ReplicaSet of another name may be those of a Deployment that has adopted it: its status counts them', () => {
  const adopted = ['a', 'b'].map((name) => aPod({ name, controller: aController('ReplicaSet', 'by-hand') }));
  const { findings } = assessOnce({ workloads: [aDeployment()], pods: adopted });
  expect(findings).toEqual([]);
});
