import { type Clock, systemClock } from './clock.ts';
import { EXIT_CODES } from './contract.ts';

/** The signals that a runner, a terminal or a container runtime asks to stop with. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** "Cancelled: within 5 s": a runner sends SIGTERM 7.5 s after SIGINT and kills 2.5 s later. */
export const CANCELLATION_LIMIT_MS = 5_000;

export interface Cancellation {
  /** Aborted by the first signal; its reason is an `Error` with the message `cancelled by SIGINT`, say. */
  readonly signal: AbortSignal;
  /** To be called when everything is written: signals have their usual effect again. Twice is harmless. */
  readonly dispose: () => void;
}

/** The part of `process` that signals come from. */
export interface SignalSource {
  readonly on: (event: 'SIGINT' | 'SIGTERM', listener: (name: string) => void) => unknown;
  readonly off: (event: 'SIGINT' | 'SIGTERM', listener: (name: string) => void) => unknown;
  readonly exit: (code: number) => void;
}

/**
 * Turns SIGINT and SIGTERM into an aborted signal, so that a run ends with its report written. Further signals change
 * nothing: npx repeats a terminal's Ctrl-C to its child within the same moment, and a report half written helps
 * nobody. Instead the process ends with `overdueExitCode` when it has not finished `CANCELLATION_LIMIT_MS` after the
 * first one.
 */
export function cancellation(
  overdueExitCode: number = EXIT_CODES.unhealthy,
  source: SignalSource = process,
  clock: Clock = systemClock,
): Cancellation {
  const controller = new AbortController();
  let stopWaiting = (): void => {};

  const cancel = (name: string): void => {
    if (controller.signal.aborted) return;
    stopWaiting = clock.after(CANCELLATION_LIMIT_MS, () => source.exit(overdueExitCode));
    controller.abort(new Error(`cancelled by ${name}`));
  };
  for (const name of SIGNALS) source.on(name, cancel);

  return {
    signal: controller.signal,
    dispose: () => {
      stopWaiting();
      for (const name of SIGNALS) source.off(name, cancel);
    },
  };
}
