/** Runs the command line in a recorded cluster: `npm run play -- FOLDER [flags]`. See `docs/recording.md`. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { playRecording } from '../simulator/recording.ts';
import { createVirtualClock } from '../simulator/virtual-clock.ts';
import { runCli } from '../src/cli.ts';
import { runGate } from '../src/gate.ts';

const USAGE = 'usage: npm run play -- FOLDER [flags of calico-health-gate]';
const USAGE_EXIT_CODE = 64;

/** The exit code of the gate. Ten minutes of its time pass at once; what was watched happens again. */
async function play(folder: string, flags: readonly string[]): Promise<number> {
  const clock = createVirtualClock();
  const changes = readdirSync(folder).some((name) => name.endsWith('.watch.jsonl'));
  const sim = playRecording({ clock, folder, changes });
  const run = runCli(flags, {
    runGate: async (settings, options) =>
      await runGate(settings, {
        ...options,
        clock,
        connect: async () => ({
          transport: sim.transport,
          server: `the recording ${folder}`,
          context: '',
          source: folder,
          renewCredentials: async () => undefined,
          warnings: [],
          runsOnNode: null,
          runsInPod: null,
          secrets: () => [],
          close: () => undefined,
        }),
      }),
  });
  return await clock.run(run);
}

const [named = '', ...rest] = process.argv.slice(2);
if (existsSync(join(named, 'pods.json'))) {
  process.exit(await play(named, rest));
} else {
  process.stderr.write(`play: ${named === '' ? 'no folder was named' : `${named} holds no recording`}\n${USAGE}\n`);
  process.exitCode = USAGE_EXIT_CODE;
}
