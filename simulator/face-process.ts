import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** What a caller may watch or do while a face runs. */
export interface FaceWatch {
  /** Called with each piece of stdout and stderr as it comes. */
  readonly onOutput?: (text: string) => void;
  /** Called once the process runs; for signals. */
  readonly onStart?: (kill: (signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL') => void) => void;
}

export interface FaceProcess extends FaceWatch {
  /** File in `dist/`. */
  readonly script: 'index.js' | 'cli.js';
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface FaceResult {
  /** null: a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where the build is that runs: `dist`, unless `GATE_DIST` is the path of another folder. */
const DIST = process.env.GATE_DIST ?? join(import.meta.dirname, '../dist');

/** Variables of the machine that would change what a clean environment means. */
const NOT_INHERITED = /^(?:GITHUB_|INPUT_|RUNNER_|KUBE|NODE_|(?:https?|no|all)_proxy$)/iu;

/** Runs what was built in a process of its own, with a clean environment, to its end. */
export async function runFace({ script, args, cwd, env, onOutput, onStart }: FaceProcess): Promise<FaceResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  const child = spawn(process.execPath, [join(DIST, script), ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
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
  return { exitCode, stdout, stderr };
}
