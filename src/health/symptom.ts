import type { Cause, PodClass, Stage } from './assessment.ts';

/** What is wrong with a pod at one look, before asking how long it has been so. */
export interface Symptom {
  readonly stage: Stage;
  readonly cause: Cause;
  /** In the cluster's own words. Untrusted. */
  readonly message: string;
  /** Where a rule has a patience of its own (0: at once; null: only the deadline); absent: that of the cause. */
  readonly patienceMs?: number | null;
  /** The API server's time when it began, where something says so; else it counts from when the run first saw it. */
  readonly beganAtMs?: number;
  /** Since when the pod is not well, where that is not when it lost Ready. */
  readonly sinceMs?: number;
  readonly derivedFrom?: string;
  /** It shows in a container that ended: for a Job just one attempt. */
  readonly isAttempt?: boolean;
}

/** What one look at a pod says: its class before any grace, and what is wrong with it. */
export interface Examination {
  readonly class: Exclude<PodClass, 'notReady'>;
  /** Something to show that does not hold back healthy. */
  readonly symptom: Symptom | null;
}

export interface NotReadyExamination {
  readonly class: 'notReady';
  readonly symptom: Symptom;
}

/** `what` with `detail` behind a colon, or alone when there is none. */
export function withDetail(what: string, detail: string): string {
  if (what === '') return detail;
  return detail === '' ? what : `${what}: ${detail}`;
}
