import * as core from '@actions/core';
import { EXIT_CODES } from '../contract.ts';
import type { GateResult } from '../gate.ts';
import type { Settings } from '../settings.ts';
import { type Annotation, annotationsOf } from './annotations.ts';
import type { LogSink } from './log.ts';
import { emptyOutputs, type Outputs, outputsOf, shortenedOutputs } from './outputs.ts';
import {
  type InTime,
  reportInTime,
  type Written,
  writeInTime,
  writeNumberedReport,
  writeReport,
} from './report-file.ts';
import type { Secrets } from './secrets.ts';
import { summaryOf } from './summary.ts';
import { logLine, printable } from './untrusted.ts';

/** The log of a workflow: plain lines, folded groups, debug lines that show with `RUNNER_DEBUG=1`. */
export function actionsSink(): LogSink {
  return {
    line: (text) => core.info(text),
    group: (title, lines) => {
      core.startGroup(logLine(title));
      for (const line of lines) core.info(logLine(line));
      core.endGroup();
    },
    debug: (text) => core.debug(text),
    status: () => undefined,
  };
}

/** Keeps a secret out of everything that this run writes, and its job prints, from now on. */
export function maskIn(secrets: Secrets): (secret: string) => void {
  return (secret) => {
    secrets.add(secret);
    core.setSecret(secret);
  };
}

/**
 * Sets every output before anything can go wrong: a run that is killed, or a spoofed `set-output` in its log, leaves
 * `inconclusive` behind. What a finished run sets later wins.
 */
export function publishBeginning(): void {
  // That they cannot be set is said at the end, once.
  setOutputs(emptyOutputs('inconclusive', 'the gate did not come to its end'));
}

/** Bad input: one annotation, every output set, and the step fails whatever `fail-on` says. */
export function publishBadInput(message: string): number {
  const reason = printable(message);
  setOutputs(emptyOutputs('inconclusive', reason));
  core.error(reason, { title: 'Calico Health Gate' });
  return EXIT_CODES.unhealthy;
}

/**
 * Publishes a finished run: outputs, report file, job summary, and last the annotations, of which the runner shows the
 * first as the reason of the step. What cannot be written, or not in time (`writeInTime`), is a warning; it never changes
 * the verdict. Resolves to the exit code.
 */
export async function publish(
  result: GateResult,
  settings: Settings,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const { report, cancelled } = result;
  const outputs = (path: string): Outputs => outputsOf(report, result.notReadyPods, result.restartedNodes, path);
  // Before anything that may take its time: a report goes wherever `report-file` says.
  const unset = setOutputs(outputs(''));
  const inTime = writeInTime(report, settings.timeoutMs, signal);
  const written = await reportInTime(writeReportFile(result, settings, env), inTime);
  if (written.path !== '') core.info(logLine(`report: ${written.path}`));
  const problems = [
    written.problem,
    unset ?? setOutputs(outputs(written.path)),
    shortenedOutputs(report, result.restartedNodes),
    settings.jobSummary ? await summaryInTime(writeSummary(result, written.path), inTime) : null,
  ].filter((problem) => problem !== null);

  const fails = cancelled || settings.failOn.includes(report.verdict);
  for (const annotation of annotationsOf(report, { fails, problems })) annotate(annotation);
  return fails ? EXIT_CODES.unhealthy : EXIT_CODES.healthy;
}

async function writeReportFile(result: GateResult, settings: Settings, env: NodeJS.ProcessEnv): Promise<Written> {
  if (settings.reportFile !== null) return await writeReport(result.report, settings.reportFile);
  const folder = env.RUNNER_TEMP ?? '';
  if (folder === '') return { path: '', problem: null };
  return await writeNumberedReport(result.report, folder);
}

function summaryInTime(writing: Promise<string | null>, inTime: InTime): Promise<string | null> {
  return inTime(writing, (within) => `the job summary could not be written within ${within}`);
}

/** The problem that there was, or null. */
async function writeSummary(result: GateResult, reportFile: string): Promise<string | null> {
  try {
    await core.summary.addRaw(summaryOf(result.report, reportFile), true).write();
    return null;
  } catch (error) {
    return `the job summary could not be written: ${messageOf(error)}`;
  }
}

/** The first problem that there was, or null: without their file none of them can be set. */
function setOutputs(outputs: Outputs): string | null {
  let problem: string | null = null;
  for (const [name, value] of Object.entries(outputs)) {
    try {
      core.setOutput(name, value);
    } catch (error) {
      problem ??= `output ${name} could not be set: ${messageOf(error)}`;
    }
  }
  return problem;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function annotate({ level, title, message }: Annotation): void {
  switch (level) {
    case 'error':
      core.error(message, { title });
      return;
    case 'warning':
      core.warning(message, { title });
      return;
    case 'notice':
      core.notice(message, { title });
      return;
  }
}
