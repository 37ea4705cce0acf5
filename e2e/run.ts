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
E2E_KUBECONFIG            use this cluster and run what makes sense there`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: 'boolean', default: false },
    down: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '3' },
    kubernetes: { type: 'string', default: KUBERNETES_VERSION },
    'test-name': { type: 'string', short: 't' },
    'no-tests': { type: 'boolean', default: false },
    report: { type: 'string' },
    images: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const began = Date.now();

function tell(line: string): void {
  process.stderr.write(`e2e: ${line} (${Math.round((Date.now() - began) / 1000)} s)\n`);
}

async function main(): Promise<number> {
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
  return given ? await runTests(resolve(given)) : await onOwnCluster(nodesOf(values.nodes));
}

async function onOwnCluster(nodes: number): Promise<number> {
  process.on('SIGINT', cancel).on('SIGTERM', cancel).on('SIGHUP', cancel);
  let passed = false;
  try {
    const kubeconfig = await up({ kubernetes: values.kubernetes, nodes, tell });
    tell('the cluster is up');
    const code = values['no-tests'] ? 0 : await runTests(kubeconfig);
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

async function runTests(kubeconfig: string): Promise<number> {
  if (!existsSync(kubeconfig)) throw new Error(`the kubeconfig ${kubeconfig} is not there`);
  const jest = sourceOf('..', 'node_modules', 'jest', 'bin', 'jest.js');
  const names = values['test-name'] === undefined ? [] : ['--testNamePattern', values['test-name']];
  const report = values.report === undefined ? [] : ['--json', '--outputFile', resolve(values.report)];
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules'];
  const config = ['--config', sourceOf('jest.config.mjs'), '--runInBand'];
  // The tests belong to the cluster: they end with it, and what they leave goes with it.
  const own = isOwn(kubeconfig) ? { ...MARK, TMPDIR: inCluster('tmp') } : {};
  if (isOwn(kubeconfig)) mkdirSync(inCluster('tmp'), { recursive: true });
  // A process group of its own: a cancelled run ends the tests and whatever they started.
  const child = spawn(process.execPath, [...flags, jest, ...config, ...names, ...report, ...positionals], {
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
