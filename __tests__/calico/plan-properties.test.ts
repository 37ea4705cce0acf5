import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NextRestart, Outcome, Restart } from '../../src/calico/case.ts';
import type { Pod } from '../../src/objects/pod.ts';
import { isReady } from '../../src/objects/pod.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import {
  aCalicoDaemonSet,
  aCalicoNodePod,
  ago,
  aSandboxEvent,
  aSnapshot,
  aStuckPod,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
} from '../builders.ts';
import { aNeighbour, type Look, look } from './looks.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const NAMESPACES = ['shop', 'web', 'infra'];

/** What allows a restart is frequent, or hardly any would begin. */
function mostly<T>(usual: T, other: T): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 12 }, { arbitrary: fc.constant(other), weight: 1 });
}

const aSetOfPods = fc.array(
  fc.record({
    namespace: fc.constantFrom(...NAMESPACES),
    failedAgoMs: fc.constantFrom(5 * SECOND, 29 * SECOND, 30 * SECOND, 2 * MINUTE, 20 * MINUTE, HOUR),
    hasEvent: fc.constantFrom(true, true, true, false),
  }),
  { maxLength: 4 },
);

const aBrokenNode = fc.record({
  pods: aSetOfPods,
  /** null: no calico-node there. */
  calicoNode: fc.option(
    fc.record({
      startedAgoMs: fc.constantFrom(20 * SECOND, 2 * MINUTE, 10 * MINUTE, 3 * HOUR, 3 * HOUR, 3 * HOUR),
      ready: mostly(true, false),
      terminating: mostly(false, true),
    }),
    { freq: 20 },
  ),
  networkAgoMs: fc.constantFrom(null, 10 * SECOND, 5 * MINUTE, 2 * HOUR, 2 * HOUR, 2 * HOUR),
});

const aCluster = fc
  .record({
    nodes: fc.array(aBrokenNode, { minLength: 1, maxLength: NODES.length }),
    updated: mostly(0, 1),
    misscheduled: mostly(0, 1),
    strategy: mostly('RollingUpdate', 'OnDelete'),
  })
  .map(({ nodes, updated, misscheduled, strategy }): Snapshot => {
    const pods: Pod[] = [];
    const withEvents: Pod[] = [];
    const calicoNodes: Pod[] = [];
    nodes.forEach((node, at) => {
      const nodeName = NODES[at] ?? '';
      node.pods.forEach(({ namespace, failedAgoMs, hasEvent }, index) => {
        const pod = aStuckPod({ namespace, name: `${nodeName}-${index}`, nodeName, createdAtMs: ago(failedAgoMs) });
        pods.push(pod);
        if (hasEvent) withEvents.push(pod);
      });
      if (node.networkAgoMs !== null) {
        pods.push(
          aNeighbour(nodeName, {
            createdAtMs: ago(3 * HOUR),
            conditions: podConditions({ sinceMs: ago(node.networkAgoMs) }),
          }),
        );
      }
      if (node.calicoNode === null) return;
      const { startedAgoMs, ready, terminating } = node.calicoNode;
      const createdAtMs = ago(startedAgoMs);
      calicoNodes.push(
        aCalicoNodePod({
          nodeName,
          createdAtMs,
          conditions: podConditions({ ready, sinceMs: createdAtMs }),
          deletionAtMs: terminating ? NOW_MS : null,
        }),
      );
    });
    const daemonSet = aCalicoDaemonSet({ desired: calicoNodes.length, misscheduled, strategy });
    return aSnapshot({
      pods,
      events: withEvents.map((pod) => aSandboxEvent(pod, undefined, { lastAtMs: pod.createdAtMs })),
      calico: { daemonSets: [{ ...daemonSet, updated: daemonSet.updated - updated }], pods: calicoNodes },
    });
  });

const aRestart: fc.Arbitrary<Restart> = fc
  .record({
    node: fc.constantFrom(...NODES, 'n9'),
    answer: fc.constantFrom<Restart['answer'][]>(
      'deleted',
      'deleted',
      'deleted',
      'elsewhere',
      'forbidden',
      'failed',
      'lost',
    ),
    settled: fc.constantFrom<(Outcome | null)[]>('cured', 'cured', 'cured', 'not-cured', 'timed-out', 'unknown', null),
    namespaces: fc.uniqueArray(fc.constantFrom(...NAMESPACES), { minLength: 1 }),
  })
  .map(({ node, answer, settled: any, namespaces }) => {
    const settled = answer === 'deleted' || answer === 'elsewhere' ? any : null;
    return {
      node,
      before: {
        namespace: 'calico-system',
        pod: `calico-node-${node}`,
        uid: 'before',
        createdAtMs: NOW_MS,
        daemonSetUid: 'none',
      },
      atMs: ago(SECOND),
      elapsedMs: 59 * SECOND,
      answer,
      stuckUids: ['somebody'],
      namespaces,
      settled,
      settledElapsedMs: null,
      seenBy: null,
      outcome: answer === 'deleted' ? settled : null,
      why: 'a test',
      after: null,
    };
  });

const someSettings = fc.record({
  maxNodeRestarts: fc.integer({ min: 0, max: 4 }),
  restartCalicoNode: fc.constantFrom(true, true, true, false),
});

/** What must hold whenever a restart may begin. */
function expectAllowed(next: NextRestart, { observation, cases, restarts }: Look, deadlineInMs: number): void {
  const { settings, snapshot } = observation;
  expect(settings.restartCalicoNode).toBe(true);
  const used = restarts.filter(({ answer }) => answer === 'deleted' || answer === 'lost');
  expect(used.length).toBeLessThan(settings.maxNodeRestarts);
  // Never twice the same node, never two at a time, never after one that did not help (unless one namespace spoke
  // of it, and another one speaks of the next).
  expect(restarts.filter(({ node, answer }) => node === next.node && answer !== 'elsewhere')).toEqual([]);
  expect(used.filter(({ settled }) => settled === null)).toEqual([]);
  expect(restarts.filter(({ answer, settled }) => answer === 'elsewhere' && settled === null)).toEqual([]);
  const inVain = used.filter(({ settled }) => settled !== 'cured');
  expect(inVain.filter(({ namespaces }) => namespaces.length > 1)).toEqual([]);
  expect(inVain.filter(({ namespaces }) => next.namespaces.every((one) => namespaces.includes(one)))).toEqual([]);
  expect(restarts.filter(({ answer }) => answer === 'failed' || answer === 'forbidden')).toEqual([]);
  expect(deadlineInMs).toBeGreaterThanOrEqual(MINUTE);
  // Never without proof, never anything but the Ready calico-node pod of that node with that uid.
  expect(cases.filter(({ node, proven }) => node === next.node && proven)).toHaveLength(1);
  const target = snapshot.calico.pods.filter(({ uid }) => uid === next.target.uid);
  expect(target).toMatchObject([
    { nodeName: next.node, name: next.target.pod, namespace: next.target.namespace, deletionAtMs: null },
  ]);
  expect(target.every(isReady)).toBe(true);
  expect(next.stuckUids.length).toBeGreaterThan(0);
}

test('whatever the cluster and the run so far, a restart begins only where every rule allows it', () => {
  let begun = 0;
  fc.assert(
    fc.property(
      aCluster,
      fc.oneof(fc.constant([]), fc.array(aRestart, { maxLength: 3 })),
      someSettings,
      fc.constantFrom(30 * SECOND, 59 * SECOND, MINUTE, 10 * MINUTE, 10 * MINUTE),
      (snapshot, restarts, settings, deadlineInMs) => {
        const after = look(snapshot, { restarts, settings, deadlineInMs });
        const { next, nodes } = after.plan;
        if (next !== null) {
          begun += 1;
          expectAllowed(next, after, deadlineInMs);
        }
        const names = nodes.map(({ node }) => node);
        expect(new Set(names).size).toBe(names.length);
        expect(new Set(names)).toEqual(
          new Set([...after.cases.map(({ node }) => node), ...restarts.map(({ node }) => node)]),
        );
        for (const { action, command, why } of nodes) {
          if (action === 'planned') expect(settings.restartCalicoNode && settings.maxNodeRestarts > 0).toBe(false);
          expect(command === null || action === 'planned' || action === 'refused').toBe(true);
          if (action === 'planned') expect(command).not.toBeNull();
          expect(why).not.toBe('');
        }
      },
    ),
    { numRuns: 600, seed: 20_261_122 },
  );
  // The property would also hold for a plan that never restarts anything.
  expect(begun).toBeGreaterThan(20);
});

describe('a whole run', () => {
  const aRun = fc.record({
    nodes: fc.integer({ min: 1, max: 5 }),
    namespaces: fc.integer({ min: 1, max: 2 }),
    max: fc.integer({ min: 0, max: 5 }),
    outcomes: fc.array(
      fc.constantFrom<(Outcome | null)[]>('cured', 'cured', 'cured', 'not-cured', 'timed-out', 'unknown', null),
      { minLength: 12, maxLength: 12 },
    ),
  });

  test('restarts each node at most once, no more than the cap, and nothing after a failed cure', () => {
    fc.assert(
      fc.property(aRun, ({ nodes, namespaces, max, outcomes }) => {
        const names = NODES.slice(0, nodes);
        const stuck = names.flatMap((nodeName) =>
          NAMESPACES.slice(0, namespaces).map((namespace) =>
            aStuckPod({ nodeName, namespace, name: nodeName, createdAtMs: ago(20 * MINUTE) }),
          ),
        );
        const snapshot = aSnapshot({
          pods: [
            ...stuck,
            ...names.map((node) =>
              aNeighbour(node, { createdAtMs: ago(HOUR), conditions: podConditions({ sinceMs: ago(HOUR) }) }),
            ),
          ],
          events: stuck.map((pod) => aSandboxEvent(pod, undefined, { lastAtMs: ago(19 * MINUTE) })),
          calico: {
            daemonSets: [aCalicoDaemonSet({ desired: nodes })],
            pods: names.map((nodeName) => aCalicoNodePod({ nodeName, createdAtMs: ago(2 * HOUR) })),
          },
        });
        let restarts: readonly Restart[] = [];
        const deleted: string[] = [];
        for (const outcome of outcomes) {
          const { plan } = look(snapshot, { restarts, settings: { maxNodeRestarts: max } });
          const { next } = plan;
          if (next !== null) {
            deleted.push(next.node);
            const { node, target, stuckUids, namespaces: spoke } = next;
            const record = {
              node,
              before: { ...target, createdAtMs: NOW_MS },
              atMs: NOW_MS,
              elapsedMs: MINUTE,
              stuckUids,
              namespaces: spoke,
            };
            restarts = [
              ...restarts,
              {
                ...record,
                answer: 'deleted',
                settled: null,
                settledElapsedMs: null,
                seenBy: null,
                outcome: null,
                why: 'a test',
                after: null,
              },
            ];
          }
          restarts = restarts.map((each) => (each.settled === null ? { ...each, settled: outcome, outcome } : each));
        }
        expect(new Set(deleted).size).toBe(deleted.length);
        expect(deleted.length).toBeLessThanOrEqual(max);
        const failed = restarts.findIndex(({ settled }) => settled !== 'cured');
        if (failed >= 0 && namespaces > 1) expect(failed).toBe(restarts.length - 1);
        const allowed = Math.min(nodes, max);
        const undisturbed = outcomes.every((outcome) => outcome === 'cured');
        if (undisturbed) expect(deleted.length).toBe(allowed);
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});
