import { describe, expect, test } from '@jest/globals';
import type { Event } from '../../src/objects/event.ts';
import type { Workload } from '../../src/objects/workload.ts';
import {
  aCondition,
  aDaemonSet,
  aDeployment,
  ago,
  anEvent,
  aPod,
  aSandboxError,
  aStatefulSet,
  aTerminatingPod,
  MINUTE,
  NOW_MS,
  SECOND,
} from '../builders.ts';
import { agents, aHealthRun, assessOnce, brief, ofDb, webPods } from './health-run.ts';

const QUOTA = 'pods "web-abc-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1';

function refusedDeployment(
  message: string,
  type = 'ReplicaFailure',
  status = 'True',
  reason = 'FailedCreate',
): Workload {
  const conditions = [aCondition(type, status, { reason, message, lastTransitionAtMs: ago(30 * SECOND) })];
  return aDeployment({ desired: 3, replicas: 1, updated: 1, ready: 1, available: 1, conditions });
}

function refusal(workload: Workload, overrides: Partial<Event> = {}): Event {
  return anEvent(aPod(), {
    reason: 'FailedCreate',
    message: `create Pod failed error: ${QUOTA}`,
    about: { kind: workload.kind, namespace: workload.namespace, name: workload.name, uid: workload.uid },
    ...{ component: 'statefulset-controller', host: '', firstAtMs: ago(5 * MINUTE), lastAtMs: ago(MINUTE) },
    ...overrides,
  });
}

describe('a Deployment whose pods are refused', () => {
  test.each([
    [QUOTA, 'a quota'],
    ['pods "x" is forbidden: failed quota: small: must specify limits.cpu', 'a quota'],
    ['pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged', 'Pod Security admission'],
    ['admission webhook "policy.example" denied the request: no', 'an admission webhook'],
    ['Internal error occurred: failed calling webhook "x": timeout', 'an admission webhook'],
    ["ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no", 'an admission policy'],
    ['pods "x" is forbidden: minimum memory usage per Container is 1Gi', 'a LimitRange'],
    [
      'pods "x" is forbidden: error looking up service account shop/web: serviceaccount "web" not found',
      'admission, for want of its service account',
    ],
    ['something new', 'the API server'],
  ])('says who refuses them: %s', (message, who) => {
    const { findings } = assessOnce({ workloads: [refusedDeployment(message)], pods: webPods(1) });
    expect(findings.map(brief)).toEqual(['workload CreateRefused shop/web']);
    expect(findings).toMatchObject([
      { message: `1 of 3 replicas exist, more are refused by ${who}: ${message}`, sinceMs: ago(30 * SECOND) },
    ]);
  });

  test('has 60 s of patience, from when the run first sees it', () => {
    const run = aHealthRun();
    const picture = { workloads: [refusedDeployment(QUOTA)], pods: webPods(1) };
    expect(run.look(0, picture).findings).toMatchObject([{ fatal: false }]);
    expect(run.look(59_000, picture).findings).toMatchObject([{ fatal: false }]);
    expect(run.look(60_000, picture).findings).toMatchObject([{ fatal: true }]);
    expect(run.look(60_000, picture).workloads).toMatchObject([{ problem: 'CreateRefused' }]);
  });

  test('may not even create its ReplicaSet', () => {
    const deployment = refusedDeployment(
      'replicasets.apps is forbidden',
      'Progressing',
      'False',
      'ReplicaSetCreateError',
    );
    const { findings } = assessOnce({ workloads: [deployment], pods: webPods(1) });
    expect(findings.map(brief)).toEqual(['workload CreateRefused shop/web']);
  });

  test('is fine as soon as it is complete', () => {
    const conditions = [aCondition('ReplicaFailure', 'True', { reason: 'FailedCreate', message: QUOTA })];
    expect(assessOnce({ workloads: [aDeployment({ conditions })], pods: webPods(2) }).findings).toEqual([]);
  });
});

describe('a StatefulSet or DaemonSet says it only in an event', () => {
  const db = aStatefulSet({ replicas: 1, updated: 1, ready: 1, available: 1 });
  const agent = aDaemonSet({ current: 1, updated: 1, ready: 1, available: 1 });

  test.each<readonly [string, Workload, readonly ReturnType<typeof aPod>[], string]>([
    ['StatefulSet', db, [aPod(ofDb(0))], '1 of 2 replicas exist'],
    ['DaemonSet', agent, agents('n1'), '1 of 2 pods exist'],
  ])('%s', (_, workload, pods, have) => {
    const { findings } = assessOnce({ workloads: [workload], pods, events: [refusal(workload)] });
    expect(findings).toMatchObject([
      { cause: 'CreateRefused', message: `${have}, more are refused by a quota: create Pod failed error: ${QUOTA}` },
    ]);
  });

  test('since it was refused, but not since before its youngest pod was made', () => {
    const pods = [aPod(ofDb(0, { createdAtMs: ago(2 * MINUTE) }))];
    expect(assessOnce({ workloads: [db], pods, events: [refusal(db)] }).findings).toMatchObject([
      { sinceMs: ago(2 * MINUTE) },
    ]);
  });

  test.each<readonly [string, readonly Event[], number]>([
    ['a pod was made after it', [refusal(db)], 30 * SECOND],
    [
      'another event tells that a pod was made after it',
      [refusal(db), refusal(db, { reason: 'SuccessfulCreate', lastAtMs: ago(SECOND) })],
      10 * MINUTE,
    ],
    ['it is about a namesake', [refusal(db, { about: { ...refusal(db).about, uid: 'another' } })], 10 * MINUTE],
    ['it stands in another namespace than its object', [refusal(db, { namespace: 'elsewhere' })], 10 * MINUTE],
  ])('an event does not count when %s', (_, events, podAgeMs) => {
    const pods = [aPod(ofDb(0, { createdAtMs: ago(podAgeMs) }))];
    const { findings } = assessOnce({ workloads: [db], pods, events });
    expect(findings.map(brief)).toEqual(['workload NotRolledOut shop/db']);
  });

  test('an event does not count when no pod is missing', () => {
    const { complete } = assessOnce({
      workloads: [aStatefulSet()],
      pods: [aPod(ofDb(0)), aPod(ofDb(1))],
      events: [refusal(db)],
    });
    expect(complete).toBe(true);
  });
});

describe('a quota counts pods until they are gone', () => {
  const overdue = aTerminatingPod({ name: 'other-1' });
  const sandboxErrors = new Map([[overdue.uid, aSandboxError(overdue)]]);

  test('so that what it refuses waits for an overdue pod of the namespace', () => {
    const { findings } = assessOnce({
      workloads: [refusedDeployment(QUOTA)],
      pods: [...webPods(1), overdue],
      sandboxErrors,
    });
    expect(findings.map(brief)).toEqual([
      'terminating CalicoUnauthorized shop/other-1',
      'workload CreateRefused shop/web ← shop/other-1',
    ]);
  });

  test('and what a webhook refuses waits for nobody', () => {
    const deployment = refusedDeployment('admission webhook "x" denied the request');
    const { findings } = assessOnce({ workloads: [deployment], pods: [...webPods(1), overdue], sandboxErrors });
    expect(findings.find(({ cause }) => cause === 'CreateRefused')?.derivedFrom).toBeNull();
  });
});

describe('pods that are refused, and too few pods for min-pods because of that', () => {
  const refused = aDeployment({
    ...{ desired: 1, replicas: 0, updated: 0, ready: 0, available: 0 },
    conditions: [
      aCondition('ReplicaFailure', 'True', { reason: 'FailedCreate', message: QUOTA, lastTransitionAtMs: NOW_MS }),
    ],
  });

  test('are fatal together, though the run saw the lack first, and the refusal is the worse', () => {
    const run = aHealthRun();
    run.look(-3_000, {});
    run.look(0, { workloads: [refused] });
    const before = run.look(58_000, { workloads: [refused] }).findings;
    expect(before.map(({ cause, fatal }) => [cause, fatal])).toEqual([
      ['CreateRefused', false],
      ['TooFewPods', false],
    ]);
    const after = run.look(60_000, { workloads: [refused] }).findings;
    expect(after.map(({ cause, fatal }) => [cause, fatal])).toEqual([
      ['CreateRefused', true],
      ['TooFewPods', true],
    ]);
  });

  test('do not excuse a namespace that does not exist', () => {
    const run = aHealthRun({ namespaces: ['shop', 'shpo'] });
    const namespaces = [
      { namespace: 'shop', presence: 'exists' },
      { namespace: 'shpo', presence: 'missing' },
    ] as const;
    run.look(-3_000, { namespaces });
    const { findings } = run.look(58_000, { namespaces, workloads: [refused] });
    expect(findings.find(({ namespace }) => namespace === 'shpo')).toMatchObject({ cause: 'TooFewPods', fatal: true });
  });
});
