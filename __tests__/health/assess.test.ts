import { describe, expect, test } from '@jest/globals';
import type { Finding } from '../../src/health/assessment.ts';
import type { Pod } from '../../src/objects/pod.ts';
import {
  aCondition,
  aContainer,
  aController,
  aCoverage,
  aDaemonSet,
  aDeployment,
  ago,
  aJob,
  aNode,
  aNotReadyPod,
  anEvent,
  anUnboundPod,
  aPod,
  aSandboxError,
  aStatefulSet,
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
import {
  aHealthRun,
  assessOnce,
  brief,
  forbidden,
  ofAgent,
  ofDb,
  ofMigrate,
  ofWeb,
  type Picture,
  webPods,
} from './health-run.ts';

const noImage = {
  containers: [
    aContainer({ state: waiting('ErrImagePull', 'manifest for registry.example/web:9 not found: manifest unknown') }),
  ],
};

function crashing(name: string, template: string, createdAtMs: number): Pod {
  const containers = [
    aContainer({
      state: waiting('CrashLoopBackOff', 'back-off'),
      restartCount: 6,
      lastEnd: terminated({ finishedAtMs: ago(20 * SECOND) }),
    }),
  ];
  return aNotReadyPod(ofWeb(name, { containers, createdAtMs }, template));
}

describe('the six counts', () => {
  test('add up to the total, and each pod is in one', () => {
    const pods = [
      ...webPods(2),
      aNotReadyPod({ name: 'bad' }),
      aPod({ name: 'done', phase: 'Succeeded' }),
      aTerminatingPod({ name: 'leaving', deletionAtMs: NOW_MS }),
      aTerminatingPod({ name: 'held', finalizers: ['example.com/hold'] }),
      aPod(ofWeb('evicted', { phase: 'Failed', reason: 'Evicted' })),
      aNotReadyPod(ofAgent('n9')),
    ];
    const { counts } = assessOnce({ workloads: [aDeployment()], pods });
    expect(counts).toEqual({
      total: 8,
      ready: 2,
      notReady: 1,
      completed: 1,
      starting: 1,
      terminating: 2,
      superseded: 1,
    });
  });
});

describe('findings are in the order of their weight', () => {
  test('what holds back before what does not, fatal before not, causes before what follows, worse causes first, then the oldest', () => {
    const overdue = aTerminatingPod({ name: 'overdue', finalizers: ['example.com/hold'] });
    const gone = anUnboundPod('Unschedulable', '0/2 nodes are available: 2 Insufficient cpu.', {
      name: 'big',
      createdAtMs: ago(MINUTE),
    });
    const pods = [
      overdue,
      gone,
      aNotReadyPod({ name: 'younger', createdAtMs: ago(MINUTE) }),
      aNotReadyPod({ name: 'older' }),
      aPod({ name: 'failed', phase: 'Failed' }),
    ];
    const run = aHealthRun();
    run.look(0, { pods });
    const { findings, notReadyPods } = run.look(2_000, { pods });
    expect(findings.map(brief)).toEqual([
      '!crash Failed shop/failed',
      'scheduling Unschedulable shop/big',
      'probe NotReady shop/older',
      'probe NotReady shop/younger',
      '~terminating StuckTerminating shop/overdue',
    ]);
    expect(notReadyPods).toEqual(['shop/failed', 'shop/big', 'shop/older', 'shop/younger']);
  });

  test('starting pods are in the counts and not among the findings', () => {
    const { findings, counts } = assessOnce(
      { pods: [aNotReadyPod({ createdAtMs: ago(MINUTE) })] },
      { stuckAfterMs: 5 * MINUTE },
    );
    expect(findings).toEqual([]);
    expect(counts).toMatchObject({ starting: 1, notReady: 0 });
  });
});

describe('a pending replacement waits for an overdue pod of its workload', () => {
  const overdue = aTerminatingPod(ofWeb('web-old-1', {}, 'old'));
  const sandboxErrors = new Map([[overdue.uid, aSandboxError(overdue)]]);
  const workloads = [aDeployment({ ready: 1, available: 1 })];
  const findingsWith = (message: string, old: Pod = overdue): readonly Finding[] => {
    const pending = anUnboundPod('Unschedulable', message, ofWeb('web-abc-1'));
    return assessOnce({ workloads, pods: [aPod(ofWeb('web-abc-0')), pending, old], sandboxErrors }).findings;
  };

  test.each([
    "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.",
    "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
    '0/2 nodes are available: 2 Insufficient memory.',
    '0/2 nodes are available: 2 Too many pods.',
    '0/2 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.',
  ])('for what pods hold: %s', (message) => {
    expect(findingsWith(message).map(brief)).toEqual([
      'terminating CalicoUnauthorized shop/web-old-1',
      'scheduling Unschedulable shop/web-abc-1 ← shop/web-old-1',
    ]);
  });

  test.each([
    "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
    '0/2 nodes are available: 2 node(s) had untolerated taint {gpu: true}.',
  ])('but not for what no pod gives back: %s', (message) => {
    expect(findingsWith(message).find(({ cause }) => cause === 'Unschedulable')?.derivedFrom).toBeNull();
  });

  test('but not for one that takes its granted time, or whose containers have all ended', () => {
    const inTime = aTerminatingPod(ofWeb('web-old-1', { deletionAtMs: NOW_MS }, 'old'));
    const ended = aTerminatingPod(ofWeb('web-old-1', { phase: 'Succeeded', finalizers: ['example.com/hold'] }, 'old'));
    for (const old of [inTime, ended]) {
      expect(
        findingsWith('2 Insufficient cpu.', old).find(({ cause }) => cause === 'Unschedulable')?.derivedFrom,
      ).toBeNull();
    }
  });

  test('and is as certain as that pod', () => {
    const pending = anUnboundPod('Unschedulable', '2 Insufficient cpu.', ofWeb('web-abc-1'));
    const run = aHealthRun();
    const picture = { workloads, pods: [aPod(ofWeb('web-abc-0')), pending, overdue], sandboxErrors };
    run.look(0, picture);
    expect(run.look(2_000, picture).findings.map(({ fatal }) => fatal)).toEqual([true, true]);
  });

  test('and keeps its own patience where that pod is held by a finalizer only', () => {
    const held = aTerminatingPod(ofWeb('web-old-1', { finalizers: ['example.com/hold'] }, 'old'));
    const pending = anUnboundPod('Unschedulable', '2 Insufficient cpu.', ofWeb('web-abc-1'));
    const run = aHealthRun();
    const picture = { workloads, pods: [aPod(ofWeb('web-abc-0')), pending, held] };
    for (let second = 0; second <= 300; second += 10) run.look(second * SECOND, picture);
    const { findings } = run.look(301_000, picture);
    expect(findings.map(brief)).toEqual([
      '!scheduling Unschedulable shop/web-abc-1 ← shop/web-old-1',
      '~terminating StuckTerminating shop/web-old-1',
    ]);
  });
});

describe('what somebody deploys is often the cure of what fails now', () => {
  const rolling = { replicas: 3, updated: 1, ready: 0, available: 0 };

  test('a crash-looping pod of the old template is not fatal while the roll-out replaces it', () => {
    const old = crashing('web-old-1', 'old', ago(HOUR));
    const fresh = aNotReadyPod(ofWeb('web-new-1', { createdAtMs: ago(SECOND) }, 'new'));
    const run = aHealthRun();
    run.look(0, { workloads: [aDeployment(rolling)], pods: [old, fresh] });
    const { findings } = run.look(5_000, { workloads: [aDeployment(rolling)], pods: [old, fresh] });
    expect(findings.map(brief)).toEqual(['crash CrashLoop shop/web-old-1', 'probe NotReady shop/web-new-1']);
    expect(findings[0]?.fatalAtMs).toBeNull();
  });

  test('nor before the controller has seen the new generation', () => {
    const run = aHealthRun();
    const picture = { workloads: [aDeployment({ generation: 2 })], pods: [crashing('web-old-1', 'old', ago(HOUR))] };
    run.look(0, picture);
    expect(run.look(5_000, picture).findings.map(({ fatal }) => fatal)).toEqual([false, false]);
  });

  test('but a pod of the new template is', () => {
    const pods = [
      aPod(ofWeb('web-old-1', { createdAtMs: ago(HOUR) }, 'old')),
      crashing('web-new-1', 'new', ago(MINUTE)),
    ];
    const run = aHealthRun();
    run.look(0, { workloads: [aDeployment(rolling)], pods });
    expect(run.look(5_000, { workloads: [aDeployment(rolling)], pods }).findings.map(brief)).toEqual([
      '!crash CrashLoop shop/web-new-1',
    ]);
  });

  test('but a paused roll-out replaces nothing', () => {
    const pods = [
      crashing('web-old-1', 'old', ago(HOUR)),
      aPod(ofWeb('web-new-1', { createdAtMs: ago(MINUTE) }, 'new')),
    ];
    const run = aHealthRun();
    const picture = { workloads: [aDeployment({ ...rolling, paused: true })], pods };
    run.look(0, picture);
    expect(run.look(5_000, picture).findings[0]).toMatchObject({ cause: 'CrashLoop', fatal: true });
  });

  test("but Calico's failure is the node's: a successor there has it as well", () => {
    const old = aStuckPod(ofWeb('web-old-1', { createdAtMs: ago(HOUR) }, 'old'));
    const fresh = aNotReadyPod(ofWeb('web-new-1', { createdAtMs: ago(SECOND) }, 'new'));
    const picture = {
      workloads: [aDeployment(rolling)],
      pods: [old, fresh],
      sandboxErrors: new Map([[old.uid, aSandboxError(old)]]),
    };
    const run = aHealthRun();
    run.look(0, picture);
    expect(run.look(5_000, picture).findings[0]).toMatchObject({ cause: 'CalicoUnauthorized', fatal: true });
  });

  test.each<readonly [string, readonly Pod[], boolean]>([
    ['has stopped at it', [], true],
    ['is on its way', [aNotReadyPod(ofDb(1, { createdAtMs: ago(SECOND) }, 'db-2'))], false],
  ])('a StatefulSet whose roll-out %s', (_, others, fatal) => {
    const broken = { ...crashing('x', 'x', ago(HOUR)), ...aPod(ofDb(0)), conditions: podConditions({ ready: false }) };
    const old: Pod = { ...broken, containers: crashing('x', 'x', ago(HOUR)).containers };
    const picture = {
      workloads: [aStatefulSet({ updateRevision: 'db-2', updated: 0, ready: 0, available: 0 })],
      pods: [old, ...others],
    };
    const run = aHealthRun();
    run.look(0, picture);
    const { findings } = run.look(5_000, picture);
    expect(findings.find(({ cause }) => cause === 'CrashLoop')?.fatal).toBe(fatal);
  });
});

describe('stuck-after', () => {
  const sweep = { stuckAfterMs: 5 * MINUTE };
  const starting = aNotReadyPod(ofWeb('web-abc-1', { createdAtMs: ago(MINUTE) }));

  test.each<readonly [string, Picture]>([
    [
      'a Deployment',
      { workloads: [aDeployment({ ready: 1, available: 1 })], pods: [aPod(ofWeb('web-abc-0')), starting] },
    ],
    [
      'a Deployment that goes on with its roll-out after them',
      {
        workloads: [aDeployment({ replicas: 3, updated: 1, ready: 2, available: 2 })],
        pods: [...webPods(2, 'old', { createdAtMs: ago(HOUR) }), starting],
      },
    ],
    [
      'a StatefulSet',
      {
        workloads: [aStatefulSet({ ready: 1, available: 1 })],
        pods: [aPod(ofDb(0)), aNotReadyPod(ofDb(1, { createdAtMs: ago(MINUTE) }))],
      },
    ],
    [
      'a DaemonSet',
      {
        workloads: [aDaemonSet({ ready: 1, available: 1 })],
        pods: [aPod(ofAgent('n1')), aNotReadyPod(ofAgent('n2', { createdAtMs: ago(MINUTE) }))],
      },
    ],
  ])('a shortage of %s that is caused only by starting pods does not count', (_, picture) => {
    const { complete, counts, workloads } = assessOnce(picture, sweep);
    expect(complete).toBe(true);
    expect(counts).toMatchObject({ starting: 1, notReady: 0 });
    expect(workloads).toMatchObject([{ problem: null, complete: true }]);
  });

  test('a shortage beyond the starting pods counts', () => {
    const picture = {
      workloads: [aDeployment({ desired: 3, ready: 1, available: 1 })],
      pods: [aPod(ofWeb('web-abc-0')), starting],
    };
    expect(assessOnce(picture, sweep).findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
  });

  test('a workload that lacks something for longer at the first look is fatal after two looks', () => {
    const conditions = [aCondition('Available', 'False', { lastTransitionAtMs: ago(6 * MINUTE) })];
    const picture = { workloads: [aDeployment({ available: 1, conditions })], pods: webPods(2) };
    const run = aHealthRun(sweep);
    expect(run.look(0, picture).findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
    expect(run.look(2_000, picture).findings.map(brief)).toEqual(['!workload NotRolledOut shop/web']);
    const later = aHealthRun(sweep);
    later.look(0, { pods: [aPod()] });
    later.look(1_000, picture);
    expect(later.look(3_000, picture).findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
    const deploy = aHealthRun();
    deploy.look(0, picture);
    expect(deploy.look(2_000, picture).findings.map(brief)).toEqual(['workload NotRolledOut shop/web']);
  });
});

describe('while a part of the picture is not fresh', () => {
  const lost = aCoverage({
    complete: false,
    gaps: [{ resource: 'deployments', namespace: null, why: 'stale', sinceMs: NOW_MS, message: 'watch broken' }],
  });
  const refused = aDeployment({
    ...{ desired: 3, replicas: 1, updated: 1, ready: 1, available: 1 },
    conditions: [aCondition('ReplicaFailure', 'True', { message: 'exceeded quota: small' })],
  });
  const picture = { workloads: [refused], pods: webPods(1) };

  test('nothing in it becomes fatal by the mere passing of time', () => {
    const run = aHealthRun();
    run.look(0, picture);
    run.look(2_000, picture);
    expect(run.look(90_000, { ...picture, coverage: lost }).findings.map(brief)).toEqual([
      'workload CreateRefused shop/web',
    ]);
  });

  test('what was fatal stays so', () => {
    const run = aHealthRun();
    run.look(0, picture);
    run.look(60_000, picture);
    expect(run.look(61_000, { ...picture, coverage: lost }).findings.map(brief)).toEqual([
      '!workload CreateRefused shop/web',
    ]);
  });

  test('what was seen is remembered with its time, also when the picture holds it no more', () => {
    const run = aHealthRun();
    run.look(0, { pods: [aNotReadyPod()] });
    run.look(5_000, { pods: [], coverage: forbidden('pods') });
    expect(run.memory().evidence).toMatchObject([{ seenAtMs: NOW_MS, finding: { pod: 'web-1' } }]);
    run.look(10_000, { pods: [aPod()] });
    expect(run.memory().evidence).toEqual([]);
  });
});

describe('warnings', () => {
  test.each<readonly [string, Picture, string]>([
    ['no events at all while pods are stuck', { pods: [aStuckPod()] }, 'events may be disabled or expired'],
    [
      'a clock of a node that is ahead',
      { pods: [aPod({ conditions: podConditions({ sinceMs: NOW_MS + 3 * MINUTE }) })] },
      "the clock of node n1 is ahead of the API server's (by 3m or more)",
    ],
  ])('name %s', (_, picture, warning) => {
    expect(assessOnce(picture).warnings).toEqual([expect.stringContaining(warning)]);
  });

  test('name nothing that may not be read: that is said once, with the rule to add', () => {
    expect(assessOnce({ pods: [aStuckPod()], coverage: forbidden('events') }).warnings).toEqual([]);
    expect(assessOnce({ pods: [aPod()], nodes: null, coverage: forbidden('nodes') }).warnings).toEqual([]);
  });

  test.each<readonly [string, Picture]>([
    ['nothing is wrong', { pods: [aPod()] }],
    ['a pod is stuck and there are events', { pods: [aStuckPod()], events: [anEvent(aStuckPod())] }],
    ['a pod is held by a finalizer only', { pods: [aTerminatingPod({ finalizers: ['example.com/hold'] }), aPod()] }],
    ['a pod has been stuck for a moment only', { pods: [aStuckPod({ createdAtMs: ago(5 * SECOND) })] }],
  ])('are absent when %s', (_, picture) => {
    expect(assessOnce(picture).warnings).toEqual([]);
  });

  test('a clock that was ahead is warned about to the end, although its time has come', () => {
    const run = aHealthRun();
    run.look(0, { pods: [aPod({ conditions: podConditions({ sinceMs: NOW_MS + MINUTE }) })] });
    expect(run.look(2 * MINUTE, { pods: [aPod()] }).warnings).toHaveLength(1);
  });
});

test('a running Job may start a pod in the middle of the windows of others without beginning them anew', () => {
  const running = aJob({ conditions: [], succeeded: 0, active: 1 });
  const run = aHealthRun();
  run.look(0, { workloads: [aDeployment(), running], pods: webPods(2) });
  const starting = aStuckPod(ofMigrate('migrate-1', { createdAtMs: NOW_MS + 10_000 }));
  run.look(10_000, { workloads: [aDeployment(), running], pods: [...webPods(2), starting] });
  expect(run.look(15_000, { workloads: [aDeployment(), running], pods: webPods(2) })).toMatchObject({
    complete: true,
    unstable: [],
  });
});

test('a pod that an owner which is not judged has replaced is superseded', () => {
  const owned = { controller: aController('ReplicaSet', 'lone') };
  const pods = [aPod({ name: 'a', ...owned, phase: 'Failed', createdAtMs: ago(HOUR) }), aPod({ name: 'b', ...owned })];
  expect(assessOnce({ pods }).counts).toMatchObject({ superseded: 1, ready: 1, notReady: 0 });
});

test('a missing image is judged by its own patience in a new roll-out', () => {
  const pods = [
    ...webPods(1),
    aStuckPod(ofWeb('web-abc-9', { ...noImage, conditions: podConditions({ ready: false }) })),
  ];
  const picture = { workloads: [aDeployment({ ready: 1, available: 1 })], pods, nodes: [aNode()] };
  const run = aHealthRun();
  run.look(0, picture);
  expect(run.look(30_000, picture).findings.map(brief)).toEqual(['!image ImageNotFound shop/web-abc-9']);
});
