import type { Inputs } from '../harness.ts';
import type { Chance } from './chance.ts';
import {
  brokenToken,
  drain,
  type Facts,
  forgedEvent,
  hangingController,
  healedToken,
  lostNode,
  restartByHand,
  TOKENS,
} from './happenings.ts';
import type { Step, TimedStep } from './story.ts';
import { deployStep, optionsOf, ordinaryBehaviour, type WorkloadPlot } from './workloads.ts';

/** Enough pods of two namespaces that most nodes have some of each. */
export function restartWorkloads(chance: Chance, nodes: readonly string[]): readonly WorkloadPlot[] {
  const names = ['web', 'api', 'db', 'log', 'mail'];
  return names.slice(0, chance.int(2, 4)).map((name, index): WorkloadPlot => {
    const kind =
      index === 0 ? 'Deployment' : chance.pick(['Deployment', 'Deployment', 'StatefulSet', 'DaemonSet'] as const);
    const { hostNetwork: _, ...options } = optionsOf(kind, chance, nodes);
    return {
      kind,
      namespace: index === 0 ? 'shop' : chance.pick(['shop', 'back', 'back']),
      name,
      replicas: chance.int(2, 6),
      labels: { tier: 'front' },
      behaviour: { kind: 'healthy' },
      options,
    };
  });
}

/** Gates that have the right, the time and the wish to restart. */
export function restartInputs(chance: Chance): Inputs {
  return {
    ...chance.pick<Inputs>([{ namespaces: 'shop, back' }, { namespaces: 'shop, back' }, {}, { namespaces: 'shop' }]),
    timeout: `${chance.int(150, 900)}s`,
    'stable-for': `${chance.pick([0, 5, 15])}s`,
    'stuck-after': '0s',
    'min-pods': '1',
    'fail-fast': String(chance.of(0.5)),
    'restart-calico-node': String(chance.of(0.95)),
    'max-node-restarts': String(chance.int(1, 3)),
    'restart-timeout': `${chance.pick([45, 60, 90, 180])}s`,
  };
}

/** Nodes that break, roll-outs into them, and everybody else who restarts, mends, drains or upgrades beside the gate. */
export function restartSteps({ chance, nodes, workloads, lastsMs }: Facts): {
  readonly before: readonly Step[];
  readonly during: readonly TimedStep[];
} {
  const before: Step[] = [];
  const during: TimedStep[] = [];
  const later = (step: Step, untilMs = lastsMs): void => {
    during.push({ ...step, atMs: Math.round(chance.between(0, untilMs)) });
  };
  const broken = nodes.filter((_, index) => index === 0 || chance.of(0.6));
  for (const node of broken) {
    const step = brokenToken(node, chance.of(0.9) ? 'unauthorized' : chance.pick(TOKENS));
    if (chance.of(0.8)) before.push(step);
    else later(step, lastsMs / 2);
    if (chance.of(0.25)) before.push(inVain(node));
  }
  for (const workload of workloads) {
    const step = deployStep(workload, { kind: 'healthy' }, workload.replicas, chance.int(100, 199));
    if (chance.of(0.7)) before.push(step);
    else later(step, lastsMs / 2);
    if (chance.of(0.2)) later(deployStep(workload, ordinaryBehaviour(chance), workload.replicas, chance.int(200, 299)));
  }
  const changes: readonly (readonly [probability: number, step: () => Step])[] = [
    [0.4, () => restartByHand(chance.pick(nodes))],
    [0.3, () => restartByHand(chance.pick(broken))],
    [0.2, () => healedToken(chance.pick(broken))],
    [0.2, () => brokenToken(chance.pick(nodes), 'unauthorized')],
    [0.15, () => lostNode(chance.pick(nodes), chance)],
    [0.05, () => removedNode(chance.pick(nodes))],
    [0.15, () => hangingController('daemonset', chance)],
    [0.1, () => ({ what: 'Calico is upgraded', act: ({ sim }) => sim.cluster.upgradeCalico() })],
    [0.1, () => drained(chance.pick(nodes))],
    [0.1, () => forgedEvent(chance.pick(workloads), chance)],
    [0.15, () => evictedCalico(chance.pick(nodes))],
    [0.05, () => unwanted(chance.pick(nodes))],
  ];
  for (const [probability, step] of changes) if (chance.of(probability)) later(step());
  const change = chance.pick([
    null,
    null,
    { installMs: 15_000 },
    { installMs: 40_000 },
    { installExitCode: 1 },
    { readyAfterMs: 30_000 },
    { readyAfterMs: 'never' as const },
  ]);
  if (change !== null) {
    before.push({
      what: `calico-node changes: ${JSON.stringify(change)}`,
      act: ({ sim }) => sim.cluster.changeCalico(change),
    });
  }
  return { before, during };
}

function inVain(node: string): Step {
  return { what: `a restart does not cure ${node}`, act: ({ sim }) => sim.cluster.setRestartCures(node, false) };
}

function removedNode(node: string): Step {
  return { what: `${node} is removed`, act: ({ sim }) => sim.cluster.removeNode(node) };
}

function drained(node: string): Step {
  return { what: `drain ${node} for a while`, act: (world) => drain(world, node) };
}

function evictedCalico(node: string): Step {
  return {
    what: `calico-node on ${node} is evicted`,
    act: ({ sim }) => {
      const pod = sim.cluster.onNode(node).calicoNode;
      if (pod !== undefined) sim.cluster.evict(pod.metadata.namespace ?? '', pod.metadata.name);
    },
  };
}

/** Its DaemonSet no longer wants the node: a deleted pod would not come back. */
function unwanted(node: string): Step {
  return {
    what: `Calico's DaemonSet no longer wants ${node}`,
    act: ({ sim }) => sim.cluster.labelNode(node, { 'kubernetes.io/os': 'plan9' }),
  };
}
