import type { Container, Terminated } from '../objects/pod.ts';

/** The signals that end containers in practice (signal(7)); the others are shown by number. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** Shells and runtimes report a process that a signal ended with this much added to the signal's number. */
const SIGNAL_EXIT_BASE = 128;

/** Waiting reasons of a container whose turn has not come yet: nothing is wrong. */
const PROGRESS_REASONS: readonly string[] = ['ContainerCreating', 'PodInitializing', ''];

/** What most pods have of whatever is kept by container name: one object for all of them. */
export const NO_CONTAINERS: ReadonlyMap<string, never> = new Map<string, never>();

export function isWaitingFor(container: Container, reasons: readonly string[]): boolean {
  return container.state.kind === 'waiting' && reasons.includes(container.state.reason);
}

export function isWaitingItsTurn(container: Container): boolean {
  return isWaitingFor(container, PROGRESS_REASONS);
}

export function isBackingOff(container: Container): boolean {
  return isWaitingFor(container, ['CrashLoopBackOff']);
}

/** `container app`, `init container migrate`, `sidecar proxy`. */
export function containerName(container: Container): string {
  switch (container.role) {
    case 'init':
      return `init container ${container.name}`;
    case 'sidecar':
      return `sidecar ${container.name}`;
    case 'main':
      return `container ${container.name}`;
  }
}

/** How the container ended last; null when it never did. */
export function newestEnd(container: Container): Terminated | null {
  return container.state.kind === 'terminated' ? container.state : container.lastEnd;
}

export function isAbnormal(end: Terminated | null): boolean {
  return end !== null && (end.exitCode !== 0 || (end.signal ?? 0) !== 0);
}

/**
 * How often the container has ended: `restartCount` counts the starts after the first, so one more while it does not
 * run after an end.
 */
export function endsOf(container: Container): number {
  const isDown =
    container.state.kind === 'terminated' || (container.state.kind === 'waiting' && container.lastEnd !== null);
  return container.restartCount + (isDown ? 1 : 0);
}

/** How often it ended abnormally. A status keeps two ends only, so earlier ones are taken to be like the newest of these. */
export function abnormalEndsOf(container: Container): number {
  if (isAbnormal(newestEnd(container))) return endsOf(container);
  return isAbnormal(container.lastEnd) ? container.restartCount : 0;
}

/** `exit code 137 (SIGKILL, OOMKilled): message`; the message is the container's own and untrusted. */
export function describeEnd(end: Terminated): string {
  const { exitCode, reason } = end;
  const signal = end.signal ?? 0;
  const signalNumber = signal === 0 ? exitCode - SIGNAL_EXIT_BASE : signal;
  const notes = [SIGNALS[signalNumber], reason === 'Error' ? '' : reason].filter(
    (note) => note !== undefined && note !== '',
  );
  const what = signal === 0 ? `exit code ${exitCode}` : `signal ${signal}`;
  const message = end.message.trim();
  return `${what}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}${message === '' ? '' : `: ${message}`}`;
}

/** `1 restart`, `4 restarts`. */
export function describeRestarts(container: Container): string {
  return container.restartCount === 1 ? '1 restart' : `${container.restartCount} restarts`;
}
