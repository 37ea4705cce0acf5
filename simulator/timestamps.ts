/** A time as metav1.Time prints it: whole seconds, UTC. */
export function secondsStamp(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

/** A time as metav1.MicroTime prints it (`eventTime`). */
export function microsStamp(wallMs: number, micros = 0): string {
  return `${new Date(wallMs).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
}

/** The runtime writes the epoch where it never started a container; that is no time and never moves. */
const EPOCH = '1970-01-01T00:00:00Z';
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** `value` with every time in it moved by `byMs`; what has none is returned as it is, so that unchanged parts stay shared. */
export function shiftTimes<T>(value: T, byMs: number): T {
  if (typeof value === 'string') {
    if (!STAMP.test(value) || value === EPOCH) return value;
    const dot = value.indexOf('.');
    // The fraction is kept as it was printed; only whole seconds move in recordings.
    const movedMs = Date.parse(value) + byMs;
    if (dot < 0) return secondsStamp(movedMs) as T;
    return microsStamp(movedMs, Number(value.slice(dot + 4, -1) || 0)) as T;
  }
  if (Array.isArray(value)) {
    let changed = false;
    const moved = value.map((entry: unknown) => {
      const result = shiftTimes(entry, byMs);
      changed ||= result !== entry;
      return result;
    });
    return changed ? (moved as T) : value;
  }
  if (value === null || typeof value !== 'object') return value;
  let moved: Record<string, unknown> | undefined;
  for (const [key, entry] of Object.entries(value)) {
    const result: unknown = shiftTimes(entry as unknown, byMs);
    if (result === entry) continue;
    moved ??= { ...(value as Record<string, unknown>) };
    moved[key] = result;
  }
  return (moved ?? value) as T;
}
