import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_FOLDER, inCluster } from './places.ts';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const QUOTED_BYTES = 2000;

/** Commands that are running, so that a cancelled run does not leave one behind. */
const running = new Set<ChildProcess>();

/** Ends the commands that `run` is waiting for. */
export function stopCommands(): void {
  for (const child of running) child.kill();
}

/** Runs a command to its end and returns its stdout; rejects with its last words if it fails. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, env, ...rest } = options;
  return await new Promise((resolve, reject) => {
    const child = execFile(
      command,
      [...args],
      { ...rest, env: { ...process.env, ...env }, maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout, stderr) => {
        running.delete(child);
        if (error === null) resolve(stdout);
        else {
          const words = (stderr || stdout || error.message).trim().slice(-QUOTED_BYTES);
          reject(new Error(`${command} ${args.join(' ')}: ${words}`, { cause: error }));
        }
      },
    );
    running.add(child);
    // A command that does not read its input may be gone before it is written.
    child.stdin?.on('error', () => {}).end(input ?? '');
  });
}

/** Every process of the cluster, and whatever it starts, has this in its environment: that is how it is found again. */
export const MARK: Readonly<Record<string, string>> = { CALICO_HEALTH_GATE_E2E: CLUSTER_FOLDER };

/** How long a process that was killed may take to be gone. */
const GONE_WITHIN_MS = 10_000;

/**
 * Starts a process of the cluster that outlives this one. Its output goes to `logs/<name>.log`.
 * @returns its process id
 */
export function startDaemon(name: string, command: string, args: readonly string[]): number {
  mkdirSync(inCluster('logs'), { recursive: true });
  mkdirSync(inCluster('pids'), { recursive: true });
  const log = openSync(logOf(name), 'a');
  // Detached: a Ctrl-C is for the run, which then takes the cluster down in order.
  const child = spawn(command, [...args], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: CLUSTER_FOLDER,
    env: { PATH: process.env.PATH, ...MARK },
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  if (child.pid === undefined) throw new Error(`${command} could not be started`);
  writeFileSync(inCluster('pids', name), String(child.pid));
  return child.pid;
}

function logOf(name: string): string {
  return inCluster('logs', `${name}.log`);
}

/** The process id of a daemon that runs, else null. */
export function daemonPid(name: string): number | null {
  try {
    const pid = Number(readFileSync(inCluster('pids', name), 'utf8'));
    return isMarked(pid) ? pid : null;
  } catch {
    return null;
  }
}

/** Kills a daemon; what it started in a process namespace of its own goes with it. */
export async function stopDaemon(name: string): Promise<void> {
  const pid = daemonPid(name);
  if (pid !== null) await killAll(() => (isMarked(pid) ? [pid] : []), name);
  rmSync(inCluster('pids', name), { force: true });
}

/** Kills every process of the cluster, also of one whose run was killed. */
export async function stopEverything(): Promise<void> {
  await killAll(markedProcesses, 'the cluster');
}

async function killAll(find: () => readonly number[], what: string): Promise<void> {
  const deadline = Date.now() + GONE_WITHIN_MS;
  for (let left = find(); left.length > 0; left = find()) {
    if (Date.now() > deadline) throw new Error(`processes of ${what} do not end: ${left.join(', ')}`);
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await sleep(20);
  }
}

function markedProcesses(): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && isMarked(pid));
}

/** A process id may have been given to another process since: only the mark tells. */
function isMarked(pid: number): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return Object.entries(MARK).every(([name, value]) => environment.includes(`${name}=${value}`));
  } catch {
    return false;
  }
}

/** The end of what a daemon said. */
export function lastLines(daemon: string): string {
  try {
    return readFileSync(logOf(daemon), 'utf8').slice(-QUOTED_BYTES);
  } catch {
    return '';
  }
}
