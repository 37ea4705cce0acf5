import { createSimulator, type Simulator, type SimulatorOptions } from '../simulator/simulator.ts';
import { createVirtualClock, type VirtualClock } from '../simulator/virtual-clock.ts';
import type { Connection } from '../src/cluster/connection.ts';
import type { Transport } from '../src/cluster/transport.ts';
import { INPUTS, type InputName } from '../src/contract.ts';
import type { GateEvent } from '../src/events.ts';
import { type GateOptions, type GateResult, runGate } from '../src/gate.ts';
import type { Assessment } from '../src/health/assessment.ts';
import { createLog } from '../src/report/log.ts';
import { logLine } from '../src/report/untrusted.ts';
import { parseSettings, type RawSettings, type Settings } from '../src/settings.ts';
import type { Timing } from '../src/timing.ts';
import { rightsBeyond } from './scenarios/rbac.ts';

/** Inputs as a workflow writes them; what is left out has its default. */
export type Inputs = Partial<Record<InputName, string>>;

export function settingsOf(inputs: Inputs = {}): Settings {
  const raw = Object.fromEntries(INPUTS.map(({ name }) => [name, inputs[name] ?? ''])) as RawSettings;
  const parsed = parseSettings(raw);
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

/** A cluster on a virtual clock: ten minutes of it pass in milliseconds. */
export interface World {
  readonly clock: VirtualClock;
  readonly sim: Simulator;
}

export interface WorldOptions extends Partial<Omit<SimulatorOptions, 'clock'>> {
  readonly clock?: VirtualClock;
}

export function aWorld({ clock = createVirtualClock(), ...options }: WorldOptions = {}): World {
  const sim = createSimulator({
    clock,
    seed: 7,
    nodes: ['n1', 'n2'],
    calico: { namespace: 'calico-system' },
    ...options,
  });
  return { clock, sim };
}

export interface LookedAt {
  readonly atMs: number;
  readonly assessment: Assessment;
}

/** What a run did, and everything that it told. */
export interface Played extends GateResult {
  readonly log: readonly string[];
  readonly events: readonly GateEvent[];
  /** What each look meant, and how long after the run began it was. */
  readonly looks: readonly LookedAt[];
  /** `DELETE /api/v1/…` in the order in which they were sent. */
  readonly deletes: readonly string[];
  readonly elapsedMs: number;
}

export interface PlayOptions {
  /** Another identity than the simulator's default user; a function is asked for each request. */
  readonly token?: string | (() => string);
  /** Aborts the run when it is; the reason is what a face would give. */
  readonly signal?: AbortSignal;
  readonly runsOnNode?: string;
  readonly runsInPod?: Connection['runsInPod'];
  readonly renewCredentials?: () => Promise<void>;
  /** Of the first random number: gates side by side differ in it as in life. Default 1. */
  readonly seed?: number;
  /** Instead of the simulator's own transport. */
  readonly connect?: GateOptions['connect'];
  /** Instead of the simulator's own for `token`. */
  readonly transport?: Transport;
  readonly timing?: Timing;
  /** Called before an event is told; what it throws, telling throws. */
  readonly onEvent?: (event: GateEvent) => void;
}

function transportOf(sim: Simulator, token: PlayOptions['token']): Transport {
  if (token === undefined) return sim.transport;
  return typeof token === 'string' ? sim.transportFor(token) : (request) => sim.transportFor(token())(request);
}

/**
 * Runs the real gate, from settings to report, in the world; only HTTP and the machine's clock are replaced. Rejects if it
 * asks for something that no mode of `rbac/` grants.
 */
export function play(world: World, inputs: Inputs = {}, options: PlayOptions = {}): Promise<Played> {
  return world.clock.run(start(world, inputs, options));
}

/** The same without driving the clock: for gates that run side by side (`clock.run(Promise.all([start(…), start(…)]))`). */
export async function start({ clock, sim }: World, inputs: Inputs = {}, options: PlayOptions = {}): Promise<Played> {
  const log: string[] = [];
  const events: GateEvent[] = [];
  const looks: LookedAt[] = [];
  const write = createLog({
    line: (text) => log.push(text),
    // As the sinks of both faces do.
    group: (title, lines) => log.push(...[title, ...lines].map(logLine)),
    debug: () => undefined,
    status: () => undefined,
  });
  const connection: Connection = {
    transport: options.transport ?? transportOf(sim, options.token),
    server: 'https://simulator',
    context: 'test',
    source: 'the simulator',
    renewCredentials: options.renewCredentials ?? (async () => undefined),
    warnings: [],
    runsOnNode: options.runsOnNode ?? null,
    runsInPod: options.runsInPod ?? null,
    secrets: () => [],
    close: () => undefined,
  };
  const startedMs = clock.monotonicMs();
  // By somebody else: the recorder reads more than the gate.
  const askedBefore = sim.requests.length;
  let seed = options.seed ?? 1;
  const result = await runGate(settingsOf(inputs), {
    env: {},
    tell: (event, now) => {
      options.onEvent?.(event);
      events.push(event);
      if (event.type === 'assessed') looks.push({ atMs: now.elapsedMs, assessment: event.assessment });
      write(event, now);
    },
    mask: () => undefined,
    signal: options.signal ?? new AbortController().signal,
    warnings: [],
    clock,
    random: () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    },
    connect: options.connect ?? (async () => connection),
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  });
  const beyond = rightsBeyond(sim.requests.slice(askedBefore));
  if (beyond.length > 0) throw new Error(`rbac/ does not grant what the gate asked for: ${beyond.join(', ')}`);
  const deletes = sim.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => `DELETE ${path}`);
  return { ...result, log, events, looks, deletes, elapsedMs: clock.monotonicMs() - startedMs };
}
