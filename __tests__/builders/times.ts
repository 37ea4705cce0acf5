export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** The API server's time in every specimen. */
export const NOW_MS = Date.parse('2026-11-22T16:00:00Z');

/** The API server's time `durationMs` before `NOW_MS`. */
export function ago(durationMs: number): number {
  return NOW_MS - durationMs;
}

/** Specimens were created this long ago unless a test says otherwise. */
export const AGE_MS = 10 * MINUTE;
