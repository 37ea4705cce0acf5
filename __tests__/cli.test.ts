import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type CliIo, runCli } from '../src/cli.ts';
import type { GateResult } from '../src/gate.ts';
import { buildReport } from '../src/report/json.ts';
import type { Report } from '../src/report/report.ts';
import type { Settings } from '../src/settings.ts';
import { VERSION } from '../src/version.ts';
import { aSettings, NOW_MS } from './builders.ts';
import { commandsIn } from './report/runner-grammar.ts';

function aReport(overrides: Partial<Report> = {}): Report {
  return {
    ...buildReport({
      verdict: 'healthy',
      reason: '3 of 3 pods are ready',
      startedAtMs: NOW_MS,
      finishedAtMs: NOW_MS,
      server: 'https://example.com',
      kubernetesVersion: 'v1.34.4',
      settings: aSettings(),
      assessment: null,
      calico: { detected: false, installations: [], nodes: [] },
      timeline: [],
      api: { requests: 1, retries: 0, bytes: 1, watchRestarts: 0 },
      warnings: [],
    }),
    ...overrides,
  };
}

type FakeGate = (deps: Parameters<CliIo['runGate']>[1]) => Promise<void> | void;

/** A command line with a gate that ends with `result` after `meanwhile`, and everything that came of it. */
async function cli(
  argv: readonly string[],
  given: {
    readonly report?: Report;
    readonly cancelled?: boolean;
    readonly meanwhile?: FakeGate;
    readonly io?: Partial<CliIo>;
  } = {},
) {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const runs: Settings[] = [];
  const warnings: string[] = [];
  const runGate: CliIo['runGate'] = async (settings, deps): Promise<GateResult> => {
    runs.push(settings);
    warnings.push(...deps.warnings);
    await given.meanwhile?.(deps);
    const report = given.report ?? aReport();
    deps.tell({ type: 'finished', report }, { atMs: NOW_MS, elapsedMs: 0 });
    return { report, notReadyPods: [], restartedNodes: [], cancelled: given.cancelled ?? false };
  };
  const exitCode = await runCli(argv, {
    stdout: { write: (text) => stdout.push(text) },
    stderr: { write: (text) => stderr.push(text) },
    env: {},
    whyUnreadable: () => null,
    runGate,
    ...given.io,
  });
  return { exitCode, stdout: stdout.join(''), stderr: stderr.join(''), runs, warnings };
}

const folder = mkdtempSync(join(tmpdir(), 'cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('what a command line runs', () => {
  test('without flags: the defaults, and the verdict on stdout', async () => {
    const { exitCode, stdout, stderr, runs } = await cli([]);
    expect({ exitCode, runs }).toEqual({ exitCode: 0, runs: [aSettings()] });
    expect(stdout).toContain('HEALTHY: 3 of 3 pods are ready\n');
    expect(stderr).toBe('');
  });

  test('flags become settings', async () => {
    const { runs } = await cli(['--namespaces', 'shop,web', '--restart-calico-node', '--no-fail-fast', '--timeout=5m']);
    expect(runs).toEqual([
      aSettings({ namespaces: ['shop', 'web'], restartCalicoNode: true, failFast: false, timeoutMs: 300_000 }),
    ]);
  });

  test('warnings about settings reach the gate, whose report has them', async () => {
    const { warnings } = await cli(['--restart-calico-node', '--restart-timeout=10s']);
    expect(warnings).toEqual([expect.stringContaining('restart-timeout is below 45s')]);
  });
});

describe('exit codes', () => {
  test.each<[Report['verdict'], readonly string[], number]>([
    ['healthy', [], 0],
    ['unhealthy', [], 1],
    ['inconclusive', [], 2],
    ['unhealthy', ['--fail-on=inconclusive'], 0],
    ['inconclusive', ['--fail-on=inconclusive'], 2],
    ['inconclusive', ['--fail-on', 'unhealthy'], 0],
    ['unhealthy', ['--fail-on', 'none'], 0],
  ])('%s with %j: %i', async (verdict, argv, expected) => {
    const { exitCode } = await cli(argv, { report: aReport({ verdict }) });
    expect(exitCode).toBe(expected);
  });

  test('a cancelled run is 2, whatever --fail-on says', async () => {
    const report = aReport({ verdict: 'inconclusive', reason: 'cancelled by SIGINT' });
    const { exitCode } = await cli(['--fail-on=none'], { report, cancelled: true });
    expect(exitCode).toBe(2);
  });
});

describe('--json', () => {
  test('stdout holds the report and nothing else, and the log goes to stderr', async () => {
    const { stdout, stderr } = await cli(['--json']);
    expect(JSON.parse(stdout)).toEqual(aReport());
    expect(stderr).toContain('HEALTHY: 3 of 3 pods are ready');
  });

  test('a usage error prints nothing on stdout', async () => {
    const { exitCode, stdout, stderr, runs } = await cli(['--json', '--timeout=0', '--frob']);
    expect({ exitCode, stdout, runs }).toEqual({ exitCode: 64, stdout: '', runs: [] });
    expect(stderr).toContain('--frob');
    expect(stderr).toContain('`timeout` is "0"');
  });
});

describe('usage errors', () => {
  test('one mistake is one line, and where to read on', async () => {
    const { exitCode, stdout, stderr } = await cli(['--namespace', 'shop']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      'calico-health-gate: unknown flag "--namespace"; did you mean --namespaces?',
      '"calico-health-gate --help" lists all flags',
      '',
    ]);
  });

  test('all mistakes are told together: flags, values, files', async () => {
    const { stderr } = await cli(['--frob', '--min-pods', '-1', '--kubeconfig', '/no/such', '--namespaces=A'], {
      io: { whyUnreadable: () => 'there is no such file' },
    });
    const lines = stderr.split('\n');
    expect(lines[0]).toBe('calico-health-gate: 4 problems');
    expect(lines[1]).toContain('"--frob"');
    expect(lines[2]).toContain('`kubeconfig` is "/no/such"');
    expect(lines[3]).toContain('`namespaces` has "A"');
    expect(lines[4]).toContain('`min-pods` is "-1"');
  });

  test.each([
    ['::error::red'],
    ['--::error::red'],
    ['--timeout=\n::error::red'],
    ['--context=a\r\n##[error]red'],
    ['--namespaces=##[add-mask]e'],
  ])('%j does not become a command of a runner', async (argument) => {
    const { exitCode, stderr } = await cli([argument]);
    expect(exitCode).toBe(64);
    expect(commandsIn(stderr)).toEqual([]);
  });
});

describe('what is printed without a cluster', () => {
  test('--help is on stdout and no mistake', async () => {
    const { exitCode, stdout, stderr, runs } = await cli(['--help']);
    expect({ exitCode, stderr, runs }).toEqual({ exitCode: 0, stderr: '', runs: [] });
    expect(stdout).toContain('--restart-calico-node');
  });

  test('--version is the version alone', async () => {
    expect(await cli(['--version'])).toMatchObject({ exitCode: 0, stdout: `${VERSION}\n`, stderr: '', runs: [] });
  });

  test('--explain tells about a cause, however it is capitalized', async () => {
    const { exitCode, stdout, stderr, runs } = await cli(['--explain', 'calicounauthorized']);
    expect({ exitCode, stderr, runs }).toEqual({ exitCode: 0, stderr: '', runs: [] });
    expect(stdout).toMatch(/^CalicoUnauthorized/);
  });

  test('--explain of no cause is a usage error that knows the near ones', async () => {
    const { exitCode, stdout, stderr } = await cli(['--explain', 'CrashLop']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toContain('did you mean CrashLoop?');
  });
});

describe('files', () => {
  test('--report-file is written, and its path is said', async () => {
    const path = join(folder, 'reports/gate.json');
    const { stdout } = await cli(['--report-file', path]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(aReport());
    expect(stdout).toContain(`report: ${path}\n`);
  });

  test('a report that cannot be written is said and changes no verdict', async () => {
    const { exitCode, stdout } = await cli(['--report-file', '/dev/null/gate.json']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('/dev/null/gate.json');
  });

  test('in a workflow the job summary is written, unless it is not wanted', async () => {
    const wanted = join(folder, 'wanted.md');
    await cli([], { io: { env: { GITHUB_STEP_SUMMARY: wanted } } });
    expect(readFileSync(wanted, 'utf8')).toContain('healthy');

    const unwanted = join(folder, 'unwanted.md');
    await cli(['--no-job-summary'], { io: { env: { GITHUB_STEP_SUMMARY: unwanted } } });
    expect(existsSync(unwanted)).toBe(false);
  });
});

describe('what is printed while a run goes on', () => {
  const say: FakeGate = ({ tell, mask }) => {
    mask('s3cr3t-token');
    tell({ type: 'debug', message: 'a detail' }, { atMs: NOW_MS, elapsedMs: 0 });
    tell({ type: 'warning', message: 'Bearer s3cr3t-token was refused' }, { atMs: NOW_MS, elapsedMs: 0 });
  };

  test('secrets of the connection are hidden', async () => {
    const { stdout } = await cli([], { meanwhile: say });
    expect(stdout).toContain('Bearer *** was refused');
  });

  test.each([
    ['1', true],
    ['', false],
  ])('RUNNER_DEBUG=%s: debug lines %p', async (RUNNER_DEBUG, expected) => {
    const { stdout } = await cli([], { meanwhile: say, io: { env: { RUNNER_DEBUG } } });
    expect(stdout.includes('a detail')).toBe(expected);
  });
});
