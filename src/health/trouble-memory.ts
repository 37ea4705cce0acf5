import type { Now } from '../clock.ts';
import type { Timing } from '../timing.ts';
import type { Cause } from './assessment.ts';
import { patienceMs } from './patience.ts';

/** What a run remembers of one trouble of a workload or of the scope. Elapsed times are the run's own. */
export interface TroubleMemory {
  readonly sinceElapsedMs: number;
  readonly observations: number;
  readonly lastObservationElapsedMs: number;
  /** Since when, as far as the cluster says; else when this run first saw it (server's time). */
  readonly sinceMs: number;
  /** With `stuck-after`: it had lasted longer than that when the run began. */
  readonly stuckAtFirst: boolean;
}

/** After another look that shows it. `fresh`: that part of the picture was really seen; only then it is an observation. */
export function rememberTrouble(
  before: TroubleMemory | undefined,
  sinceMs: number | null,
  look: {
    readonly now: Now;
    readonly timing: Timing;
    readonly fresh: boolean;
    readonly isFirst: boolean;
    readonly stuckAfterMs: number;
  },
): TroubleMemory {
  const { now, timing, fresh } = look;
  if (before === undefined) {
    const began = Math.min(sinceMs ?? now.atMs, now.atMs);
    return {
      sinceElapsedMs: now.elapsedMs,
      observations: fresh ? 1 : 0,
      lastObservationElapsedMs: now.elapsedMs,
      sinceMs: began,
      stuckAtFirst: look.isFirst && look.stuckAfterMs > 0 && now.atMs - began >= look.stuckAfterMs,
    };
  }
  const since = { ...before, sinceMs: Math.min(before.sinceMs, sinceMs ?? before.sinceMs) };
  const isAnother = fresh && now.elapsedMs - before.lastObservationElapsedMs >= timing.observationGapMs;
  if (!isAnother && before.observations > 0) return since;
  if (!fresh) return since;
  return { ...since, observations: before.observations + 1, lastObservationElapsedMs: now.elapsedMs };
}

/** Nothing is fatal before so many observations have seen it. */
const OBSERVATIONS_FOR_FATAL = 2;

/** Whether waiting is useless by now, and from when on it will be (server's time; null: only the deadline ends it). */
export function certaintyOf(
  cause: Cause,
  memory: TroubleMemory,
  now: Now,
  timing: Timing,
): { readonly fatal: boolean; readonly fatalAtMs: number | null } {
  const patience = memory.stuckAtFirst ? 0 : patienceMs(cause, timing);
  if (patience === null) return { fatal: false, fatalAtMs: null };
  const atElapsedMs = memory.sinceElapsedMs + patience;
  return {
    fatal: memory.observations >= OBSERVATIONS_FOR_FATAL && now.elapsedMs >= atElapsedMs,
    fatalAtMs: now.atMs + (atElapsedMs - now.elapsedMs),
  };
}
