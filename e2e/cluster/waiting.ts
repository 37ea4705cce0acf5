import { setTimeout as sleep } from 'node:timers/promises';
import { daemonPid, lastLines } from './processes.ts';

export interface Waiting {
  /** What is waited for, as a noun phrase. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly everyMs?: number;
  /** The daemons that have to stay alive for it. */
  readonly daemons?: readonly string[];
}

/** Asks until the answer is neither null nor false nor an error; rejects with the last error. */
export async function until<T>(
  { what, timeoutMs, everyMs = 100, daemons = [] }: Waiting,
  ask: () => Promise<T | null | false> | T | null | false,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== false) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const dead = daemons.find((name) => daemonPid(name) === null);
    if (dead !== undefined || Date.now() > deadline) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      const how = dead === undefined ? `not within ${timeoutMs / 1000} s` : `${dead} ended: ${lastLines(dead)}`;
      throw new Error(`waiting for ${what}: ${how}${why}`, { cause });
    }
    await sleep(everyMs);
  }
}
