import { describe, expect, test } from '@jest/globals';
import {
  aContainer,
  aController,
  ago,
  aLostNode,
  anEvent,
  aSandboxError,
  aTerminatingPod,
  MINUTE,
  SECOND,
} from '../builders.ts';
import { anOwner, aWatcher, fatalAfterMs, judge } from './pod-looks.ts';

const overdue = aTerminatingPod({ deletionAtMs: ago(31 * SECOND), controller: aController('ReplicaSet', 'web-1') });

describe('a Terminating pod', () => {
  test('is overdue 30 s after its deletionTimestamp, which includes the grace period', () => {
    const watcher = aWatcher();
    const pod = aTerminatingPod({ deletionAtMs: ago(0), finalizers: ['example.com/hold'] });
    expect(watcher.lookAt(pod, 30 * SECOND)).toMatchObject({ class: 'terminating', finding: null });
    expect(watcher.lookAt(pod, 31 * SECOND).finding).toMatchObject({ cause: 'StuckTerminating' });
  });

  test("holds back healthy when Calico's failure keeps it, since its deletionTimestamp", () => {
    const sandboxError = aSandboxError(overdue);
    expect(judge(overdue, { sandboxError })).toMatchObject({
      class: 'notReady',
      finding: {
        stage: 'terminating',
        cause: 'CalicoUnauthorized',
        message: 'error getting ClusterInformation: connection is unauthorized: Unauthorized',
        holdsBack: true,
        sinceMs: ago(31 * SECOND),
      },
    });
  });

  test('holds back healthy when another failure of the sandbox keeps it', () => {
    const sandboxError = aSandboxError(overdue, { cause: 'CalicoForbidden' });
    expect(judge(overdue, { sandboxError })).toMatchObject({
      class: 'notReady',
      finding: { cause: 'CalicoForbidden' },
    });
    expect(fatalAfterMs(overdue, { sandboxError })).toBe(3 * MINUTE);
  });

  test("is never excused by stuck-after with Calico's failure, but for a while with another", () => {
    const sweep = { stuckAfterMs: 5 * MINUTE };
    const look = (cause: 'CalicoUnauthorized' | 'CniError'): unknown =>
      judge(overdue, { ...sweep, sandboxError: aSandboxError(overdue, { cause }) });
    expect(look('CalicoUnauthorized')).toMatchObject({ class: 'notReady', finding: { holdsBack: true } });
    expect(look('CniError')).toMatchObject({ class: 'terminating', finding: { holdsBack: false } });
  });

  test('holds back healthy on a lost node while its owner lacks it', () => {
    expect(judge(overdue, { node: aLostNode(), owner: anOwner({ satisfied: false }) })).toMatchObject({
      class: 'notReady',
      finding: { stage: 'node', cause: 'NodeNotReady', derivedFrom: 'n1', holdsBack: true },
    });
  });

  test.each([
    ['its owner is satisfied elsewhere', anOwner({ satisfied: true })],
    ['nobody owns it', null],
  ])('is only shown on a lost node when %s', (_, owner) => {
    expect(judge(overdue, { node: aLostNode(), owner })).toMatchObject({
      class: 'terminating',
      finding: { stage: 'terminating', cause: 'StuckTerminating', derivedFrom: 'n1', holdsBack: false, fatal: false },
    });
  });

  test('on the host network is no matter of a network plugin', () => {
    const pod = { ...overdue, hostNetwork: true };
    expect(judge(pod, { sandboxError: aSandboxError(pod) }).finding).toMatchObject({ cause: 'StuckTerminating' });
  });

  test.each([
    [
      'finalizers',
      { ...overdue, finalizers: ['a.example/x', 'b.example/y'] },
      [],
      'finalizers: a.example/x, b.example/y',
    ],
    ['a container that does not end', { ...overdue, containers: [aContainer()] }, [], 'still running: app'],
    [
      'what the kubelet says',
      overdue,
      [anEvent(overdue, { reason: 'FailedPreStopHook', message: 'PreStopHook failed' })],
      'PreStopHook failed',
    ],
    ['nothing that anybody tells', overdue, [], 'no event says what keeps it'],
  ])('that is kept by %s is shown and holds nothing back', (_, pod, events, message) => {
    expect(judge(pod, { events })).toMatchObject({
      class: 'terminating',
      finding: { cause: 'StuckTerminating', fatal: false, holdsBack: false, fatalAtMs: null },
    });
    expect(judge(pod, { events }).finding?.message).toContain(message);
    expect(fatalAfterMs(pod, { events })).toBeNull();
  });
});
