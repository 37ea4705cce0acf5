import { describe, expect, test } from '@jest/globals';
import { nodeClockAheadMs } from '../../src/health/node-clock.ts';
import type { Pod } from '../../src/objects/pod.ts';
import {
  aCondition,
  aContainer,
  ago,
  aNotReadyPod,
  anEvent,
  aPod,
  aSandboxError,
  aStuckPod,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
  waiting,
} from '../builders.ts';
import { aWatcher, fatalAfterMs, findingOf, judge, required } from './pod-looks.ts';

function podWaiting(reason: string, message = ''): Pod {
  return aNotReadyPod({ containers: [aContainer({ state: waiting(reason, message) })] });
}

const invalid = podWaiting('InvalidImageName');
const missing = podWaiting('ErrImagePull', 'r/app:1: not found');

describe('observations', () => {
  test('nothing is fatal at once at the first look, however bad', () => {
    expect(findingOf(invalid)).toMatchObject({ fatal: false, fatalAtMs: NOW_MS + 2 * SECOND });
  });

  test('two looks less than two seconds apart are one observation', () => {
    const watcher = aWatcher();
    watcher.lookAt(invalid, 0);
    expect(required(watcher.lookAt(invalid, 1_999)).fatal).toBe(false);
    expect(required(watcher.lookAt(invalid, 2_000)).fatal).toBe(true);
  });

  test('a look at a view that is lost is no observation', () => {
    const watcher = aWatcher();
    watcher.lookAt(invalid, 0);
    expect(required(watcher.lookAt(invalid, MINUTE, { live: false })).fatal).toBe(false);
    expect(required(watcher.lookAt(invalid, MINUTE + SECOND)).fatal).toBe(true);
  });

  test('a view that is lost from the start gives no observation at all', () => {
    const watcher = aWatcher();
    for (let afterMs = 0; afterMs < MINUTE; afterMs += 2 * SECOND) watcher.lookAt(invalid, afterMs, { live: false });
    expect(watcher.memory()?.observations).toBe(0);
  });

  test('patience does not run out in the dark', () => {
    const watcher = aWatcher();
    watcher.lookAt(missing, 0);
    watcher.lookAt(missing, 2 * SECOND);
    expect(required(watcher.lookAt(missing, HOUR, { live: false })).fatal).toBe(false);
    expect(required(watcher.lookAt(missing, HOUR + SECOND)).fatal).toBe(true);
  });

  test('another cause begins anew', () => {
    const watcher = aWatcher();
    watcher.lookAt(missing, 0);
    watcher.lookAt(podWaiting('CreateContainerConfigError', 'secret "x" not found'), 20 * SECOND);
    watcher.lookAt(missing, 25 * SECOND);
    expect(required(watcher.lookAt(missing, 54 * SECOND)).fatal).toBe(false);
    expect(required(watcher.lookAt(missing, 55 * SECOND))).toMatchObject({
      fatal: true,
      fatalAtMs: NOW_MS + 55 * SECOND,
    });
  });

  test('being ready in between begins anew', () => {
    const watcher = aWatcher();
    watcher.lookAt(missing, 0);
    watcher.lookAt(aPod(), 20 * SECOND);
    watcher.lookAt(missing, 22 * SECOND);
    expect(required(watcher.lookAt(missing, 40 * SECOND)).fatal).toBe(false);
  });

  test('another message of the same cause goes on', () => {
    const watcher = aWatcher();
    watcher.lookAt(missing, 0);
    watcher.lookAt(podWaiting('ErrImagePull', 'manifest unknown'), 20 * SECOND);
    expect(required(watcher.lookAt(missing, 30 * SECOND)).fatal).toBe(true);
  });
});

describe('pulls', () => {
  const backOff = podWaiting('ImagePullBackOff', 'Back-off pulling image "registry.example/app:1"');

  test('the back-off of an older kubelet keeps the cause that the failed pull told', () => {
    const watcher = aWatcher();
    watcher.lookAt(missing, 0);
    const finding = required(watcher.lookAt(backOff, 2 * SECOND));
    expect(finding).toMatchObject({ cause: 'ImageNotFound', message: expect.stringContaining('r/app:1: not found') });
    expect(required(watcher.lookAt(backOff, 30 * SECOND)).fatal).toBe(true);
  });

  test('a gate that comes later learns the cause from the event', () => {
    const message = 'Failed to pull image "registry.example/app:1": manifest unknown';
    const events = [
      anEvent(backOff, { reason: 'Failed', message }),
      anEvent(backOff, { reason: 'Failed', message: 'Error: ErrImagePull' }),
    ];
    expect(findingOf(backOff, { events })).toMatchObject({ cause: 'ImageNotFound' });
  });

  test('the event of another image is not taken for it', () => {
    const message = 'Failed to pull image "registry.example/other:1": manifest unknown';
    expect(findingOf(backOff, { events: [anEvent(backOff, { reason: 'Failed', message })] }).cause).toBe('ImageError');
  });

  test('a pull secret that the kubelet does not find is named', () => {
    const message =
      'Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.';
    const denied = podWaiting('ErrImagePull', '401 Unauthorized');
    const events = [anEvent(denied, { reason: 'FailedToRetrieveImagePullSecret', message })];
    expect(findingOf(denied, { events }).message).toContain('(regcred)');
    expect(findingOf(missing, { events }).message).not.toContain('(regcred)');
  });

  test('a newer cause replaces the remembered one', () => {
    const watcher = aWatcher();
    watcher.lookAt(missing, 0);
    watcher.lookAt(podWaiting('ErrImagePull', 'dial tcp 10.0.0.1:443: i/o timeout'), 2 * SECOND);
    expect(required(watcher.lookAt(backOff, 4 * SECOND)).cause).toBe('RegistryUnavailable');
  });
});

describe("Calico's patience", () => {
  const stuck = aStuckPod();

  test('counts from the first event, which may lie before the run', () => {
    expect(fatalAfterMs(stuck, { sandboxError: aSandboxError(stuck, { firstAtMs: ago(10 * MINUTE) }) })).toBe(
      2 * SECOND,
    );
    expect(fatalAfterMs(stuck, { sandboxError: aSandboxError(stuck, { firstAtMs: ago(MINUTE) }) })).toBe(MINUTE);
  });

  test('goes on where the runtime writes a new event for each attempt', () => {
    const watcher = aWatcher();
    let fatalAt: number | null = null;
    for (let afterMs = 0; fatalAt === null && afterMs <= 5 * MINUTE; afterMs += SECOND) {
      const attemptMs = NOW_MS + afterMs - (afterMs % (13 * SECOND));
      const sandboxError = aSandboxError(stuck, { firstAtMs: attemptMs, lastAtMs: attemptMs });
      if (required(watcher.lookAt(stuck, afterMs, { sandboxError })).fatal) fatalAt = afterMs;
    }
    expect(fatalAt).toBe(2 * MINUTE);
  });
});

describe('since', () => {
  const lostReadyAt = (sinceMs: number, overrides: Partial<Pod> = {}): Pod =>
    aNotReadyPod({ conditions: podConditions({ sandbox: true, ready: false, sinceMs }), ...overrides });

  test('is when Ready last became False', () => {
    expect(findingOf(lostReadyAt(ago(3 * MINUTE))).sinceMs).toBe(ago(3 * MINUTE));
  });

  test('is the creation where there is no Ready condition', () => {
    expect(findingOf(aPod({ conditions: [] })).sinceMs).toBe(ago(10 * MINUTE));
  });

  test('is never before the creation, whatever the clock of the node says', () => {
    expect(findingOf(lostReadyAt(ago(HOUR), { createdAtMs: ago(MINUTE) })).sinceMs).toBe(ago(MINUTE));
  });

  test('is never before this run can have seen the pod Ready: a watch may have been silent for 90 s', () => {
    const watcher = aWatcher();
    watcher.lookAt(aPod(), 0);
    const { sinceMs } = required(watcher.lookAt(lostReadyAt(ago(5 * MINUTE)), 10 * SECOND));
    expect(sinceMs).toBe(NOW_MS - 90 * SECOND);
    watcher.lookAt(aPod(), 20 * SECOND);
    expect(required(watcher.lookAt(lostReadyAt(ago(MINUTE)), 30 * SECOND)).sinceMs).toBe(ago(MINUTE));
  });

  test.each<readonly [string, number, number | null, number]>([
    ['ahead', ago(9 * MINUTE), ago(8 * MINUTE), ago(9 * MINUTE)],
    ['right', ago(8 * MINUTE), ago(8 * MINUTE), ago(8 * MINUTE)],
    ['ahead, and its kubelet has written PodScheduled, too', NOW_MS + MINUTE, NOW_MS + MINUTE, ago(10 * MINUTE)],
    ['nearly right, and its kubelet has written PodScheduled, too', NOW_MS + SECOND, NOW_MS + SECOND, NOW_MS],
    ['ahead, and it has been Ready for two seconds', ago(9 * MINUTE), ago(8 * MINUTE) - 2 * SECOND, ago(8 * MINUTE)],
    ['not known from the pod', ago(9 * MINUTE), null, ago(8 * MINUTE)],
  ])('of a pod whose node has a clock that is %s', (_, scheduledAtMs, startTimeMs, sinceMs) => {
    const readyAtMs = scheduledAtMs > NOW_MS ? scheduledAtMs : ago(8 * MINUTE);
    const conditions = [
      aCondition('Ready', 'False', { lastTransitionAtMs: readyAtMs }),
      aCondition('PodScheduled', 'True', { lastTransitionAtMs: scheduledAtMs }),
    ];
    expect(findingOf(aNotReadyPod({ conditions, startTimeMs })).sinceMs).toBe(sinceMs);
  });

  test('in the future of the server counts as when this run first saw it', () => {
    const watcher = aWatcher();
    const pod = lostReadyAt(NOW_MS + HOUR);
    watcher.lookAt(pod, 0);
    expect(required(watcher.lookAt(pod, 5 * MINUTE)).sinceMs).toBe(NOW_MS);
  });

  test('a node whose clock is ahead is noticed, one that agrees is not', () => {
    expect(nodeClockAheadMs(lostReadyAt(NOW_MS + HOUR), NOW_MS)).toBe(HOUR);
    expect(nodeClockAheadMs(lostReadyAt(NOW_MS + SECOND), NOW_MS)).toBe(0);
    const started = aPod({ containers: [aContainer({ state: { kind: 'running', startedAtMs: NOW_MS + MINUTE } })] });
    expect(nodeClockAheadMs(started, NOW_MS)).toBe(MINUTE);
  });
});

describe('stuck-after', () => {
  const sweep = { stuckAfterMs: 5 * MINUTE };
  const young = aNotReadyPod({ createdAtMs: ago(MINUTE) });

  test('a pod that is not ready for less is starting and holds nothing back', () => {
    expect(judge(young, sweep)).toMatchObject({
      class: 'starting',
      finding: { cause: 'NotReady', holdsBack: false, fatal: false, fatalAtMs: null },
    });
  });

  test('it counts from then on', () => {
    const watcher = aWatcher();
    watcher.lookAt(young, 0, sweep);
    expect(watcher.lookAt(young, 4 * MINUTE - 1, sweep).class).toBe('starting');
    expect(watcher.lookAt(young, 4 * MINUTE, sweep).class).toBe('notReady');
  });

  test('without stuck-after nothing is starting, not even what the server will create in a moment', () => {
    expect(judge(aNotReadyPod({ createdAtMs: NOW_MS + SECOND })).class).toBe('notReady');
  });

  test("a pod with Calico's failure is never starting", () => {
    const pod = aStuckPod({ createdAtMs: ago(MINUTE) });
    expect(judge(pod, { ...sweep, sandboxError: aSandboxError(pod) }).class).toBe('notReady');
    expect(judge(pod, { ...sweep, sandboxError: aSandboxError(pod, { cause: 'CalicoForbidden' }) }).class).toBe(
      'starting',
    );
  });

  test('what had been not ready for longer at the first look is fatal after two looks, whatever the cause', () => {
    expect(fatalAfterMs(aNotReadyPod({ createdAtMs: ago(6 * MINUTE) }), sweep)).toBe(2 * SECOND);
    expect(fatalAfterMs(podWaiting('CreateContainerConfigError', 'secret "x" not found'), sweep)).toBe(2 * SECOND);
  });

  test('what becomes stuck during the run has the patience of its cause', () => {
    const watcher = aWatcher();
    watcher.lookAt(young, 0, sweep);
    for (let afterMs = 0; afterMs <= 20 * MINUTE; afterMs += MINUTE) {
      expect(watcher.lookAt(young, afterMs, sweep).finding?.fatal).toBe(false);
    }
  });
});
