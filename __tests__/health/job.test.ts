import { describe, expect, test } from '@jest/globals';
import type { Job } from '../../src/objects/workload.ts';
import {
  aCondition,
  aContainer,
  aController,
  aDeployment,
  ago,
  aJob,
  anEvent,
  aPod,
  aStuckPod,
  HOUR,
  MINUTE,
  podConditions,
  SECOND,
  terminated,
} from '../builders.ts';
import { aHealthRun, assessOnce, brief, ofMigrate, webPods } from './health-run.ts';

const FAILED = [
  aCondition('Failed', 'True', {
    reason: 'BackoffLimitExceeded',
    message: 'Job has reached the specified backoff limit',
    lastTransitionAtMs: ago(2 * MINUTE),
  }),
];
const failed = aJob({ conditions: FAILED, succeeded: 0, failed: 2 });
const running = aJob({ conditions: [], succeeded: 0, active: 1, completedAtMs: null });
const any = { minPods: 0 };

function failedPod(name: string, createdAgoMs = MINUTE): ReturnType<typeof aPod> {
  return aPod(
    ofMigrate(name, {
      phase: 'Failed',
      createdAtMs: ago(createdAgoMs),
      conditions: podConditions({ ready: false }),
      containers: [aContainer({ state: terminated({ exitCode: 3, message: 'no such table' }) })],
    }),
  );
}

describe('a Job that does not hold back healthy', () => {
  test.each<readonly [string, Job, readonly string[]]>([
    ['has completed', aJob(), []],
    ['is running, which is noted', running, ['Job shop/migrate is running (0 of 1 completions): it is not waited for']],
    [
      'is suspended, which is noted',
      { ...running, active: 0, suspended: true },
      ['Job shop/migrate is suspended: it is not waited for'],
    ],
    ['is being deleted', { ...running, deletionAtMs: ago(SECOND) }, []],
    [
      'wants several pods at once',
      aJob({ completions: null, parallelism: 3, conditions: [], succeeded: 0 }),
      ['Job shop/migrate is running (0 of 3 completions): it is not waited for'],
    ],
  ])('%s', (_, job, notes) => {
    const assessment = assessOnce({ workloads: [job] }, any);
    expect(assessment.complete).toBe(true);
    expect(assessment.findings).toEqual([]);
    expect(assessment.notes).toEqual(notes);
    expect(assessment.workloads).toMatchObject([{ kind: 'Job', complete: true, problem: null }]);
  });

  test('has no window of its own: a Job that starts every minute would keep it open for ever', () => {
    const run = aHealthRun({ ...any, stableForMs: 15 * SECOND });
    const next = aJob({ ...running, uid: 'next', name: 'next' });
    expect(run.look(0, { workloads: [running] }).unstable).toMatchObject([
      { name: 'the Jobs in scope', completeForMs: 0 },
    ]);
    expect(run.look(15_000, { workloads: [running, next] }).unstable).toEqual([]);
    expect(run.look(16_000, { workloads: [next] }).unstable).toEqual([]);
  });

  test('keeps no window open where there is anything else', () => {
    const { unstable } = assessOnce({ workloads: [running, aDeployment()], pods: webPods(2) }, any);
    expect(unstable.map(({ name }) => name)).toEqual(['shop/web']);
  });

  test('is still trying: its failed attempts are no findings', () => {
    const { complete, findings, counts } = assessOnce({
      workloads: [running],
      pods: [failedPod('migrate-1'), aPod(ofMigrate('migrate-2'))],
    });
    expect(findings).toEqual([]);
    expect(complete).toBe(true);
    expect(counts).toMatchObject({ total: 2, ready: 1, notReady: 0 });
  });

  test('has completed: its pods are no findings', () => {
    const pods = [failedPod('migrate-1'), aPod(ofMigrate('migrate-2', { phase: 'Succeeded' }))];
    expect(assessOnce({ workloads: [aJob()], pods })).toMatchObject({
      complete: true,
      findings: [],
      counts: { completed: 1 },
    });
  });
});

describe('a Job with Failed=True', () => {
  test('is one finding, whatever the number of its attempts, and says how the last one ended', () => {
    const pods = [failedPod('migrate-1', 3 * MINUTE), failedPod('migrate-2')];
    const { findings, workloads, notReadyPods } = assessOnce({ workloads: [failed], pods }, any);
    expect(findings).toMatchObject([
      {
        ...{ pod: null, uid: null, namespace: 'shop', owner: { kind: 'Job', name: 'migrate' } },
        ...{ stage: 'crash', cause: 'Failed', sinceMs: ago(2 * MINUTE), holdsBack: true, fatal: false },
        message:
          'Job migrate failed: BackoffLimitExceeded: Job has reached the specified backoff limit; its last pod shop/migrate-2 ended with exit code 3: no such table',
      },
    ]);
    expect(workloads).toMatchObject([{ desired: 1, ready: 0, problem: 'Failed', complete: false }]);
    expect(notReadyPods).toEqual([]);
  });

  test('is fatal when two observations have seen it', () => {
    const run = aHealthRun(any);
    run.look(0, { workloads: [failed] });
    expect(run.look(1_900, { workloads: [failed] }).findings.map(brief)).toEqual(['crash Failed shop/migrate']);
    expect(run.look(2_000, { workloads: [failed] }).findings.map(brief)).toEqual(['!crash Failed shop/migrate']);
  });

  test('stays one after its TTL has deleted it', () => {
    const run = aHealthRun(any);
    run.look(0, { workloads: [failed] });
    const { findings, workloads, complete } = run.look(2_000, { workloads: [] });
    expect(findings.map(brief)).toEqual(['!crash Failed shop/migrate']);
    expect(workloads).toEqual([]);
    expect(complete).toBe(false);
  });

  test('is forgotten when a new Job has taken its name', () => {
    const run = aHealthRun(any);
    run.look(0, { workloads: [failed] });
    expect(run.look(2_000, { workloads: [{ ...running, uid: 'another' }] }).findings).toEqual([]);
  });

  test('goes by its CronJob, which people know', () => {
    const controller = aController('CronJob', 'nightly', { apiVersion: 'batch/v1' });
    const { findings } = assessOnce({ workloads: [aJob({ ...failed, name: 'nightly-1', controller })] }, any);
    expect(findings).toMatchObject([
      { owner: { kind: 'CronJob', name: 'nightly' }, message: expect.stringContaining('Job nightly-1 failed') },
    ]);
  });
});

describe('a failed Job of a CronJob', () => {
  const controller = aController('CronJob', 'nightly', { apiVersion: 'batch/v1' });
  const earlier = aJob({ ...failed, name: 'nightly-1', uid: 'nightly-1', controller, createdAtMs: ago(HOUR) });
  const later = aJob({ name: 'nightly-2', uid: 'nightly-2', controller, createdAtMs: ago(30 * MINUTE) });

  test.each<readonly [string, Job]>([
    ['a newer Job that still runs', { ...later, conditions: [], succeeded: 0 }],
    ['an older Job that succeeded', { ...later, createdAtMs: ago(2 * HOUR) }],
    ['a newer Job of another CronJob', { ...later, controller: aController('CronJob', 'weekly') }],
    ['a newer Job without a CronJob', { ...later, controller: null }],
    ['a newer Job of another namespace that names that CronJob', { ...later, namespace: 'evil' }],
  ])('is not made good by %s', (_, other) => {
    expect(assessOnce({ workloads: [earlier, other] }, any).findings.map(brief)).toEqual(['crash Failed shop/nightly']);
  });

  test('is made good by a newer one that succeeded, and stays so when the history limit deletes that', () => {
    const run = aHealthRun(any);
    expect(run.look(0, { workloads: [earlier] }).complete).toBe(false);
    const made = run.look(1_000, { workloads: [earlier, later] });
    expect(made.complete).toBe(true);
    expect(made.notes).toEqual(['Job shop/nightly-1 failed; a newer Job of its CronJob succeeded since']);
    expect(run.look(2_000, { workloads: [earlier] }).complete).toBe(true);
    expect(run.look(3_000, { workloads: [] }).complete).toBe(true);
  });
});

describe('a Job that may not create its pods', () => {
  const refused = anEvent(aPod(), {
    reason: 'FailedCreate',
    message: 'Error creating: pods "migrate-x" is forbidden: exceeded quota: small',
    about: { kind: 'Job', namespace: 'shop', name: 'migrate', uid: running.uid },
    firstAtMs: ago(MINUTE),
    lastAtMs: ago(10 * SECOND),
  });
  const idle = { ...running, active: 0 };

  test('holds back, unlike one that runs', () => {
    const { findings } = assessOnce({ workloads: [idle], events: [refused] }, any);
    expect(findings.map(brief)).toEqual(['workload CreateRefused shop/migrate']);
    expect(findings[0]?.message).toBe(
      '0 of 1 pods exist, more are refused by a quota: Error creating: pods "migrate-x" is forbidden: exceeded quota: small',
    );
  });

  test.each<readonly [string, Job, readonly ReturnType<typeof aPod>[]]>([
    ['it has a pod by now', idle, [aStuckPod(ofMigrate('migrate-1', { createdAtMs: ago(MINUTE) }))]],
    ['its status counts one', running, []],
    ['an attempt was made after the refusal', idle, [failedPod('migrate-1', SECOND)]],
  ])('is not said when %s', (_, job, pods) => {
    const { findings } = assessOnce({ workloads: [job], events: [refused], pods }, any);
    expect(findings.filter(({ cause }) => cause === 'CreateRefused')).toEqual([]);
  });
});
