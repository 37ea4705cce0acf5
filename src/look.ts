import type { DeleteRights, Installations, NodeCase, Restart, RestartPlan } from './calico/case.ts';
import { judgeCure } from './calico/cure.ts';
import { diagnose } from './calico/diagnosis.ts';
import { findInstallations } from './calico/installation.ts';
import { type CalicoMemory, EMPTY_CALICO_MEMORY, rememberCalico } from './calico/memory.ts';
import { planRestarts } from './calico/plan.ts';
import { isPending, markComebacks, mayFollow } from './calico/restart-state.ts';
import { readSandboxErrors } from './calico/sandbox-errors.ts';
import type { Now } from './clock.ts';
import type { GateEvent } from './events.ts';
import { lookAtHealth } from './health/assess.ts';
import type { Assessment, Observation } from './health/assessment.ts';
import { EMPTY_HEALTH_MEMORY, type HealthMemory } from './health/memory.ts';
import { catchUpLeftMs } from './objects/catching-up.ts';
import type { Snapshot } from './objects/snapshot.ts';
import type { Settings } from './settings.ts';
import type { Timing } from './timing.ts';
import { NOTHING_TOLD, type ToldView, viewNews } from './view-news.ts';

/** What a run carries from one look to the next. */
export interface Memory {
  readonly health: HealthMemory;
  readonly calico: CalicoMemory;
  readonly restarts: readonly Restart[];
  readonly toldView: ToldView;
}

export const EMPTY_MEMORY: Memory = {
  health: EMPTY_HEALTH_MEMORY,
  calico: EMPTY_CALICO_MEMORY,
  restarts: [],
  toldView: NOTHING_TOLD,
};

/** What is known besides the picture. */
export interface Circumstances {
  readonly settings: Settings;
  readonly timing: Timing;
  readonly now: Now;
  /** Until `timeout`; 0 or less when it is over. */
  readonly deadlineInMs: number;
  readonly deleteRights: DeleteRights;
  /** The node that the gate itself runs on; null: outside the cluster, or not known. */
  readonly runsOnNode: string | null;
}

/** One look at the cluster: what it shows, what it means, what to do. Everything is decided from it. */
export interface Look {
  readonly observation: Observation;
  readonly installations: Installations;
  readonly assessment: Assessment;
  readonly cases: readonly NodeCase[];
  readonly plan: RestartPlan;
  /**
   * Restarts are on, and a node waits, may be restarted now, was restarted without an outcome yet, or was cured a moment
   * ago and has pods that are about to follow.
   */
  readonly cureInProgress: boolean;
  /** What is to be told of what came out of sight, and back. */
  readonly viewNews: readonly GateEvent[];
  readonly memory: Memory;
}

/** Pure: the same picture, memory and moment make the same look, whatever connection the picture came through. */
export function lookAt(snapshot: Snapshot, before: Memory, circumstances: Circumstances): Look {
  const { settings, timing, now } = circumstances;
  const sandboxErrors = readSandboxErrors(snapshot, now, timing);
  const leftMs = catchUpLeftMs(snapshot.coverage, now, timing);
  const observation: Observation = { snapshot, sandboxErrors, catchUpLeftMs: leftMs, now, settings, timing };

  const withComebacks = { ...observation, sandboxErrors: markComebacks(sandboxErrors, before.restarts) };
  const health = lookAtHealth(before.health, withComebacks);

  const installations = findInstallations(snapshot.calico.daemonSets, settings.calicoNamespace);
  const memory = rememberCalico(before.calico, observation);
  const cases = diagnose(observation, memory);
  const restarts = before.restarts.map((restart) => judgeCure(restart, observation, memory));
  const eventsForbidden = snapshot.coverage.gaps.some(
    ({ resource, why }) => resource === 'events' && why === 'forbidden',
  );
  const { context } = settings;
  const view = viewNews(before.toldView, snapshot.coverage, now, leftMs);
  const plan = planRestarts({
    ...{ observation, memory, cases, installations, restarts, eventsForbidden, context },
    ...circumstances,
  });

  return {
    observation,
    installations,
    assessment: health.assessment,
    cases,
    plan,
    cureInProgress: settings.restartCalicoNode && isCuring(plan, restarts, cases, observation),
    viewNews: view.news,
    memory: { health: health.memory, calico: memory, restarts, toldView: view.told },
  };
}

function isCuring(
  plan: RestartPlan,
  restarts: readonly Restart[],
  cases: readonly NodeCase[],
  { now, timing }: Observation,
): boolean {
  if (plan.next !== null || plan.nodes.some(({ action }) => action === 'waiting')) return true;
  const stuckOn = new Set(cases.map(({ node }) => node));
  return restarts.some(
    (restart) => isPending(restart) || (stuckOn.has(restart.node) && mayFollow(restart, now, timing)),
  );
}
