import { describe, expect, test } from '@jest/globals';
import {
  aContainer,
  aController,
  ago,
  aNotReadyPod,
  anEvent,
  aPod,
  MINUTE,
  podConditions,
  SECOND,
  terminated,
  waiting,
} from '../builders.ts';
import { AT_ONCE, podWaiting, podWith, type Row, testRows } from './ladder-rows.ts';
import { anOwner, judge } from './pod-looks.ts';

const failed = { phase: 'Failed', conditions: podConditions({ sandbox: false }) } as const;
const OCI = 'failed to create containerd task: OCI runtime create failed: unable to start container process: ';

const startAndCrash: readonly Row[] = [
  {
    when: 'its command does not exist (seen twice)',
    pod: podWith({
      state: waiting('CrashLoopBackOff', 'back-off 20s'),
      lastEnd: terminated({ reason: 'StartError', exitCode: 128, message: `${OCI}exec: "/nope": no such file` }),
      restartCount: 1,
    }),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: AT_ONCE,
    message: 'container app: 1 restart, exit code 128 (StartError): failed to create containerd task',
  },
  {
    when: 'its command does not exist (seen once)',
    pod: podWith({
      state: terminated({ reason: 'StartError', exitCode: 128, message: `${OCI}exec: "/nope": no such file` }),
    }),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: 2 * MINUTE,
    message: '/nope',
  },
  {
    when: 'the runtime cannot start it for a reason of its own',
    pod: podWaiting('RunContainerError', 'error mounting "/x": no such file or directory', { restartCount: 3 }),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: 2 * MINUTE,
    message: 'RunContainerError: error mounting',
  },
  {
    when: 'the runtime cannot create it',
    pod: podWaiting('CreateContainerError', 'context deadline exceeded'),
    stage: 'start',
    cause: 'StartError',
    fatalAfterMs: 2 * MINUTE,
    message: 'CreateContainerError: context deadline exceeded',
  },
  {
    when: 'it crashed once',
    pod: podWith({ state: terminated({ exitCode: 2 }) }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: null,
    message: 'container app: 0 restarts, exit code 2',
  },
  {
    when: 'it crashed three times',
    pod: podWith({
      state: waiting('CrashLoopBackOff'),
      lastEnd: terminated({ exitCode: 1, message: 'no database' }),
      restartCount: 2,
    }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'container app: 2 restarts, exit code 1: no database',
  },
  {
    when: 'it ends with exit code 0 again and again',
    pod: podWith({
      state: waiting('CrashLoopBackOff'),
      lastEnd: terminated({ exitCode: 0, reason: 'Completed' }),
      restartCount: 4,
    }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'exit code 0 (Completed)',
  },
  {
    when: 'it ran out of memory twice',
    pod: podWith({
      state: waiting('CrashLoopBackOff'),
      lastEnd: terminated({ exitCode: 137, reason: 'OOMKilled' }),
      restartCount: 1,
    }),
    stage: 'crash',
    cause: 'OutOfMemory',
    fatalAfterMs: AT_ONCE,
    message: 'exit code 137 (SIGKILL, OOMKilled)',
  },
  {
    when: 'its init container crashed three times',
    pod: aNotReadyPod({
      containers: [
        aContainer({
          name: 'i',
          role: 'init',
          state: waiting('CrashLoopBackOff'),
          lastEnd: terminated(),
          restartCount: 4,
        }),
        aContainer({ state: waiting('PodInitializing') }),
      ],
    }),
    stage: 'crash',
    cause: 'InitCrash',
    fatalAfterMs: AT_ONCE,
    message: 'init container i: 4 restarts, exit code 1',
  },
  {
    when: 'its sidecar crashed three times, which is like a main container',
    pod: aNotReadyPod({
      restartPolicy: 'Never',
      containers: [
        aContainer({
          name: 's',
          role: 'sidecar',
          state: waiting('CrashLoopBackOff'),
          lastEnd: terminated(),
          restartCount: 2,
        }),
        aContainer({ state: waiting('PodInitializing') }),
      ],
    }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'sidecar s',
  },
  {
    when: 'one of its containers failed and is never restarted',
    pod: aNotReadyPod({
      restartPolicy: 'Never',
      containers: [aContainer({ name: 'a', state: terminated({ exitCode: 3 }) }), aContainer({ name: 'b' })],
    }),
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: AT_ONCE,
    message: 'container a: 0 restarts, exit code 3',
  },
  {
    when: 'a signal ended it',
    pod: podWith({ state: terminated({ exitCode: 0, signal: 11 }) }),
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: null,
    message: 'signal 11 (SIGSEGV)',
  },
  {
    when: 'its liveness probe ended it',
    pod: podWith({ state: waiting('CrashLoopBackOff'), lastEnd: terminated({ exitCode: 143 }), restartCount: 2 }),
    look: { events: [anEvent(aPod(), { message: 'Liveness probe failed: HTTP probe failed with statuscode: 500' })] },
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'exit code 143 (SIGTERM); Liveness probe failed: HTTP probe failed',
  },
  {
    when: 'its liveness probe ended it, and it ended well',
    pod: podWith({
      state: waiting('CrashLoopBackOff'),
      lastEnd: terminated({ exitCode: 0, startedAtMs: ago(60_000), finishedAtMs: ago(20_000) }),
      restartCount: 2,
    }),
    look: { events: [anEvent(aPod(), { message: 'Liveness probe failed: no answer', lastAtMs: ago(21_000) })] },
    stage: 'crash',
    cause: 'CrashLoop',
    fatalAfterMs: AT_ONCE,
    message: 'exit code 0; Liveness probe failed: no answer',
  },
  {
    when: 'it failed and nobody replaces it',
    pod: podWith({ state: terminated({ exitCode: 7 }) }, failed),
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: AT_ONCE,
    message: 'container app: exit code 7',
  },
  {
    when: 'it was evicted and nobody replaces it',
    pod: podWith({}, { ...failed, reason: 'Evicted', message: 'The node was low on resource: memory.' }),
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: AT_ONCE,
    message: 'Evicted: The node was low on resource: memory.',
  },
  {
    when: 'it failed for a reason of its own and its owner lacks it',
    pod: podWith({}, { ...failed, reason: 'DeadlineExceeded', controller: aController('ReplicaSet', 'web-1') }),
    look: { owner: anOwner({ satisfied: false }) },
    stage: 'crash',
    cause: 'Failed',
    fatalAfterMs: 30 * SECOND,
    message: 'DeadlineExceeded',
  },
];

testRows('a container that does not stay up', startAndCrash);

describe('a container that ended well again and again', () => {
  test.each([
    ['before the last run began', 90_000],
    ['after it had ended', 10_000],
  ])('is not said to have been ended by a liveness probe that failed %s', (_, agoMs) => {
    const lastEnd = terminated({ exitCode: 0, startedAtMs: ago(60_000), finishedAtMs: ago(20_000) });
    const pod = podWith({ state: waiting('CrashLoopBackOff'), lastEnd, restartCount: 2 });
    const event = anEvent(aPod(), { message: 'Liveness probe failed: no answer', lastAtMs: ago(agoMs) });
    expect(judge(pod, { events: [event] }).finding?.message).toMatch(/exit code 0( \(\w+\))?$/);
  });
});
