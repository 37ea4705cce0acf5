import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CLUSTER_FOLDER, inCluster } from './places.ts';

/** What a process that did not start the cluster needs to know of it. */
export interface ClusterState {
  /** The run that owns it: process id and when that process began, in the kernel's ticks. */
  readonly owner: { readonly pid: number; readonly began: string };
  readonly kubernetes: string;
  /** The first three numbers of the cluster's IPv4 network. */
  readonly subnet: string;
  /** Folder of the built binaries. */
  readonly binaries: string;
  /** Whether containers are laid out with overlayfs; else every container is a copy. */
  readonly overlay: boolean;
}

const FILE = 'state.json';

/** The cluster of this machine, if there is one, complete or not. */
export function readState(): ClusterState | null {
  if (!existsSync(inCluster(FILE))) return null;
  return JSON.parse(readFileSync(inCluster(FILE), 'utf8')) as ClusterState;
}

export function writeState(state: ClusterState): void {
  mkdirSync(CLUSTER_FOLDER, { recursive: true, mode: 0o700 });
  writeFileSync(inCluster(`${FILE}.new`), JSON.stringify(state));
  renameSync(inCluster(`${FILE}.new`), inCluster(FILE));
}

/** Whether `kubeconfig` belongs to the cluster of this machine; others are used, but their machinery is not touched. */
export function isOwn(kubeconfig: string): boolean {
  return dirname(kubeconfig) === CLUSTER_FOLDER && existsSync(inCluster(FILE));
}

/** This process, as an owner. */
export function thisRun(): ClusterState['owner'] {
  return { pid: process.pid, began: beganAt(process.pid) ?? '' };
}

/** Whether the run that owns a cluster is still going on. */
export function isAlive({ pid, began }: ClusterState['owner']): boolean {
  return beganAt(pid) === began;
}

/** Field 22 of proc(5) stat; the name before it may hold spaces and brackets. */
function beganAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
