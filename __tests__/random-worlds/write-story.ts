import type { CalicoOptions } from '../../simulator/cluster/calico.ts';
import type { NodeOptions } from '../../simulator/cluster/nodes.ts';
import type { Behaviour } from '../../simulator/cluster/programs.ts';
import type { Inputs } from '../harness.ts';
import { calicoTrap } from './calico-traps.ts';
import { type Chance, createChance } from './chance.ts';
import { writeFaults } from './faults.ts';
import { brokenSteps, type Facts, ordinarySteps, troubledSteps } from './happenings.ts';
import { restartInputs, restartSteps, restartWorkloads } from './restart-plot.ts';
import type { GatePlot, Plot, Step, Story, StoryKind, TimedStep } from './story.ts';
import { timesOf } from './times.ts';
import { uponSteps } from './upon-plot.ts';
import { veiledInputs, veiledSteps, veiledWorkloads } from './veiled-plot.ts';
import { deployAll, type WorkloadPlot, writeWorkloads } from './workloads.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const APART = 500_000_000;

const KINDS: readonly StoryKind[] = ['ordinary', 'broken', 'restarts', 'restarts', 'troubled', 'veiled'];

/** A world, what happens in it and the gates that look at it; all drawn from `seed`. */
export function writeStory(seed: number, only?: StoryKind): Story {
  const chance = createChance(seed);
  // Drawn apart, or every seed would tell another story than before.
  const apart = createChance(seed + APART);
  const kind = only ?? chance.pick(KINDS);
  const isRestarts = kind === 'restarts';
  const trap = isRestarts && apart.of(0.4) ? calicoTrap(apart) : null;
  const isLateNode = (): boolean => apart.of(0.15) || trap?.isLate === true;
  const nodes = Array.from({ length: chance.int(isRestarts ? 2 : 1, 5) }, (_, index) =>
    nodeOf(`n${index + 1}`, chance),
  ).map((node) => ({ ...node, ...(isLateNode() ? { saysSandboxLate: true } : {}) }));
  const names = nodes.map(({ name }) => name);
  const { workloads, inputs } = beginningsOf(kind, chance, names);
  const timeoutMs = Number(/\d+/.exec(inputs.timeout ?? '')?.[0]) * SECOND;
  const stableForMs = Number(/\d+/.exec(inputs['stable-for'] ?? '')?.[0]) * SECOND;
  const isLate = nodes.some(({ saysSandboxLate }) => saysSandboxLate === true);
  const wellBehaved = (): Behaviour =>
    isLate && apart.of(0.5) ? { kind: 'slowImage', tookMs: apart.int(5, 200) * SECOND } : { kind: 'healthy' };
  const facts: Facts = { chance, nodes: names, workloads, lastsMs: timeoutMs, stableForMs, wellBehaved };

  const there = kind !== 'broken' || chance.of(0.9) ? ['shop', 'back', 'n3', 'n4', 'n5'] : ['back'];
  const before: Step[] = [
    { what: `namespaces ${there.join(', ')}`, act: ({ sim }) => there.forEach(sim.cluster.createNamespace) },
    ...deployAll(workloads, chance),
    { what: 'a minute passes', act: ({ sim }) => sim.warmUp(MINUTE) },
  ];
  const plot = together(plotOf(kind, facts), trap?.plot(facts) ?? NOTHING);
  before.push(...plot.before);
  const agoMs = chance.int(0, 100) * SECOND;
  before.push({ what: `${agoMs / SECOND}s pass`, act: ({ sim }) => sim.warmUp(agoMs) });

  const gates = gatesOf(chance, kind, inputs, timeoutMs, names);
  const { faults, steps } = writeFaults(chance, kind, timeoutMs);
  const upon = uponSteps(facts, kind);
  const calico = calicoOf(chance, isRestarts ? 0.3 : 0.1);
  return {
    seed,
    kind,
    world: {
      seed,
      nodes,
      calico: trap?.calico ?? calico,
      latencyMs: chance.pick([0, 0, 20, 300]),
      serverSkewMs: chance.of(0.2) ? chance.int(-90, 90) * SECOND : 0,
      tokens: { 'token-b': 'b' },
      ...(chance.of(0.2) ? { pageLimit: chance.int(3, 8) } : {}),
      // Of a cluster that was just made no node is old.
      ...(chance.of(0.1) ? { ageMs: chance.int(5, 200) * SECOND } : {}),
    },
    before,
    during: [...plot.during, ...steps],
    upon: [...(plot.upon ?? []), ...upon],
    gates,
    faults: [...(plot.faults ?? []), ...faults],
  };
}

const NOTHING: Plot = { before: [], during: [] };

function together(one: Plot, other: Plot): Plot {
  return {
    ...one,
    before: [...one.before, ...other.before],
    during: [...one.during, ...other.during],
    faults: [...(one.faults ?? []), ...(other.faults ?? [])],
  };
}

function beginningsOf(
  kind: StoryKind,
  chance: Chance,
  nodes: readonly string[],
): { readonly workloads: readonly WorkloadPlot[]; readonly inputs: Inputs } {
  switch (kind) {
    case 'ordinary':
    case 'broken':
    case 'troubled':
      return { workloads: writeWorkloads(chance, kind, nodes), inputs: inputsOf(chance, kind) };
    case 'restarts':
      return { workloads: restartWorkloads(chance, nodes), inputs: restartInputs(chance) };
    case 'veiled':
      return { workloads: veiledWorkloads(chance, nodes), inputs: veiledInputs(chance) };
  }
}

/** What happened before the first gate came, and what happens while it is there. */
function plotOf(kind: StoryKind, facts: Facts): Plot {
  const { chance, lastsMs } = facts;
  // An ordinary cluster comes to rest in time for everything to be stable before the timeout.
  const untilMs = kind === 'ordinary' ? lastsMs / 3 : lastsMs;
  const scattered = (steps: readonly Step[]): readonly TimedStep[] =>
    steps.map((step) => ({ ...step, atMs: Math.round(chance.between(0, untilMs)) }));
  switch (kind) {
    case 'ordinary':
      return { before: [], during: scattered(ordinarySteps(facts)) };
    case 'restarts':
      return restartSteps(facts);
    case 'veiled':
      return veiledSteps(facts);
    case 'broken':
      return {
        before: [...brokenSteps(facts), ...troubledSteps(facts, 0.1)],
        during: scattered([...ordinarySteps(facts), ...brokenSteps(facts)]),
      };
    case 'troubled':
      return {
        before: [...brokenSteps(facts), ...troubledSteps(facts, 0.4)],
        during: scattered([...ordinarySteps(facts), ...brokenSteps(facts), ...troubledSteps(facts, 0.3)]),
      };
  }
}

function nodeOf(name: string, chance: Chance): NodeOptions {
  return {
    name,
    runtime: chance.pick(['containerd-1.6', 'containerd-1.6', 'containerd-2', 'cri-o', 'multus']),
    ...(chance.of(0.1) ? { clockSkewMs: chance.int(-120, 120) * SECOND } : {}),
  };
}

/** One installation most of the time; two are a migration that somebody left half done. */
function calicoOf(chance: Chance, onDelete: number): CalicoOptions | readonly CalicoOptions[] {
  const updateStrategy = chance.of(onDelete) ? 'OnDelete' : 'RollingUpdate';
  return chance.pick<() => CalicoOptions | readonly CalicoOptions[]>([
    ...Array(8).fill(() => ({ namespace: 'calico-system', updateStrategy, graceSeconds: chance.pick([0, 5]) })),
    () => ({ namespace: 'kube-system', updateStrategy }),
    () => ({ namespace: 'kube-system', daemonSet: 'canal' }),
    () => ({ namespace: 'calico-system', policyOnly: true }),
    () => [{ namespace: 'calico-system' }, { namespace: 'kube-system' }],
    () => [{ namespace: 'calico-system' }, { namespace: 'tenant' }],
  ])();
}

function inputsOf(chance: Chance, kind: StoryKind): Inputs {
  const isOrdinary = kind === 'ordinary';
  const scope = chance.pick<Inputs>([
    { namespaces: 'shop' },
    { namespaces: 'shop' },
    { namespaces: 'shop, back' },
    { namespaces: 'shop, back, n3, n4, n5' },
    {},
    { 'exclude-namespaces': 'back' },
    { selector: 'tier=front', namespaces: 'shop' },
  ]);
  return {
    ...scope,
    ...timesOf(chance, isOrdinary ? [600, 600] : [20, 420], isOrdinary ? 0 : 0.1),
    // What was not ready for longer than that at the first look is trouble, however ordinary.
    'stuck-after': chance.of(isOrdinary ? 0.1 : 0.2) ? `${chance.int(isOrdinary ? 300 : 20, 400)}s` : '0s',
    'min-pods': chance.of(0.1) ? '0' : '1',
    'fail-fast': String(isOrdinary || chance.of(kind === 'broken' ? 0.3 : 0.6)),
    'restart-calico-node': String(chance.of(isOrdinary ? 0.5 : 0.85)),
    'max-node-restarts': String(chance.int(chance.of(0.1) ? 0 : 1, 4)),
    'restart-timeout': `${chance.pick([45, 60, 90, 180])}s`,
    ...(chance.of(0.1) ? { 'calico-namespace': 'calico-system' } : {}),
  };
}

const SECOND_GATE: Readonly<Record<StoryKind, number>> = {
  ordinary: 0.05,
  broken: 0.25,
  restarts: 0.4,
  troubled: 0.05,
  veiled: 0.05,
};

function gatesOf(
  chance: Chance,
  kind: StoryKind,
  inputs: Inputs,
  timeoutMs: number,
  nodes: readonly string[],
): readonly GatePlot[] {
  const gateOf = (user: string, beginsAtMs: number): GatePlot => ({
    user,
    inputs,
    beginsAtMs,
    runsOnNode: chance.of(0.2) ? chance.pick(nodes) : null,
    cancelledAfterMs: kind !== 'ordinary' && chance.of(0.08) ? chance.int(0, timeoutMs) : null,
    cancelledUponDelete: kind === 'restarts' && chance.of(0.05) ? chance.int(1, 2) : null,
    seed: chance.int(1, 1_000_000),
  });
  const first = gateOf('gate', 0);
  if (!chance.of(SECOND_GATE[kind])) return [first];
  return [first, gateOf('b', chance.of(0.3) ? 0 : chance.int(0, timeoutMs))];
}
