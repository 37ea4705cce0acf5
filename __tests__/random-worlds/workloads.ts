import type { Behaviour } from '../../simulator/cluster/programs.ts';
import type { Pod } from '../../simulator/objects.ts';
import type { World } from '../harness.ts';
import type { Chance } from './chance.ts';
import type { Step, StoryKind } from './story.ts';

/** A workload of a story. */
export interface WorkloadPlot {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job' | 'Pod';
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly behaviour: Behaviour;
  /** How it is deployed and rolled out. */
  readonly options: Readonly<Record<string, unknown>>;
}

const SECOND = 1_000;

/** Ways in which every deploy may go, sooner or later well. */
export function ordinaryBehaviour(chance: Chance): Behaviour {
  return chance.pick<() => Behaviour>([
    () => ({ kind: 'healthy' }),
    () => ({ kind: 'healthy' }),
    () => ({ kind: 'slow', readyAfterMs: chance.int(1, 60) * SECOND }),
    () => ({ kind: 'slowImage', tookMs: chance.int(1, 90) * SECOND }),
    () => ({ kind: 'slowToStop', stopMs: chance.int(0, 3) * SECOND }),
    () => ({ kind: 'crash', times: 1, afterMs: 500 }),
  ])();
}

/** Ways in which deploys go wrong. */
export function badBehaviour(chance: Chance): Behaviour {
  return chance.pick<() => Behaviour>([
    () => ({ kind: 'imageMissing' }),
    () => ({ kind: 'imageUnauthorized' }),
    () => ({ kind: 'registryDown' }),
    () => ({ kind: 'invalidImage' }),
    () => ({ kind: 'crash', afterMs: chance.int(1, 20) * SECOND }),
    () => ({ kind: 'crash', times: chance.int(2, 5), afterMs: 500 }),
    () => ({ kind: 'oom' }),
    () => ({ kind: 'startError' }),
    () => ({ kind: 'missingSecret', as: chance.pick(['env', 'volume']) }),
    () => ({ kind: 'missingConfigMap', as: 'volume' }),
    () => ({ kind: 'neverReady' }),
    () => ({ kind: 'neverStarted' }),
    () => ({ kind: 'flips', readyMs: chance.int(2, 40) * SECOND, notReadyMs: chance.int(1, 10) * SECOND }),
    () => ({ kind: 'initCrash' }),
    () => ({ kind: 'readinessGate' }),
    () => ({ kind: 'unschedulable' }),
    () => ({ kind: 'gated' }),
    () => ({ kind: 'finalizer' }),
    () => ({ kind: 'slowToStop', stopMs: 20 * SECOND }),
  ])();
}

export function writeWorkloads(chance: Chance, kind: StoryKind, nodes: readonly string[]): readonly WorkloadPlot[] {
  const names = ['web', 'api', 'db', 'log', 'mail'];
  return names.slice(0, chance.int(1, 5)).map((name, index): WorkloadPlot => {
    // An ordinary scope is not empty.
    const isSure = kind === 'ordinary' && index === 0;
    const isBad = kind === 'troubled' && chance.of(0.25);
    const what = isSure
      ? 'Deployment'
      : chance.pick(['Deployment', 'Deployment', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Pod'] as const);
    return {
      kind: what,
      namespace: isSure ? 'shop' : chance.pick(['shop', 'shop', 'back']),
      name,
      replicas: chance.int(kind === 'ordinary' ? 1 : 0, 5),
      labels: { tier: isSure ? 'front' : chance.pick(['front', 'front', 'rear']) },
      behaviour: isBad ? badBehaviour(chance) : ordinaryBehaviour(chance),
      options: optionsOf(what, chance, nodes),
    };
  });
}

export function optionsOf(
  kind: WorkloadPlot['kind'],
  chance: Chance,
  nodes: readonly string[],
): WorkloadPlot['options'] {
  const shared = { graceSeconds: chance.pick([0, 2, 5, 30]), ...(chance.of(0.08) ? { hostNetwork: true } : {}) };
  switch (kind) {
    case 'Deployment':
      return {
        ...shared,
        strategy: chance.of(0.2) ? 'Recreate' : 'RollingUpdate',
        ...(chance.of(0.2) ? { maxSurge: 0, maxUnavailable: 1 } : {}),
        ...(chance.of(0.15) ? { minReadySeconds: chance.int(1, 15) } : {}),
      };
    case 'StatefulSet':
      return {
        ...shared,
        podManagementPolicy: chance.of(0.3) ? 'Parallel' : 'OrderedReady',
        updateStrategy: chance.of(0.15) ? 'OnDelete' : 'RollingUpdate',
        partition: chance.of(0.3) ? chance.int(1, 4) : 0,
      };
    case 'DaemonSet':
      return { ...shared, updateStrategy: chance.of(0.15) ? 'OnDelete' : 'RollingUpdate' };
    case 'Pod':
      return { ...shared, ...(chance.of(0.3) ? { nodeName: chance.pick(nodes) } : {}) };
    case 'Job':
      return { parallelism: chance.int(1, 2), completions: chance.int(1, 3), cronJob: 'cron' };
  }
}

/** Deploys all of them for the first time. */
export function deployAll(workloads: readonly WorkloadPlot[], chance: Chance): readonly Step[] {
  return workloads.map((workload) => deployStep(workload, workload.behaviour, workload.replicas, chance.int(1, 9)));
}

/** Deploys a workload, or its next version; of a Job the next run. */
export function deployStep(workload: WorkloadPlot, behaviour: Behaviour, replicas: number, run: number): Step {
  const { kind, namespace, name, labels, options } = workload;
  const shared = { namespace, name, behaviour, labels, ...options };
  const what = `deploy ${kind} ${namespace}/${name} x${replicas} ${JSON.stringify(behaviour)} ${JSON.stringify({ ...labels, ...options })}`;
  switch (kind) {
    case 'Deployment':
      return { what, act: ({ sim }) => sim.cluster.deploy({ ...shared, replicas }) };
    case 'StatefulSet':
      return { what, act: ({ sim }) => sim.cluster.deployStatefulSet({ ...shared, replicas }) };
    case 'DaemonSet':
      return { what, act: ({ sim }) => sim.cluster.deployDaemonSet(shared) };
    case 'Pod':
      return {
        what,
        act: ({ sim }) => {
          if (sim.cluster.get('pods', namespace, name) === undefined) sim.cluster.createPod(shared);
        },
      };
    case 'Job':
      return {
        what: `${what} run ${run}`,
        act: ({ sim }) => {
          const jobName = `${name}-${run}`;
          if (sim.cluster.get('jobs', namespace, jobName) !== undefined) return;
          const job: Behaviour =
            ['healthy', 'slow', 'slowImage', 'slowToStop', 'crash'].includes(behaviour.kind) && run < 200
              ? { kind: 'completes', afterMs: 9_000 }
              : behaviour;
          sim.cluster.runJob({ ...shared, name: jobName, behaviour: job, backoffLimit: 4 });
        },
      };
  }
}

/** A pod that nobody replaces, without asking the scheduler. */
export function barePod(nodeName: string, namespace: string, name: string, behaviour: Behaviour): Step {
  return {
    what: `a pod ${namespace}/${name} on ${nodeName}: ${JSON.stringify(behaviour)}`,
    act: ({ sim }) => {
      if (sim.cluster.get('nodes', undefined, nodeName) === undefined) return;
      sim.cluster.createPod({ namespace, name, nodeName, behaviour, labels: { tier: 'front' } });
    },
  };
}

/** Those of a workload that nobody has deleted. */
export function podsOf({ sim }: World, { namespace, name }: Pick<WorkloadPlot, 'namespace' | 'name'>): readonly Pod[] {
  return sim.cluster
    .pods(namespace)
    .filter(({ metadata }) => metadata.labels?.app === name && metadata.deletionTimestamp === undefined);
}
