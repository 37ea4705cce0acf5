import { type Clock, systemClock } from './clock.ts';
import { endProcess } from './process-end.ts';

/** The signals that a runner, a terminal or a container runtime asks to stop with. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** "Cancelled: within 5 s": a runner sends SIGTERM 7.5 s after SIGINT and kills 2.5 s later. */
export const CANCELLATION_LIMIT_MS = 5_000;

/** The part of `process` that signals come from, and its end. */
export interface SignalSource {
  readonly on: (event: 'SIGINT' | 'SIGTERM', listener: (name: string) => void) => unknown;
  readonly exit: (code: number) => void;
}

const THIS_PROCESS: SignalSource = {
  on: (event, listener) => process.on(event, listener),
  exit: (code) => endProcess(code),
};

/** The reason of a signal that was aborted by a cancellation. */
export interface Cancellation extends Error {
  /** On the clock of this process. */
  readonly atMs: number;
}

/**
 * Turns SIGINT and SIGTERM into an aborted signal, so that a run ends with its report written; its reason is a
 * `Cancellation` with the message `cancelled by SIGINT`, say. Further signals change nothing: npx repeats a terminal's
 * Ctrl-C to its child within the same moment, and a report half written helps nobody. That holds to the end of the
 * process, or the second one would kill it while its last words are on their way. Instead the process ends with
 * `overdueExitCode` when it has not done so by itself `CANCELLATION_LIMIT_MS` after the first one.
 */
export function listenForCancellation(
  overdueExitCode: number,
  source: SignalSource = THIS_PROCESS,
  clock: Clock = systemClock,
): AbortSignal {
  const controller = new AbortController();
  const cancel = (name: string): void => {
    if (controller.signal.aborted) return;
    clock.after(CANCELLATION_LIMIT_MS, () => source.exit(overdueExitCode));
    const cancellation: Cancellation = Object.assign(new Error(`cancelled by ${name}`), { atMs: clock.monotonicMs() });
    controller.abort(cancellation);
  };
  for (const name of SIGNALS) source.on(name, cancel);
  return controller.signal;
}
