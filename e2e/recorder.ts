import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../src/report/report.ts';
import { sourceOf } from './cluster/places.ts';

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  /** As Ctrl-C does: a watch ends early and what came is kept. */
  readonly interrupt: () => void;
  /** Resolves when its stderr has these words; rejects when it ends without. */
  readonly said: (words: string) => Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Runs what `npm run NAME` runs, without npm. */
function startScript(name: 'record' | 'play', args: readonly string[], env: Readonly<Record<string, string>>): Started {
  const { scripts } = JSON.parse(readFileSync(sourceOf('..', 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const [, ...own] = (scripts[name] ?? '').split(' ');
  const child = spawn(process.execPath, [...own, ...args], {
    cwd: sourceOf('..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let stdout = '';
  let stderr = '';
  let isOver = false;
  const listeners = new Set<() => void>();
  child.stdout.on('data', (piece: Buffer) => {
    stdout += piece.toString('utf8');
  });
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString('utf8');
    for (const listen of listeners) listen();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      isOver = true;
      for (const listen of listeners) listen();
      resolve({ exitCode, stdout, stderr });
    });
  });
  return {
    interrupt: () => child.kill('SIGINT'),
    said: (words) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stderr.includes(words)) resolve();
          else if (isOver) reject(new Error(`npm run ${name} ended without saying "${words}":\n${stderr}`));
        };
        listeners.add(look);
        look();
      }),
    ended,
  };
}

/** `npm run record -- --out FOLDER …` on the cluster of a kubeconfig. */
export function startRecorder(kubeconfig: string, folder: string, args: readonly string[]): Started {
  return startScript('record', ['--out', folder, '--kubeconfig', kubeconfig, ...args], {});
}

export interface Played extends Ended {
  readonly report: Report;
}

/** `npm run play -- FOLDER --json …`: the gate in a recording. */
export async function playRecorded(folder: string, flags: readonly string[]): Promise<Played> {
  const ended = await startScript('play', [folder, '--json', ...flags], {}).ended;
  try {
    return { ...ended, report: JSON.parse(ended.stdout) as Report };
  } catch (cause) {
    throw new Error(`the played gate wrote no report:\n${ended.stderr}`, { cause });
  }
}

/** The texts of all files of a recording, by their names. */
export function filesOf(folder: string): ReadonlyMap<string, string> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
