import { listenForCancellation } from './cancellation.ts';
import { runCli } from './cli.ts';
import { EXIT_CODES } from './contract.ts';
import { runAction } from './index.ts';
import { endProcess } from './process-end.ts';
import { publishBadInput, publishBeginning } from './report/actions.ts';
import { createSecrets, type Secrets } from './report/secrets.ts';
import { logLine } from './report/untrusted.ts';

/** Runs the action to its end and ends the process. */
export function startAction(): void {
  // First of all: from now on a signal ends the run, and no longer the process without a word.
  const signal = listenForCancellation(EXIT_CODES.unhealthy);
  publishBeginning();
  start((secrets) => runAction(process.env, signal, secrets), publishBadInput);
}

/** Runs the command line to its end and ends the process. */
export function startCli(): void {
  const signal = listenForCancellation(EXIT_CODES.inconclusive);
  start(
    (secrets) => runCli(process.argv.slice(2), { signal, secrets }),
    (message) => {
      process.stderr.write(`${logLine(message)}\n`);
      return EXIT_CODES.inconclusive;
    },
  );
}

/**
 * `tellUnexpected` says what nobody expected, and gives the exit code: Node's own is 1, which would claim that the
 * cluster is unhealthy.
 */
function start(face: (secrets: Secrets) => Promise<number>, tellUnexpected: (message: string) => number): void {
  const secrets = createSecrets();
  const stop = (error: unknown): void => {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    for (const line of secrets.hide(stack ?? '').split('\n')) process.stderr.write(`${logLine(line)}\n`);
    exit(tellUnexpected(`calico-health-gate stopped unexpectedly: ${secrets.hide(message)}`));
  };
  process.once('uncaughtException', stop);
  // A reader that has left (`| head -1`) must not turn a verdict into a crash.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  face(secrets).then(exit, stop);
}

/** What is still open (a watch, a credential plugin) must not keep the process, but what was printed must get out. */
function exit(code: number): void {
  process.exitCode = code;
  process.stdout.write('', () => process.stderr.write('', () => endProcess(code)));
}

// Both faces are in one bundle: dist/index.js is the action, and dist/cli.js loads it for the other one.
if (import.meta.main) startAction();
