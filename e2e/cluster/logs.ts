import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubeconfigOf } from './credentials.ts';
import { inCluster, sourceOf } from './places.ts';
import { run } from './processes.ts';
import { readState } from './state.ts';

/**
 * Copies what the components said, and what the API server lists, to a folder that stays when the cluster is gone.
 * @returns the folder
 */
export async function saveLogs(): Promise<string> {
  const folder = sourceOf('..', 'out', 'e2e');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyLogs(inCluster('logs'), folder, '');
  if (existsSync(inCluster('nodes'))) {
    for (const node of readdirSync(inCluster('nodes'))) copyLogs(inCluster('nodes', node), folder, `${node}-`);
  }
  const kubectl = join(readState()?.binaries ?? '', 'kubectl');
  for (const resource of ['nodes', 'pods', 'events', 'deployments,replicasets,statefulsets,daemonsets,jobs']) {
    const args = ['--kubeconfig', kubeconfigOf('admin'), '--request-timeout=5s', 'get', resource, '-A', '-o', 'wide'];
    const listed = await run(kubectl, args).catch((error: unknown) => String(error));
    writeFileSync(join(folder, `${resource.replaceAll(',', '-')}.txt`), listed);
  }
  return folder;
}

function copyLogs(from: string, to: string, prefix: string): void {
  if (!existsSync(from)) return;
  const logs = readdirSync(from).filter((name) => name.endsWith('.log'));
  for (const name of logs) copyFileSync(join(from, name), join(to, `${prefix}${name}`));
}
