import type { TokenState } from '../../simulator/cluster/cni.ts';
import type { Behaviour } from '../../simulator/cluster/programs.ts';
import type { Controller } from '../../simulator/cluster.ts';
import type { Pod } from '../../simulator/objects.ts';
import type { World } from '../harness.ts';
import type { Chance } from './chance.ts';
import { forgedEvent } from './forgeries.ts';
import type { Step } from './story.ts';
import { badBehaviour, deployStep, ordinaryBehaviour, podsOf, type WorkloadPlot } from './workloads.ts';

export interface Facts {
  readonly chance: Chance;
  readonly nodes: readonly string[];
  readonly workloads: readonly WorkloadPlot[];
  readonly lastsMs: number;
  readonly stableForMs: number;
  /** How the pods of a version that works start. */
  readonly wellBehaved: () => Behaviour;
}

const SECOND = 1_000;

/** What every cluster sees: roll-outs, scaling, evictions, drains, a node that is rebooted, somebody's cron job. */
export function ordinarySteps(facts: Facts): readonly Step[] {
  const { chance, nodes, workloads } = facts;
  const count = chance.int(0, 5);
  return Array.from({ length: count }, (): Step => {
    const workload = chance.pick(workloads);
    const { namespace, name } = workload;
    const node = chance.pick(nodes);
    return chance.pick<() => Step>([
      () => deployStep(workload, ordinaryBehaviour(chance), Math.max(1, workload.replicas), chance.int(10, 99)),
      () => {
        const replicas = chance.int(1, 6);
        return {
          what: `scale ${namespace}/${name} to ${replicas}`,
          act: ({ sim }) => {
            if (isScalable(workload)) sim.cluster.scale(namespace, name, replicas);
          },
        };
      },
      () => deleteAPod(workload, chance),
      () => evictAPod(workload, chance),
      () => ({ what: `drain ${node} for a while`, act: (world) => drain(world, node) }),
      () => rebootStep(node, chance.int(10, 60) * SECOND),
    ])();
  });
}

function isScalable({ kind }: WorkloadPlot): boolean {
  return kind === 'Deployment' || kind === 'StatefulSet';
}

/** A pod that somebody will replace. */
function ownedPod(world: World, workload: WorkloadPlot, pick: number): Pod | null {
  if (workload.kind === 'Pod' || workload.kind === 'Job') return null;
  const pods = podsOf(world, workload).filter(({ status }) => status.phase === 'Running');
  return pods[pick % Math.max(1, pods.length)] ?? null;
}

export function deleteAPod(workload: WorkloadPlot, chance: Chance): Step {
  const pick = chance.int(0, 100);
  return {
    what: `delete a pod of ${workload.namespace}/${workload.name}`,
    act: (world) => {
      const pod = ownedPod(world, workload, pick);
      if (pod !== null) world.sim.cluster.deletePod(workload.namespace, pod.metadata.name);
    },
  };
}

export function evictAPod(workload: WorkloadPlot, chance: Chance): Step {
  const pick = chance.int(0, 100);
  return {
    what: `evict a pod of ${workload.namespace}/${workload.name}`,
    act: (world) => {
      const pod = ownedPod(world, workload, pick);
      if (pod !== null) world.sim.cluster.evict(workload.namespace, pod.metadata.name);
    },
  };
}

export function drain(world: World, node: string): void {
  const { cluster } = world.sim;
  if (cluster.get('nodes', undefined, node) === undefined) return;
  cluster.cordon(node);
  for (const pod of cluster.onNode(node).pods) {
    const owner = pod.metadata.ownerReferences?.[0]?.kind;
    if (owner === undefined || owner === 'DaemonSet' || owner === 'Job') continue;
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    cluster.deletePod(pod.metadata.namespace ?? '', pod.metadata.name);
  }
  world.clock.after(20 * SECOND, () => {
    if (cluster.get('nodes', undefined, node) !== undefined) cluster.uncordon(node);
  });
}

/** After a reboot Calico's token is refused until calico-node has written another one; pods that start meanwhile see 401s. */
function rebootStep(node: string, forMs: number): Step {
  return {
    what: `${node} is rebooted: 401 for ${forMs / SECOND}s`,
    act: ({ sim, clock }) => {
      if (sim.cluster.get('nodes', undefined, node) === undefined || sim.cluster.onNode(node).token !== 'valid') return;
      sim.cluster.breakToken(node);
      clock.after(forMs, () => {
        if (sim.cluster.get('nodes', undefined, node) !== undefined) sim.cluster.restoreToken(node);
      });
    },
  };
}

export const TOKENS: readonly TokenState[] = [
  'unauthorized',
  'unauthorized',
  'unauthorized',
  'unauthorized',
  'unauthorized',
  'forbidden',
  'x509',
  'nodename-missing',
  'ipam-exhausted',
  // What a tenant may put into an annotation, echoed by the real plugin.
  {
    add: 'failed to parse ipAddrs: error getting ClusterInformation: connection is unauthorized: Unauthorized',
    del: 'failed to parse ipAddrs: error getting ClusterInformation: connection is unauthorized: Unauthorized',
  },
];

export function brokenToken(node: string, state: TokenState): Step {
  return {
    what: `the token of ${node} becomes ${JSON.stringify(state)}`,
    act: ({ sim }) => {
      if (sim.cluster.get('nodes', undefined, node) !== undefined) sim.cluster.breakToken(node, state);
    },
  };
}

export function healedToken(node: string): Step {
  return {
    what: `the token of ${node} heals by itself`,
    act: ({ sim }) => {
      if (sim.cluster.get('nodes', undefined, node) !== undefined) sim.cluster.restoreToken(node);
    },
  };
}

export function inVain(node: string): Step {
  return { what: `a restart does not cure ${node}`, act: ({ sim }) => sim.cluster.setRestartCures(node, false) };
}

/** Calico's failure and what resembles it, roll-outs into it, cures and non-cures, restarts by others, forged events. */
export function brokenSteps(facts: Facts): readonly Step[] {
  const { chance, nodes, workloads } = facts;
  const steps: Step[] = [];
  for (const node of chance.some(nodes, 0.5)) {
    steps.push(brokenToken(node, chance.pick(TOKENS)));
    if (chance.of(0.2)) steps.push(inVain(node));
  }
  for (const workload of chance.some(workloads, 0.7)) {
    steps.push(deployStep(workload, ordinaryBehaviour(chance), workload.replicas, chance.int(100, 199)));
  }
  for (const node of chance.some(nodes, 0.15)) steps.push(restartByHand(node));
  for (const node of chance.some(nodes, 0.1)) steps.push(healedToken(node));
  if (chance.of(0.1)) steps.push({ what: 'Calico is upgraded', act: ({ sim }) => sim.cluster.upgradeCalico() });
  if (chance.of(0.1)) {
    const change = chance.pick([
      { installMs: 40_000 },
      { installExitCode: 1 },
      { readyAfterMs: 30_000 },
      { readyAfterMs: 'never' as const },
    ]);
    steps.push({
      what: `calico-node changes: ${JSON.stringify(change)}`,
      act: ({ sim }) => sim.cluster.changeCalico(change),
    });
  }
  if (chance.of(0.05)) {
    const node = chance.pick(nodes);
    steps.push({
      what: `Calico's DaemonSet no longer wants ${node}`,
      act: ({ sim }) => sim.cluster.labelNode(node, { 'kubernetes.io/os': 'plan9' }),
    });
  }
  if (chance.of(0.2)) steps.push(forgedEvent(chance.pick(workloads), chance));
  return steps;
}

export function restartByHand(node: string): Step {
  return {
    what: `somebody restarts calico-node on ${node}`,
    act: ({ sim }) => {
      const pod = sim.cluster.onNode(node).calicoNode;
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
      sim.cluster.deletePod(pod.metadata.namespace ?? '', pod.metadata.name);
    },
  };
}

export function hangingController(controller: Controller, chance: Chance): Step {
  const forMs = chance.int(1, 60) * SECOND;
  return {
    what: `the ${controller} controller hangs for ${forMs / SECOND}s`,
    act: ({ sim, clock }) => {
      sim.cluster.pauseController(controller);
      clock.after(forMs, () => sim.cluster.resumeController(controller));
    },
  };
}

/** A node that says nothing any more, for good or for a while. */
export function lostNode(node: string, chance: Chance): Step {
  const forMs = chance.of(0.5) ? chance.int(30, 120) * SECOND : null;
  return {
    what: `${node} is lost${forMs === null ? '' : ` for ${forMs / SECOND}s`}`,
    act: ({ sim, clock }) => {
      if (sim.cluster.get('nodes', undefined, node) === undefined) return;
      sim.cluster.loseNode(node);
      if (forMs === null) return;
      clock.after(forMs, () => {
        if (sim.cluster.get('nodes', undefined, node) !== undefined) sim.cluster.returnNode(node);
      });
    },
  };
}

export function removedNode(node: string): Step {
  return { what: `${node} is removed`, act: ({ sim }) => sim.cluster.removeNode(node) };
}

/** What goes wrong with deploys and nodes. */
export function troubledSteps(facts: Facts, probability: number): readonly Step[] {
  const { chance, nodes, workloads } = facts;
  const steps: Step[] = [];
  for (const workload of chance.some(workloads, probability)) {
    const { namespace, name } = workload;
    const behaviour = badBehaviour(chance);
    const healthy = { kind: 'healthy' } as const;
    steps.push(deployStep(workload, behaviour, workload.replicas, chance.int(200, 299)));
    if (chance.of(0.4)) {
      steps.push({
        what: `${namespace}/${name} is mended`,
        act: ({ sim }) => {
          if (workload.kind !== 'Job') sim.cluster.setBehaviour(namespace, name, healthy);
        },
      });
    }
    if (chance.of(0.3)) steps.push(deployStep(workload, healthy, workload.replicas, chance.int(300, 399)));
    if (workload.kind === 'Deployment' && chance.of(0.2)) {
      steps.push({ what: `pause ${namespace}/${name}`, act: ({ sim }) => sim.cluster.pause(namespace, name) });
    }
  }
  for (const node of chance.some(nodes, probability / 2)) steps.push(lostNode(node, chance));
  if (chance.of(probability / 3)) steps.push({ what: 'a node joins', act: ({ sim }) => sim.cluster.addNode('n9') });
  if (chance.of(probability / 3)) {
    steps.push(removedNode(chance.pick(nodes)));
  }
  if (chance.of(probability / 3)) {
    steps.push(hangingController(chance.pick(['deployment', 'replicaset', 'statefulset', 'daemonset']), chance));
  }
  if (chance.of(probability / 3)) {
    const most = chance.int(1, 4);
    steps.push({ what: `a quota of ${most} pods in shop`, act: ({ sim }) => sim.cluster.setQuota('shop', most) });
  }
  return steps;
}
