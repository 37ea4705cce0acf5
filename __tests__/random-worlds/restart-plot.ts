import type { Inputs } from '../harness.ts';
import type { Chance } from './chance.ts';
import { FORGERIES, forge, forgedEvent } from './forgeries.ts';
import {
  brokenToken,
  drain,
  type Facts,
  hangingController,
  healedToken,
  inVain,
  lostNode,
  removedNode,
  restartByHand,
  TOKENS,
} from './happenings.ts';
import type { FaultPlot, Plot, Step, TimedStep } from './story.ts';
import { barePod, deployStep, optionsOf, ordinaryBehaviour, type WorkloadPlot } from './workloads.ts';

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
    timeout: `${chance.of(0.2) ? chance.int(70, 150) : chance.int(150, 540)}s`,
    'stable-for': `${chance.pick([0, 5, 15])}s`,
    'stuck-after': '0s',
    'min-pods': '1',
    'fail-fast': String(chance.of(0.5)),
    'restart-calico-node': String(chance.of(0.9)),
    'max-node-restarts': String(chance.int(1, 3)),
    'restart-timeout': `${chance.pick([45, 60, 90, 180])}s`,
  };
}

/** Nodes that break, roll-outs into them, and everybody else who restarts, mends, drains or upgrades beside the gate. */
export function restartSteps(facts: Facts): Plot {
  const { chance, nodes, workloads, lastsMs, wellBehaved } = facts;
  const before: Step[] = [];
  const during: TimedStep[] = [];
  const later = (step: Step, untilMs = lastsMs): void => {
    during.push({ ...step, atMs: Math.round(chance.between(0, untilMs)) });
  };
  // Where other nodes have their turn first, a cure of the last moment is long known.
  if (chance.of(0.08)) return lateCure(facts, nodes);
  if (chance.of(0.08)) return blindfold(facts);
  const broken = nodes.filter((_, index) => index === 0 || chance.of(0.6));
  const isAllInVain = chance.of(0.15);
  for (const node of broken) {
    const step = brokenToken(node, chance.of(0.9) ? 'unauthorized' : chance.pick(TOKENS));
    if (chance.of(0.8)) before.push(step);
    else later(step, lastsMs / 2);
    if (isAllInVain || chance.of(0.2)) before.push(inVain(node));
  }
  for (const workload of workloads) {
    const step = deployStep(workload, wellBehaved(), workload.replicas, chance.int(100, 199));
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
    [0.1, () => upgraded()],
    [0.1, () => drained(chance.pick(nodes))],
    [0.1, () => forgedEvent(chance.pick(workloads), chance)],
    [0.15, () => evictedCalico(chance.pick(nodes))],
    [0.05, () => unwanted(chance.pick(nodes))],
    [0.05, () => unready(chance.pick(broken))],
  ];
  for (const [probability, step] of changes) if (chance.of(probability)) later(step());
  if (chance.of(0.3))
    before.push({ ...chance.pick([upgraded(), unwanted(chance.pick(nodes)), unready(chance.pick(broken))]) });
  const trap = chance.of(0.4) ? chance.pick([relapse, waitingForVolume, standingStill])(facts, broken) : NOTHING;
  if (chance.of(0.3)) before.push(changedCalico(chance));
  return { before: [...before, ...trap.before], during: [...during, ...trap.during] };
}

const SECOND = 1_000;
const NOTHING: Plot = { before: [], during: [] };

/** All that matters happens while watches are silent, and somebody is about to restart by what they said last. */
function blindfold({ chance, nodes, workloads, wellBehaved }: Facts): Plot {
  const broken = [chance.pick(nodes), ...chance.some(nodes, 0.2)];
  const brokenMs = chance.int(0, 10) * SECOND;
  const silentMs = brokenMs + chance.int(16, 28) * SECOND;
  const forMs = chance.int(30, 80) * SECOND;
  const silence: Step = {
    what: `all watches are silent for ${forMs / SECOND}s`,
    act: ({ sim, clock }) => {
      sim.api.watches.silence();
      clock.after(forMs, () => {
        sim.api.watches.resume();
        sim.api.watches.reset();
      });
    },
  };
  const change = chance.pick([healedToken, healedToken, restartByHand, unready]);
  const hidden: readonly Step[] = [
    ...broken.map(change),
    ...chance.some(nodes, 0.2).map(restartByHand),
    ...(chance.of(0.15) ? [upgraded()] : []),
  ];
  return {
    // Or the run would be over by then.
    before: [barePod(chance.pick(nodes), 'shop', 'keeps', { kind: 'neverReady' })],
    during: [
      ...broken.map((node) => ({ ...brokenToken(node, 'unauthorized'), atMs: brokenMs })),
      ...workloads.map((workload) => ({
        ...deployStep(workload, wellBehaved(), workload.replicas, chance.int(100, 199)),
        atMs: brokenMs + 500,
      })),
      { ...silence, atMs: silentMs },
      ...hidden.map((step) => ({ ...step, atMs: silentMs + chance.int(1, 20) * 100 })),
    ],
    faults: chance.of(0.4) ? [noLists(silentMs, silentMs + forMs)] : [],
  };
}

/** Nor can anybody look anew. */
function noLists(fromMs: number, untilMs: number): FaultPlot {
  let beganMs: number | null = null;
  return {
    what: `lists of pods are refused from ${fromMs / SECOND}s to ${untilMs / SECOND}s`,
    lagMs: 0,
    fault: ({ verb, resource, atMs }) => {
      beganMs ??= atMs;
      const isNow = atMs - beganMs >= fromMs && atMs - beganMs < untilMs;
      return isNow && verb === 'list' && resource === 'pods' ? { kind: 'status', status: 500 } : undefined;
    },
  };
}

/** A node gets well just before its pods have been stuck for long enough, and another pod shows it. */
function lateCure({ chance, wellBehaved }: Facts, nodes: readonly string[]): Plot {
  const node = chance.pick(nodes);
  const brokenMs = chance.int(0, 20) * SECOND;
  const curedMs = brokenMs + chance.int(26, 30) * SECOND;
  return {
    // Or the run would be over by then.
    before: [barePod(node, 'shop', 'keeps', { kind: 'neverReady' })],
    during: [
      { ...brokenToken(node, 'unauthorized'), atMs: brokenMs },
      { ...barePod(node, 'shop', 'stuck', wellBehaved()), atMs: brokenMs + SECOND },
      { ...healedToken(node), atMs: curedMs },
      { ...barePod(node, chance.pick(['shop', 'n3']), 'witness', wellBehaved()), atMs: curedMs + 500 },
    ],
  };
}

/** A node that was broken, and restarted by then, breaks once more; two namespaces speak of it. */
function relapse({ chance, nodes, wellBehaved }: Facts, broken: readonly string[]): Plot {
  const node = chance.pick(broken);
  const atMs = chance.int(70, 200) * SECOND;
  const steps = [
    brokenToken(node, 'unauthorized'),
    barePod(node, 'shop', 'again', wellBehaved()),
    barePod(node, 'back', 'again', wellBehaved()),
  ];
  // Or the run would be over by then.
  const keeps = barePod(chance.pick(nodes), 'shop', 'keeps', { kind: 'neverReady' });
  return { before: [keeps], during: steps.map((step, index) => ({ ...step, atMs: atMs + index * 100 })) };
}

/** A pod that waits for a volume, and an event about it that says what its kubelet would of Calico's failure. */
function waitingForVolume({ chance, nodes, workloads }: Facts): Plot {
  const node = chance.pick(nodes);
  const { namespace } = chance.pick(workloads);
  const forgery = chance.of(0.5) ? chance.pick(FORGERIES) : null;
  const forged: Step = {
    what: `a forged event about that pod: ${forgery ?? 'only its type betrays it'}`,
    act: (world) => forge(world, namespace, 'waiting', forgery),
  };
  return {
    before: [barePod(node, namespace, 'waiting', { kind: 'missingSecret', as: 'volume' })],
    during: [{ ...forged, atMs: chance.int(0, 20) * SECOND }],
  };
}

/** Calico's DaemonSet is in a state in which a deleted pod would come back changed or not at all, and stays in it. */
function standingStill({ chance }: Facts): Plot {
  const forMs = chance.int(20, 200) * SECOND;
  const isMisscheduled = chance.of(0.4);
  const stalled: Step = {
    what: `${isMisscheduled ? "a pod of Calico's DaemonSet is misscheduled" : 'Calico is upgraded'}, and its controller stands still for ${forMs / SECOND}s`,
    act: ({ sim: { cluster }, clock }) => {
      cluster.pauseController('daemonset');
      clock.after(forMs, () => cluster.resumeController('daemonset'));
      if (!isMisscheduled) cluster.upgradeCalico();
      else {
        for (const set of cluster.list('daemonsets')) {
          if (!set.spec.template.spec.containers.some(({ name }) => name === 'calico-node')) continue;
          cluster.put('daemonsets', { ...set, status: { ...set.status, numberMisscheduled: 1 } });
        }
      }
    },
  };
  return chance.of(0.7)
    ? { before: [stalled], during: [] }
    : { before: [], during: [{ ...stalled, atMs: chance.int(0, 40) * SECOND }] };
}

function changedCalico(chance: Chance): Step {
  const change = chance.pick([
    { installMs: 15_000 },
    { installMs: 40_000 },
    { installExitCode: 1 },
    { readyAfterMs: 30_000 },
    { readyAfterMs: 'never' as const },
  ]);
  return {
    what: `calico-node changes: ${JSON.stringify(change)}`,
    act: ({ sim }) => sim.cluster.changeCalico(change),
  };
}

function upgraded(): Step {
  return { what: 'Calico is upgraded', act: ({ sim }) => sim.cluster.upgradeCalico() };
}

/** Its probe fails from now on; it is the same pod as before. */
function unready(node: string): Step {
  return {
    what: `calico-node on ${node} is not Ready any more`,
    act: ({ sim: { cluster, world: time } }) => {
      const pod = cluster.onNode(node).calicoNode;
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
      const lastTransitionTime = `${new Date(time.wallMs()).toISOString().slice(0, 19)}Z`;
      const conditions = (pod.status.conditions ?? []).map((condition) =>
        condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime } : condition,
      );
      cluster.put('pods', { ...pod, status: { ...pod.status, conditions } });
    },
  };
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
