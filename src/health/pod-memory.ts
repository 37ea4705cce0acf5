import type { Now } from '../clock.ts';
import type { Event } from '../objects/event.ts';
import { conditionOf } from '../objects/metadata.ts';
import { isReady, type Pod } from '../objects/pod.ts';
import { NO_CONTAINERS } from './container.ts';
import { abnormalEndsSeen } from './crash.ts';
import { examinePod } from './examine-pod.ts';
import { pullErrorsOf } from './image.ts';
import { CLOCK_TOLERANCE_MS } from './node-clock.ts';
import { effectivePatienceMs, sinceMsOf } from './pod-patience.ts';
import type { PodCircumstances, PodFacts, PodMemory } from './pod-state.ts';

/** Times in objects have whole seconds, so one that seems this much older than a look need not be. */
const WHOLE_SECOND_MS = 1_000;

/**
 * A watch may say nothing for so long before it counts as lost (`cluster/watch.ts`: WATCH_SILENCE_LIMIT_MS): a pod that seems
 * Ready may have been otherwise since.
 */
const OLDEST_PICTURE_MS = 90_000;

/**
 * What is remembered of a pod after this look; `previous` is what was remembered of the same uid. Call it once for
 * each pod of each picture, then `judgePod` with the result. `live`: the view of this pod's resource is open and
 * complete, so that the pod is known to be as it is read. Only live looks that are `timing.observationGapMs` apart
 * count as observations, and patience ends only at a live look.
 */
export function rememberPod(
  previous: PodMemory | undefined,
  pod: Pod,
  circumstances: PodCircumstances,
  live: boolean,
): PodMemory {
  const { now } = circumstances;
  const facts = factsOf(previous, pod, circumstances.events, now);
  const { symptom } = examinePod(pod, circumstances, facts);
  const lastLiveElapsedMs = live ? now.elapsedMs : (previous?.lastLiveElapsedMs ?? null);
  if (symptom === null) return { ...facts, ...NOTHING_WRONG, causeSinceElapsedMs: now.elapsedMs, lastLiveElapsedMs };

  const { stage, cause } = symptom;
  const isSame = previous !== undefined && previous.stage === stage && previous.cause === cause;
  const sinceMs = sinceMsOf(pod, symptom, facts, now.atMs);
  const isAtOnce = effectivePatienceMs(symptom, sinceMs, facts, circumstances) === 0;
  const counts = isSame && (previous.atOnceSinceElapsedMs !== null || !isAtOnce) ? previous : null;
  return {
    ...facts,
    stage,
    cause,
    causeSinceElapsedMs: isSame ? previous.causeSinceElapsedMs : now.elapsedMs,
    atOnceSinceElapsedMs: isAtOnce ? (counts?.atOnceSinceElapsedMs ?? now.elapsedMs) : null,
    ...observe(counts, now, circumstances.timing.observationGapMs, live),
    lastLiveElapsedMs,
  };
}

const NOTHING_WRONG = {
  stage: null,
  cause: null,
  atOnceSinceElapsedMs: null,
  observations: 0,
  lastObservationElapsedMs: 0,
} as const;

type Observations = Pick<PodMemory, 'observations' | 'lastObservationElapsedMs'>;

function observe(previous: Observations | null, now: Now, gapMs: number, live: boolean): Observations {
  const { observations, lastObservationElapsedMs } = previous ?? NOTHING_WRONG;
  const isFirst = observations === 0;
  if (!live || (!isFirst && now.elapsedMs - lastObservationElapsedMs < gapMs)) {
    return { observations, lastObservationElapsedMs };
  }
  return { observations: observations + 1, lastObservationElapsedMs: now.elapsedMs };
}

function factsOf(previous: PodMemory | undefined, pod: Pod, events: readonly Event[], now: Now): PodFacts {
  const abnormalEnds = abnormalEndsSeen(pod, previous?.abnormalEnds ?? null, now.elapsedMs);
  return {
    firstSeenElapsedMs: previous?.firstSeenElapsedMs ?? now.elapsedMs,
    firstSeenAtMs: previous?.firstSeenAtMs ?? now.atMs,
    pullErrors: pullErrorsOf(pod, previous?.pullErrors ?? NO_CONTAINERS, events),
    abnormalEnds,
    ...readiness(previous, pod, endedMeanwhile(previous, abnormalEnds), now),
  };
}

/** A container ended and runs again, all between two looks. */
function endedMeanwhile(previous: PodMemory | undefined, abnormalEnds: PodFacts['abnormalEnds']): boolean {
  if (previous === undefined) return false;
  for (const [name, { count }] of abnormalEnds) {
    if (count > (previous.abnormalEnds.get(name)?.count ?? 0)) return true;
  }
  return false;
}

type Readiness = Pick<PodFacts, 'readyChangedAtMs' | 'readySinceElapsedMs' | 'notReadySinceMs' | 'lastReadyAtMs'>;

/**
 * The time of the last change of Ready is written by the pod's node. It is believed as far as it can be true: not
 * before the pod was created or this run last saw it otherwise, and not after this run first saw it. Of a pod that was
 * never Ready it says no more than when its kubelet took it up, and the API server knows better when that could be.
 */
function readiness(previous: PodMemory | undefined, pod: Pod, hasEnded: boolean, now: Now): Readiness {
  const readyChangedAtMs = conditionOf(pod.conditions, 'Ready')?.lastTransitionAtMs ?? null;
  const isUnchanged = previous !== undefined && previous.readyChangedAtMs === readyChangedAtMs;
  const changedAtMs = Math.max(readyChangedAtMs ?? pod.createdAtMs, pod.createdAtMs);

  if (isReady(pod)) {
    const isStillReady = isUnchanged && previous.readySinceElapsedMs !== null && !hasEnded;
    const beforeMs = previous === undefined ? Math.max(0, now.atMs - changedAtMs) : 0;
    return {
      readyChangedAtMs,
      readySinceElapsedMs: isStillReady ? previous.readySinceElapsedMs : now.elapsedMs - beforeMs,
      notReadySinceMs: null,
      lastReadyAtMs: now.atMs,
    };
  }
  const lastReadyAtMs = previous?.lastReadyAtMs ?? null;
  const isStillNotReady = isUnchanged && previous.notReadySinceMs !== null;
  const beganMs = wasNeverReady(pod, readyChangedAtMs) ? boundAtMs(pod, now) : changedAtMs;
  const sawReadyMs = lastReadyAtMs === null ? beganMs : Math.max(changedAtMs, lastReadyAtMs - OLDEST_PICTURE_MS);
  return {
    readyChangedAtMs,
    readySinceElapsedMs: null,
    notReadySinceMs: isStillNotReady ? previous.notReadySinceMs : Math.min(sawReadyMs, now.atMs),
    lastReadyAtMs,
  };
}

/** Both times are of the node's clock: the kubelet writes Ready=False together with `startTime`, in its first status. */
function wasNeverReady({ startTimeMs }: Pod, readyChangedAtMs: number | null): boolean {
  return startTimeMs !== null && readyChangedAtMs !== null && readyChangedAtMs - startTimeMs <= WHOLE_SECOND_MS;
}

/**
 * By the API server's clock, which dates PodScheduled when it binds a pod to its node. The kubelet writes it for one that
 * was created with its node, by the node's clock: then it may lie in the future.
 */
function boundAtMs({ conditions, createdAtMs }: Pod, { atMs }: Now): number {
  const scheduledAtMs = conditionOf(conditions, 'PodScheduled')?.lastTransitionAtMs ?? createdAtMs;
  return scheduledAtMs - atMs > CLOCK_TOLERANCE_MS ? createdAtMs : Math.max(scheduledAtMs, createdAtMs);
}
