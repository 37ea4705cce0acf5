import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_FOLDER, inCluster } from './places.ts';
import { run, stopEverything } from './processes.ts';

/** What a cluster leaves on the machine outside its folder, besides processes. The nodes' mounts end with their namespaces. */
export interface Trace {
  readonly kind: 'network-namespace' | 'link' | 'mount' | 'folder' | 'cgroup';
  readonly name: string;
}

/** Where ip(8) keeps network namespaces. */
export const NAMESPACES = '/run/netns';

const LIST = 'traces.jsonl';
const CGROUPS = '/sys/fs/cgroup';
/** A process that was killed holds its control group until the kernel has taken it apart, threads, mounts and all. */
const GONE_WITHIN_MS = 10_000;

/** Writes down what is about to be made, so that a run that is killed in the middle can be cleaned up after. */
export function recordTrace(trace: Trace): void {
  mkdirSync(CLUSTER_FOLDER, { recursive: true, mode: 0o700 });
  appendFileSync(inCluster(LIST), `${JSON.stringify(trace)}\n`);
}

/** Makes a folder of the machine that a node mounts something over, and remembers which parts of it were not there. */
export function makeMountPoint(path: string): void {
  if (existsSync(path)) return;
  makeMountPoint(dirname(path));
  recordTrace({ kind: 'folder', name: path });
  mkdirSync(path);
}

/**
 * Ends every process of a cluster and removes everything that it made.
 * @throws Error if something is still there afterwards; the list is kept then, for another try
 */
export async function removeTraces(): Promise<void> {
  await stopEverything();
  const traces = readTraces();
  const deadline = Date.now() + GONE_WITHIN_MS;
  for (;;) {
    for (const trace of traces.toReversed()) await removeTrace(trace);
    const left = [...new Set(traces.filter(isThere).map(({ kind, name }) => `${kind} ${name}`)), ...mounts()];
    if (left.length === 0) break;
    if (Date.now() > deadline) throw new Error(`a cluster could not be removed altogether: ${left.join(', ')} is left`);
    await sleep(50);
  }
  rmSync(CLUSTER_FOLDER, { recursive: true, force: true });
}

/** Whether a trace is still on the machine. A folder or mount that holds something is somebody else's by now. */
function isThere({ kind, name }: Trace): boolean {
  switch (kind) {
    case 'network-namespace':
      return existsSync(join(NAMESPACES, name));
    case 'link':
      return existsSync(`/sys/class/net/${name}`);
    case 'mount':
      return isMounted(name) && readdirSync(name).length === 0;
    case 'folder':
      return existsSync(name) && readdirSync(name).length === 0;
    case 'cgroup':
      return cgroupsNamed(name).length > 0;
  }
}

/** Mounts of the cluster outside its nodes: there should never be one. */
function mounts(): readonly string[] {
  return mountPoints().filter((path) => path.startsWith(CLUSTER_FOLDER));
}

export function isMounted(path: string): boolean {
  return mountPoints().includes(path);
}

/** Field 5 of proc(5) mountinfo. */
function mountPoints(): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '');
}

function readTraces(): readonly Trace[] {
  if (!existsSync(inCluster(LIST))) return [];
  const lines = readFileSync(inCluster(LIST), 'utf8').split('\n');
  // A run that was killed while it wrote leaves half a line; what it names was not made yet.
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Trace];
    } catch {
      return [];
    }
  });
}

async function removeTrace({ kind, name }: Trace): Promise<void> {
  switch (kind) {
    case 'network-namespace':
      if (existsSync(join(NAMESPACES, name))) await run('ip', ['netns', 'del', name]);
      return;
    case 'link':
      if (existsSync(`/sys/class/net/${name}`)) await run('ip', ['link', 'del', name]);
      return;
    case 'mount':
      if (isMounted(name) && readdirSync(name).length === 0) await run('umount', [name]);
      return;
    case 'folder':
      removeEmpty(name);
      return;
    case 'cgroup':
      removeCgroups(name);
  }
}

/** Removes what is left of a control group and of all below it, where no process is in them any more. */
export function removeCgroups(name: string): void {
  for (const path of cgroupsNamed(name)) removeCgroup(path);
}

/** One on cgroup v2, one in each hierarchy on cgroup v1. */
function cgroupsNamed(name: string): readonly string[] {
  const roots = [CGROUPS, ...readdirSync(CGROUPS).map((each) => join(CGROUPS, each))];
  return roots.map((root) => join(root, name)).filter((path) => existsSync(path));
}

/** A folder that somebody else uses by now stays. */
function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EBUSY') throw error;
  }
}

/** Control groups are removed from the leaves up; their files are not files. */
function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  removeEmpty(path);
}
