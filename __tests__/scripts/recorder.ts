/** Runs the recorder in a simulated cluster, and what tests want to do with what it wrote. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runRecorder } from '../../scripts/record/run.ts';
import { playRecording, type RecordingOptions } from '../../simulator/recording.ts';
import { createVirtualClock } from '../../simulator/virtual-clock.ts';
import type { Connection } from '../../src/cluster/connection.ts';
import type { World } from '../harness.ts';

export interface Recorded {
  readonly exitCode: number;
  /** What the recorder said. */
  readonly lines: readonly string[];
  readonly folder: string;
}

const folders = new Set<string>();

/** A folder that does not exist yet, in one that `removeFolders` removes. */
function aNewFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'record-test-'));
  folders.add(parent);
  return join(parent, 'recording');
}

export function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

export interface RecorderOptions {
  readonly signal?: AbortSignal;
  readonly secrets?: readonly string[];
}

/** Records `world` while its clock runs. */
export async function recordWorld(
  { clock, sim }: World,
  args: readonly string[] = [],
  { signal = new AbortController().signal, secrets = [] }: RecorderOptions = {},
): Promise<Recorded> {
  const lines: string[] = [];
  const folder = aNewFolder();
  const connection: Connection = {
    transport: sim.transport,
    server: 'https://simulator',
    context: 'test',
    source: 'the simulator',
    renewCredentials: async () => undefined,
    warnings: [],
    runsOnNode: null,
    runsInPod: null,
    secrets: () => secrets,
    close: () => undefined,
  };
  const exitCode = await clock.run(
    runRecorder(['--out', folder, ...args], {
      env: {},
      tell: (line) => lines.push(line),
      signal,
      clock,
      connect: async () => connection,
    }),
  );
  return { exitCode, lines, folder };
}

/** A world that serves a recording. */
export function worldOf(folder: string, options: Omit<RecordingOptions, 'clock' | 'folder'> = {}): World {
  const clock = createVirtualClock();
  return { clock, sim: playRecording({ clock, folder, ...options }) };
}

/** Everything in a folder. */
export function contentOf(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
}

export function itemsIn<T = Readonly<Record<string, unknown>>>(folder: string, plural: string): readonly T[] {
  return (JSON.parse(readFileSync(join(folder, `${plural}.json`), 'utf8')) as { readonly items: readonly T[] }).items;
}
