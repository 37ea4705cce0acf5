/** Text that an attacker would write: pieces of everything that a runner, a terminal or a page obeys. */
import fc from 'fast-check';
import type { Action, Outcome } from '../../src/calico/case.ts';
import type { Report, ReportedFinding, ReportedNode } from '../../src/report/report.ts';
import { aReport, aReportedFinding, aReportedNode } from './reports.ts';

/** Commands in both syntaxes, and what would make one of something else. */
export const COMMANDS: readonly string[] = [
  '::error title=forged::forged',
  '::set-output name=verdict::healthy',
  '::add-mask::e',
  '::group::forged',
  '::stop-commands::token',
  '##[error]forged',
  '##[set-output name=verdict]healthy',
  '##[add-mask]e',
  '##[group]forged',
  '%0A::warning::forged',
  '%0D%0A::warning::forged',
  '%25%30%41::warning::forged',
];

/** Ends and beginnings of the values in files of commands, and names that look like them. */
export const DELIMITERS: readonly string[] = [
  'verdict<<ghadelimiter_x',
  'ghadelimiter_x',
  'verdict=healthy',
  'EOF',
  '<<',
];

/** What a terminal obeys, or what changes how a line reads. */
export const CONTROLS: readonly string[] = [
  '\r',
  '\n',
  '\r\n',
  '\t',
  '\u0000',
  '\u0007',
  '\u0008',
  '\u007F',
  '\u0085',
  '\u2028',
  '\u2029',
  '\u001B[31m',
  '\u001B[2J',
  '\u001B]0;title\u0007',
  '\u001B]8;;https://evil.example\u001B\\',
  '\u009B1m',
  '\u202E',
  '\u2066',
  '\u200B',
  '\u200F',
  '\uFEFF',
  '\u034F',
  '\u3164',
  '\uFE0F',
  '\u{E0041}',
  '\uD800',
];

/** What a page shows as something else than text. */
export const MARKUP: readonly string[] = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '</code></details>',
  '<!--',
  '| a | b |',
  '|',
  '`',
  '```mermaid\ngraph TD; A-->B\n```',
  '~~~',
  '# title',
  '- [x] item',
  '> quote',
  '![image](https://evil.example/x.png)',
  '[click](javascript:alert(1))',
  'https://evil.example',
  '@octocat',
  '#1',
  '**bold**',
  '_it_',
  '&lt;',
  '&#60;',
  '\\',
  '$x$',
  ':tada:',
];

export const hostile: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...COMMANDS, ...DELIMITERS, ...CONTROLS, ...MARKUP, '##', '[group]', '::', ' '),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const ACTIONS: readonly Action[] = ['none', 'planned', 'waiting', 'restarted', 'refused'];
const OUTCOMES: readonly (Outcome | null)[] = ['cured', 'not-cured', 'timed-out', 'unknown', null];

const finding: fc.Arbitrary<ReportedFinding> = fc
  .record({
    namespace: hostile,
    pod: fc.option(hostile),
    uid: fc.option(hostile),
    node: fc.option(hostile),
    owner: fc.option(fc.record({ kind: hostile, name: hostile })),
    message: hostile,
    fatal: fc.boolean(),
    derivedFrom: fc.option(hostile),
  })
  .map((texts) => aReportedFinding(texts));

const node: fc.Arbitrary<ReportedNode> = fc
  .record({
    node: hostile,
    pods: fc.array(hostile, { maxLength: 2 }),
    action: fc.constantFrom(...ACTIONS),
    outcome: fc.constantFrom(...OUTCOMES),
    why: hostile,
    command: fc.option(hostile),
    evidence: fc.array(
      fc.record({
        pod: hostile,
        reason: hostile,
        message: hostile,
        count: fc.nat(),
        lastSeen: fc.constant('2026-11-22T15:50:53.000Z'),
      }),
      { maxLength: 2 },
    ),
    before: fc.option(fc.record({ calicoNodePod: hostile, startedAt: fc.constant('2026-11-22T15:50:53.000Z') })),
    after: fc.option(
      fc.record({
        calicoNodePod: hostile,
        startedAt: fc.constant('2026-11-22T15:53:35.000Z'),
        installedAt: fc.constant(null),
      }),
    ),
  })
  .map((texts) => aReportedNode(texts));

/** A report in which every text is hostile and none was cleaned: each door must hold by itself. */
export const hostileReport: fc.Arbitrary<Report> = fc
  .record({
    verdict: fc.constantFrom('healthy', 'unhealthy', 'inconclusive'),
    reason: hostile,
    cluster: fc.record({ server: hostile, kubernetesVersion: hostile }),
    scope: fc.record({
      namespaces: fc.array(hostile, { maxLength: 2 }),
      excludeNamespaces: fc.array(hostile, { maxLength: 2 }),
      selector: hostile,
    }),
    findings: fc.array(finding, { maxLength: 4 }),
    workloads: fc.array(
      fc.record({
        kind: fc.constantFrom('Deployment', 'Job'),
        namespace: hostile,
        name: hostile,
        desired: fc.nat(),
        ready: fc.nat(),
        problem: fc.constantFrom('ImageNotFound' as const, null),
      }),
      { maxLength: 3 },
    ),
    calico: fc.record({
      detected: fc.boolean(),
      installations: fc.array(fc.record({ namespace: hostile, daemonSet: hostile }), { maxLength: 2 }),
      nodes: fc.array(node, { maxLength: 3 }),
    }),
    timeline: fc.array(fc.record({ at: fc.constant('2026-11-22T15:50:53.000Z'), what: hostile }), { maxLength: 3 }),
    warnings: fc.array(hostile, { maxLength: 3 }),
  })
  .map((texts) => aReport(texts));
