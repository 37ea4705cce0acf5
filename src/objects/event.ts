/** A core/v1 Event, slim. Its times are its writer's words, except `createdAtMs`, which the API server set. */
export interface Event {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly createdAtMs: number;
  /** The object it speaks of. Nobody checks that it exists, or that its namespace is the event's. */
  readonly about: { readonly kind: string; readonly namespace: string; readonly name: string; readonly uid: string };
  readonly type: string;
  readonly reason: string;
  /** Capped while it is read (`EVENT_MESSAGE_LIMIT_BYTES`, `SANDBOX_MESSAGE_LIMIT_BYTES`). */
  readonly message: string;
  /** `source.component` and `source.host`; '' when absent (the scheduler's recorder leaves them out). */
  readonly component: string;
  readonly host: string;
  readonly reportingComponent: string;
  readonly count: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  /** Only newer recorders set it; the kubelet's events have none. */
  readonly eventAtMs: number | null;
  /** `series.lastObservedTime`. */
  readonly seriesAtMs: number | null;
  /** The API server's time when this run first read this very version of it (count, last time). */
  readonly seenAtMs: number;
}

/** When it last happened, in its writer's words: series, last, event time, else when the API server stored it. */
export function lastHappenedAtMs(event: Event): number {
  return event.seriesAtMs ?? event.lastAtMs ?? event.eventAtMs ?? event.createdAtMs;
}

/** When it first happened, in its writer's words. */
export function firstHappenedAtMs(event: Event): number {
  return event.firstAtMs ?? event.eventAtMs ?? event.createdAtMs;
}
