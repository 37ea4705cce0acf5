/** All that the action writes for its runner, read back as the runner reads it, while every text is an attack. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { OUTPUTS } from '../../src/contract.ts';
import { actionsSink, publish, publishBadInput } from '../../src/report/actions.ts';
import { annotationsOf } from '../../src/report/annotations.ts';
import { buildReport } from '../../src/report/json.ts';
import type { Report } from '../../src/report/report.ts';
import { aSettings, NOW_MS } from '../builders.ts';
import { hostile, hostileReport } from './hostile.ts';
import { schemaProblems } from './report-schema.ts';
import { aReport } from './reports.ts';
import { commandsIn, type RunnerCommand, valuesIn } from './runner-grammar.ts';

const folder = mkdtempSync(join(tmpdir(), 'hostile-publish-'));
const FILES = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary.md') };
const environment = { ...process.env };
let printed: string[] = [];

beforeEach(() => {
  Object.assign(process.env, FILES);
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  for (const name of Object.keys(FILES)) {
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Written {
  readonly stdout: string;
  readonly commands: readonly RunnerCommand[];
  /** By name; what was set last counts. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

async function writing(work: () => unknown): Promise<Written> {
  printed = [];
  for (const file of Object.values(FILES)) writeFileSync(file, '');
  await work();
  const stdout = printed.join('');
  const outputs = Object.fromEntries(
    valuesIn(readFileSync(FILES.GITHUB_OUTPUT, 'utf8')).map(({ key, value }) => [key, value]),
  );
  return { stdout, commands: commandsIn(stdout), outputs, summary: readFileSync(FILES.GITHUB_STEP_SUMMARY, 'utf8') };
}

/** The report as the gate makes it: with each text through its door. */
function built(report: Report): Report {
  const { verdict, reason, cluster, calico, timeline, warnings, api } = report;
  const whole = buildReport({
    verdict,
    reason,
    startedAtMs: NOW_MS,
    finishedAtMs: NOW_MS,
    server: cluster.server,
    kubernetesVersion: cluster.kubernetesVersion,
    settings: aSettings({ selectorText: report.scope.selector }),
    assessment: null,
    calico,
    timeline: timeline.map(({ what }) => ({ atMs: NOW_MS, what })),
    api,
    warnings,
  });
  return whole;
}

const NAMES = OUTPUTS.map(({ name }) => name).sort();

describe('what the action writes', () => {
  test('is, to its runner, its own annotations and outputs and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        hostileReport,
        fc.array(hostile, { maxLength: 3 }),
        fc.array(hostile, { maxLength: 3 }),
        async (raw, pods, nodes) => {
          const report = built(raw);
          const settings = aSettings();
          const result = { report, notReadyPods: pods, restartedNodes: nodes, cancelled: false };
          const { signal } = new AbortController();
          const { commands, outputs, summary } = await writing(() => publish(result, settings, {}, signal));

          const fails = report.verdict !== 'healthy';
          const own = annotationsOf(report, { fails, problems: [] }).map(({ level }) => level);
          expect(commands.map(({ name }) => name)).toEqual(own);
          expect(Object.keys(outputs).sort()).toEqual(NAMES);
          expect(outputs).toMatchObject({ verdict: report.verdict, reason: report.reason, 'report-file': '' });
          for (const value of Object.values(outputs)) expect(commandsIn(value)).toEqual([]);
          expect(JSON.parse(outputs['not-ready-pods'] ?? '')).toHaveLength(pods.length);
          expect(JSON.parse(outputs['affected-nodes'] ?? '')).toEqual(report.calico.nodes.map(({ node }) => node));
          expect(summary).toMatch(/^## . Calico Health Gate: /u);
          expect(schemaProblems(report)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('says in a box of its own that a list of nodes was cut', async () => {
    const nodes = Array.from({ length: 5_000 }, (_, index) => `node-${index}.${'x'.repeat(200)}`);
    const report = aReport({ verdict: 'healthy', findings: [] });
    const result = { report, notReadyPods: [], restartedNodes: nodes, cancelled: false };
    const { signal } = new AbortController();
    const { commands } = await writing(() => publish(result, aSettings(), {}, signal));
    expect(commands.map(({ line }) => line)).toEqual([
      expect.stringMatching(
        /^::warning title=Calico Health Gate::outputs are cut.* of 5000 nodes; the report has all$/u,
      ),
    ]);
  });

  test('of bad input is one annotation, and every output', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (message) => {
        const { commands, outputs } = await writing(() => publishBadInput(message));
        expect(commands.map(({ name }) => name)).toEqual(['error']);
        expect(Object.keys(outputs).sort()).toEqual(NAMES);
        expect(outputs.verdict).toBe('inconclusive');
        expect(commandsIn(outputs.reason ?? '')).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test('of a folded section is its two commands, whatever its title and lines', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, fc.array(hostile, { maxLength: 5 }), async (title, lines) => {
        const { commands, stdout } = await writing(() => actionsSink().group(title, lines));
        expect(commands.map(({ name }) => name)).toEqual(['group', 'endgroup']);
        expect(stdout.split('\n')).toHaveLength(lines.length + 3);
      }),
      { numRuns: 200 },
    );
  });
});

test('the oracle reads a file of values as a runner does', () => {
  expect(valuesIn('a=1\nb<<E\nx\n<<E\n\nE\nc=d<<e\n\n')).toEqual([
    { key: 'a', value: '1' },
    { key: 'b', value: 'x\n<<E\n' },
    { key: 'c', value: 'd<<e' },
  ]);
  expect(() => valuesIn('a<<E\nx\n')).toThrow('the delimiter of a was not found');
  expect(() => valuesIn('nothing')).toThrow('invalid format');
});
