import { type FaceResult, type FaceWatch, runFace } from './face-process.ts';

export interface CliRun extends FaceWatch {
  readonly args: readonly string[];
  /** Where it runs. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built command line in a process of its own, as somebody types it in `folder`; HOME is that folder too. */
export async function runCli({ args, folder, env = {}, ...watch }: CliRun): Promise<FaceResult> {
  return await runFace({ script: 'cli.js', args, cwd: folder, env: { HOME: folder, ...env }, ...watch });
}
