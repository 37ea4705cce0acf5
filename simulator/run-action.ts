import { spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ACTION = fileURLToPath(new URL('../dist/index.js', import.meta.url));

export interface ActionRun {
  /** By input name; what is left out has the default of `action.yml`. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each piece of stdout and stderr as it comes. */
  readonly onOutput?: (text: string) => void;
  /** Called once the process runs; for signals. */
  readonly onStart?: (kill: (signal: 'SIGINT' | 'SIGTERM') => void) => void;
}

export interface ActionResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly summaryPath: string;
  /** `RUNNER_TEMP` of the run. */
  readonly temp: string;
}

/** Variables of the machine that would change what a runner's clean environment means. */
const NOT_INHERITED = /^(?:GITHUB_|INPUT_|RUNNER_|KUBE|NODE_|(?:https?|no)_proxy$)/iu;

/** Runs the built action in a process of its own the way a runner does: inputs and files by environment variables. */
export async function runAction({ inputs, env = {}, onOutput, onStart }: ActionRun): Promise<ActionResult> {
  const temp = await mkdtemp(join(tmpdir(), 'calico-health-gate-'));
  const files = { GITHUB_OUTPUT: join(temp, 'output'), GITHUB_STEP_SUMMARY: join(temp, 'summary.md') };
  for (const file of Object.values(files)) await writeFile(file, '');
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  const given = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);

  const child = spawn(process.execPath, [ACTION], {
    cwd: temp,
    env: { ...Object.fromEntries(inherited), ...files, RUNNER_TEMP: temp, ...Object.fromEntries(given), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput?.(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onOutput?.(text);
  });
  onStart?.((signal) => child.kill(signal));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return {
    exitCode,
    stdout,
    stderr,
    outputs: parseOutputs(await readFile(files.GITHUB_OUTPUT, 'utf8')),
    summary: await readFile(files.GITHUB_STEP_SUMMARY, 'utf8'),
    summaryPath: files.GITHUB_STEP_SUMMARY,
    temp,
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
