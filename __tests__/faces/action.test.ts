import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadYaml } from '@kubernetes/client-node';
import { runAction } from '../../simulator/run-action.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import { NOT_READY_PODS_LIMIT } from '../../src/report/outputs.ts';
import { aFolder, begin, closeAll, playAction, type Served, serve } from './runs.ts';

afterAll(closeAll);

function aSim(prepare: (sim: Simulator) => void = () => {}): Simulator {
  const sim = createSimulator({ seed: 5 });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
  prepare(sim);
  sim.warmUp(60_000);
  return sim;
}

const crashing = (sim: Simulator): void =>
  sim.cluster.deploy({ namespace: 'shop', name: 'api', replicas: 2, behaviour: { kind: 'crash', exitCode: 3 } });

/** The cluster's credentials are refused. */
async function serveLockedOut(): Promise<Served> {
  const served = await serve(aSim());
  served.sim.api.tokens.revoke('gate-token');
  return served;
}

const SHOP = { namespaces: 'shop', 'stable-for': '0s', timeout: '20s' };

const runs = {
  healthy: begin(async () => playAction(await serve(aSim()), SHOP)),
  unhealthy: begin(async () => playAction(await serve(aSim(crashing)), SHOP)),
  lockedOut: begin(async () => playAction(await serveLockedOut(), SHOP)),
};

describe('action.yml', () => {
  test('runs the built bundle on Node 24', () => {
    const action = loadYaml<{ readonly runs: unknown }>(
      readFileSync(join(import.meta.dirname, '../../action.yml'), 'utf8'),
    );
    expect(action.runs).toEqual({ using: 'node24', main: 'dist/index.js' });
  });
});

describe('the verdict of the action', () => {
  test.concurrent('healthy passes', async () => {
    const { exitCode, outputs, annotations } = await runs.healthy;
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
    expect(outputs).toMatchObject({ 'pods-total': '2', 'pods-ready': '2', 'pods-not-ready': '0' });
    expect(annotations).toEqual({ error: [], warning: [], notice: [] });
  });

  test.concurrent('unhealthy fails, and the first annotation is the reason: the worst cause and what to do next', async () => {
    const { exitCode, outputs, annotations } = await runs.unhealthy;
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'unhealthy' });
    expect(outputs.reason).toMatch(/^shop\/api: .*exit code 3.*; read "kubectl logs -n shop api-\S+ --previous"/u);
    expect(annotations.error[0]).toBe(`Calico Health Gate: unhealthy: ${outputs.reason}`);
  });

  test.concurrent('inconclusive fails', async () => {
    const { exitCode, outputs, annotations } = await runs.lockedOut;
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'inconclusive' });
    expect(annotations.error).toEqual([`Calico Health Gate: inconclusive: ${outputs.reason}`]);
  });

  test.concurrent.each([
    ['unhealthy', 'none', 0],
    ['unhealthy', 'inconclusive', 0],
    ['unhealthy', 'unhealthy', 1],
    ['inconclusive', 'unhealthy', 0],
    ['inconclusive', 'unhealthy, inconclusive', 1],
  ] as const)('%s with fail-on: %s gives exit code %i', async (verdict, failOn, expected) => {
    const served = await (verdict === 'unhealthy' ? serve(aSim(crashing)) : serveLockedOut());
    const { exitCode, outputs, annotations } = await playAction(served, { ...SHOP, 'fail-on': failOn });
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: expected, verdict });
    // A step that passes has no red box; what is wrong is said all the same.
    expect(annotations[expected === 0 ? 'error' : 'warning']).toEqual([]);
    expect(annotations[expected === 0 ? 'warning' : 'error'][0]).toContain(outputs.reason);
  });
});

describe('the outputs of the action', () => {
  test.concurrent('name at most 50 pods that are not ready, and count all of them', async () => {
    const pods = NOT_READY_PODS_LIMIT + 7;
    const sim = aSim(({ cluster }) =>
      cluster.deploy({ namespace: 'shop', name: 'many', replicas: pods, behaviour: { kind: 'invalidImage' } }),
    );
    const { outputs } = await playAction(await serve(sim), SHOP);
    const named = JSON.parse(outputs['not-ready-pods'] ?? '') as readonly string[];
    expect(named).toHaveLength(NOT_READY_PODS_LIMIT);
    for (const name of named) expect(name).toMatch(/^shop\/many-/u);
    expect(outputs['pods-not-ready']).toBe(String(pods));
  });

  test.concurrent('are set also where a runner gives no inputs at all', async () => {
    const served = await serve(aSim());
    const { outputs, exitCode } = await playAction(served, {
      ...Object.fromEntries(['namespaces', 'selector', 'timeout', 'fail-on'].map((name) => [name, ''])),
      'stable-for': '0s',
    });
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
  });
});

describe('the report file of the action', () => {
  test.concurrent('is in RUNNER_TEMP, and a second gate of the same job gets a number', async () => {
    const served = await serve(aSim());
    const temp = aFolder();
    const paths: unknown[] = [];
    for (let gate = 1; gate <= 3; gate += 1) {
      const { outputs } = await playAction(served, SHOP, { temp });
      paths.push(outputs['report-file']);
    }
    expect(paths).toEqual(
      ['calico-health-gate.json', 'calico-health-gate-2.json', 'calico-health-gate-3.json'].map((name) =>
        join(temp, name),
      ),
    );
  });

  test.concurrent('goes where report-file says, with the folders that it needs, and replaces an older one', async () => {
    const path = join(aFolder(), 'a/b/gate.json');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'of yesterday');
    const { outputs, report } = await playAction(await serve(aSim()), { ...SHOP, 'report-file': path });
    expect(outputs['report-file']).toBe(path);
    expect(report?.verdict).toBe('healthy');
  });

  test.concurrent('is not written where there is no RUNNER_TEMP, and the output is empty', async () => {
    const { exitCode, outputs, annotations } = await playAction(await serve(aSim()), SHOP, { temp: '' });
    expect({ exitCode, ...outputs }).toMatchObject({ exitCode: 0, verdict: 'healthy', 'report-file': '' });
    expect(annotations.warning).toEqual([]);
  });

  test.concurrent('that cannot be written is a warning and an empty output, and changes no verdict', async () => {
    const { exitCode, outputs, annotations } = await playAction(await serve(aSim()), {
      ...SHOP,
      'report-file': '/dev/null/gate.json',
    });
    expect({ exitCode, ...outputs }).toMatchObject({ exitCode: 0, verdict: 'healthy', 'report-file': '' });
    expect(annotations.warning).toEqual([expect.stringContaining('/dev/null/gate.json')]);
  });
});

describe('the job summary of the action', () => {
  test.concurrent('begins with the verdict and its reason', async () => {
    const { summary } = await runs.unhealthy;
    const [title, , reason] = summary.split('\n');
    expect(title).toBe('## ❌ Calico Health Gate: unhealthy');
    expect(reason).toContain('exit code 3');
  });

  test.concurrent('is left out with job-summary: false', async () => {
    const { summary, exitCode } = await playAction(await serve(aSim()), { ...SHOP, 'job-summary': 'false' });
    expect({ summary, exitCode }).toEqual({ summary: '', exitCode: 0 });
  });

  test.concurrent('that cannot be written is a warning, and changes no verdict', async () => {
    const served = await serve(aSim());
    const missing = join(aFolder(), 'no-such-summary.md');
    const { exitCode, annotations } = await playAction(served, SHOP, { env: { GITHUB_STEP_SUMMARY: missing } });
    expect(exitCode).toBe(0);
    expect(annotations.warning).toEqual([expect.stringContaining('the job summary could not be written')]);
    expect(existsSync(missing)).toBe(false);
  });
});

describe('files that cannot be written because nobody answers', () => {
  test.concurrent('do not keep the run from ending in time, with its outputs', async () => {
    const served = await serve(aSim());
    const pipe = join(aFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const inputs = { ...SHOP, timeout: '6s', 'stable-for': '0s', 'report-file': pipe };
    const { exitCode, outputs, annotations } = await playAction(served, inputs, { env: { GITHUB_STEP_SUMMARY: pipe } });
    expect(exitCode).toBe(0);
    expect(outputs).toMatchObject({ verdict: 'healthy', 'report-file': '' });
    expect(annotations.warning).toEqual([
      expect.stringContaining('the report could not be written within'),
      expect.stringContaining('the job summary could not be written within'),
    ]);
  });
});

describe('the credentials of the action', () => {
  test.concurrent('are told to the runner, to be masked, before the cluster is spoken of', async () => {
    const { stdout } = await runs.healthy;
    const lines = stdout.split('\n');
    const masked = lines.indexOf('::add-mask::gate-token');
    expect(masked).toBeGreaterThan(-1);
    expect(lines.findIndex((line) => line.includes('connecting to'))).toBeGreaterThan(masked);
  });
});

describe('an action whose runner offers nothing', () => {
  test.concurrent('still ends with its verdict when the file of the outputs is missing', async () => {
    const served = await serve(aSim());
    const { exitCode, stdout } = await runAction({
      inputs: { ...SHOP, kubeconfig: served.server.kubeconfig },
      env: { GITHUB_OUTPUT: join(aFolder(), 'no-such-file') },
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('HEALTHY: ');
  });
});
