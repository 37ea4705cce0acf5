/** Rows of the ladder: a pod, what is said of it, and for how long that is waited for. */
import { describe, expect, test } from '@jest/globals';
import type { Cause, Stage } from '../../src/health/assessment.ts';
import type { Container, Pod } from '../../src/objects/pod.ts';
import { aContainer, aNotReadyPod, SECOND, waiting } from '../builders.ts';
import { fatalAfterMs, judge, type Look } from './pod-looks.ts';

export interface Row {
  readonly when: string;
  readonly pod: Pod;
  readonly look?: Look;
  readonly stage: Stage;
  readonly cause: Cause;
  /** ms after the first look, looking every second; null: only the deadline. */
  readonly fatalAfterMs: number | null;
  /** A part of the finding's message. */
  readonly message: string;
}

/** When two observations, 2 s apart, are enough. */
export const AT_ONCE = 2 * SECOND;

/** A pod that is not ready because of this container. */
export function podWith(container: Partial<Container>, overrides: Partial<Pod> = {}): Pod {
  return aNotReadyPod({ containers: [aContainer({ ready: false, ...container })], ...overrides });
}

export function podWaiting(reason: string, message = '', container: Partial<Container> = {}): Pod {
  return podWith({ state: waiting(reason, message), ...container });
}

export function testRows(part: string, rows: readonly Row[]): void {
  describe(part, () => {
    test.each(rows)('says $stage/$cause when $when', ({ pod, look, stage, cause, message }) => {
      const state = judge(pod, look);
      expect(state.class).toBe('notReady');
      expect(state.finding).toMatchObject({ stage, cause, holdsBack: true, fatal: false });
      expect(state.finding?.message).toContain(message);
    });

    test.each(rows)('has the patience of $fatalAfterMs ms when $when', (row) => {
      expect(fatalAfterMs(row.pod, row.look)).toBe(row.fatalAfterMs);
    });
  });
}
