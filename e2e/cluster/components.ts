import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, sourceOf } from './places.ts';
import { run } from './processes.ts';

/** The Kubernetes version that the suite runs on; `e2e/components/go.mod` pins it. */
export const KUBERNETES_VERSION = '1.34.4';

/** What else the Go module proxy has and Debian's containerd can run; `npm run e2e-versions` runs the smoke part on them. */
export const OTHER_VERSIONS = ['1.33.13', '1.37.2'];

const COMMANDS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl'];
const ETCD = 'go.etcd.io/etcd/server/v3';
const PACKAGES = [...COMMANDS.map((command) => `k8s.io/kubernetes/cmd/${command}`), ETCD];
/** `go build` names a binary after the last part of its path that is no version. */
const BINARIES = [...COMMANDS, 'server'];

/** Static: they run in any of the nodes' namespaces. */
const BUILD = { CGO_ENABLED: '0' };
/** No commit in them: Git refuses to tell root that of a clone that is somebody else's, and the build fails. */
const ARGUMENTS = ['build', '-buildvcs=false'];

export type Tell = (line: string) => void;

/**
 * Builds control plane, kubelet and etcd of a Kubernetes version, once; some minutes.
 * @returns the folder of the binaries
 */
export async function buildComponents(version: string, tell: Tell): Promise<string> {
  const binaries = join(cacheFolder(version), 'bin');
  const module = version === KUBERNETES_VERSION ? sourceOf('components') : await pinned(version, tell);
  const flags = linkerFlags(version);
  const inputs = [readFileSync(join(module, 'go.mod')), readFileSync(join(module, 'go.sum')), flags];
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(input);
  const stamp = hash.update(await run('go', ['env', 'GOVERSION'])).digest('hex');
  const stampFile = join(binaries, 'built-from');
  const built = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  if (built && BINARIES.every((name) => existsSync(join(binaries, name)))) return binaries;

  tell(`building Kubernetes ${version} and etcd from their Go modules; about five minutes, once`);
  mkdirSync(binaries, { recursive: true });
  await run('go', [...ARGUMENTS, '-o', `${binaries}/`, '-ldflags', flags, ...PACKAGES], { cwd: module, env: BUILD });
  writeFileSync(stampFile, stamp);
  return binaries;
}

/** Builds the stand-in for Calico and for the pods' programs; seconds. */
export async function buildStandIn(tell: Tell): Promise<string> {
  const folder = cacheFolder('stand-in');
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, 'stand-in');
  if (!existsSync(binary)) tell('building the stand-in for Calico');
  await run('go', [...ARGUMENTS, '-o', binary, '-ldflags', '-s -w', '.'], { cwd: sourceOf('stand-in'), env: BUILD });
  return binary;
}

/** Without these the binaries call themselves v0.0.0 (k8s.io/component-base/version). */
function linkerFlags(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  const variables = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  const set = Object.entries(variables).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s', '-w', ...set].join(' ');
}

async function pinned(version: string, tell: Tell): Promise<string> {
  const folder = join(cacheFolder(version), 'module');
  if (!existsSync(join(folder, 'go.sum'))) {
    tell(`pinning the modules of Kubernetes ${version}`);
    await pinComponents(version, folder);
  }
  return folder;
}

interface GoModule {
  readonly Go: string;
  readonly Replace: readonly { readonly Old: { readonly Path: string } }[] | null;
}

/**
 * Writes a Go module that pins the components of a Kubernetes version: `k8s.io/kubernetes` v1.X.Y itself replaces its
 * staging modules by folders of its repository; outside of it they are the modules of the same names, v0.X.Y.
 */
async function pinComponents(version: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const download = await run('go', ['mod', 'download', '-json', `k8s.io/kubernetes@v${version}`], { cwd: folder });
  const { GoMod } = JSON.parse(download) as { readonly GoMod: string };
  const module = JSON.parse(await run('go', ['mod', 'edit', '-json', GoMod])) as GoModule;
  const staging = (module.Replace ?? []).map(({ Old }) => Old.Path);
  const ofStaging = version.replace(/^\d+/, '0');
  const text = [
    'module calico-health-gate.example/e2e/components',
    `go ${module.Go}`,
    `tool (\n${PACKAGES.map((path) => `\t${path}\n`).join('')})`,
    `require k8s.io/kubernetes v${version}`,
    `replace (\n${staging.map((path) => `\t${path} => ${path} v${ofStaging}\n`).join('')})`,
  ].join('\n\n');
  writeFileSync(join(folder, 'go.mod'), `${text}\n`);
  await run('go', ['mod', 'tidy'], { cwd: folder });
}
