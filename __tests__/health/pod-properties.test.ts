import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgePod } from '../../src/health/pod.ts';
import { rememberPod } from '../../src/health/pod-memory.ts';
import type { PodCircumstances, PodMemory } from '../../src/health/pod-state.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Condition } from '../../src/objects/metadata.ts';
import type { Node } from '../../src/objects/node.ts';
import { type Container, type ContainerState, isReady, type Pod } from '../../src/objects/pod.ts';
import { TIMING } from '../../src/timing.ts';
import { aContainer, aNode, anEvent, aPod, aSandboxError, HOUR, NOW_MS } from '../builders.ts';
import { anOwner } from './pod-looks.ts';

const time = fc.integer({ min: NOW_MS - 24 * HOUR, max: NOW_MS + 24 * HOUR });
const maybeTime = fc.option(time);
/** Words that rules look for, and whatever else a server may send. */
const word = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      'Unschedulable',
      'SchedulingGated',
      'ContainerCreating',
      'PodInitializing',
      'CrashLoopBackOff',
      'ErrImagePull',
    ],
    ...[
      'ImagePullBackOff',
      'InvalidImageName',
      'CreateContainerConfigError',
      'RunContainerError',
      'StartError',
      'OOMKilled',
    ],
    ...[
      'Error',
      'Completed',
      'Evicted',
      'ReadinessGatesNotReady',
      'FailedMount',
      'FailedCreatePodSandBox',
      'Unhealthy',
    ],
    ...['__proto__', 'constructor', 'toString'],
  ),
  fc.string(),
);
const terminatedState = fc.record({
  kind: fc.constant('terminated' as const),
  reason: word,
  message: fc.string(),
  exitCode: fc.integer({ min: -1, max: 255 }),
  signal: fc.option(fc.integer({ min: 0, max: 64 })),
  startedAtMs: maybeTime,
  finishedAtMs: maybeTime,
});
const containerState: fc.Arbitrary<ContainerState> = fc.oneof(
  fc.record({ kind: fc.constant('waiting' as const), reason: word, message: fc.string() }),
  fc.record({ kind: fc.constant('running' as const), startedAtMs: maybeTime }),
  terminatedState,
  fc.constant({ kind: 'none' as const }),
);
const container: fc.Arbitrary<Container> = fc
  .record({
    name: word,
    role: fc.constantFrom('init' as const, 'sidecar' as const, 'main' as const),
    state: containerState,
    lastEnd: fc.option(terminatedState),
    ready: fc.boolean(),
    started: fc.option(fc.boolean()),
    restartCount: fc.nat(8),
  })
  .map((fields) => aContainer(fields));
const condition: fc.Arbitrary<Condition> = fc.record({
  type: fc.oneof(
    fc.constantFrom('Ready', 'PodScheduled', 'ContainersReady', 'PodReadyToStartContainers', 'DisruptionTarget'),
    word,
  ),
  status: fc.oneof(fc.constantFrom('True', 'False', 'Unknown', ''), fc.string()),
  reason: word,
  message: fc.string(),
  lastTransitionAtMs: maybeTime,
  lastUpdateAtMs: fc.constant(null),
});
const pod: fc.Arbitrary<Pod> = fc
  .record({
    createdAtMs: time,
    deletionAtMs: fc.option(time),
    finalizers: fc.array(word),
    controller: fc.option(
      fc.record({
        apiVersion: fc.constantFrom('apps/v1', 'batch/v1', ''),
        kind: fc.constantFrom('ReplicaSet', 'DaemonSet', 'Job', 'Node', 'Rollout'),
        name: word,
        uid: word,
      }),
    ),
    nodeName: fc.option(fc.constantFrom('n1', 'n2')),
    hostNetwork: fc.boolean(),
    restartPolicy: fc.constantFrom('Always', 'OnFailure', 'Never', 'Sometimes'),
    mirror: fc.boolean(),
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', '', 'Dreaming'),
    reason: word,
    conditions: fc.array(condition, { maxLength: 5 }),
    hasPodIp: fc.boolean(),
    nominatedNodeName: fc.option(word),
    readinessGates: fc.array(word, { maxLength: 2 }),
    containers: fc.array(container, { maxLength: 3 }),
  })
  .map((fields) => aPod(fields));
const event: fc.Arbitrary<Event> = fc
  .record({ reason: word, message: fc.string(), lastAtMs: time, count: fc.nat(30) })
  .map((fields) => anEvent(aPod(), fields));
const node: fc.Arbitrary<Node> = fc.array(condition, { maxLength: 2 }).map((conditions) => aNode({ conditions }));

type Given = Omit<PodCircumstances, 'now' | 'timing'>;
const circumstances: fc.Arbitrary<Given> = fc.record({
  owner: fc.option(fc.boolean().map((satisfied) => anOwner({ satisfied }))),
  sandboxError: fc.option(fc.record({ firstAtMs: time, lastAtMs: time }).map((times) => aSandboxError(aPod(), times))),
  events: fc.array(event, { maxLength: 3 }),
  node: fc.option(node),
  nodesReadable: fc.boolean(),
  eligibleNode: fc.boolean(),
  stuckAfterMs: fc.constantFrom(0, 60_000, 600_000),
});
const look = fc.record({ pod, circumstances, live: fc.boolean(), laterMs: fc.nat(HOUR) });

describe('whatever a server sends', () => {
  test('every look at every pod has an answer that the contract knows', () => {
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 4 }), (looks) => {
        let memory: PodMemory | undefined;
        let elapsedMs = 0;
        for (const { pod: seen, circumstances: given, live, laterMs } of looks) {
          elapsedMs += laterMs;
          const here: PodCircumstances = { ...given, timing: TIMING, now: { atMs: NOW_MS + elapsedMs, elapsedMs } };
          memory = rememberPod(memory, seen, here, live);
          const { class: podClass, finding } = judgePod(seen, { ...here, memory });

          if (podClass === 'ready') expect(isReady(seen)).toBe(true);
          expect(podClass === 'notReady').toBe(finding?.holdsBack === true);
          if (finding === null) continue;
          expect(finding.message).not.toBe('');
          expect(finding.sinceMs).toBeLessThanOrEqual(NOW_MS + elapsedMs);
          if (finding.fatal) expect(finding).toMatchObject({ holdsBack: true, fatalAtMs: expect.any(Number) });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('nothing is fatal before two live looks that are two seconds apart', () => {
    fc.assert(
      fc.property(look, fc.nat(1_999), ({ pod: seen, circumstances: given }, laterMs) => {
        const at = (elapsedMs: number): PodCircumstances => ({
          ...given,
          timing: TIMING,
          now: { atMs: NOW_MS + elapsedMs, elapsedMs },
        });
        const first = rememberPod(undefined, seen, at(0), true);
        const second = rememberPod(first, seen, at(laterMs), true);
        expect(judgePod(seen, { ...at(0), memory: first }).finding?.fatal ?? false).toBe(false);
        expect(judgePod(seen, { ...at(laterMs), memory: second }).finding?.fatal ?? false).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});
