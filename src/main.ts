import { setFailed } from '@actions/core';
import { runCli } from './cli.ts';
import { EXIT_CODES } from './contract.ts';
import { runAction } from './index.ts';

/** Runs the action to its end and ends the process. */
export function startAction(): void {
  runAction(process.env).then(exit, (error: unknown) => {
    setFailed(describe(error));
    exit(EXIT_CODES.unhealthy);
  });
}

/** Runs the command line to its end and ends the process. */
export function startCli(): void {
  runCli(process.argv.slice(2)).then(exit, (error: unknown) => {
    process.stderr.write(`${describe(error)}\n`);
    exit(EXIT_CODES.inconclusive);
  });
}

/** A message, not a stack: faces report what they expect, and this is for what nobody expected. */
function describe(error: unknown): string {
  return `calico-health-gate stopped unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
}

/** What is still open (a watch, a credential plugin) must not keep the process, but what was printed must get out. */
function exit(code: number): void {
  process.exitCode = code;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

// A reader that has left (`| head -1`) must not turn a verdict into a crash.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

// Both faces are in one bundle: dist/index.js is the action, and dist/cli.js loads it for the other one.
if (import.meta.main) startAction();
