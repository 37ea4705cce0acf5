/** One pod seen again and again: what the loop of the gate does with it, on a virtual clock. */
import type { Finding } from '../../src/health/assessment.ts';
import { judgePod } from '../../src/health/pod.ts';
import { rememberPod } from '../../src/health/pod-memory.ts';
import type { Owner, PodCircumstances, PodMemory, PodState } from '../../src/health/pod-state.ts';
import type { Pod } from '../../src/objects/pod.ts';
import { TIMING } from '../../src/timing.ts';
import { aNode, NOW_MS, SECOND } from '../builders.ts';

export type Look = Partial<Omit<PodCircumstances, 'now'>> & { readonly live?: boolean };

/** The first look happens at `NOW_MS`, an hour into the run's own clock, which means nothing. */
const START_ELAPSED_MS = 3_600_000;

export function circumstancesAt(afterMs: number, look: Look = {}): PodCircumstances {
  return {
    owner: null,
    sandboxError: null,
    events: [],
    node: aNode(),
    nodesReadable: true,
    eligibleNode: true,
    timing: TIMING,
    stuckAfterMs: 0,
    ...look,
    now: { atMs: NOW_MS + afterMs, elapsedMs: START_ELAPSED_MS + afterMs },
  };
}

export function anOwner(overrides: Partial<Owner> = {}): Owner {
  return { kind: 'Deployment', name: 'web', workload: null, satisfied: false, ...overrides };
}

/** A run's memory of one pod, look after look. Times are ms after the first look. */
export function aWatcher(): {
  readonly lookAt: (pod: Pod, afterMs: number, look?: Look) => PodState;
  readonly memory: () => PodMemory | undefined;
} {
  let memory: PodMemory | undefined;
  const lookAt = (pod: Pod, afterMs: number, look: Look = {}): PodState => {
    const circumstances = circumstancesAt(afterMs, look);
    memory = rememberPod(memory, pod, circumstances, look.live ?? true);
    return judgePod(pod, { ...circumstances, memory });
  };
  return { lookAt, memory: () => memory };
}

/** What the first look says. */
export function judge(pod: Pod, look: Look = {}): PodState {
  return aWatcher().lookAt(pod, 0, look);
}

/** The finding of the first look; throws when there is none. */
export function findingOf(pod: Pod, look: Look = {}): Finding {
  return required(judge(pod, look));
}

export function required({ pod, class: podClass, finding }: PodState): Finding {
  if (finding === null) throw new Error(`pod ${pod.name} is ${podClass} and has no finding`);
  return finding;
}

/** How long after its first look a pod that does not change becomes fatal, seen every second; null: not within an hour. */
export function fatalAfterMs(pod: Pod, look: Look = {}): number | null {
  const watcher = aWatcher();
  for (let afterMs = 0; afterMs <= 3_600_000; afterMs += SECOND) {
    if (watcher.lookAt(pod, afterMs, look).finding?.fatal === true) return afterMs;
  }
  return null;
}
