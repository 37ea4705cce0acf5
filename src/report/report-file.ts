import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, sleep, systemClock } from '../clock.ts';
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

/** A cancelled run has a second left for all of its files, and a file system that does not answer must not use it up. */
const CANCELLED_WRITE_MS = 500;

/** What `writing` comes to; given up soon after `signal` aborts, or at its beginning when it has aborted before. */
export async function writtenInTime(
  writing: Promise<Written>,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Written> {
  const done = new AbortController();
  const givenUp = async (): Promise<Written> => {
    await aborted(AbortSignal.any([signal, done.signal]));
    await sleep(clock, CANCELLED_WRITE_MS, done.signal);
    const problem = `the report could not be written within ${CANCELLED_WRITE_MS} ms after the run was cancelled`;
    return { path: '', problem };
  };
  try {
    return await Promise.race([writing, givenUp()]);
  } finally {
    done.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
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
