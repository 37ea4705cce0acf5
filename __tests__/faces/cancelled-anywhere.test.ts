import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { FaceWatch } from '../../simulator/face-process.ts';
import { createRandom } from '../../simulator/random.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import { aKubeconfig, base64 } from '../cluster/loopback.ts';
import type { Inputs } from '../harness.ts';
import { aFolder, closeAll, playAction, playCli, readReport, type Served, serve, writeFileIn } from './runs.ts';

const silent = new Set<Server>();
const sockets = new Set<Socket>();
afterAll(async () => {
  await closeAll();
  for (const socket of sockets) socket.destroy();
  for (const server of silent) server.close();
});

type Signal = 'SIGINT' | 'SIGTERM';

/** Signals that are sent once: at a mark in the output, or when a test says so. */
interface Cancelling {
  readonly watch: FaceWatch;
  readonly now: () => void;
}

function cancelling(signals: readonly Signal[], mark?: string): Cancelling {
  let kill: ((signal: Signal) => void) | null = null;
  let seen = '';
  const now = (): void => {
    for (const signal of signals) kill?.(signal);
    kill = null;
  };
  return {
    now,
    watch: {
      onStart: (killer) => {
        kill = killer;
      },
      onOutput: (text) => {
        seen += text;
        if (mark !== undefined && seen.includes(mark)) now();
      },
    },
  };
}

/** The next request that `isMeant` fails so, and the run is cancelled in this very moment. */
function cancelAt(served: Served, isMeant: (request: RequestSeen) => boolean, fault: Fault, { now }: Cancelling): void {
  served.sim.api.faults = (request) => {
    if (!isMeant(request)) return undefined;
    // When it has been carried out, if it ever is.
    setImmediate(now);
    return fault;
  };
}

/** Pods that never get ready; and on n1, with a dead token, some that cannot get their network. */
function aTroubledCluster(): Simulator {
  const sim = createSimulator({ seed: 5, nodes: ['n1', 'n2'], calico: { namespace: 'calico-system' } });
  sim.cluster.deploy({ namespace: 'shop', name: 'slow', replicas: 2, behaviour: { kind: 'neverReady' } });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
  sim.warmUp(60_000);
  sim.cluster.breakToken('n1', 'unauthorized');
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
  sim.warmUp(60_000);
  return sim;
}

/** A kubeconfig of a server that takes connections and says nothing. */
async function aSilentServer(onConnection: () => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket);
    onConnection();
  });
  silent.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  return writeFileIn(aFolder(), 'config', aKubeconfig({ server: `https://127.0.0.1:${port}` }, { token: 'any-token' }));
}

/** A kubeconfig whose plugin gives a token once, and never comes back when it is asked again. */
function aPluginThatHangsLater({ server, folder }: Served, onHanging: string): string {
  const script = `#!/bin/sh
    if test -e "${folder}/asked"; then touch "${onHanging}"; sleep 120; fi
    touch "${folder}/asked"
    echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"gate-token"}}'`;
  writeFileIn(folder, 'plugin.sh', script);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh' };
  return writeFileIn(
    folder,
    'with-plugin',
    aKubeconfig({ server: server.url, 'certificate-authority-data': base64(server.ca) }, { exec }),
  );
}

const INPUTS: Inputs = { namespaces: 'shop', 'restart-calico-node': 'true', 'fail-on': 'none', timeout: '10m' };
const isDelete = ({ method }: RequestSeen): boolean => method === 'DELETE';

interface Moment {
  readonly served: Served | null;
  readonly kubeconfig?: string;
  readonly watch: FaceWatch;
}

/** How a run gets to the moment in which it is cancelled. */
type Reach = (signals: readonly Signal[]) => Promise<Moment>;

const atMark =
  (mark: string): Reach =>
  async (signals) => ({ served: await serve(aTroubledCluster()), watch: cancelling(signals, mark).watch });

const atRequest =
  (isMeant: (request: RequestSeen) => boolean, fault: Fault): Reach =>
  async (signals) => {
    const served = await serve(aTroubledCluster());
    const cancel = cancelling(signals);
    cancelAt(served, isMeant, fault, cancel);
    return { served, watch: cancel.watch };
  };

/** What every reason begins with, what it says of what was done, and what it says of what was left. */
interface Told {
  readonly reason: RegExp;
  readonly restarted?: readonly string[];
}

const NOTHING_YET = /^cancelled by SIG\w+ before anything was decided$/u;
const LEFT = /^cancelled by SIG\w+ after \d+s: \d of \d+ pods were ready; .*; calico-node on n1 was left as it is$/u;

const MOMENTS: readonly (readonly [string, Reach, Told])[] = [
  ['in its first line', atMark('Calico Health Gate'), { reason: /^cancelled by SIG/u }],
  [
    'while it connects',
    async (signals) => {
      const cancel = cancelling(signals);
      return { served: null, kubeconfig: await aSilentServer(cancel.now), watch: cancel.watch };
    },
    { reason: NOTHING_YET },
  ],
  [
    'while a plugin renews its credentials',
    async (signals) => {
      const cancel = cancelling(signals);
      const served = await serve(aTroubledCluster());
      const hanging = join(served.folder, 'hanging');
      served.sim.api.faults = ({ path }) => (path === '/version' ? undefined : { kind: 'status', status: 401 });
      const looking = setInterval(() => {
        if (!existsSync(hanging)) return;
        clearInterval(looking);
        cancel.now();
      }, 20).unref();
      return { served, kubeconfig: aPluginThatHangsLater(served, hanging), watch: cancel.watch };
    },
    { reason: /^cancelled by SIG/u },
  ],
  [
    'in the middle of its first lists',
    atRequest(({ path }) => path.includes('/shop/pods?limit'), { kind: 'stall', afterBytes: 100 }),
    { reason: /^cancelled by SIG/u },
  ],
  ['while it waits for a second look', atMark('pods ready'), { reason: LEFT }],
  [
    'between a DELETE that is carried out and its answer',
    atRequest(isDelete, { kind: 'stall', afterBytes: 0 }),
    {
      reason: /; calico-node was restarted on n1, and whether that cures it was not seen any more$/u,
      restarted: ['n1'],
    },
  ],
  [
    'between a DELETE that never arrives and its answer',
    atRequest(isDelete, { kind: 'hang' }),
    { reason: /; whether calico-node was restarted on n1 is not known: its DELETE got no answer$/u },
  ],
  [
    'while a cure is waited for',
    atMark('was deleted: waiting for the new calico-node pod'),
    {
      reason: /; calico-node was restarted on n1, and whether that cures it was not seen any more$/u,
      restarted: ['n1'],
    },
  ],
];

describe.each(MOMENTS)('cancelled %s', (_moment, reach, { reason, restarted = [] }) => {
  test.concurrent('the action fails within its time, with outputs, summary and report', async () => {
    const { served, kubeconfig, watch } = await reach(['SIGINT', 'SIGTERM']);
    const inputs = kubeconfig === undefined ? INPUTS : { ...INPUTS, kubeconfig };
    const { exitCode, outputs, report, summary, annotations } = await playAction(served, inputs, watch);
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'inconclusive' });
    expect(outputs.reason).toMatch(reason);
    expect(outputs['restarted-nodes']).toBe(JSON.stringify(restarted));
    expect(report?.reason).toBe(outputs.reason);
    expect(summary).toContain('## ❔ Calico Health Gate: inconclusive');
    expect(annotations.error[0]).toContain(outputs.reason);
  });

  test.concurrent('the command line ends within its time, with its report on stdout', async () => {
    const { served, kubeconfig, watch } = await reach(['SIGTERM', 'SIGTERM']);
    const flags = Object.entries(kubeconfig === undefined ? INPUTS : { ...INPUTS, kubeconfig });
    const args = ['--json', ...flags.map(([name, value]) => `--${name}=${value}`)];
    const { exitCode, stdout } = await playCli(served, args, watch);
    expect(exitCode).toBe(2);
    const report = readReport(stdout);
    expect(report).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(reason) });
    const done = report.calico.nodes.filter(({ action }) => action === 'restarted').map(({ node }) => node);
    expect(done).toEqual(restarted);
  });
});

describe('cancelled when all is decided, while its report is written to a pipe that nobody reads', () => {
  async function aHealthyRun(): Promise<{ readonly served: Served; readonly pipe: string }> {
    const sim = createSimulator({ seed: 5 });
    sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    sim.warmUp(60_000);
    const served = await serve(sim);
    const pipe = join(served.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    return { served, pipe };
  }
  const DECIDED = { namespaces: 'shop', 'stable-for': '0s' };

  test.concurrent('the action ends with the verdict that it has, everything else written, and a warning', async () => {
    const { served, pipe } = await aHealthyRun();
    const { watch } = cancelling(['SIGINT', 'SIGTERM'], 'HEALTHY: ');
    const { exitCode, outputs, summary, annotations } = await playAction(
      served,
      { ...DECIDED, 'report-file': pipe },
      watch,
    );
    expect({ exitCode, ...outputs }).toMatchObject({ exitCode: 0, verdict: 'healthy', 'report-file': '' });
    expect(summary).toContain('## ✅ Calico Health Gate: healthy');
    expect(annotations.warning).toEqual([expect.stringContaining('after the run was cancelled')]);
  });

  test.concurrent('the command line ends with the verdict that it has', async () => {
    const { served, pipe } = await aHealthyRun();
    const { watch } = cancelling(['SIGINT', 'SIGINT'], 'HEALTHY: ');
    const flags = Object.entries(DECIDED).map(([name, value]) => `--${name}=${value}`);
    const { exitCode, stdout } = await playCli(served, [...flags, '--json', `--report-file=${pipe}`], watch);
    expect({ exitCode, verdict: readReport(stdout).verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
  });
});

describe('cancelled at any other moment', () => {
  const SEED = 20_261_122;
  const random = createRandom(SEED);
  const delays = Array.from({ length: 8 }, () => ({
    firstMs: Math.round(random.next() * 4_000),
    secondMs: Math.round(random.next() * 100),
  }));

  /** Two signals, so long after the first line and after each other. */
  function twice(firstMs: number, secondMs: number): FaceWatch {
    let kill: ((signal: Signal) => void) | undefined;
    let isBegun = false;
    return {
      onStart: (killer) => {
        kill = killer;
      },
      onOutput: () => {
        if (isBegun) return;
        isBegun = true;
        setTimeout(() => kill?.('SIGINT'), firstMs);
        setTimeout(() => kill?.('SIGTERM'), firstMs + secondMs);
      },
    };
  }

  test.concurrent.each(delays)('the action ends as it should: %j', async ({ firstMs, secondMs }) => {
    const { exitCode, outputs, report } = await playAction(
      await serve(aTroubledCluster()),
      INPUTS,
      twice(firstMs, secondMs),
    );
    expect({ exitCode, reason: report?.reason }).toEqual({
      exitCode: 1,
      // A process that had no turn between the two is told of the second one first (the kernel stacks their handlers).
      reason: expect.stringMatching(/^cancelled by SIG(?:INT|TERM) /u),
    });
    const restarted = JSON.parse(outputs['restarted-nodes'] ?? '') as readonly string[];
    for (const node of restarted) expect(report?.reason).toContain(`calico-node was restarted on ${node}`);
  });
});
