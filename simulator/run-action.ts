import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FaceResult, type FaceWatch, runFace } from './face-process.ts';

export interface ActionRun extends FaceWatch {
  /** By input name; what is left out has the default of `action.yml`. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** `RUNNER_TEMP`, where several steps of one job share it. Default: a new folder. */
  readonly temp?: string;
}

export interface ActionResult extends FaceResult {
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly summaryPath: string;
  /** `RUNNER_TEMP` of the run. */
  readonly temp: string;
}

/** Runs the built action in a process of its own the way a runner does: inputs and files by environment variables. */
export async function runAction({ inputs, env = {}, temp, ...watch }: ActionRun): Promise<ActionResult> {
  // A runner makes these files anew for every step; they must be there before it starts.
  const step = await mkdtemp(join(tmpdir(), 'calico-health-gate-'));
  const files = { GITHUB_OUTPUT: join(step, 'output'), GITHUB_STEP_SUMMARY: join(step, 'summary.md') };
  for (const file of Object.values(files)) await writeFile(file, '');
  const given = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const RUNNER_TEMP = temp ?? step;

  const result = await runFace({
    script: 'index.js',
    args: [],
    cwd: step,
    env: { ...files, RUNNER_TEMP, ...Object.fromEntries(given), ...env },
    ...watch,
  });
  return {
    ...result,
    outputs: parseOutputs(await readFile(files.GITHUB_OUTPUT, 'utf8')),
    summary: await readFile(files.GITHUB_STEP_SUMMARY, 'utf8'),
    summaryPath: files.GITHUB_STEP_SUMMARY,
    temp: RUNNER_TEMP,
  };
}

/** The heredoc grammar of `$GITHUB_OUTPUT`: `name<<delimiter`, lines, `delimiter`; a later value wins. */
export function parseOutputs(text: string): Readonly<Record<string, string>> {
  const outputs: Record<string, string> = {};
  const lines = text.split(/\r?\n/u);
  for (let index = 0; index < lines.length; index += 1) {
    const heredoc = /^(?<name>[^<=]+)<<(?<delimiter>.+)$/u.exec(lines[index] ?? '')?.groups;
    if (heredoc === undefined) continue;
    const value: string[] = [];
    for (index += 1; index < lines.length && lines[index] !== heredoc.delimiter; index += 1)
      value.push(lines[index] ?? '');
    outputs[heredoc.name ?? ''] = value.join('\n');
  }
  return outputs;
}
