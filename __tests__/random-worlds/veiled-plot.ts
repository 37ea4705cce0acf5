import { allowAll, allowAllBut, type Rule } from '../../simulator/api/access.ts';
import type { Fault } from '../../simulator/api/faults.ts';
import type { Controller } from '../../simulator/cluster.ts';
import type { Inputs, World } from '../harness.ts';
import type { Chance } from './chance.ts';
import { brokenToken, deleteAPod, evictAPod, type Facts, lostNode } from './happenings.ts';
import type { FaultPlot, Plot, Step, TimedStep } from './story.ts';
import { timesOf } from './times.ts';
import { badBehaviour, deployStep, ordinaryBehaviour, type WorkloadPlot, writeWorkloads } from './workloads.ts';

const SECOND = 1_000;

/** Gates that are about to call a cluster healthy that was so a moment ago. */
export function veiledInputs(chance: Chance): Inputs {
  return {
    ...chance.pick<Inputs>([{ namespaces: 'shop, back' }, { namespaces: 'shop, back' }, {}, { namespaces: 'shop' }]),
    ...timesOf(chance, [60, 300], 0.2),
    'stuck-after': chance.of(0.25) ? `${chance.int(30, 120)}s` : '0s',
    'min-pods': String(chance.pick([1, 1, 1, 8])),
    'fail-fast': String(chance.of(0.5)),
    'restart-calico-node': String(chance.of(0.3)),
  };
}

/** Most of them are complete when the gate comes. */
export function veiledWorkloads(chance: Chance, nodes: readonly string[]): readonly WorkloadPlot[] {
  return writeWorkloads(chance, 'ordinary', nodes).map((workload) =>
    chance.of(0.75) ? { ...workload, behaviour: { kind: 'healthy' } } : workload,
  );
}

/** A healthy cluster, a veil over it, and what goes wrong behind the veil just before all would be stable. */
export function veiledSteps(facts: Facts): Plot {
  const { chance, stableForMs } = facts;
  const atMs = chance.int(0, Math.max(500, stableForMs - 300));
  const fromMs = Math.max(0, atMs - chance.int(100, 3_000));
  const trouble: TimedStep = { ...behindTheVeil(facts), atMs };
  const more = chance.of(0.4) ? [{ ...behindTheVeil(facts), atMs: atMs + chance.int(0, 10) * SECOND }] : [];
  if (chance.of(0.12)) return unheard(facts, fromMs);
  const veil = chance.pick([silence, lies, lies, hangingControllers, refusals, lostRight])(facts, fromMs);
  return { ...veil, during: [...veil.during, trouble, ...more] };
}

function behindTheVeil(facts: Facts): Step {
  const { chance, nodes, workloads } = facts;
  const workload = chance.pick(workloads);
  const node = chance.pick(nodes);
  const replicas = Math.max(1, workload.replicas);
  return chance.pick<() => Step>([
    () => deployStep(workload, badBehaviour(chance), replicas, 200),
    () => deployStep(workload, ordinaryBehaviour(chance), replicas, 100),
    () => evictAPod(workload, chance),
    () => deleteAPod(workload, chance),
    () => lostNode(node, chance),
    () => cannotLeave(node),
  ])();
}

/** The node's token dies, and pods are to leave it; others take their place elsewhere. */
function cannotLeave(node: string): Step {
  const { what, act } = brokenToken(node, 'unauthorized');
  return {
    what: `${what}, and its pods are to leave it`,
    act: (world) => {
      const { cluster } = world.sim;
      if (cluster.get('nodes', undefined, node) === undefined) return;
      act(world);
      cluster.cordon(node);
      for (const { metadata, spec } of cluster.onNode(node).pods) {
        const owner = metadata.ownerReferences?.[0]?.kind;
        if (spec.hostNetwork === true || (owner !== 'ReplicaSet' && owner !== 'StatefulSet')) continue;
        if (metadata.deletionTimestamp === undefined) cluster.deletePod(metadata.namespace ?? '', metadata.name);
      }
    },
  };
}

function silence({ chance }: Facts, atMs: number): Plot {
  const forMs = chance.int(20, 120) * SECOND;
  const step: TimedStep = {
    what: `all watches are silent for ${forMs / SECOND}s`,
    atMs,
    act: ({ sim, clock }) => {
      sim.api.watches.silence();
      clock.after(forMs, () => {
        sim.api.watches.resume();
        sim.api.watches.reset();
      });
    },
  };
  return { before: [], during: [step] };
}

/** Calico's failure comes to pods that start, and the watches of events keep it to themselves. */
function unheard({ chance, nodes, workloads }: Facts, atMs: number): Plot {
  const workload = workloads.find(({ kind }) => kind === 'Deployment') ?? chance.pick(workloads);
  const steps: readonly Step[] = [
    ...nodes.map((node) => brokenToken(node, 'unauthorized')),
    deleteAPod(workload, chance),
  ];
  const fault: FaultPlot = {
    what: 'watches of events say nothing',
    lagMs: 0,
    fault: ({ verb, resource }) =>
      verb === 'watch' && resource === 'events' ? { kind: 'lines', rewrite: () => [] } : undefined,
  };
  return { before: [], during: steps.map((step) => ({ ...step, atMs })), faults: [fault] };
}

/** Watches keep to themselves what happens, and say that all is as it was. */
function lies({ chance }: Facts, atMs: number): Plot {
  const forMs = chance.int(20, 200) * SECOND;
  let beganMs: number | null = null;
  let nowMs = (): number => 0;
  const isVeiled = (): boolean => beganMs !== null && nowMs() - beganMs < forMs;
  const begin: TimedStep = {
    what: `watches say nothing but bookmarks for ${forMs / SECOND}s`,
    atMs,
    act: ({ clock }) => {
      nowMs = clock.monotonicMs;
      beganMs = nowMs();
    },
  };
  const rewrite = (line: string): readonly string[] => (isVeiled() && !line.includes('"BOOKMARK"') ? [] : [line]);
  const fault: FaultPlot = {
    what: 'what watches say passes through the hands of somebody',
    lagMs: 0,
    fault: ({ verb }) => (verb === 'watch' ? { kind: 'lines', rewrite } : undefined),
  };
  return { before: [], during: [begin], faults: [fault] };
}

const CONTROLLERS: readonly Controller[] = ['deployment', 'replicaset', 'statefulset', 'daemonset'];

function hangingControllers({ chance }: Facts, atMs: number): Plot {
  const forMs = chance.int(20, 200) * SECOND;
  const step: TimedStep = {
    what: `all controllers hang for ${forMs / SECOND}s`,
    atMs,
    act: ({ sim, clock }) => {
      CONTROLLERS.forEach(sim.cluster.pauseController);
      clock.after(forMs, () => CONTROLLERS.forEach(sim.cluster.resumeController));
    },
  };
  return { before: [], during: [step] };
}

const NEEDED = ['pods', 'deployments', 'statefulsets', 'daemonsets'] as const;

/** From then on lists of one kind fail, and its watches have to begin anew. */
function refusals({ chance }: Facts, atMs: number): Plot {
  const resource = chance.pick(NEEDED);
  const fault = chance.pick<Fault>([
    { kind: 'status', status: 500 },
    { kind: 'status', status: 410 },
    { kind: 'truncate', afterBytes: 300, clean: true },
    { kind: 'hang' },
    { kind: 'garbage' },
  ]);
  let isOver = false;
  const during: readonly TimedStep[] = [
    { what: 'all watches break', atMs: atMs + 100, act: ({ sim }: World) => sim.api.watches.reset() },
    {
      what: `requests for ${resource} are answered again`,
      atMs: atMs + chance.int(20, 120) * SECOND,
      act: () => {
        isOver = true;
      },
    },
  ];
  let beganMs: number | null = null;
  const faults: FaultPlot = {
    what: `from ${atMs / SECOND}s on requests for ${resource} meet ${JSON.stringify(fault)}`,
    lagMs: 0,
    fault: (request) => {
      beganMs ??= request.atMs;
      return request.resource === resource && request.atMs - beganMs >= atMs && !isOver ? fault : undefined;
    },
  };
  return { before: [], during, faults: [faults] };
}

function lostRight({ chance }: Facts, atMs: number): Plot {
  const rule: Rule = { resource: chance.pick(NEEDED), verb: ['list', 'watch'] };
  const forMs = chance.of(0.5) ? chance.int(10, 60) * SECOND : null;
  const step: TimedStep = {
    what: `the right ${JSON.stringify(rule)} is lost ${forMs === null ? 'for good' : `for ${forMs / SECOND}s`}, and all watches break`,
    atMs,
    act: ({ sim, clock }) => {
      sim.api.permissions = allowAllBut(rule);
      sim.api.watches.reset();
      if (forMs === null) return;
      clock.after(forMs, () => {
        sim.api.permissions = allowAll;
      });
    },
  };
  return { before: [], during: [step] };
}
