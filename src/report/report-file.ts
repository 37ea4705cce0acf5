import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cancellation } from '../cancellation.ts';
import { type Clock, sleep, systemClock } from '../clock.ts';
import { formatSeconds } from '../duration.ts';
import { reportText } from './json.ts';
import type { Report } from './report.ts';

/** Name of the report in `RUNNER_TEMP` when `report-file` is empty. */
const DEFAULT_REPORT_NAME = 'calico-health-gate';
/** Gates in one job that each get a number; more would be a loop that nobody meant. */
const MOST_NUMBERED = 1_000;

/** Where the report was written, or why it was not. A report never decides a verdict: nothing here throws. */
export interface Written {
  /** '' when nothing was written. */
  readonly path: string;
  readonly problem: string | null;
}

/** Whatever came before, each file has so long: a file system that does not answer must not use up what is left. */
const LEAST_WRITE_MS = 500;
/** Of a cancelled run each file has until so long after that: with the next one's `LEAST_WRITE_MS` it ends within 5 s. */
const WRITE_AFTER_CANCELLATION_MS = 3_500;
/** Any other run has until shortly before 5 s after its deadline: a share may be away, a pipe may have no reader. */
const WRITE_AFTER_DEADLINE_MS = 4_500;

/** What `writing` comes to, or `late` with what was not enough, in words that follow "within". */
export type InTime = <T>(writing: Promise<T>, late: (within: string) => T) => Promise<T>;

/**
 * For the files that a run writes when `report` is made: all of them together are given up when the run should have ended
 * (`timeoutMs` and a little more since its beginning), and each in time when `signal` is aborted by a cancellation.
 */
export function writeInTime(
  { startedAt, finishedAt }: Pick<Report, 'startedAt' | 'finishedAt'>,
  timeoutMs: number,
  signal: AbortSignal,
  clock: Clock = systemClock,
): InTime {
  const ranMs = Date.parse(finishedAt) - Date.parse(startedAt);
  const limitMs = Math.max(LEAST_WRITE_MS, timeoutMs + WRITE_AFTER_DEADLINE_MS - ranMs);
  const startedMs = clock.monotonicMs();
  return async (writing, late) => {
    const done = new AbortController();
    const givenUp = async (): Promise<string> => {
      const leftMs = startedMs + limitMs - clock.monotonicMs();
      await sleep(clock, leftMs, AbortSignal.any([signal, done.signal]));
      if (!signal.aborted) return limitMs === LEAST_WRITE_MS ? `${LEAST_WRITE_MS} ms` : formatSeconds(limitMs);
      const atMs = cancelledAtMs(signal, clock);
      const cancelledLeftMs = atMs + WRITE_AFTER_CANCELLATION_MS - clock.monotonicMs();
      await sleep(clock, Math.max(LEAST_WRITE_MS, cancelledLeftMs), done.signal);
      return `${formatSeconds(clock.monotonicMs() - atMs)} after the run was cancelled`;
    };
    try {
      return await Promise.race([writing, givenUp().then(late)]);
    } finally {
      done.abort();
    }
  };
}

function cancelledAtMs({ reason }: AbortSignal, clock: Clock): number {
  return (reason as Partial<Cancellation> | undefined)?.atMs ?? clock.monotonicMs();
}

/** The report's: `Written` with the problem that there was. */
export function reportInTime(writing: Promise<Written>, inTime: InTime): Promise<Written> {
  return inTime(writing, (within) => ({ path: '', problem: `the report could not be written within ${within}` }));
}

/** Writes the report to exactly `path`, folders made as needed, an older file replaced. */
export async function writeReport(report: Report, path: string): Promise<Written> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, reportText(report));
    return { path, problem: null };
  } catch (error) {
    return { path: '', problem: `the report could not be written to ${path}: ${describe(error)}` };
  }
}

/**
 * Writes the report into `folder` under its default name; a second gate of the same job gets `-2`, and so on, so that
 * neither loses its report.
 */
export async function writeNumberedReport(report: Report, folder: string): Promise<Written> {
  for (let number = 1; number <= MOST_NUMBERED; number += 1) {
    const path = join(folder, `${DEFAULT_REPORT_NAME}${number === 1 ? '' : `-${number}`}.json`);
    try {
      await writeFile(path, reportText(report), { flag: 'wx' });
      return { path, problem: null };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      return { path: '', problem: `the report could not be written to ${path}: ${describe(error)}` };
    }
  }
  return {
    path: '',
    problem: `the report could not be written to ${folder}: it holds ${MOST_NUMBERED} reports already`,
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
