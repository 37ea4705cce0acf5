import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import { OUTPUTS } from '../../src/contract.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { schemaProblems } from '../report/report-schema.ts';
import { aBrokenWorld, calicoNodeOn, outputsIn } from './broken-node.ts';
import { SECOND } from './shop.ts';

/** "Cancelled: within 5 s." */
const LIMIT_MS = 5 * SECOND;
/** Printed by fast-check when it fails, with the path to the failure. */
const SEED = 20_261_122;
const RUNS = 60;

const NODES = ['n1', 'n2', 'n3'];

/** What goes wrong with a DELETE; of some the server has carried it out all the same. */
const DELETE_FAULTS: Readonly<Record<string, Fault | undefined>> = {
  none: undefined,
  slow: { kind: 'delay', delayMs: 3 * SECOND },
  late: { kind: 'delay', delayMs: 20 * SECOND },
  'never answered': { kind: 'hang' },
  'carried out, never answered': { kind: 'stall', afterBytes: 0 },
  'carried out, then reset': { kind: 'reset-after' },
  'reset before': { kind: 'reset-before' },
  'turned away': { kind: 'status', status: 429, headers: { 'retry-after': '30' } },
};

/** What goes wrong with everything else, from a moment on. */
const READ_FAULTS: Readonly<Record<string, (request: RequestSeen) => Fault | undefined>> = {
  none: () => undefined,
  'never answered': () => ({ kind: 'hang' }),
  'stops in the middle': () => ({ kind: 'stall', afterBytes: 200 }),
  'in drops': () => ({ kind: 'slow', pieceBytes: 50, everyMs: SECOND }),
  away: () => ({ kind: 'refuse' }),
  'turned away': () => ({ kind: 'status', status: 429, headers: { 'retry-after': '120' } }),
  'refused, and credentials that never come': () => ({ kind: 'status', status: 401 }),
};

interface Plot {
  readonly cancelledAtMs: number;
  readonly latencyMs: number;
  readonly broken: readonly string[];
  readonly restarts: boolean;
  readonly deleting: string;
  readonly reading: string;
  readonly faultsFromMs: number;
}

const aPlot = fc.record<Plot>({
  // Most of what happens does so in the first seconds.
  cancelledAtMs: fc.oneof(fc.integer({ min: 0, max: 6 * SECOND }), fc.integer({ min: 0, max: 70 * SECOND })),
  latencyMs: fc.constantFrom(0, 20, 300, 1_500),
  broken: fc.uniqueArray(fc.constantFrom(...NODES), { minLength: 1 }),
  restarts: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  deleting: fc.constantFrom(...Object.keys(DELETE_FAULTS)),
  reading: fc.oneof({ weight: 3, arbitrary: fc.constant('none') }, fc.constantFrom(...Object.keys(READ_FAULTS))),
  faultsFromMs: fc.integer({ min: 0, max: 20 * SECOND }),
});

/** Nothing tells what became of the DELETE: too rare to be left to chance. */
const IN_THE_DARK: Plot = {
  cancelledAtMs: 35 * SECOND,
  latencyMs: 0,
  broken: NODES,
  restarts: true,
  deleting: 'carried out, never answered',
  reading: 'turned away',
  faultsFromMs: 6 * SECOND,
};

/** From the first lists on everything waits for credentials, which is as rare. */
const WITHOUT_CREDENTIALS: Plot = {
  ...{ cancelledAtMs: 5 * SECOND, latencyMs: 20, broken: ['n1'], restarts: true, deleting: 'none' },
  reading: 'refused, and credentials that never come',
  faultsFromMs: 30,
};

interface Cancelled {
  readonly played: Played;
  readonly tookMs: number;
  /** Nodes whose calico-node pod is gone, or going. */
  readonly deleted: readonly string[];
  readonly world: World;
}

async function playPlot(plot: Plot): Promise<Cancelled> {
  const world = aBrokenWorld({ world: { nodes: NODES, latencyMs: plot.latencyMs }, broken: plot.broken, replicas: 6 });
  const { sim, clock } = world;
  const uids = new Map(NODES.map((node) => [node, calicoNodeOn(world, node).metadata.uid]));
  sim.api.faults = (request) => {
    if (request.method === 'DELETE') return DELETE_FAULTS[plot.deleting];
    return clock.monotonicMs() < plot.faultsFromMs ? undefined : READ_FAULTS[plot.reading]?.(request);
  };
  // Watches that were opened before break with the rest.
  if (plot.reading !== 'none') clock.after(plot.faultsFromMs, () => sim.api.watches.close());
  const inputs: Inputs = {
    namespaces: 'shop',
    'restart-calico-node': String(plot.restarts),
    timeout: '10m',
    'stable-for': '2m',
    'fail-fast': 'false',
  };
  const cancelling = new AbortController();
  clock.after(plot.cancelledAtMs, () => cancelling.abort(new Error('cancelled by SIGTERM')));
  const played = await play(world, inputs, {
    signal: cancelling.signal,
    renewCredentials: () => new Promise(() => undefined),
  });
  const deleted = NODES.filter((node) => {
    const present = sim.cluster.onNode(node).calicoNode;
    return present?.metadata.uid !== uids.get(node) || present?.metadata.deletionTimestamp !== undefined;
  });
  return { played, tookMs: played.elapsedMs - plot.cancelledAtMs, deleted, world };
}

test('wherever a cancellation meets a run, it ends within 5 s and tells truly what was done and what was left', async () => {
  const seen = { restarted: 0, unknown: 0, left: 0 };
  await fc.assert(
    fc.asyncProperty(aPlot, async (plot) => {
      const { played, tookMs, deleted, world } = await playPlot(plot);
      const { report, restartedNodes } = played;
      // A server that was never reached ends the run before.
      if (played.elapsedMs < plot.cancelledAtMs) {
        expect(report.reason).toMatch(/^no contact with the API server /);
        return;
      }
      expect(played.cancelled).toBe(true);
      expect(report.verdict).toBe('inconclusive');
      expect(report.reason).toMatch(/^cancelled by SIGTERM /);
      expect(tookMs).toBeGreaterThanOrEqual(0);
      expect(tookMs).toBeLessThanOrEqual(LIMIT_MS);
      expect(schemaProblems(report)).toEqual([]);
      expect(Object.keys(outputsIn(played)).sort()).toEqual(OUTPUTS.map(({ name }) => name).sort());

      // What was done.
      expect(deleted).toEqual(expect.arrayContaining([...restartedNodes]));
      const unknown = deleted.filter((node) => !restartedNodes.includes(node));
      for (const node of unknown)
        expect(report.reason).toContain(`whether calico-node was restarted on ${node} is not known`);
      for (const node of restartedNodes)
        expect(report.reason).toMatch(new RegExp(`calico-node was restarted on [^;]*${node}`));
      expect(
        report.calico.nodes
          .filter(({ action }) => action === 'restarted')
          .map(({ node }) => node)
          .sort(),
      ).toEqual([...restartedNodes].sort());
      if (!plot.restarts) expect(deleted).toEqual([]);

      // What was left.
      const left = report.calico.nodes.filter(({ node, action }) => action === 'waiting' && !unknown.includes(node));
      if (plot.restarts) for (const { node } of left) expect(report.reason).toContain(node);
      seen.restarted += restartedNodes.length;
      seen.unknown += unknown.length;
      seen.left += left.length;

      // Nothing goes on behind its back.
      const { length } = world.sim.requests;
      await world.clock.advance(120 * SECOND);
      expect(world.sim.requests).toHaveLength(length);
      world.sim.close();
      await world.clock.advance(0);
    }),
    { seed: SEED, numRuns: RUNS, examples: [[IN_THE_DARK], [WITHOUT_CREDENTIALS]], endOnFailure: true },
  );
  // The plots do reach what they are about.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
}, 120_000);
