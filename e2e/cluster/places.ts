import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The one cluster of a machine: its data, logs and the list of its traces. A fixed folder that does not depend on who
 * runs it from where, so that every run finds what an earlier one left. The file system must be a plain one: the nodes'
 * containers lie in it.
 */
export const CLUSTER_FOLDER = '/var/lib/calico-health-gate-e2e';

/** What is built once for each Kubernetes version and kept. */
export function cacheFolder(version: string): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'calico-health-gate', 'e2e', version);
}

/** A file or folder of `e2e/`. */
export function sourceOf(...path: readonly string[]): string {
  return join(fileURLToPath(new URL('..', import.meta.url)), ...path);
}

/** A file or folder of the cluster. */
export function inCluster(...path: readonly string[]): string {
  return join(CLUSTER_FOLDER, ...path);
}
