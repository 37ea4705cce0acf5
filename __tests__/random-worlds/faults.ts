import { allowAll, allowAllBut, type Rule } from '../../simulator/api/access.ts';
import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { World } from '../harness.ts';
import { anyDeleteFault, anyFault } from './any-fault.ts';
import { type Chance, createChance } from './chance.ts';
import type { FaultPlot, Moment, StoryKind, TimedStep } from './story.ts';

export interface Troubles {
  readonly faults: readonly FaultPlot[];
  readonly steps: readonly TimedStep[];
}

const SECOND = 1_000;
/** Longest that a list takes which is slow and not silent. */
const SLOW_MS = 40 * SECOND;
/** By then everything was read once, unless something went wrong. */
const FIRST_LISTS_MS = 4 * SECOND;

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
  if (chance.of(kind === 'restarts' ? 0.2 : 0.3))
    faults.push(badTime(chance, isOrdinary, isOrdinary ? chance.int(1, 20) * SECOND : moment()));
  if (chance.of(kind === 'restarts' ? 0.4 : 0.25)) faults.push(badDeletes(chance));
  if (!isOrdinary && chance.of(0.2)) faults.push(badMoment(chance, kind === 'restarts' ? 'delete' : 'confirming'));
  if (!isOrdinary && chance.of(0.15)) faults.push(laterLists(chance));
  if (!isOrdinary && chance.of(0.15)) faults.push(SILENT_LOGS);
  return { faults, steps };
}

/** For a while some of all requests go wrong. */
function badTime(chance: Chance, isOrdinary: boolean, fromMs: number): FaultPlot {
  const rate = chance.pick([0.01, 0.05, 0.3]);
  const untilMs = fromMs + chance.int(1, isOrdinary ? 20 : 120) * SECOND;
  const meet = someFail(chance, rate, !isOrdinary);
  let beganMs: number | null = null;
  return {
    what: `${rate * 100} % of all requests from ${fromMs / SECOND}s to ${untilMs / SECOND}s`,
    lagMs: SLOW_MS,
    duringMs: [fromMs, untilMs],
    fault: (request) => {
      beganMs ??= request.atMs;
      const sinceMs = request.atMs - beganMs;
      return sinceMs < fromMs || sinceMs > untilMs ? undefined : meet(request);
    },
  };
}

/** Some of all requests that read go wrong. What happens to one must not hang on how many came before from others. */
function someFail(chance: Chance, rate: number, isHarsh: boolean): (request: RequestSeen) => Fault | undefined {
  const seed = chance.int(1, 1_000_000_000);
  const dice = new Map<string, Chance>();
  return (request) => {
    if (request.method === 'DELETE') return undefined;
    const about = `${request.user} ${request.verb} ${request.resource} ${request.namespace}`;
    const die = dice.get(about) ?? createChance(seed + about.length + dice.size * 7_919);
    dice.set(about, die);
    return die.of(rate) ? anyFault(die, request, isHarsh) : undefined;
  };
}

/** Requests go wrong when it matters most: after a DELETE has come, or while everything is read anew for a verdict. */
function badMoment(chance: Chance, moment: Moment): FaultPlot {
  const rate = chance.pick([0.2, 0.6, 1]);
  const forMs = chance.int(1, 60) * SECOND;
  const meet = someFail(chance, rate, true);
  return {
    what: `${rate * 100} % of all requests for ${forMs / SECOND}s upon ${moment}`,
    lagMs: SLOW_MS,
    fault: (request, past) => {
      const atMs = past.get(moment);
      return atMs === undefined || request.atMs - atMs > forMs ? undefined : meet(request);
    },
  };
}

/** Lists that come after the first ones: those that a restart is decided by, or a verdict confirmed with. */
function laterLists(chance: Chance): FaultPlot {
  const rate = chance.pick([0.3, 1]);
  const times = chance.int(1, 8);
  const meet = someFail(chance, rate, true);
  let beganMs: number | null = null;
  let met = 0;
  return {
    what: `${rate * 100} % of the lists after the first ones, ${times} times`,
    lagMs: SLOW_MS,
    fault: (request) => {
      beganMs ??= request.atMs;
      if (request.verb !== 'list' || request.atMs - beganMs < FIRST_LISTS_MS || met >= times) return undefined;
      const fault = meet(request);
      if (fault !== undefined) met += 1;
      return fault;
    },
  };
}

/** What a run asks for last. */
const SILENT_LOGS: FaultPlot = {
  what: 'logs are never answered',
  lagMs: 0,
  fault: ({ resource }) => (resource === 'pods/log' ? { kind: 'hang' } : undefined),
};

/** The first DELETEs of each pod go wrong. */
function badDeletes(chance: Chance): FaultPlot {
  const fault = anyDeleteFault(chance);
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
