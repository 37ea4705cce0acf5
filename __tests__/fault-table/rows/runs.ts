import type { Fault } from '../../../simulator/api/faults.ts';
import type { Pod } from '../../../simulator/objects.ts';
import { reportText } from '../../../src/report/json.ts';
import { outputsOf } from '../../../src/report/outputs.ts';
import { writeReport } from '../../../src/report/report-file.ts';
import { SUMMARY_LIMIT_BYTES, summaryOf } from '../../../src/report/summary.ts';
import type { Played, PlayOptions, World, WorldOptions } from '../../harness.ts';
import { commandsIn } from '../../report/runner-grammar.ts';
import { CURE } from '../../scenarios/broken-node.ts';
import { MINUTE, SECOND } from '../../scenarios/shop.ts';
import type { FaultRow } from '../row.ts';
import { ALL_WELL, breakWatches, broken, crowd, shop, threePages } from '../worlds.ts';

const ATTACK = 'x\r\n::error::forged\n##[set-output name=verdict]healthy\u001B[2J\u202E|<script>*b*\u0000';

/** A pod that waits for its image, whose every text is as given. */
function aPodWith(name: string, text: string): Pod {
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-11-22T11:00:00Z',
      labels: { app: text },
    },
    spec: { nodeName: text.length > 200 ? 'n1' : `n${text}`, containers: [{ name: `c${text}`, image: text }] },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'Ready', status: 'False', reason: text, message: text }],
      containerStatuses: [
        {
          name: `c${text}`,
          state: { waiting: { reason: 'ImagePullBackOff', message: text } },
          ready: false,
          restartCount: 0,
        },
      ],
    },
  } as unknown as Pod;
}

function withPods(pods: readonly Pod[]): (base: WorldOptions) => World {
  return (base) => {
    const world = shop(base);
    for (const pod of pods) world.sim.cluster.put('pods', pod);
    return world;
  };
}

/** What a face prints and publishes has no command and nothing that moves a cursor in it, and is not too long. */
function faceProblems({ report, notReadyPods, restartedNodes, log }: Played): readonly string[] {
  const summary = summaryOf(report, '');
  const outputs = Object.values(outputsOf(report, notReadyPods, restartedNodes, ''));
  const printed = [...log, ...summary.split('\n'), ...outputs];
  return [
    ...commandsIn([...log, ...reportText(report).split('\n')].join('\n')).map(
      ({ line }) => `a command came through: ${line}`,
    ),
    ...printed
      .filter((line) => /[\p{Cc}\u202E]/u.test(line))
      .map((line) => `a control character came through: ${line}`),
    ...(Buffer.byteLength(summary) > SUMMARY_LIMIT_BYTES
      ? [`the summary has ${Buffer.byteLength(summary)} bytes`]
      : []),
    ...report.findings
      .filter(({ message }) => Buffer.byteLength(message) > 4_096)
      .map(({ pod }) => `the message of ${pod} is too long`),
  ];
}

async function reportProblems({ report }: Played): Promise<readonly string[]> {
  const { path, problem } = await writeReport(report, '/dev/null/report.json');
  return path === '' && /^the report could not be written to /.test(problem ?? '')
    ? []
    : [`written to ${path}: ${problem}`];
}

/** Cancelled by SIGTERM so long after the beginning. */
function cancelledAfter(ms: number): (world: World) => PlayOptions {
  return ({ clock }) => {
    const cancelling = new AbortController();
    clock.after(ms, () => cancelling.abort(new Error('cancelled by SIGTERM')));
    return { signal: cancelling.signal };
  };
}

const HANG: Fault = { kind: 'hang' };

const FIVE_HUNDRED_NODES = Array.from({ length: 500 }, (_, index) => `n${index}`);

export const RUN_ROWS: readonly FaultRow[] = [
  {
    id: '44',
    fault: 'workflow commands, ANSI, NUL, Markdown and HTML in names and messages',
    world: withPods([aPodWith('hostile', ATTACK), aPodWith('::error::pod', ATTACK)]),
    check: faceProblems,
    expected: {
      verdict: 'unhealthy',
      reason: /forged/,
      requests: [52, 78],
      timeMs: 3 * MINUTE,
      pods: { ready: 2, notReady: 2 },
    },
  },
  {
    id: '44b',
    fault: 'a message of 1 MB',
    world: withPods([aPodWith('long', '🦊'.repeat(250_000))]),
    check: faceProblems,
    expected: {
      verdict: 'unhealthy',
      reason: /🦊/,
      requests: [52, 78],
      timeMs: 3 * MINUTE,
      pods: { ready: 2, notReady: 1 },
    },
  },
  {
    id: '50',
    fault: 'SIGTERM while the DELETE is answered',
    world: broken(),
    inputs: CURE,
    faults: [{ verb: 'delete', fault: HANG }],
    options: cancelledAfter(4 * SECOND),
    expected: {
      verdict: 'inconclusive',
      reason: /^cancelled by SIGTERM after 8s: .*whether calico-node was restarted on n1 is not known/,
      requests: [47, 71],
      deletes: 1,
      nodes: ['n1: waiting/-'],
      timeMs: [4 * SECOND, 9 * SECOND],
    },
  },
  {
    id: '50b',
    fault: 'SIGTERM while a cure is waited for',
    world: broken(),
    inputs: CURE,
    options: cancelledAfter(4_500),
    expected: {
      verdict: 'inconclusive',
      reason: /^cancelled by SIGTERM after 4s: /,
      requests: [47, 71],
      deletes: 1,
      nodes: ['n1: restarted/unknown'],
      timeMs: [4_500, 9_500],
    },
  },
  {
    id: '50c',
    fault: 'SIGTERM while nothing is answered',
    world: shop,
    faults: [{ fault: HANG }],
    options: cancelledAfter(2 * SECOND),
    expected: {
      verdict: 'inconclusive',
      reason: /^cancelled by SIGTERM/,
      requests: [0, 5],
      timeMs: [2 * SECOND, 7 * SECOND],
    },
  },
  {
    id: '51',
    fault: 'the deadline comes in the middle of a list in pages',
    world: threePages,
    faults: [
      { verb: 'list', resource: 'pods', namespace: 'shop', path: /continue=/, fromMs: 10 * SECOND, fault: HANG },
    ],
    happens: [[12 * SECOND, breakWatches]],
    inputs: { 'stable-for': '30s', timeout: '1m' },
    expected: {
      verdict: 'inconclusive',
      reason: /^no verdict within 1m: pods in namespace shop were last seen \d+s ago: /,
      requests: [52, 78],
      timeMs: [MINUTE, MINUTE + 5 * SECOND],
      pods: { total: 1_050, ready: 1_050 },
    },
  },
  {
    id: '55',
    fault: '5,000 pods on 500 nodes, and 1 MB/s',
    world: (base) => crowd(5_000)({ ...base, nodes: FIVE_HUNDRED_NODES }),
    faults: [{ verb: 'list', fault: { kind: 'slow', pieceBytes: 100_000, everyMs: 100 } }],
    expected: {
      verdict: 'healthy',
      reason: /^all 5000 pods/,
      requests: [57, 85],
      of: { 'list shop/pods': 20 },
      timeMs: [41_100, 49_700],
      pods: { ready: 5_000 },
    },
  },
  {
    id: '59',
    fault: '3,000 findings: more than a summary may hold',
    world: withPods(
      Array.from({ length: 3_000 }, (_, index) => aPodWith(`p-${index}`, `${index} ${'why '.repeat(400)}`)),
    ),
    check: faceProblems,
    inputs: { timeout: '10s' },
    expected: {
      verdict: 'unhealthy',
      reason: /why why/,
      requests: [37, 59],
      timeMs: 10 * SECOND,
      pods: { notReady: 3_000 },
    },
  },
  {
    id: '59b',
    fault: 'the report cannot be written',
    world: shop,
    check: reportProblems,
    isTraceless: true,
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [42, 64], timeMs: [4_100, 7_100] },
  },
  {
    id: '72',
    fault: 'answers without a date that can be read',
    world: shop,
    faults: [
      { verb: ['list', 'get'], fault: { kind: 'rewrite', rewrite: (body) => body, headers: { date: 'yesterday' } } },
    ],
    isTraceless: true,
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [42, 64], timeMs: [4_100, 7_100] },
  },
  {
    id: '73',
    fault: 'every answer takes two seconds',
    world: (base) => shop({ ...base, latencyMs: 2_000 }),
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [39, 61], timeMs: [17_300, 22_300] },
  },
  {
    id: '73b',
    fault: 'one request in three fails, in all the ways that pass',
    world: shop,
    faults: [
      {
        verb: ['list', 'get', 'watch', 'create'],
        fault: ({ nth }, count) => (nth <= 3 && count % 3 === 0 ? passingFault(count) : undefined),
      },
    ],
    expected: { verdict: 'healthy', reason: ALL_WELL, requests: [58, 86], timeMs: [12_000, 16_200] },
  },
];

function passingFault(count: number): Fault {
  const faults: readonly Fault[] = [
    { kind: 'reset-before' },
    { kind: 'status', status: 503 },
    { kind: 'truncate', afterBytes: 100 },
    { kind: 'reset-after' },
    { kind: 'garbage' },
    { kind: 'status', status: 500 },
  ];
  return faults[(count / 3) % faults.length] as Fault;
}
