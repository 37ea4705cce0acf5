import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/objects/pod.ts';
import type { NamespacePresence } from '../../src/objects/snapshot.ts';
import { parseSelector } from '../../src/selector.ts';
import type { Settings } from '../../src/settings.ts';
import {
  aController,
  aDeployment,
  ago,
  aJob,
  aNotReadyPod,
  aPod,
  aTerminatingPod,
  NOW_MS,
  SECOND,
} from '../builders.ts';
import { aHealthRun, assessOnce, brief, forbidden, ofMigrate, ofWeb, webPods } from './health-run.ts';

function selecting(text: string): Partial<Settings> {
  const parsed = parseSelector(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return { selector: parsed.selector, selectorText: text };
}

describe('with a selector', () => {
  test('a workload is in scope by the labels of its pod template, before it has any pod', () => {
    const workloads = [aDeployment(), aDeployment({ name: 'other', templateLabels: { app: 'other' } })];
    const { workloads: judged } = assessOnce({ workloads, pods: webPods(2) }, selecting('app=web'));
    expect(judged.map(({ name }) => name)).toEqual(['web']);
  });

  test('a workload is in scope when it owns a pod in scope, whatever its template says', () => {
    const workloads = [aDeployment({ templateLabels: { app: 'renamed' } })];
    const { workloads: judged } = assessOnce({ workloads, pods: webPods(2) }, selecting('app=web'));
    expect(judged.map(({ name }) => name)).toEqual(['web']);
  });
});

test('without a selector every workload of the namespaces is in scope, also without pods', () => {
  const { workloads, findings } = assessOnce({
    workloads: [aDeployment({ ready: 0, available: 0, replicas: 0, updated: 0 })],
  });
  expect(workloads).toHaveLength(1);
  expect(findings.map(brief)).toContain('workload NotRolledOut shop/web');
});

describe('too few pods', () => {
  const tooFew = 'workload TooFewPods /';

  test('is said with the selector as it was typed', () => {
    const { findings } = assessOnce({}, selecting('app=wbe'));
    expect(findings).toMatchObject([
      {
        ...{ cause: 'TooFewPods', stage: 'workload', namespace: '', pod: null, uid: null, owner: null },
        ...{ message: '0 pods matched `app=wbe`, expected at least 1 (min-pods)', holdsBack: true, fatal: false },
      },
    ]);
  });

  test.each<readonly [readonly string[], number, string]>([
    [[], 1, '0 pods in scope, expected at least 1 (min-pods)'],
    [['shop'], 3, '0 pods in scope, expected at least 3 (min-pods), in namespace shop'],
    [['a', 'b'], 1, '0 pods in scope, expected at least 1 (min-pods), in namespaces a, b'],
    [['a', 'b', 'c', 'd'], 1, '0 pods in scope, expected at least 1 (min-pods), in 4 namespaces'],
  ])('in namespaces %j', (namespaces, minPods, message) => {
    expect(assessOnce({}, { namespaces, minPods }).findings).toMatchObject([{ message }]);
  });

  test('has 60 s of patience, and then is fatal', () => {
    const run = aHealthRun();
    run.look(0, {});
    expect(run.look(59_000, {}).findings).toMatchObject([{ fatal: false, fatalAtMs: NOW_MS + 60_000 }]);
    expect(run.look(60_000, {}).findings).toMatchObject([{ fatal: true }]);
  });

  test('keeps its patience while the view is lost for a moment', () => {
    const run = aHealthRun();
    run.look(0, {});
    expect(run.look(30_000, { coverage: forbidden('pods', 'shop') }).findings).toEqual([]);
    expect(run.look(60_000, {}).findings).toMatchObject([{ cause: 'TooFewPods', fatal: true }]);
  });

  test('is over as soon as there are enough, and its patience begins anew', () => {
    const run = aHealthRun();
    run.look(0, {});
    expect(run.look(50_000, { pods: [aPod()] }).findings).toEqual([]);
    run.look(55_000, {});
    expect(run.look(70_000, {}).findings.map(brief)).toEqual([tooFew]);
  });

  test.each<readonly [string, Pod]>([
    ['ready', aPod()],
    ['not ready', aNotReadyPod()],
    ['completed, of a Job', aPod(ofMigrate('migrate-1', { phase: 'Succeeded' }))],
  ])('counts a pod that is %s', (_, pod) => {
    expect(assessOnce({ pods: [pod], workloads: [aJob()] }).findings.map(brief)).not.toContain(tooFew);
  });

  test.each<readonly [string, Pod]>([
    ['terminating', aTerminatingPod({ deletionAtMs: NOW_MS + SECOND })],
    ['overdue', aTerminatingPod()],
    ['superseded', aPod({ ...ofWeb('web-abc-1'), phase: 'Failed', reason: 'Evicted' })],
    ['failed', aPod({ phase: 'Failed' })],
    ['a failed attempt of a Job', aPod(ofMigrate('migrate-1', { phase: 'Failed' }))],
    ['completed, but not of a Job', aPod({ phase: 'Succeeded' })],
  ])('does not count a pod that is %s', (_, pod) => {
    expect(assessOnce({ pods: [pod], workloads: [aJob()] }).findings.map(brief)).toContain(tooFew);
  });

  test('says which pods it does not count', () => {
    const pods = [
      aTerminatingPod({ name: 'a' }),
      aPod({ name: 'b', phase: 'Succeeded' }),
      aPod({ name: 'c', phase: 'Succeeded' }),
    ];
    const { findings } = assessOnce({ pods }, { minPods: 1 });
    expect(findings.map(({ message }) => message)).toContain(
      '0 pods in scope, expected at least 1 (min-pods); not counted: 1 terminating, 2 completed',
    );
  });

  test('cannot be said of a partial view', () => {
    expect(assessOnce({ coverage: forbidden('pods', 'shop') }).findings).toEqual([]);
  });

  test('is fine with min-pods: 0, and an empty scope is complete', () => {
    expect(assessOnce({}, { minPods: 0 })).toMatchObject({ findings: [], complete: true, counts: { total: 0 } });
  });
});

describe('a namespace that was named', () => {
  const presence = (state: NamespacePresence['presence']): readonly NamespacePresence[] => [
    { namespace: 'shpo', presence: state },
  ];
  const named = { namespaces: ['shpo'] };

  test('and does not exist is unhealthy after the 60 s of too few pods, with min-pods: 0 too', () => {
    const run = aHealthRun({ ...named, minPods: 0 });
    expect(run.look(0, { namespaces: presence('missing') }).findings).toMatchObject([
      { cause: 'TooFewPods', namespace: 'shpo', message: 'namespace shpo does not exist', fatal: false },
    ]);
    expect(run.look(60_000, { namespaces: presence('missing') }).findings).toMatchObject([{ fatal: true }]);
  });

  test('and does not exist is said for itself: no pods follow from it', () => {
    expect(assessOnce({ namespaces: presence('missing') }, named).findings).toHaveLength(1);
  });

  test('and does not exist beside one without pods is two things', () => {
    const namespaces = [...presence('missing'), { namespace: 'shop', presence: 'exists' as const }];
    const { findings } = assessOnce({ namespaces }, { namespaces: ['shpo', 'shop'] });
    expect(findings.map(({ message }) => message).sort()).toEqual([
      '0 pods in scope, expected at least 1 (min-pods), in namespaces shpo, shop',
      'namespace shpo does not exist',
    ]);
  });

  test('and of which nothing is known is warned about', () => {
    const { warnings, findings } = assessOnce({ namespaces: presence('unknown') }, { ...named, minPods: 0 });
    expect(findings).toEqual([]);
    expect(warnings).toEqual([
      'whether namespace shpo exists is not known: it may not be read (get namespaces), and nothing was seen in it',
    ]);
  });

  test('and may not be read, but holds a pod, is there', () => {
    const pods = [aPod({ namespace: 'shpo' })];
    expect(assessOnce({ namespaces: presence('unknown'), pods }, named).warnings).toEqual([]);
  });
});

describe('pods that have ended and were replaced are superseded, in the total only', () => {
  test.each<readonly [string, Partial<Pod>]>([
    ['by its Deployment', ofWeb('web-abc-9')],
    ['by an owner that is not judged', { name: 'lone-9', controller: aController('ReplicaSet', 'lone') }],
  ])('%s', (_, owned) => {
    const gone = aPod({ ...owned, name: owned.name ?? '', phase: 'Failed', createdAtMs: ago(3_600_000) });
    const sibling = aPod({ name: 'lone-1', controller: aController('ReplicaSet', 'lone') });
    const { counts, complete } = assessOnce({ workloads: [aDeployment()], pods: [...webPods(2), sibling, gone] });
    expect(counts).toMatchObject({ superseded: 1, notReady: 0 });
    expect(complete).toBe(true);
  });
});
