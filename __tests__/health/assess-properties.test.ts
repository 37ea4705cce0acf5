import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { neededGaps } from '../../src/health/blindness.ts';
import type { Condition } from '../../src/objects/metadata.ts';
import type { Node } from '../../src/objects/node.ts';
import { isReady, type Pod } from '../../src/objects/pod.ts';
import type { Coverage, Gap } from '../../src/objects/snapshot.ts';
import type { Workload } from '../../src/objects/workload.ts';
import type { Settings } from '../../src/settings.ts';
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
  aPod,
  aSandboxError,
  aStatefulSet,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
  terminated,
  waiting,
} from '../builders.ts';
import { aHealthRun, type HealthRun, type Picture } from './health-run.ts';

const time = fc.integer({ min: ago(HOUR), max: NOW_MS + 10 * MINUTE });
const small = fc.nat(3);
const owner: fc.Arbitrary<Partial<Pod>> = fc.constantFrom<Partial<Pod>[]>(
  { controller: null },
  { controller: aController('ReplicaSet', 'web-abc'), revision: 'abc' },
  { controller: aController('ReplicaSet', 'web-old'), revision: 'old' },
  { controller: aController('StatefulSet', 'db'), revision: 'db-1' },
  { controller: aController('StatefulSet', 'db'), revision: 'db-0' },
  { controller: aController('DaemonSet', 'agent'), revision: '1' },
  { controller: aController('Job', 'migrate') },
  { controller: aController('ReplicaSet', 'lone') },
  { controller: aController('Rollout', 'canary', { apiVersion: 'argoproj.io/v1alpha1' }) },
);
const shape: fc.Arbitrary<Partial<Pod>> = fc.constantFrom<Partial<Pod>[]>(
  {},
  {},
  { conditions: podConditions({ ready: false }), containers: [aContainer({ ready: false })] },
  {
    conditions: podConditions({ sandbox: false }),
    phase: 'Pending',
    hasPodIp: false,
    containers: [aContainer({ state: waiting('ContainerCreating') })],
  },
  {
    conditions: podConditions({ ready: false }),
    containers: [aContainer({ state: waiting('CrashLoopBackOff'), restartCount: 5, lastEnd: terminated() })],
  },
  { conditions: podConditions({ ready: false }), containers: [aContainer({ state: waiting('InvalidImageName') })] },
  {
    nodeName: null,
    phase: 'Pending',
    conditions: [aCondition('PodScheduled', 'False', { reason: 'Unschedulable', message: '2 Insufficient cpu' })],
    containers: [],
  },
  { phase: 'Succeeded', conditions: podConditions({ ready: false }) },
  { phase: 'Failed', conditions: podConditions({ ready: false }) },
  { phase: 'Failed', reason: 'Evicted', conditions: [] },
  { phase: 'Unknown' },
  { phase: '', conditions: [], containers: [] },
);
const pod: fc.Arbitrary<Pod> = fc
  .record({
    index: fc.nat(9),
    owner,
    shape,
    createdAtMs: time,
    deletionAtMs: fc.option(time, { freq: 4 }),
    finalizers: fc.constantFrom([], ['example.com/hold']),
    nodeName: fc.constantFrom('n1', 'n2', 'n3'),
  })
  .map(({ index, owner: owned, shape: shaped, ...rest }) =>
    aPod({ ...rest, ...owned, ...shaped, name: `pod-${index}` }),
  );

const status = { ready: small, available: small, updated: small, generation: fc.integer({ min: 1, max: 2 }) };
const observedGeneration = fc.constantFrom(1, 1, 1, 2, null);
const deletionAtMs = fc.option(time, { freq: 8 });
const conditions: fc.Arbitrary<readonly Condition[]> = fc.subarray([
  aCondition('Available', 'False'),
  aCondition('Progressing', 'False', { reason: 'ProgressDeadlineExceeded', lastUpdateAtMs: ago(MINUTE) }),
  aCondition('ReplicaFailure', 'True', { message: 'exceeded quota: small' }),
]);
const workloads: fc.Arbitrary<readonly Workload[]> = fc
  .tuple(
    fc
      .record({
        ...status,
        observedGeneration,
        conditions,
        deletionAtMs,
        desired: small,
        replicas: small,
        paused: fc.boolean(),
        strategy: fc.constantFrom('RollingUpdate', 'Recreate', 'New'),
        revision: fc.constantFrom('', '1', '2'),
      })
      .map((fields): Workload => aDeployment(fields)),
    fc
      .record({
        ...status,
        observedGeneration,
        deletionAtMs,
        desired: small,
        replicas: small,
        partition: small,
        strategy: fc.constantFrom('RollingUpdate', 'OnDelete'),
      })
      .map((fields): Workload => aStatefulSet(fields)),
    fc
      .record({
        ...status,
        observedGeneration,
        deletionAtMs,
        desired: fc.option(small),
        current: small,
        strategy: fc.constantFrom('RollingUpdate', 'OnDelete'),
      })
      .map((fields): Workload => aDaemonSet(fields)),
    fc
      .record({
        active: small,
        succeeded: small,
        suspended: fc.boolean(),
        conditions: fc.subarray([aCondition('Failed', 'True'), aCondition('Complete', 'True')], { maxLength: 1 }),
      })
      .map((fields): Workload => aJob(fields)),
  )
  .chain((all) => fc.subarray(all));
const node: fc.Arbitrary<Node> = fc
  .record({
    name: fc.constantFrom('n1', 'n2', 'n3'),
    createdAtMs: time,
    deletionAtMs,
    ready: fc.constantFrom('True', 'False', 'Unknown'),
  })
  .map(({ ready, ...rest }) => aNode({ ...rest, conditions: [aCondition('Ready', ready)] }));
const gap: fc.Arbitrary<Gap> = fc.record({
  resource: fc.constantFrom('pods', 'events', 'nodes', 'deployments', 'statefulsets', 'daemonsets', 'jobs'),
  namespace: fc.constantFrom(null, 'shop', 'other'),
  why: fc.constantFrom('forbidden', 'never-read', 'stale'),
  sinceMs: time,
  message: fc.string(),
});
const coverage: fc.Arbitrary<Coverage> = fc
  .record({
    gaps: fc.oneof(fc.constant([]), fc.array(gap, { maxLength: 2 })),
    complete: fc.boolean(),
    reconnections: fc.nat(1),
  })
  .map(({ gaps, complete, reconnections }) =>
    aCoverage({ gaps, complete: complete && gaps.length === 0, reconnections }),
  );
const picture: fc.Arbitrary<Picture> = fc
  .record({
    pods: fc.uniqueArray(pod, { maxLength: 8, selector: ({ name }) => name }),
    workloads,
    nodes: fc.option(fc.uniqueArray(node, { maxLength: 3, selector: ({ name }) => name })),
    coverage,
    stuck: fc.nat(8),
  })
  .map(({ stuck, ...rest }) => ({
    ...rest,
    sandboxErrors: new Map(rest.pods.slice(0, stuck % 3).map((one) => [one.uid, aSandboxError(one)])),
  }));
const settings: fc.Arbitrary<Partial<Settings>> = fc.record({
  minPods: small,
  failFast: fc.boolean(),
  stuckAfterMs: fc.constantFrom(0, 5 * MINUTE),
  stableForMs: fc.constantFrom(0, 15 * SECOND),
});
/** Looks of one run: what is seen, and how long after the look before. */
const looks = fc.array(fc.tuple(picture, fc.constantFrom(200, 2_000, 20_000, 120_000)), { minLength: 1, maxLength: 4 });

function play(
  chosen: Partial<Settings>,
  seen: readonly (readonly [Picture, number])[],
): { run: HealthRun; last: Picture; atMs: number } {
  const run = aHealthRun(chosen);
  let atMs = 0;
  let last: Picture = {};
  for (const [one, afterMs] of seen) {
    last = one;
    run.look(atMs, one);
    atMs += afterMs;
  }
  return { run, last, atMs };
}

describe('whatever a run sees, look after look,', () => {
  test('the six counts add up, and every pod that is not ready has a name in the list and a finding that holds back', () => {
    fc.assert(
      fc.property(settings, looks, (chosen, seen) => {
        const { run, last, atMs } = play(chosen, seen);
        const { counts, findings, notReadyPods } = run.look(atMs, last);
        const { total, ...classes } = counts;
        expect(total).toBe(last.pods?.length);
        expect(Object.values(classes).reduce((sum, count) => sum + count, 0)).toBe(total);
        expect(notReadyPods).toHaveLength(counts.notReady);
        expect(new Set(notReadyPods).size).toBe(notReadyPods.length);
        const held = new Set(
          findings.filter(({ holdsBack }) => holdsBack).map(({ namespace, pod: name }) => `${namespace}/${name}`),
        );
        expect(notReadyPods.filter((name) => !held.has(name))).toEqual([]);
        expect(findings.filter(({ fatal, holdsBack }) => fatal && !holdsBack)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('what is not complete has a finding that says why, and a complete workload has no problem', () => {
    fc.assert(
      fc.property(settings, looks, (chosen, seen) => {
        const { run, last, atMs } = play(chosen, seen);
        const { complete, findings, workloads: judged, unstable } = run.look(atMs, last);
        const isAllRead = neededGaps(last.coverage ?? aCoverage()).every(({ why }) => why === 'stale');
        expect(complete).toBe(isAllRead && findings.every(({ holdsBack }) => !holdsBack));
        for (const one of judged) {
          expect(one.complete).toBe(one.problem === null);
          if (!one.complete) expect(one.completeForMs).toBe(0);
        }
        if (chosen.stableForMs === 0) expect(unstable).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('healthy is never said of a picture that is not complete, not confirmed, or holds anything that is not ready', () => {
    const judged = fc.record({
      confirmed: fc.boolean(),
      deadlineReached: fc.boolean(),
      cureInProgress: fc.boolean(),
      cancelled: fc.option(fc.constant('SIGTERM'), { freq: 8 }),
      apiFailure: fc.option(fc.constant({ message: '401' }), { freq: 8 }),
    });
    let healthy = 0;
    fc.assert(
      fc.property(settings, looks, judged, (chosen, seen, input) => {
        const { run, last, atMs } = play(chosen, seen);
        const { counts } = run.look(atMs, last);
        const judgement = run.judge(input);
        if (input.deadlineReached || input.cancelled !== null || input.apiFailure !== null)
          expect(judgement.kind).toBe('end');
        if (judgement.kind !== 'end') return;
        expect(judgement.reason).not.toBe('');
        if (judgement.verdict !== 'healthy') return;
        healthy += 1;
        expect(last.coverage).toMatchObject({ complete: true, gaps: [] });
        expect(input).toMatchObject({ cancelled: null, apiFailure: null });
        expect(input.confirmed || chosen.stableForMs === 0).toBe(true);
        expect(counts.notReady).toBe(0);
        expect(input.cureInProgress && !input.deadlineReached).toBe(false);
        const unwell = last.pods?.filter(
          (one) => one.deletionAtMs === null && one.controller === null && !isReady(one),
        );
        expect(
          unwell?.every(
            ({ phase, createdAtMs }) =>
              phase === 'Succeeded' || (chosen.stuckAfterMs ?? 0) > NOW_MS + atMs - createdAtMs,
          ),
        ).toBe(true);
      }),
      {
        numRuns: 1_000,
        examples: [
          [
            { stableForMs: 0, minPods: 0 },
            [[{ pods: [aPod()], workloads: [], coverage: aCoverage() }, 200]],
            { confirmed: false, deadlineReached: false, cureInProgress: false, cancelled: null, apiFailure: null },
          ],
        ],
      },
    );
    expect(healthy).toBeGreaterThan(0);
  });

  test('the order in which a server lists things decides nothing', () => {
    fc.assert(
      fc.property(settings, looks, (chosen, seen) => {
        const forwards = play(chosen, seen);
        const backwards = play(
          chosen,
          seen.map(([one, afterMs]) => [
            { ...one, pods: one.pods?.toReversed() ?? [], workloads: one.workloads?.toReversed() ?? [] },
            afterMs,
          ]),
        );
        expect(backwards.run.judge()).toEqual(forwards.run.judge());
        const [there, back] = [forwards, backwards].map(({ run, last, atMs }) => run.look(atMs, last));
        expect(back?.findings).toEqual(there?.findings);
        expect(back?.unstable).toEqual(there?.unstable);
        expect(back?.warnings).toEqual(there?.warnings);
      }),
      { numRuns: 500 },
    );
  });
});
