import { allowAll, allowAllBut, type Rule } from '../../simulator/api/access.ts';
import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { World } from '../harness.ts';
import { type Chance, createChance } from './chance.ts';
import type { FaultPlot, StoryKind, TimedStep } from './story.ts';

export interface Troubles {
  readonly faults: readonly FaultPlot[];
  readonly steps: readonly TimedStep[];
}

const SECOND = 1_000;
/** Longest that a list takes which is slow and not silent. */
const SLOW_MS = 40 * SECOND;

/** What a network, a proxy and an API server in trouble do to requests and watches, and rights that change. */
export function writeFaults(chance: Chance, kind: StoryKind, lastsMs: number): Troubles {
  const steps: TimedStep[] = [];
  const moment = (): number => Math.round(chance.between(0, lastsMs * 0.8));
  for (let left = chance.of(0.4) ? chance.int(1, 3) : 0; left > 0; left -= 1) {
    steps.push({ ...watchTrouble(chance), atMs: moment() });
  }
  const isOrdinary = kind === 'ordinary';
  if (!isOrdinary && chance.of(kind === 'restarts' ? 0.08 : 0.2)) steps.push({ ...lostRight(chance), atMs: moment() });
  if (!isOrdinary && chance.of(0.05)) {
    steps.push({
      what: 'the credentials of the first gate are revoked',
      atMs: moment(),
      act: ({ sim }) => sim.api.tokens.revoke('gate-token'),
    });
  }
  // Its veil is enough.
  if (kind === 'veiled') return { faults: [], steps: [] };
  const faults: FaultPlot[] = [];
  if (chance.of(kind === 'restarts' ? 0.2 : 0.3)) faults.push(badTime(chance, isOrdinary, moment()));
  if (chance.of(kind === 'restarts' ? 0.4 : 0.25)) faults.push(badDeletes(chance));
  if (!isOrdinary && chance.of(0.15)) faults.push(SILENT_LOGS);
  return { faults, steps };
}

/** For a while some of all requests go wrong. */
function badTime(chance: Chance, isOrdinary: boolean, fromMs: number): FaultPlot {
  const rate = chance.pick([0.01, 0.05, 0.3]);
  const untilMs = fromMs + chance.int(1, isOrdinary ? 20 : 120) * SECOND;
  // Its own, or what happens to one request would hang on how many came before from others.
  const seed = chance.int(1, 1_000_000_000);
  const dice = new Map<string, Chance>();
  let beganMs: number | null = null;
  return {
    what: `${rate * 100} % of all requests from ${fromMs / SECOND}s to ${untilMs / SECOND}s`,
    lagMs: SLOW_MS,
    fault: (request) => {
      beganMs ??= request.atMs;
      const sinceMs = request.atMs - beganMs;
      if (request.method === 'DELETE' || sinceMs < fromMs || sinceMs > untilMs) return undefined;
      const about = `${request.user} ${request.verb} ${request.resource} ${request.namespace}`;
      const die = dice.get(about) ?? createChance(seed + about.length + dice.size * 7_919);
      dice.set(about, die);
      return die.of(rate) ? anyFault(die, request.verb === 'watch') : undefined;
    },
  };
}

/** What a run asks for last. */
const SILENT_LOGS: FaultPlot = {
  what: 'logs are never answered',
  lagMs: 0,
  fault: ({ resource }) => (resource === 'pods/log' ? { kind: 'hang' } : undefined),
};

function anyFault(chance: Chance, isWatch: boolean): Fault {
  const faults: readonly Fault[] = [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
    { kind: 'status', status: 429, headers: { 'retry-after': String(chance.int(1, 20)) } },
    { kind: 'status', status: 410 },
    { kind: 'reset-before' },
    { kind: 'reset-after' },
    { kind: 'refuse' },
    { kind: 'truncate', afterBytes: chance.int(0, 2_000) },
    { kind: 'truncate', afterBytes: chance.int(0, 2_000), clean: true },
    { kind: 'stall', afterBytes: chance.int(0, 2_000) },
    { kind: 'delay', delayMs: chance.int(1, 20) * SECOND },
    { kind: 'cut', afterMs: chance.int(1, 20) * SECOND, clean: chance.of(0.5) },
    { kind: 'hang' },
    { kind: 'garbage' },
  ];
  if (!isWatch)
    return chance.pick([...faults, { kind: 'slow', pieceBytes: 50_000, everyMs: chance.int(1, 8) * SECOND }]);
  // A watch that keeps some of its lines for itself lies, and only a list shows it.
  const silence = chance.pick([1, 2, 5]);
  let line = 0;
  return chance.pick<Fault>([
    ...faults,
    { kind: 'lines', rewrite: (text) => [text, text] },
    { kind: 'lines', rewrite: (text) => [text, '{"type":"NOVELTY","object":{}}'] },
    {
      kind: 'lines',
      rewrite: (text) => {
        line += 1;
        return line % silence === 0 ? [] : [text];
      },
    },
  ]);
}

/** The first DELETEs of each pod go wrong. */
function badDeletes(chance: Chance): FaultPlot {
  const fault = chance.pick<Fault>([
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'status', status: 429, headers: { 'retry-after': '50' } },
    { kind: 'status', status: 403 },
    { kind: 'status', status: 404 },
    { kind: 'status', status: 409 },
    { kind: 'reset-before' },
    { kind: 'reset-after' },
    { kind: 'reset-after' },
    { kind: 'truncate', afterBytes: 0 },
    { kind: 'delay', delayMs: 12 * SECOND },
    { kind: 'delay', delayMs: 40 * SECOND },
    { kind: 'hang' },
  ]);
  const times = chance.of(0.8) ? chance.int(1, 3) : 20;
  return {
    what: `the first ${times} DELETEs of a pod: ${JSON.stringify(fault)}`,
    lagMs: fault.kind === 'delay' ? fault.delayMs : 0,
    fault: ({ method, nth }: RequestSeen) => (method === 'DELETE' && nth <= times ? fault : undefined),
  };
}

function watchTrouble(chance: Chance): { readonly what: string; readonly act: (world: World) => void } {
  const forMs = chance.int(5, 150) * SECOND;
  return chance.pick([
    { what: 'all watches are closed', act: ({ sim }: World) => sim.api.watches.close() },
    { what: 'all watches break', act: ({ sim }: World) => sim.api.watches.reset() },
    { what: 'etcd is compacted', act: ({ sim }: World) => sim.api.compact() },
    {
      what: `all watches are silent for ${forMs / SECOND}s`,
      act: ({ sim, clock }: World) => {
        sim.api.watches.silence();
        clock.after(forMs, () => {
          sim.api.watches.resume();
          sim.api.watches.reset();
        });
      },
    },
  ]);
}

function lostRight(chance: Chance): { readonly what: string; readonly act: (world: World) => void } {
  const rule = chance.pick<Rule>([
    { resource: 'pods', verb: ['list', 'watch'] },
    { resource: 'pods', verb: ['list', 'watch'], namespace: 'shop' },
    { resource: 'pods', verb: 'delete' },
    { resource: 'pods', verb: ['list', 'watch'], namespace: 'calico-system' },
    { resource: 'daemonsets' },
    { resource: 'events' },
    { resource: 'nodes' },
    { resource: 'jobs' },
    { verb: 'watch' },
  ]);
  const forMs = chance.int(5, 60) * SECOND;
  const isForGood = chance.of(0.5);
  return {
    what: `the right ${JSON.stringify(rule)} is lost ${isForGood ? 'for good' : `for ${forMs / SECOND}s`}`,
    act: ({ sim, clock }) => {
      sim.api.permissions = allowAllBut(rule);
      if (!isForGood) {
        clock.after(forMs, () => {
          sim.api.permissions = allowAll;
        });
      }
    },
  };
}
