/** client-go's figures (`tools/cache/reflector.go`: 800 ms to 30 s, doubled). */
const FIRST_MS = 800;
const LONGEST_MS = 30_000;
/** A server that asks for more than this is not believed: newer ones say up to 32 s. */
const LONGEST_RETRY_AFTER_MS = 60_000;
/** Spread on top of what a server asked for, so that its clients do not come back as one. */
const RETRY_AFTER_SPREAD_MS = 1_000;

/**
 * How long to wait before try number `failures + 1` (`failures` ≥ 1): full jitter over a doubling bound. `random`
 * gives 0 (included) to 1 (excluded).
 */
export function backOffMs(failures: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
}

/** At least what the server asked for (`retryAfterMs`), and up to a second more. */
export function retryAfterWaitMs(retryAfterMs: number, random: () => number): number {
  return Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) + random() * RETRY_AFTER_SPREAD_MS;
}

/**
 * Ms that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, 10.2.3; client-go reads only seconds).
 * `atMs` is the server's time. Null when there is none, or none that can be read.
 */
export function parseRetryAfter(header: string | undefined, atMs: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const dateMs = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - atMs);
}
