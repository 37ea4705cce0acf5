const MS = { h: 3_600_000, m: 60_000, s: 1_000 } as const;

/**
 * The longest duration that an input may have, 7 days: longer than the longest job (5 days on a self-hosted runner)
 * and shorter than the longest delay of a timer in Node (2^31 - 1 ms, 24.8 days; beyond that it fires at once).
 */
export const MAX_DURATION_MS = 168 * MS.h;

/**
 * Each unit once and the larger before the smaller, so that a slip such as `1m1h` is noticed. Fractions have at most
 * three digits, which keeps every result a whole number of milliseconds.
 */
const PARTS = /^(?:(\d+(?:\.\d{1,3})?)h)?\s*(?:(\d+(?:\.\d{1,3})?)m(?!s))?\s*(?:(\d+(?:\.\d{1,3})?)s)?\s*(?:(\d+)ms)?$/;
const BARE_SECONDS = /^\d+(?:\.\d{1,3})?$/;

/**
 * The milliseconds that `text` stands for, or null when it is no duration or longer than `MAX_DURATION_MS`.
 * Understands `90s`, `10m`, `1h30m`, `1h 30m`, `1.5h`, `500ms`; a bare number is seconds. White space around it is
 * ignored; a sign, other units and capitals are not understood (`M` is a month to some and a minute to others).
 */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  const ms = BARE_SECONDS.test(trimmed) ? Number(trimmed) * MS.s : sumOfParts(trimmed);
  if (ms === null || ms > MAX_DURATION_MS) return null;
  return Math.round(ms);
}

function sumOfParts(text: string): number | null {
  const match = PARTS.exec(text);
  if (match === null || match[0] === '') return null;
  const [, hours = '0', minutes = '0', seconds = '0', milliseconds = '0'] = match;
  return Number(hours) * MS.h + Number(minutes) * MS.m + Number(seconds) * MS.s + Number(milliseconds);
}

/** `durationMs` (a whole number, 0 or more) as it would be written in an input: `1h30m`, `90ms`, `0s`; exact. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  const hours = Math.floor(durationMs / MS.h);
  const minutes = Math.floor((durationMs % MS.h) / MS.m);
  const seconds = Math.floor((durationMs % MS.m) / MS.s);
  const milliseconds = durationMs % MS.s;
  const parts = [
    [hours, 'h'],
    [minutes, 'm'],
    [seconds, 's'],
    [milliseconds, 'ms'],
  ] as const;
  return parts
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}

/** `durationMs` for a reader, to whom whole seconds are enough: `2m10s`; `0s` for less than one. */
export function formatSeconds(durationMs: number): string {
  return formatDuration(Math.max(0, Math.floor(durationMs / MS.s)) * MS.s);
}
