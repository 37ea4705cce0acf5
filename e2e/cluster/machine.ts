import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_SUBNET, takenBy } from './network.ts';
import { inCluster } from './places.ts';
import { run } from './processes.ts';

/** Where Debian's containernetworking-plugins are. */
export const PLUGIN_FOLDER = '/usr/lib/cni';

interface Requirement {
  readonly debianPackage: string;
  readonly isThere: () => Promise<boolean> | boolean;
}

const REQUIREMENTS: readonly Requirement[] = [
  { debianPackage: 'containerd', isThere: async () => await canRun('containerd', '--version') },
  { debianPackage: 'runc', isThere: async () => await canRun('runc', '--version') },
  { debianPackage: 'containernetworking-plugins', isThere: () => existsSync(join(PLUGIN_FOLDER, 'bridge')) },
  { debianPackage: 'iproute2', isThere: async () => await canRun('ip', '-Version') },
  { debianPackage: 'util-linux', isThere: async () => await canRun('unshare', '--version') },
];

/** Thrown when this machine cannot run a cluster; the message says in one line what is missing and how to get it. */
export function cannotRun(problems: readonly string[]): Error {
  return new Error(`cannot do that here: ${problems.join('; ')}`);
}

/**
 * Makes sure that this machine can run a cluster, and installs Debian's packages where they are absent.
 * @throws Error with everything that is missing
 */
export async function prepareMachine(subnet: string, tell: (line: string) => void): Promise<void> {
  const problems: string[] = [];
  if (process.platform !== 'linux') throw cannotRun(['nodes need Linux']);
  const root = process.getuid?.() === 0;
  if (!root) problems.push('namespaces and mounts need root (run it with sudo)');
  if (!(await hasGo())) problems.push('Go 1.24 or newer is missing (see go.dev/doc/install)');
  if (!/^(?:\d{1,3}\.){2}\d{1,3}$/u.test(subnet))
    problems.push(`E2E_SUBNET is ${subnet}; it begins addresses, such as 10.99.0`);
  const taken = takenBy(subnet);
  if (taken !== null) {
    problems.push(`${taken} is already in ${subnet}.0/24 (set E2E_SUBNET to another one, such as ${DEFAULT_SUBNET})`);
  }
  const missing = await missingPackages();
  if (missing.length > 0 && root && (await canRun('apt-get', '--version'))) await install(missing, tell);
  const left = await missingPackages();
  if (left.length > 0) problems.push(`${left.join(', ')} missing (apt-get install ${left.join(' ')})`);
  if (problems.length > 0) throw cannotRun(problems);
}

/** Go 1.24 is the first that knows the `tool` lines of a module. */
async function hasGo(): Promise<boolean> {
  try {
    const [, minor] = /go1\.(\d+)/u.exec(await run('go', ['version'])) ?? [];
    return Number(minor) >= 24;
  } catch {
    return false;
  }
}

async function missingPackages(): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const { debianPackage, isThere } of REQUIREMENTS) {
    if (!(await isThere())) missing.push(debianPackage);
  }
  return missing;
}

async function install(packages: readonly string[], tell: (line: string) => void): Promise<void> {
  tell(`installing ${packages.join(', ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const args = ['install', '--yes', '--no-install-recommends', ...packages];
  try {
    await run('apt-get', args, { env });
  } catch {
    // The usual reason is a list of packages that is old, or was never fetched.
    try {
      await run('apt-get', ['update'], { env });
      await run('apt-get', args, { env });
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
  }
}

async function canRun(command: string, argument: string): Promise<boolean> {
  try {
    await run(command, [argument]);
    return true;
  } catch {
    return false;
  }
}

/** Whether containers in the cluster's folder can be laid out with overlayfs: not where that folder is one itself. */
export async function hasOverlay(): Promise<boolean> {
  const folder = inCluster('overlay-trial');
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(folder, name));
  for (const each of [lower, upper, work, merged]) mkdirSync(each ?? '', { recursive: true });
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  // In a mount namespace of its own: nothing is left to unmount.
  const trial = ['--mount', 'mount', '-t', 'overlay', 'trial', '-o', options, merged ?? ''];
  try {
    await run('unshare', trial);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
