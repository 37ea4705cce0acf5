import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CLUSTER_FOLDER, inCluster } from './places.ts';
import { run, stopEverything } from './processes.ts';

/** What a cluster leaves on the machine outside its folder, besides processes. Mounts end with the nodes' namespaces. */
export interface Trace {
  readonly kind: 'network-namespace' | 'link' | 'folder' | 'cgroup';
  readonly name: string;
}

const LIST = 'traces.jsonl';
const CGROUPS = '/sys/fs/cgroup';

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

/** Ends every process of a cluster and removes everything that it made; says nothing if there is nothing. */
export async function removeTraces(): Promise<void> {
  await stopEverything();
  for (const trace of readTraces().toReversed()) await removeTrace(trace);
  rmSync(CLUSTER_FOLDER, { recursive: true, force: true });
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
      if (existsSync(`/run/netns/${name}`)) await run('ip', ['netns', 'del', name]);
      return;
    case 'link':
      if (existsSync(`/sys/class/net/${name}`)) await run('ip', ['link', 'del', name]);
      return;
    case 'folder':
      removeEmpty(name);
      return;
    case 'cgroup':
      for (const root of [CGROUPS, ...readdirSync(CGROUPS).map((each) => join(CGROUPS, each))]) {
        removeCgroup(join(root, name));
      }
  }
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
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  removeEmpty(path);
}
