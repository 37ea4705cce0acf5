/** Records a cluster for a bug report: `npm run record -- --out FOLDER`. See `docs/recording.md`. */
import { constants } from 'node:os';
import { runRecorder } from './record/run.ts';

/** npm repeats a terminal's Ctrl-C to its child within the same moment. */
const SAME_SIGNAL_MS = 1_000;

const cancel = new AbortController();
let cancelledMs = Number.POSITIVE_INFINITY;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The first one ends a watch early and keeps what came; another one ends the process.
  process.on(signal, () => {
    if (performance.now() - cancelledMs > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal]);
    cancelledMs = Math.min(cancelledMs, performance.now());
    cancel.abort();
  });
}
const exitCode = await runRecorder(process.argv.slice(2), {
  env: process.env,
  tell: (line) => process.stderr.write(`${line}\n`),
  signal: cancel.signal,
});
// What a cancelled request or plugin left behind must not hold the process.
process.exit(exitCode);
