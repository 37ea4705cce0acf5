import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import { INPUTS } from '../../src/contract.ts';
import type { Report } from '../../src/report/report.ts';
import { aFolder, begin, closeAll, playAction, playCli, readReport, serve } from './runs.ts';

afterAll(closeAll);

function aSim(prepare: (sim: Simulator) => void = () => {}): Simulator {
  const sim = createSimulator({ seed: 5 });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
  prepare(sim);
  sim.warmUp(60_000);
  return sim;
}

const crashing = (sim: Simulator): void =>
  sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'crash', exitCode: 3 } });

const lockedOut = (sim: Simulator): void => sim.api.tokens.revoke('gate-token');

const SHOP = ['--namespaces', 'shop', '--stable-for=0s', '--timeout=20s'];

describe('exit codes of the command line', () => {
  test.concurrent.each([
    ['healthy', () => {}, [], 0],
    ['unhealthy', crashing, [], 1],
    ['inconclusive', lockedOut, [], 2],
    ['unhealthy', crashing, ['--fail-on=inconclusive'], 0],
    ['unhealthy', crashing, ['--fail-on', 'unhealthy'], 1],
    ['unhealthy', crashing, ['--fail-on', 'none'], 0],
    ['inconclusive', lockedOut, ['--fail-on', 'unhealthy'], 0],
    ['inconclusive', lockedOut, ['--fail-on=unhealthy', '--fail-on=inconclusive'], 2],
  ] as const)('%s %# %j: the verdict is the last thing it says', async (verdict, prepare, flags, expected) => {
    const { exitCode, stdout, stderr } = await playCli(await serve(aSim(prepare)), [...SHOP, ...flags]);
    expect({ exitCode, stderr }).toEqual({ exitCode: expected, stderr: '' });
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^${verdict.toUpperCase()}: .+`, 'u'));
  });
});

describe('--json', () => {
  const run = begin(async () => playCli(await serve(aSim(crashing)), [...SHOP, '--json']));

  test('puts the report on stdout and nothing else', async () => {
    const { stdout, exitCode } = await run;
    expect(exitCode).toBe(1);
    expect(readReport(stdout)).toMatchObject({ verdict: 'unhealthy', scope: { namespaces: ['shop'] } });
  });

  test('puts everything else on stderr', async () => {
    const { stderr } = await run;
    expect(stderr).toMatch(/^Calico Health Gate /u);
    expect(stderr).toMatch(/\nUNHEALTHY: shop\/api: /u);
  });

  test.concurrent('gives a report also of a run that found no cluster', async () => {
    const { stdout, exitCode } = await playCli(null, ['--json'], { env: { HOME: '/no/such/home' } });
    expect(exitCode).toBe(2);
    expect(readReport(stdout)).toMatchObject({ verdict: 'inconclusive' });
  });
});

describe('files of the command line', () => {
  test.concurrent('without --report-file none is written', async () => {
    const { folder } = await playCli(await serve(aSim()), SHOP);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.concurrent('--report-file is written and named, an older one replaced', async () => {
    const folder = aFolder();
    const path = join(folder, 'reports/gate.json');
    const served = await serve(aSim());
    for (let run = 1; run <= 2; run += 1) {
      const { stdout } = await playCli(served, [...SHOP, '--report-file', 'reports/gate.json'], { folder });
      expect(stdout).toContain('report: reports/gate.json\n');
    }
    expect(readReport(readFileSync(path, 'utf8')).verdict).toBe('healthy');
    expect(readdirSync(join(folder, 'reports'))).toEqual(['gate.json']);
  });

  test.concurrent('in a workflow the job summary is written where the runner wants it', async () => {
    const folder = aFolder();
    const summary = join(folder, 'summary.md');
    await playCli(await serve(aSim()), SHOP, { folder, env: { GITHUB_STEP_SUMMARY: summary } });
    expect(readFileSync(summary, 'utf8')).toContain('## ✅ Calico Health Gate: healthy');
  });

  test.concurrent('and not with --no-job-summary', async () => {
    const folder = aFolder();
    const summary = join(folder, 'summary.md');
    await playCli(await serve(aSim()), [...SHOP, '--no-job-summary'], {
      folder,
      env: { GITHUB_STEP_SUMMARY: summary },
    });
    expect(existsSync(summary)).toBe(false);
  });
});

describe('what is printed without a cluster', () => {
  test('--help lists every input as a flag, and --help, --version, --json', async () => {
    const { exitCode, stdout, stderr } = await playCli(null, ['--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const flags = INPUTS.map(({ name, type }) => (type === 'boolean' ? `--[no-]${name}` : `--${name} `));
    for (const flag of [...flags, '--help', '--version', '--json']) expect(stdout).toContain(flag);
  });

  test.concurrent.each([
    ['--no-fail-fast', 'fail-fast=false'],
    ['--fail-fast=false', 'fail-fast=false'],
  ])('%s and the input false are the same: waiting goes on although a failure is certain', async (flag) => {
    const { stdout } = await playCli(await serve(aSim(crashing)), [
      '--namespaces=shop',
      '--stable-for=0s',
      '--timeout=4s',
      flag,
    ]);
    expect(stdout).toMatch(/; the timeout of 4s is over$/mu);
  });
});

describe('one engine behind both faces', () => {
  /** Without what depends on the moment: ages, and how lists and watches met. */
  const comparable = (report: Report): object => {
    const { startedAt: _, finishedAt: __, timeline: ___, api: ____, reason, ...rest } = report;
    return { ...rest, reason: reason.replaceAll(/for \d[\dms]*/gu, 'for a while') };
  };

  test.concurrent('the same cluster gives the same report, whichever face asks', async () => {
    const served = await serve(aSim(crashing));
    const inputs = { namespaces: 'shop', 'stable-for': '0s', timeout: '20s' };
    const action = await playAction(served, inputs);
    const cli = await playCli(served, [...SHOP, '--json']);
    if (action.report === null) throw new Error('no report was written');
    expect(action.report.findings.length).toBeGreaterThan(0);
    expect(comparable(readReport(cli.stdout))).toEqual(comparable(action.report));
  });
});

describe('the log', () => {
  test.concurrent('says what is asked before anything else, then each step with its time', async () => {
    const { stdout } = await playCli(await serve(aSim()), SHOP);
    const [first, second, third] = stdout.split('\n');
    expect(first).toMatch(
      /^Calico Health Gate \S+: all pods in namespace shop, for at most 20s, stable for 0s; changes nothing$/u,
    );
    expect(second).toMatch(/^ 0:00 {4}connecting to https:\/\/127\.0\.0\.1:\d+ \(context simulator, from kubeconfig /u);
    expect(third).toMatch(/^ 0:00 {4}connected to .*, Kubernetes v1\.\d+/u);
  });
});
