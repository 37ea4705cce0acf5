import { type Clock, type Now, sleep, systemClock } from './clock.ts';
import type { Connection, ConnectOptions } from './cluster/connection.ts';
import { createServerClock, type ServerClock } from './cluster/server-clock.ts';
import type { GateEvent, Tell } from './events.ts';
import { createSecrets } from './report/secrets.ts';
import { sentenceOf } from './report/sentences.ts';
import type { Settings } from './settings.ts';
import { TIMING, type Timing } from './timing.ts';

/** What a run needs besides its settings. Everything that may be left out is there for tests. */
export interface GateOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told everything that happens, in order. */
  readonly tell: Tell;
  /** Told every secret before anything could print it. */
  readonly mask: (secret: string) => void;
  /** Aborted when the run is cancelled; the reason's message says by what. */
  readonly signal: AbortSignal;
  /** What the parser of the settings warned of. */
  readonly warnings: readonly string[];
  readonly clock?: Clock;
  readonly timing?: Timing;
  readonly random?: () => number;
  readonly connect?: (options: ConnectOptions, signal: AbortSignal) => Promise<Connection>;
}

/** One run from its beginning to its end: its clocks, its deadline, and what it has told. */
export interface Run {
  readonly settings: Settings;
  readonly timing: Timing;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly random: () => number;
  /** Aborted at the deadline or when the run is cancelled: nothing more is waited for. */
  readonly signal: AbortSignal;
  /** Aborted `shutdownMs` after that: nothing more is asked of the server. */
  readonly hardSignal: AbortSignal;
  readonly tell: Tell;
  /** Told every secret. */
  readonly mask: (secret: string) => void;
  /** A text without secrets. */
  readonly hide: (text: string) => string;
  /** Until `timeout`; 0 or less when it is over. */
  readonly deadlineInMs: () => number;
  /** By what the run was cancelled; null while it was not. */
  readonly cancelledBy: () => string | null;
  readonly warn: (message: string) => void;
  readonly warnings: () => readonly string[];
  readonly timeline: () => readonly { readonly atMs: number; readonly what: string }[];
  /** Ends its timers. */
  readonly close: () => void;
}

/** A run keeps this many entries of its timeline, its beginning and its end: what a report shows, and some more. */
const TIMELINE_KEPT = 4_000;

export function beginRun(settings: Settings, options: GateOptions): Run {
  const { clock = systemClock, timing = TIMING, random = Math.random } = options;
  const serverClock = createServerClock(clock);
  const startedMs = clock.monotonicMs();
  const timeline: { now: Now; what: string }[] = [];
  const warnings = new Set(options.warnings);
  const secrets = createSecrets();

  const soft = new AbortController();
  const hard = new AbortController();
  let cancelHard = (): void => {};
  const stop = (): void => {
    if (soft.signal.aborted) return;
    cancelHard = clock.after(timing.shutdownMs, () => hard.abort(new Error('the run is over')));
    soft.abort(new Error('the run is over'));
  };
  const cancelDeadline = clock.after(settings.timeoutMs, stop);
  if (options.signal.aborted) stop();
  else options.signal.addEventListener('abort', stop, { once: true });

  const tell: Tell = (event, now) => {
    const what = timelineEntry(event);
    if (what !== null) timeline.push({ now, what });
    if (timeline.length > TIMELINE_KEPT) timeline.splice(TIMELINE_KEPT / 2, 1);
    if (event.type === 'warning') warnings.add(event.message);
    options.tell(event, now);
  };

  return {
    settings,
    timing,
    clock,
    serverClock,
    random,
    signal: soft.signal,
    hardSignal: hard.signal,
    tell,
    mask: (secret) => {
      secrets.add(secret);
      options.mask(secret);
    },
    hide: secrets.hide,
    deadlineInMs: () => settings.timeoutMs - (clock.monotonicMs() - startedMs),
    cancelledBy: () => (options.signal.aborted ? reasonOf(options.signal) : null),
    warn: (message) => tell({ type: 'warning', message }, serverClock.now()),
    warnings: () => [...warnings],
    // Times are told in the server's clock as it is known at the end: the first entries were made before it was known.
    timeline: () => {
      const { atMs, elapsedMs } = serverClock.now();
      return timeline.map(({ now, what }) => ({ atMs: atMs - (elapsedMs - now.elapsedMs), what }));
    },
    close: () => {
      cancelDeadline();
      cancelHard();
      options.signal.removeEventListener('abort', stop);
      soft.abort(new Error('the run is over'));
      hard.abort(new Error('the run is over'));
    },
  };
}

/** The report's timeline holds what happened, not what was waited for. */
function timelineEntry(event: GateEvent): string | null {
  if (event.type === 'assessed' || event.type === 'debug' || event.type === 'finished') return null;
  if (event.type === 'waiting') return null;
  return sentenceOf(event);
}

/** `SIGTERM` of the reason `cancelled by SIGTERM`. */
function reasonOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return message.replace(/^cancelled by /u, '');
}

/** Awaits what may take long, and says now and then that it does. */
export async function tellWhile<T>(
  { clock, timing, serverClock, tell }: Run,
  what: () => string,
  work: Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const remind = async (): Promise<void> => {
    await sleep(clock, timing.heartbeatMs, done.signal);
    if (done.signal.aborted) return;
    tell({ type: 'waiting', what: what() }, serverClock.now());
    await remind();
  };
  void remind();
  try {
    return await work;
  } finally {
    done.abort();
  }
}
