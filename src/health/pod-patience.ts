import type { Pod } from '../objects/pod.ts';
import { patienceMs } from './patience.ts';
import type { PodCircumstances, PodContext, PodFacts } from './pod-state.ts';
import type { Symptom } from './symptom.ts';

/**
 * Since when the pod is not well: when it lost Ready, else its creation; a Terminating one since its
 * `deletionTimestamp`. Never after `nowMs`: the server tells its time in whole seconds, so an object just made may seem
 * to come from the future.
 */
export function sinceMsOf(pod: Pod, symptom: Symptom, facts: PodFacts, nowMs: number): number {
  return Math.min(pod.deletionAtMs ?? symptom.sinceMs ?? facts.notReadySinceMs ?? pod.createdAtMs, nowMs);
}

/**
 * How long the symptom may last before it is fatal, in ms; 0: at once, null: only the deadline ends it. In a sweep
 * (`stuckAfterMs` above 0) nobody waits for what had been not ready for longer than that at the first look.
 */
export function effectivePatienceMs(
  symptom: Symptom,
  sinceMs: number,
  facts: PodFacts,
  { stuckAfterMs, timing }: Pick<PodCircumstances, 'stuckAfterMs' | 'timing'>,
): number | null {
  if (stuckAfterMs > 0 && facts.firstSeenAtMs - sinceMs > stuckAfterMs) return 0;
  return symptom.patienceMs === undefined ? patienceMs(symptom.cause, timing) : symptom.patienceMs;
}

/** Two observations before anything is fatal. */
const ENOUGH_OBSERVATIONS = 2;

/**
 * Whether the symptom has outlasted its patience, and when it does (the API server's time); null: only the deadline
 * ends it. Patience counts from when the run first saw the cause, or from when it began where something says so.
 */
export function fatality(
  symptom: Symptom,
  sinceMs: number,
  context: PodContext,
): { readonly fatal: boolean; readonly fatalAtMs: number | null } {
  const { memory, now, timing } = context;
  const patience = effectivePatienceMs(symptom, sinceMs, memory, context);
  if (patience === null) return { fatal: false, fatalAtMs: null };

  const atServer = (elapsedMs: number): number => now.atMs + elapsedMs - now.elapsedMs;
  const isSeenEnough = memory.observations >= ENOUGH_OBSERVATIONS;
  if (patience === 0) {
    const beganMs = memory.atOnceSinceElapsedMs ?? now.elapsedMs;
    return { fatal: isSeenEnough, fatalAtMs: atServer(beganMs + timing.observationGapMs) };
  }
  const beganBeforeMs = symptom.beganAtMs === undefined ? 0 : now.atMs - symptom.beganAtMs;
  const beganMs = Math.min(memory.causeSinceElapsedMs, now.elapsedMs - beganBeforeMs);
  const endsMs = beganMs + patience;
  const fatal = isSeenEnough && memory.lastLiveElapsedMs !== null && memory.lastLiveElapsedMs >= endsMs;
  return { fatal, fatalAtMs: atServer(endsMs) };
}
