import { appendFile } from 'node:fs/promises';
import { type Invocation, parseArguments } from './cli/arguments.ts';
import { explainText } from './cli/explain.ts';
import { helpText } from './cli/help.ts';
import { redacted } from './cli/redaction.ts';
import { EXIT_CODES } from './contract.ts';
import { type GateResult, runGate } from './gate.ts';
import { type WhyUnreadable, whyFileIsUnreadable } from './kubeconfig-path.ts';
import { reportText } from './report/json.ts';
import { createLog, type LogSink } from './report/log.ts';
import { reportInTime, writeInTime, writeReport } from './report/report-file.ts';
import { createSecrets, type Secrets } from './report/secrets.ts';
import { type TextStream, textSink } from './report/status-line.ts';
import { summaryOf } from './report/summary.ts';
import { logLine } from './report/untrusted.ts';
import { readSettings, type Settings } from './settings.ts';
import { VERSION } from './version.ts';

/** Everything that the command line touches besides the cluster. */
export interface CliIo {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly whyUnreadable: WhyUnreadable;
  /** Cancels the run when it is aborted. */
  readonly signal: AbortSignal;
  /** Is told those of the run, which are printed nowhere. */
  readonly secrets: Secrets;
  readonly runGate: typeof runGate;
}

/**
 * The command line: reads `argv` (the arguments behind the program's name), runs the gate and prints. Resolves to the
 * exit code. A usage error prints all of its problems on stderr and nothing on stdout; with `--json` stdout holds the
 * report and nothing else.
 */
export async function runCli(argv: readonly string[], replaced: Partial<CliIo> = {}): Promise<number> {
  const io: CliIo = { ...realIo(), ...replaced };
  const invocation = parseArguments(argv);
  switch (invocation.command) {
    case 'help':
      io.stdout.write(helpText());
      return EXIT_CODES.healthy;
    case 'version':
      io.stdout.write(`${VERSION}\n`);
      return EXIT_CODES.healthy;
    case 'explain':
      return explain(invocation.cause, io);
    case 'run':
      return await run(invocation, io);
  }
}

function realIo(): CliIo {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    whyUnreadable: whyFileIsUnreadable,
    signal: new AbortController().signal,
    secrets: createSecrets(),
    runGate,
  };
}

function explain(cause: string | null, io: CliIo): number {
  const explained = explainText(cause);
  if ('problem' in explained) return misuse([explained.problem], io);
  io.stdout.write(explained.text);
  return EXIT_CODES.healthy;
}

async function run(invocation: Extract<Invocation, { command: 'run' }>, io: CliIo): Promise<number> {
  const parsed = readSettings(invocation.raw, io.whyUnreadable);
  const problems = [...invocation.problems, ...('problems' in parsed ? parsed.problems : [])];
  if ('problems' in parsed || problems.length > 0) return misuse(problems, io);

  const { settings, warnings } = parsed;
  const stdout = redacted(io.stdout, io.secrets);
  const stderr = redacted(io.stderr, io.secrets);
  const sink = textSink(invocation.json ? stderr : stdout, stderr, io.env.RUNNER_DEBUG === '1');
  try {
    const result = await io.runGate(settings, {
      env: io.env,
      tell: createLog(sink),
      mask: io.secrets.add,
      signal: io.signal,
      warnings,
    });
    await publish(result, settings, io, sink);
    if (invocation.json) stdout.write(reportText(result.report));
    return exitCodeOf(result, settings);
  } finally {
    sink.status('');
  }
}

/** Writes the files that were asked for. What cannot be written is said and changes no verdict. */
async function publish(result: GateResult, settings: Settings, io: CliIo, sink: LogSink): Promise<void> {
  const inTime = writeInTime(result.report, settings.timeoutMs, io.signal);
  const written =
    settings.reportFile === null
      ? { path: '', problem: null }
      : await reportInTime(writeReport(result.report, settings.reportFile), inTime);
  if (written.problem !== null) sink.line(logLine(written.problem));
  if (written.path !== '') sink.line(logLine(`report: ${written.path}`));

  const summaryFile = io.env.GITHUB_STEP_SUMMARY ?? '';
  if (!settings.jobSummary || summaryFile === '') return;
  try {
    const writing = appendFile(summaryFile, summaryOf(result.report, written.path));
    await inTime(writing, (within) => {
      throw new Error(`not within ${within}`);
    });
  } catch (error) {
    sink.line(logLine(`the job summary could not be written: ${(error as Error).message}`));
  }
}

function exitCodeOf(result: GateResult, settings: Settings): number {
  const { verdict } = result.report;
  if (result.cancelled) return EXIT_CODES.inconclusive;
  return settings.failOn.includes(verdict) ? EXIT_CODES[verdict] : EXIT_CODES.healthy;
}

function misuse(problems: readonly string[], io: CliIo): number {
  const lines =
    problems.length === 1
      ? [`calico-health-gate: ${problems[0]}`]
      : [`calico-health-gate: ${problems.length} problems`, ...problems.map((problem) => `  - ${problem}`)];
  for (const line of lines) io.stderr.write(`${logLine(line)}\n`);
  io.stderr.write('"calico-health-gate --help" lists all flags\n');
  return EXIT_CODES.usage;
}
