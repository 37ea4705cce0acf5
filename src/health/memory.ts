import type { Pod } from '../objects/pod.ts';
import { isReady } from '../objects/pod.ts';
import type { Evidence } from './evidence.ts';
import { type FailedJobs, NO_FAILED_JOBS } from './job.ts';
import type { PodMemory } from './pod-state.ts';
import type { Window } from './stability.ts';
import type { TroubleMemory } from './trouble-memory.ts';

/** What a run remembers of one workload, by uid. */
export interface WorkloadMemory {
  /** Its pod template when its controller had last seen it (see `templateOf`). */
  readonly template: string;
  /** Server's time at which this run saw another template there for the first time; null: it was so at the first look. */
  readonly templateSeenAtMs: number | null;
  /** When this run first saw it complete with that template; null: not yet. */
  readonly completeSeenElapsedMs: number | null;
}

/**
 * What a run remembers of the health of what is in scope, from one look to the next. Immutable; `lookAtHealth` makes the
 * next one. It holds the pods of the last picture by reference, no more.
 */
export interface HealthMemory {
  readonly looks: number;
  /** The very objects of the last picture: an unchanged pod is the same object in the next. */
  readonly seen: ReadonlySet<Pod>;
  readonly pods: ReadonlyMap<string, PodMemory>;
  readonly workloads: ReadonlyMap<string, WorkloadMemory>;
  /** Troubles of workloads and of the scope. */
  readonly troubles: ReadonlyMap<string, TroubleMemory>;
  readonly windows: ReadonlyMap<string, Window>;
  readonly failedJobs: FailedJobs;
  /** What held back when it was last really seen: decides when the view is lost. */
  readonly evidence: readonly Evidence[];
  /** `Coverage.reconnections` of the last look. */
  readonly reconnections: number;
  /** Nodes whose clock was found ahead of the API server's, by how much at most. */
  readonly clocksAhead: ReadonlyMap<string, number>;
}

export const EMPTY_HEALTH_MEMORY: HealthMemory = {
  looks: 0,
  seen: new Set(),
  pods: new Map(),
  workloads: new Map(),
  troubles: new Map(),
  windows: new Map(),
  failedJobs: NO_FAILED_JOBS,
  evidence: [],
  reconnections: 0,
  clocksAhead: new Map(),
};

/**
 * Whether a pod was added to a workload that this run has already seen complete with its present template (by an
 * autoscaler, after an eviction or a drain): it has `addedPodMs` from its creation before it counts. A pod that was
 * there when the workload was complete was not added, however young it is: it was Ready then, and has failed since.
 */
export function isAddedLately(
  pod: Pod,
  podMemory: PodMemory | undefined,
  workload: WorkloadMemory | undefined,
  look: { readonly template: string; readonly nowMs: number; readonly addedPodMs: number },
): boolean {
  if (workload === undefined || workload.completeSeenElapsedMs === null || podMemory === undefined) return false;
  return (
    workload.template === look.template &&
    podMemory.firstSeenElapsedMs > workload.completeSeenElapsedMs &&
    look.nowMs - pod.createdAtMs < look.addedPodMs &&
    !isReady(pod)
  );
}

/** When this run first saw `template` there, if it saw another one before; null: it was so at the first look. */
export function templateSeenAtMs(before: WorkloadMemory | undefined, template: string, nowMs: number): number | null {
  if (before === undefined) return null;
  return before.template === template ? before.templateSeenAtMs : nowMs;
}

/** After a look: `template` of a controller that has seen the present generation, else null. */
export function rememberWorkload(
  before: WorkloadMemory | undefined,
  template: string | null,
  isComplete: boolean,
  now: { readonly atMs: number; readonly elapsedMs: number },
): WorkloadMemory | undefined {
  if (template === null) return before;
  const isSame = before?.template === template;
  const completeBefore = isSame ? before.completeSeenElapsedMs : null;
  return {
    template,
    templateSeenAtMs: templateSeenAtMs(before, template, now.atMs),
    completeSeenElapsedMs: completeBefore ?? (isComplete ? now.elapsedMs : null),
  };
}
