/** One look at Calico's failure as the gate's loop takes it, for tests that tell a story of several looks. */
import type { Installations, NodeCase, Restart, RestartPlan } from '../../src/calico/case.ts';
import { judgeCure } from '../../src/calico/cure.ts';
import { diagnose } from '../../src/calico/diagnosis.ts';
import { findInstallations } from '../../src/calico/installation.ts';
import { type CalicoMemory, EMPTY_CALICO_MEMORY, rememberCalico } from '../../src/calico/memory.ts';
import { type PlanInput, planRestarts } from '../../src/calico/plan.ts';
import { readSandboxErrors } from '../../src/calico/sandbox-errors.ts';
import type { Observation } from '../../src/health/assessment.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import type { Settings } from '../../src/settings.ts';
import { TIMING } from '../../src/timing.ts';
import { aCalicoDaemonSet, aCalicoNodePod, anObservation, aPod, aSettings, HOUR, MINUTE, NOW_MS } from '../builders.ts';

/** What the gate carries from one look to the next. */
export interface Carried {
  readonly memory: CalicoMemory;
  readonly restarts: readonly Restart[];
}

export interface Look extends Carried {
  readonly observation: Observation;
  readonly installations: Installations;
  readonly cases: readonly NodeCase[];
  readonly plan: RestartPlan;
}

export interface LookOptions extends Partial<Omit<PlanInput, 'observation' | 'memory' | 'cases' | 'installations'>> {
  readonly settings?: Partial<Settings>;
  /** How long after an outage nothing is decided yet; default: there was none. */
  readonly catchUpLeftMs?: number;
  /** The API server's time; default `NOW_MS`. The run began a minute before `NOW_MS`. */
  readonly atMs?: number;
  readonly memory?: CalicoMemory;
}

function observe(snapshot: Snapshot, settings: Settings, atMs: number): Observation {
  const now = { atMs, elapsedMs: atMs - (NOW_MS - MINUTE) };
  return { ...anObservation({ snapshot, settings }), now, sandboxErrors: readSandboxErrors(snapshot, now, TIMING) };
}

/** Restarts are on unless a test says otherwise. Without a memory the same was seen 2 s before, for the first time. */
export function look(snapshot: Snapshot, options: LookOptions = {}): Look {
  const { atMs = NOW_MS, restarts: known = [] } = options;
  const settings = aSettings({ restartCalicoNode: true, ...options.settings });
  const observation = { ...observe(snapshot, settings, atMs), catchUpLeftMs: options.catchUpLeftMs ?? 0 };
  const before =
    options.memory ?? rememberCalico(EMPTY_CALICO_MEMORY, observe(snapshot, settings, atMs - TIMING.observationGapMs));
  const installations = findInstallations(snapshot.calico.daemonSets, settings.calicoNamespace);
  const memory = rememberCalico(before, observation);
  const cases = diagnose(observation, memory);
  const restarts = known.map((restart) => judgeCure(restart, observation, memory));
  const plan = planRestarts({
    observation,
    memory,
    cases,
    installations,
    restarts,
    deleteRights: options.deleteRights ?? new Map(),
    deadlineInMs: options.deadlineInMs ?? HOUR,
    runsOnNode: options.runsOnNode ?? null,
    context: options.context ?? null,
  });
  return { observation, installations, memory, cases, restarts, plan };
}

/** Calico's DaemonSet with a Ready pod on each of these nodes. */
export function calicoOn(
  nodes: readonly string[],
  daemonSet = aCalicoDaemonSet({ desired: nodes.length }),
): Snapshot['calico'] {
  return {
    daemonSets: [daemonSet],
    searched: true,
    pods: nodes.map((nodeName) => aCalicoNodePod({ nodeName })),
    podNamespaces: [daemonSet.namespace],
    podGaps: [],
  };
}

/** A pod of another namespace that got its network on the node ten minutes ago: the node's token worked then. */
export function aNeighbour(nodeName = 'n1', overrides: Partial<Pod> = {}): Pod {
  return aPod({
    namespace: 'infra',
    name: `neighbour-${nodeName}`,
    uid: `neighbour-${nodeName}`,
    nodeName,
    ...overrides,
  });
}
