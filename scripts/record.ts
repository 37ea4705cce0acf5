/** Records a cluster for a bug report: `npm run record -- --out FOLDER`. See `docs/recording.md`. */
import { runRecorder } from './record/run.ts';

const cancel = new AbortController();
// The first one ends a watch early and keeps what came; the second one ends the process, as usual.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => cancel.abort());
process.exitCode = await runRecorder(process.argv.slice(2), {
  env: process.env,
  tell: (line) => process.stderr.write(`${line}\n`),
  signal: cancel.signal,
});
