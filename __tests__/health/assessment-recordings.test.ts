import { describe, expect, test } from '@jest/globals';
import { lookAtHealth } from '../../src/health/assess.ts';
import type { Assessment } from '../../src/health/assessment.ts';
import { EMPTY_HEALTH_MEMORY } from '../../src/health/memory.ts';
import { type Judgement, judge } from '../../src/health/verdict.ts';
import type { Settings } from '../../src/settings.ts';
import { TIMING } from '../../src/timing.ts';
import { MINUTE } from '../builders.ts';
import { brief, endOf } from './health-run.ts';
import { recordedLook } from './recorded.ts';

interface Seen {
  readonly assessment: Assessment;
  readonly judgement: Judgement;
}

/** Looks at a recorded state as if it had not changed: when it was recorded, every two seconds from then on, at the end. */
function see(name: string, forMs: number, settings: Partial<Settings> = {}): Seen {
  let memory = EMPTY_HEALTH_MEMORY;
  for (let atMs = 0; ; atMs = Math.min(forMs, atMs + 2_000)) {
    const observation = recordedLook(name, atMs, settings);
    const look = lookAtHealth(memory, observation);
    memory = look.memory;
    if (atMs < forMs) continue;
    const judgement = judge({
      ...{
        assessment: look.assessment,
        memory,
        coverage: observation.snapshot.coverage,
        settings: observation.settings,
      },
      ...{
        timing: TIMING,
        catchUpLeftMs: 0,
        now: observation.now,
        deadlineReached: false,
        cureInProgress: false,
        nodes: [],
        restarts: [],
      },
      ...{ cancelled: null, apiFailure: null, confirmed: true },
    });
    return { assessment: look.assessment, judgement };
  }
}

/** `Deployment shop/web 4/4`, with the problem where there is one. */
function workloadsOf({ workloads }: Assessment): readonly string[] {
  return workloads.map(({ kind, namespace, name, desired, ready, problem }) => {
    return `${kind} ${namespace}/${name} ${ready}/${desired}${problem === null ? '' : ` ${problem}`}`;
  });
}

/** Both nodes were made a minute before the first recording: in a cluster as new as that the DaemonSet is measured all the same. */
const HEALTHY = ['DaemonSet calico-system/calico-node 2/2', 'Deployment shop/ledger 1/1', 'Deployment shop/web 4/4'];

describe.each(['1-healthy', '4-cured'])('%s', (name) => {
  test('is complete: the old events of pods that are well by now say nothing', () => {
    const { assessment } = see(name, 0);
    expect(assessment.counts).toEqual({
      total: 7,
      ready: 7,
      notReady: 0,
      completed: 0,
      starting: 0,
      terminating: 0,
      superseded: 0,
    });
    expect(assessment.findings).toEqual([]);
    expect(assessment.notReadyPods).toEqual([]);
    expect(workloadsOf(assessment)).toEqual(HEALTHY);
    expect(assessment).toMatchObject({ complete: true, warnings: [], notes: [] });
  });

  test('is healthy when it stayed so', () => {
    expect(see(name, 14_000).judgement).toMatchObject({ kind: 'wait' });
    expect(endOf(see(name, 16_000).judgement)).toEqual({
      verdict: 'healthy',
      reason: 'all 7 pods in 3 workloads are ready and stayed so for 15s',
    });
  });
});

describe.each([
  ['2-one-node-unauthorized', { ready: 5, notReady: 4 }, []],
  ['3-restarted', { ready: 4, notReady: 5 }, ['calico-system/calico-node-xw4f7']],
] as const)('%s', (name, counts, restarted) => {
  test("has four pods with Calico's failure, starting and terminating, and a Recreate that waits for one of them", () => {
    const { assessment } = see(name, 0);
    expect(assessment.findings.map(brief)).toEqual([
      'sandbox CalicoUnauthorized shop/web-84c5c9947d-tbm6n',
      'terminating CalicoUnauthorized shop/ledger-6f98d48b7-pjtlf',
      'sandbox CalicoUnauthorized shop/web-84c5c9947d-d55q4',
      'terminating CalicoUnauthorized shop/web-899997f4b-zk598',
      ...restarted.map((pod) => `sandbox SandboxSilent ${pod}`),
      'workload NotRolledOut shop/ledger ← shop/ledger-6f98d48b7-pjtlf',
    ]);
    expect(assessment.counts).toEqual({
      total: 9,
      ...counts,
      completed: 0,
      starting: 0,
      terminating: 0,
      superseded: 0,
    });
    expect(assessment.notReadyPods).toEqual([
      'shop/web-84c5c9947d-tbm6n',
      'shop/ledger-6f98d48b7-pjtlf',
      'shop/web-84c5c9947d-d55q4',
      'shop/web-899997f4b-zk598',
      ...restarted,
    ]);
    expect(assessment.findings.every(({ node, pod }) => pod === null || node === 'n1')).toBe(true);
    expect(assessment.complete).toBe(false);
  });

  test('although one Deployment says Available=True and the other "has successfully progressed"', () => {
    const { assessment } = see(name, 0);
    expect(workloadsOf(assessment).slice(1)).toEqual([
      'Deployment shop/ledger 0/1 CalicoUnauthorized',
      'Deployment shop/web 3/4 CalicoUnauthorized',
    ]);
  });

  test('is unhealthy after the two minutes in which the failure may heal by itself', () => {
    expect(see(name, 20_000).judgement).toMatchObject({ kind: 'wait' });
    const { verdict, reason } = endOf(see(name, 50_000).judgement);
    expect(verdict).toBe('unhealthy');
    expect(reason).toContain(
      "4 pods on n1 cannot get or give back their network: Calico's CNI token is rejected by the API server",
    );
  });
});

describe('5-forbidden', () => {
  test('is a look-alike, on new pods only: the old 401 events of Ready pods say nothing', () => {
    const { assessment } = see('5-forbidden', 0);
    expect(assessment.findings.map(brief)).toEqual([
      'sandbox CalicoForbidden shop/web-6c8c6944cc-blds5',
      'sandbox CalicoForbidden shop/web-6c8c6944cc-wlnzq',
    ]);
    expect(assessment.counts).toEqual({
      total: 9,
      ready: 6,
      notReady: 2,
      completed: 0,
      starting: 0,
      terminating: 1,
      superseded: 0,
    });
    expect(workloadsOf(assessment)).toEqual([
      'DaemonSet calico-system/calico-node 2/2',
      'Deployment shop/ledger 1/1',
      'Deployment shop/web 3/4 CalicoForbidden',
    ]);
  });

  test('counts the pod that cannot end as soon as it is overdue', () => {
    const { assessment } = see('5-forbidden', 10_000);
    expect(assessment.findings.map(brief)).toContain('terminating CalicoForbidden shop/web-84c5c9947d-sf2mm');
    expect(assessment.counts).toMatchObject({ notReady: 3, terminating: 0 });
  });

  test('is unhealthy with what to repair, and no restart', () => {
    const { verdict, reason } = endOf(see('5-forbidden', 4 * MINUTE).judgement);
    expect(verdict).toBe('unhealthy');
    expect(reason).toContain('cannot get resource "clusterinformations"');
    expect(reason).toContain('ClusterRole');
    expect(reason).not.toContain('kubectl delete pod');
  });
});

describe('6-ordinary-failures', () => {
  test('has one finding for each thing that is wrong, worst first', () => {
    const { assessment } = see('6-ordinary-failures', 2_000);
    expect(assessment.findings.map(brief)).toEqual([
      '!crash CrashLoop trouble/crash-77cc5f6c7d-6pndb',
      '!crash CrashLoop trouble/crash-77cc5f6c7d-wmpjn',
      '!crash InitCrash trouble/init-crash',
      '!crash Failed trouble/bare-failed',
      '!crash Failed trouble/job-fails',
      '!start StartError trouble/bad-command',
      '!image InvalidImage trouble/bad-name',
      '!image ImageNotFound trouble/never-image',
      '!workload ProgressDeadline trouble/crash',
      'config MissingConfig trouble/no-secret',
      'volumes VolumeMissing trouble/no-configmap-volume',
      'image RegistryUnavailable trouble/bad-image',
      'workload CreateRefused quota/over',
      'scheduling Unschedulable trouble/too-big-7f7d9cc5c-dc9zw',
      'probe NotStarted trouble/never-started',
      'probe NotReady trouble/never-ready',
      'gate ReadinessGate trouble/readiness-gate',
      'scheduling SchedulingGated trouble/gated',
    ]);
    expect(assessment.counts).toEqual({
      total: 27,
      ready: 10,
      notReady: 15,
      completed: 0,
      starting: 0,
      terminating: 0,
      superseded: 2,
    });
  });

  test('shows a quota, a progress deadline and a failed Job on their workloads, and leaves the others alone', () => {
    const { assessment } = see('6-ordinary-failures', 0);
    expect(workloadsOf(assessment)).toEqual([
      'DaemonSet calico-system/calico-node 2/2',
      'Deployment quota/over 1/3 CreateRefused',
      'Deployment shop/ledger 1/1',
      'Deployment shop/web 4/4',
      'Deployment trouble/crash 0/2 CrashLoop',
      'Deployment trouble/too-big 0/1 Unschedulable',
      'StatefulSet trouble/sts 2/2',
      'Job trouble/job-fails 0/1 Failed',
    ]);
    const messages = new Map(
      assessment.findings.filter(({ pod }) => pod === null).map(({ cause, message }) => [cause, message]),
    );
    expect(messages.get('CreateRefused')).toMatch(
      /^1 of 3 replicas exist, more are refused by a quota: pods "over-65f78b7f64-\w+" is forbidden: exceeded quota/,
    );
    expect(messages.get('ProgressDeadline')).toBe(
      '0 of 2 replicas are available; ReplicaSet "crash-77cc5f6c7d" has timed out progressing.',
    );
    expect(messages.get('Failed')).toMatch(/^Job job-fails failed: BackoffLimitExceeded: .*ended with exit code 1/);
  });

  test('is unhealthy at the second look, with the worst in the first words', () => {
    expect(see('6-ordinary-failures', 0).judgement).toMatchObject({ kind: 'wait' });
    const { verdict, reason } = endOf(see('6-ordinary-failures', 2_000).judgement);
    expect(verdict).toBe('unhealthy');
    expect(reason).toMatch(
      /^trouble\/crash: 2 of 2 pods are not ready: .*exit code 1.*; 16 more things are wrong, see the findings$/,
    );
  });

  test('waits for nothing outside the namespaces that are well', () => {
    const { assessment } = see('6-ordinary-failures', 0);
    const unwell = assessment.findings.filter(({ namespace }) => namespace !== 'trouble' && namespace !== 'quota');
    expect(unwell).toEqual([]);
  });
});
