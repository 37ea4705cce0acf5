import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { down, keep, up } from './cluster/cluster.ts';
import { buildStandIn, KUBERNETES_VERSION } from './cluster/components.ts';
import { writeImages } from './cluster/images.ts';
import { saveLogs } from './cluster/logs.ts';
import { DEFAULT_SUBNET } from './cluster/network.ts';
import { inCluster, sourceOf } from './cluster/places.ts';
import { MARK, stopCommands } from './cluster/processes.ts';
import { isOwn, readState } from './cluster/state.ts';

const USAGE = `usage: npm run e2e -- [options] [pattern of test files ...]
  --keep                  leave the cluster up and print its kubeconfig; the next run takes it down
  --down                  only take down what a former run left
  --nodes NUMBER          nodes of the cluster (3)
  --kubernetes VERSION    Kubernetes version (${KUBERNETES_VERSION})
  -t, --test-name REGEX   only tests whose names match
  --no-tests              with --keep: only the cluster
  --report FILE           write the results of the tests as JSON, too
  --images FILE           only write the container images to an archive, for a cluster that is already there
E2E_KUBECONFIG            use this cluster and run what makes sense there
E2E_NODE_SHELL            on such a cluster: a command that runs a script on {node}, for the scenarios that need one
E2E_SUBNET                the first three numbers of the cluster's network (${DEFAULT_SUBNET})`;

const OPTIONS = {
  keep: { type: 'boolean', default: false },
  down: { type: 'boolean', default: false },
  nodes: { type: 'string', default: '3' },
  kubernetes: { type: 'string', default: KUBERNETES_VERSION },
  'test-name': { type: 'string', short: 't' },
  'no-tests': { type: 'boolean', default: false },
  report: { type: 'string' },
  images: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

type Options = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>;

const began = Date.now();

function tell(line: string): void {
  process.stderr.write(`e2e: ${line} (${Math.round((Date.now() - began) / 1000)} s)\n`);
}

async function main(): Promise<number> {
  const { values, positionals } = readOptions();
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (values.images !== undefined) {
    writeImages(await buildStandIn(tell), values.images);
    return 0;
  }
  if (values.down) {
    await down();
    return 0;
  }
  const given = process.env.E2E_KUBECONFIG;
  const args = jestArgs(values, positionals);
  return given ? await runTests(resolve(given), args) : await onOwnCluster(values, args);
}

/** @throws Error for an option that there is not */
function readOptions(): Options {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`, { cause: error });
  }
}

function jestArgs(values: Options['values'], patterns: readonly string[]): readonly string[] {
  const { 'test-name': name, report } = values;
  return [
    ...(name === undefined ? [] : ['--testNamePattern', name]),
    ...(report === undefined ? [] : ['--json', '--outputFile', resolve(report)]),
    ...patterns,
  ];
}

async function onOwnCluster(values: Options['values'], args: readonly string[]): Promise<number> {
  const nodes = nodesOf(values.nodes);
  const kubernetes = versionOf(values.kubernetes);
  process.on('SIGINT', cancel).on('SIGTERM', cancel).on('SIGHUP', cancel);
  let passed = false;
  try {
    const kubeconfig = await up({ kubernetes, nodes, tell });
    tell('the cluster is up');
    const code = values['no-tests'] ? 0 : await runTests(kubeconfig, args);
    passed = code === 0;
    if (values.keep) {
      keep();
      process.stdout.write(`export KUBECONFIG=${kubeconfig}\n`);
    }
    return code;
  } finally {
    if (isOurs()) {
      if (!passed) tell(`the cluster's logs are in ${await saveLogs()}`);
      await down();
      tell('the cluster is gone');
    }
  }
}

/** Whether there is a cluster, or a part of one, that this run has to take down. */
function isOurs(): boolean {
  return readState()?.owner.pid === process.pid;
}

/** The tests, while they run. */
let tests: ChildProcess | null = null;

/** Takes the cluster down in another process and waits for it: nothing of this one goes on meanwhile. */
function cancel(signal: NodeJS.Signals): void {
  stopCommands();
  if (tests?.pid !== undefined) killGroup(tests.pid);
  if (isOurs()) {
    tell(`${signal}: taking the cluster down`);
    // In a session of its own: another Ctrl-C does not reach it.
    const script = fileURLToPath(import.meta.url);
    spawnSync('setsid', [process.execPath, ...process.execArgv, script, '--down'], { stdio: 'inherit' });
  }
  process.exit(128 + constants.signals[signal]);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function nodesOf(text: string): number {
  if (!/^[1-9]$/u.test(text)) throw new Error(`--nodes is ${text}; it must be 1 to 9`);
  return Number(text);
}

function versionOf(text: string): string {
  if (/^1\.\d+\.\d+$/u.test(text)) return text;
  throw new Error(`--kubernetes is ${text}; it must be a version such as ${KUBERNETES_VERSION}`);
}

async function runTests(kubeconfig: string, args: readonly string[]): Promise<number> {
  if (!existsSync(kubeconfig)) throw new Error(`the kubeconfig ${kubeconfig} is not there`);
  const jest = sourceOf('..', 'node_modules', 'jest', 'bin', 'jest.js');
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
  const config = ['--config', sourceOf('jest.config.mjs'), '--runInBand'];
  // The tests belong to the cluster: they end with it, and what they leave goes with it.
  const own = isOwn(kubeconfig) ? { ...MARK, TMPDIR: inCluster('tmp') } : {};
  if (isOwn(kubeconfig)) mkdirSync(inCluster('tmp'), { recursive: true });
  // A process group of its own: a cancelled run ends the tests and whatever they started.
  const child = spawn(process.execPath, [...flags, jest, ...config, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    env: { ...process.env, E2E_KUBECONFIG: kubeconfig, ...own },
  });
  tests = child;
  return await new Promise((resolved, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolved(code ?? 1));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  tell(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
