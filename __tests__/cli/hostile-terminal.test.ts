/** What people see who run the command line: at a terminal, in a log, with and without colours asked for. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CliIo, runCli } from '../../src/cli.ts';
import type { GateEvent } from '../../src/events.ts';
import type { Report } from '../../src/report/report.ts';
import { aFinding, aSettings, NOW_MS } from '../builders.ts';
import { hostile, hostileReport } from '../report/hostile.ts';
import { commandsIn } from '../report/runner-grammar.ts';

/** The one thing that the status line does to a terminal: back to the beginning of its row, and clear it. */
const CLEAR = '\r\u001B[2K';
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

const TERMINALS: readonly (readonly [string, { readonly isTTY: boolean; readonly env: Record<string, string> }])[] = [
  ['at a terminal', { isTTY: true, env: { TERM: 'xterm-256color' } }],
  ['at a terminal, colours asked for', { isTTY: true, env: { FORCE_COLOR: '3', CLICOLOR_FORCE: '1' } }],
  ['at a terminal, no colours', { isTTY: true, env: { NO_COLOR: '1' } }],
  ['in a log', { isTTY: false, env: {} }],
  ['in a log, colours asked for', { isTTY: false, env: { FORCE_COLOR: '3' } }],
];

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

async function cli(argv: readonly string[], io: Partial<CliIo>, isTTY = false): Promise<Printed> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  await runCli(argv, {
    stdout: { isTTY, columns: 80, write: (text) => stdout.push(text) },
    stderr: { isTTY, columns: 80, write: (text) => stderr.push(text) },
    whyUnreadable: () => null,
    ...io,
  });
  return { stdout: stdout.join(''), stderr: stderr.join('') };
}

/** A gate that tells every kind of event, each of their texts hostile, and ends with a hostile report. */
function hostileGate(texts: readonly string[], report: Report): CliIo['runGate'] {
  return (_settings, { tell }) => {
    const now = { atMs: NOW_MS, elapsedMs: 31_000 };
    for (const text of texts) for (const event of eventsOf(text)) tell(event, now);
    tell({ type: 'finished', report }, now);
    return Promise.resolve({ report, notReadyPods: [], restartedNodes: [], cancelled: false });
  };
}

function eventsOf(text: string): readonly GateEvent[] {
  const counts = { total: 1, ready: 0, notReady: 1, completed: 0, starting: 0, terminating: 0, superseded: 0 };
  const findings = [
    aFinding({ namespace: text, pod: text, node: text, owner: { kind: text, name: text }, message: text, fatal: true }),
  ];
  const assessment = {
    counts,
    findings,
    workloads: [],
    notReadyPods: [text],
    complete: false,
    unstable: [],
    warnings: [],
    notes: [],
  };
  return [
    { type: 'started', version: text, settings: aSettings({ selectorText: text, namespaces: [text] }) },
    { type: 'connecting', server: text, context: text, source: text },
    { type: 'connected', server: text, kubernetesVersion: text },
    { type: 'missing-right', rule: text, costs: text },
    { type: 'calico-found', installations: [{ namespace: text, daemonSet: text }] },
    { type: 'view-lost', what: text, why: text, wasSeen: true },
    { type: 'view-regained', what: text, wasSeen: true, catchUpMs: 15_000 },
    { type: 'calico-failure', node: text, pods: [text, text], message: text },
    { type: 'planned', node: text, why: text, command: text, action: 'planned' },
    { type: 'restarting', node: text, pod: text },
    { type: 'restarted', node: text, pod: text, answer: text },
    { type: 'installed', node: text, pod: text, afterMs: 1 },
    { type: 'outcome', node: text, outcome: 'cured', why: text },
    { type: 'stable-window', stableForMs: 1, leftMs: 1, begunAnew: [{ name: text, because: text }] },
    { type: 'waiting', what: text },
    { type: 'note', message: text },
    { type: 'warning', message: text },
    { type: 'debug', message: text },
    // What a look needs besides is nothing that is printed.
    {
      type: 'assessed',
      assessment,
      unseen: { what: text, why: text },
      nodes: [],
      deadlineInMs: 1,
    } as unknown as GateEvent,
  ];
}

describe.each(TERMINALS)('hostile text %s', (_, { isTTY, env }) => {
  test('is no command, no colour, no title, and no character that nobody sees', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 3 }), hostileReport, async (texts, report) => {
        const runGate = hostileGate(texts, report);
        const { stdout, stderr } = await cli([], { env: { ...env, RUNNER_DEBUG: '1' }, runGate }, isTTY);
        for (const text of [stdout, stderr]) {
          const plain = isTTY ? text.replaceAll(CLEAR, '') : text;
          for (const line of plain.split('\n')) expect(line).not.toMatch(UNSEEN);
          expect(commandsIn(text)).toEqual([]);
        }
        expect(stdout).toContain(report.verdict.toUpperCase());
      }),
      { numRuns: 30 },
    );
  });
});

test('hostile text on the terminal of somebody who reads the JSON stays beside it', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, hostileReport, async (text, report) => {
      const { stdout, stderr } = await cli(['--json'], { env: {}, runGate: hostileGate([text], report) }, true);
      expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(report)));
      for (const line of stdout.split('\n')) expect(line).not.toMatch(UNSEEN);
      expect(commandsIn(stdout + stderr)).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test('hostile arguments are told without effect', async () => {
  const flag = fc.constantFrom(
    '--',
    '--timeout=',
    '--explain=',
    '--explain ',
    '--frob',
    '--selector=',
    '--kubeconfig=',
    '',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(flag, hostile), { minLength: 1, maxLength: 3 }), async (parts) => {
      const argv = parts.flatMap(([name, text]) => (name.endsWith(' ') ? [name.trim(), text] : [`${name}${text}`]));
      const never: CliIo['runGate'] = () => Promise.reject(new Error('no run was asked for'));
      const { stdout, stderr } = await cli(['--min-pods=-1', ...argv], { env: {}, runGate: never }, true);
      expect(commandsIn(stdout + stderr)).toEqual([]);
      for (const line of `${stdout}${stderr}`.split('\n')) expect(line).not.toMatch(UNSEEN);
    }),
    { numRuns: 300 },
  );
});
