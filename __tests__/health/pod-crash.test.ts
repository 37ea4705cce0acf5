import { describe, expect, test } from '@jest/globals';
import type { Container, Pod } from '../../src/objects/pod.ts';
import {
  aContainer,
  ago,
  aNotReadyPod,
  aPod,
  HOUR,
  MINUTE,
  NOW_MS,
  podConditions,
  SECOND,
  terminated,
  waiting,
} from '../builders.ts';
import { aWatcher, findingOf, judge, required } from './pod-looks.ts';

const crashed = (endedAtMs: number): Partial<Container> => ({
  lastEnd: terminated({ exitCode: 1, finishedAtMs: endedAtMs }),
  restartCount: 3,
});

/** Ready again since `readyAtMs`, after three abnormal ends, the last one at `endedAtMs`. */
function readyAgain(endedAtMs: number, readyAtMs: number, container: Partial<Container> = {}): Pod {
  return aPod({
    createdAtMs: ago(HOUR),
    conditions: podConditions({ sinceMs: readyAtMs }),
    containers: [aContainer({ ...crashed(endedAtMs), ...container })],
  });
}

describe('a pod that crashed three times', () => {
  test('counts as crash looping while it is Ready again', () => {
    expect(judge(readyAgain(ago(MINUTE), ago(30 * SECOND)))).toMatchObject({
      class: 'notReady',
      finding: { stage: 'crash', cause: 'CrashLoop', holdsBack: true, sinceMs: ago(MINUTE) },
    });
  });

  test('is ready once it has stayed Ready for a minute, and not fatal before', () => {
    const watcher = aWatcher();
    const pod = readyAgain(ago(MINUTE), ago(30 * SECOND));
    expect(required(watcher.lookAt(pod, 0)).fatal).toBe(false);
    expect(required(watcher.lookAt(pod, 29 * SECOND))).toMatchObject({ fatal: false, fatalAtMs: null });
    expect(watcher.lookAt(pod, 30 * SECOND).class).toBe('ready');
  });

  test('is ready at the first look when it has been for longer', () => {
    expect(judge(readyAgain(ago(5 * MINUTE), ago(2 * MINUTE))).class).toBe('ready');
  });

  test('is ready at once when its last crash is more than ten minutes old', () => {
    expect(judge(readyAgain(ago(11 * MINUTE), ago(SECOND))).class).toBe('ready');
  });

  test('a fourth crash during the minute begins it anew, seen or not', () => {
    const watcher = aWatcher();
    const pod = readyAgain(ago(MINUTE), ago(30 * SECOND));
    watcher.lookAt(pod, 0);
    // It ended and was Ready again between two looks; its node's clock stands still.
    const again = readyAgain(ago(MINUTE), ago(30 * SECOND), { restartCount: 4 });
    watcher.lookAt(again, 20 * SECOND);
    expect(watcher.lookAt(again, 79 * SECOND).class).toBe('notReady');
    expect(watcher.lookAt(again, 80 * SECOND).class).toBe('ready');
  });

  test('a crash that this run saw is recent, whatever the clock of the node says', () => {
    const watcher = aWatcher();
    watcher.lookAt(readyAgain(ago(50 * MINUTE), ago(45 * MINUTE), { restartCount: 2 }), 0);
    const behind = readyAgain(ago(49 * MINUTE), ago(48 * MINUTE), { restartCount: 3 });
    expect(watcher.lookAt(behind, 5 * SECOND).class).toBe('notReady');
  });

  test('a crash in the future of the server counts as now', () => {
    expect(judge(readyAgain(NOW_MS + HOUR, NOW_MS + HOUR)).finding).toMatchObject({
      cause: 'CrashLoop',
      sinceMs: NOW_MS,
    });
  });

  test('ends with exit code 0 make no Ready pod a crash looping one', () => {
    const done = terminated({ exitCode: 0, reason: 'Completed', finishedAtMs: ago(MINUTE) });
    expect(judge(readyAgain(ago(MINUTE), ago(SECOND), { lastEnd: done })).class).toBe('ready');
  });

  test('two crashes are not enough', () => {
    expect(judge(readyAgain(ago(MINUTE), ago(SECOND), { restartCount: 2 })).class).toBe('ready');
  });

  test('counts as crash looping while it runs and is not Ready, without being fatal', () => {
    const pod = aNotReadyPod({ containers: [aContainer({ ready: false, ...crashed(ago(MINUTE)) })] });
    const watcher = aWatcher();
    watcher.lookAt(pod, 0);
    expect(required(watcher.lookAt(pod, MINUTE))).toMatchObject({ cause: 'CrashLoop', fatal: false, fatalAtMs: null });
  });

  test('is never starting', () => {
    const createdAtMs = ago(MINUTE);
    const pod = aNotReadyPod({
      createdAtMs,
      containers: [aContainer({ state: waiting('CrashLoopBackOff'), ...crashed(ago(SECOND)) })],
    });
    const twice = aNotReadyPod({
      createdAtMs,
      containers: [aContainer({ state: waiting('CrashLoopBackOff'), ...crashed(ago(SECOND)), restartCount: 1 })],
    });
    expect(judge(pod, { stuckAfterMs: HOUR }).class).toBe('notReady');
    expect(judge(twice, { stuckAfterMs: HOUR }).class).toBe('starting');
  });

  test('its third crash needs two observations of its own', () => {
    const watcher = aWatcher();
    const ends = (restartCount: number): Pod =>
      aNotReadyPod({
        containers: [aContainer({ state: waiting('CrashLoopBackOff'), lastEnd: terminated(), restartCount })],
      });
    watcher.lookAt(ends(1), 0);
    watcher.lookAt(ends(1), 10 * SECOND);
    expect(required(watcher.lookAt(ends(2), 20 * SECOND)).fatal).toBe(false);
    expect(required(watcher.lookAt(ends(2), 22 * SECOND)).fatal).toBe(true);
  });

  test('the container with the most ends speaks for the pod', () => {
    const down = (name: string, restartCount: number): Container =>
      aContainer({ name, state: waiting('CrashLoopBackOff'), lastEnd: terminated(), restartCount });
    expect(findingOf(aNotReadyPod({ containers: [down('a', 1), down('b', 6)] })).message).toContain('container b');
  });
});
