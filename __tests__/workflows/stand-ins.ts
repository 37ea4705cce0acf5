import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Programs that stand in for those which a script would run, and note how they were called. */
export interface StandIns {
  readonly folder: string;
  /** A program of this name, which runs `script` in bash; `$FOLDER` is the folder of the stand-ins. */
  readonly add: (name: string, script: string) => void;
  /** How they were called, one line each, in order. */
  readonly calls: () => readonly string[];
  /** Runs a program that finds the stand-ins before all others, or with `only` nothing else. */
  readonly run: (
    command: readonly [string, ...string[]],
    options?: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly only?: boolean },
  ) => Finished;
  readonly remove: () => void;
}

export function standIns(): StandIns {
  const folder = mkdtempSync(join(tmpdir(), 'stand-ins-'));
  const bin = join(folder, 'bin');
  const log = join(folder, 'calls');
  mkdirSync(bin);
  writeFileSync(log, '');
  return {
    folder,
    add: (name, script) => {
      const path = join(bin, name);
      writeFileSync(path, `#!/bin/bash\nset -eu\necho ${name} "$@" >>"$CALLS"\n${script}\n`);
      chmodSync(path, 0o755);
    },
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    run: ([program, ...args], { cwd, env, only = false } = {}) => {
      const PATH = only ? bin : `${bin}:${process.env.PATH}`;
      const options = { encoding: 'utf8', env: { PATH, CALLS: log, FOLDER: folder, ...env } } as const;
      const { status, stdout, stderr } = spawnSync(program, args, cwd === undefined ? options : { ...options, cwd });
      return { status, stdout, stderr };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
