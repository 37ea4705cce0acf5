import type { Now } from '../clock.ts';
import { type Event, lastHappenedAtMs } from '../objects/event.ts';
import type { Container, Pod, Terminated } from '../objects/pod.ts';
import type { Timing } from '../timing.ts';
import type { Cause } from './assessment.ts';
import {
  abnormalEndsOf,
  containerName,
  describeEnd,
  describeRestarts,
  endsOf,
  isAbnormal,
  isBackingOff,
  NO_CONTAINERS,
  newestEnd,
} from './container.ts';
import { newestEvent } from './pod-events.ts';
import type { PodFacts } from './pod-state.ts';
import type { Symptom } from './symptom.ts';

/** The same limit struck twice: the next run will not need less memory. */
const OUT_OF_MEMORY_ENDS = 2;

interface Evidence {
  readonly facts: Pick<PodFacts, 'abnormalEnds'>;
  readonly events: readonly Event[];
  readonly now: Now;
  readonly timing: Timing;
}

/** Of each container that ended abnormally: how often, and when this run saw that the number rose. */
export function abnormalEndsSeen(
  pod: Pod,
  previous: PodFacts['abnormalEnds'] | null,
  elapsedMs: number,
): PodFacts['abnormalEnds'] {
  let found: Map<string, { readonly count: number; readonly seenElapsedMs: number | null }> | null = null;
  for (const container of pod.containers) {
    const count = abnormalEndsOf(container);
    if (count === 0) continue;
    const known = previous?.get(container.name);
    const isNew = previous !== null && count > (known?.count ?? 0);
    found ??= new Map();
    found.set(container.name, { count, seenElapsedMs: isNew ? elapsedMs : (known?.seenElapsedMs ?? null) });
  }
  return found ?? NO_CONTAINERS;
}

/**
 * The container that makes the pod a crash looping one, whatever it does at this moment: at least three abnormal ends
 * in all, the last one recent. A container that backs off ended recently, whatever its node's clock says (the kubelet
 * backs off for 5 min at most).
 */
export function crashLoopingContainer(pod: Pod, { facts, now, timing }: Omit<Evidence, 'events'>): Container | null {
  const isRecent = (container: Container): boolean => {
    const seenElapsedMs = facts.abnormalEnds.get(container.name)?.seenElapsedMs ?? null;
    if (seenElapsedMs !== null) return now.elapsedMs - seenElapsedMs <= timing.crashLoopRecentMs;
    return isBackingOff(container) || now.atMs - lastAbnormalEndAtMs(container, pod) <= timing.crashLoopRecentMs;
  };
  const isLooping = (container: Container): boolean =>
    abnormalEndsOf(container) >= timing.crashLoopEnds && isRecent(container);
  return pod.containers.find(isLooping) ?? null;
}

/** By the node's clock, which is all there is of an end that this run did not see. */
function lastAbnormalEndAtMs(container: Container, pod: Pod): number {
  const end = isAbnormal(newestEnd(container)) ? newestEnd(container) : container.lastEnd;
  return end?.finishedAtMs ?? pod.createdAtMs;
}

/** A container that ended and is to run again, or that is known to crash; null when there is none. */
export function crashSymptom(pod: Pod, evidence: Evidence): Symptom | null {
  const looping = crashLoopingContainer(pod, evidence);
  const crashing = pod.containers.filter((container) => container === looping || hasCrashed(container, pod));
  const [worst] = crashing.toSorted((a, b) => endsOf(b) - endsOf(a));
  return worst === undefined ? null : symptomOf(worst, pod, evidence);
}

/** A pod that is Ready but counts as crash looping until it has stayed so for a while. Only time tells, so never fatal. */
export function readyButCrashLooping(container: Container, pod: Pod, evidence: Evidence): Symptom {
  const symptom = symptomOf(container, pod, evidence);
  const endedAtMs = Math.min(lastAbnormalEndAtMs(container, pod), evidence.now.atMs);
  return {
    ...symptom,
    message: `${symptom.message} (ready again, not yet for long)`,
    patienceMs: null,
    sinceMs: endedAtMs,
  };
}

/**
 * Down after an end, and not because it was done. Main containers and sidecars are restarted after exit code 0 too
 * (`restartPolicy: Always`), so that is a crash as well once the kubelet backs off.
 */
function hasCrashed(container: Container, pod: Pod): boolean {
  if (isBackingOff(container)) return true;
  if (container.state.kind !== 'terminated') return false;
  if (isAbnormal(container.state)) return true;
  return container.role === 'sidecar' || (container.role === 'main' && pod.restartPolicy === 'Always');
}

function symptomOf(container: Container, pod: Pod, evidence: Evidence): Symptom {
  const end = newestEnd(container);
  const cause = causeOf(container, end, pod);
  const message = describe(container, end, evidence.events);
  return { stage: 'crash', cause, message, patienceMs: patienceOf(cause, container, pod, evidence), isAttempt: true };
}

function causeOf(container: Container, end: Terminated | null, pod: Pod): Cause {
  if (end?.reason === 'OOMKilled') return 'OutOfMemory';
  if (isFinal(container, pod)) return 'Failed';
  return container.role === 'init' ? 'InitCrash' : 'CrashLoop';
}

/** Nothing runs it again: `restartPolicy: Never`, which sidecars do not obey. */
function isFinal(container: Container, pod: Pod): boolean {
  return pod.restartPolicy === 'Never' && container.role !== 'sidecar' && container.state.kind === 'terminated';
}

/** Fatal at once from a number of ends on; while it runs again there is hope, and before that it may just come up late. */
function patienceOf(cause: Cause, container: Container, pod: Pod, { timing }: Evidence): number | null {
  if (isFinal(container, pod)) return 0;
  if (!hasCrashed(container, pod)) return null;
  const certainEnds = cause === 'OutOfMemory' ? OUT_OF_MEMORY_ENDS : timing.crashLoopEnds;
  return endsOf(container) >= certainEnds ? 0 : null;
}

function describe(container: Container, end: Terminated | null, events: readonly Event[]): string {
  const ended = end === null ? 'it ended' : describeEnd(end);
  const probe = newestEvent(events, ['Unhealthy'], ({ message }) => /^(?:Liveness|Startup) probe/.test(message));
  const killer = probe !== null && end !== null && mayHaveKilled(probe, end) ? `; ${probe.message}` : '';
  return `${containerName(container)}: ${describeRestarts(container)}, ${ended}${killer}`;
}

/**
 * The kubelet ends a container whose liveness or startup probe fails with SIGTERM, then SIGKILL. A program that ends well
 * at SIGTERM leaves any exit code: there, a probe that failed while it ran is what tells (both are the kubelet's times).
 */
function mayHaveKilled(probe: Event, end: Terminated): boolean {
  if (end.reason === 'OOMKilled') return false;
  if ([137, 143].includes(end.exitCode)) return true;
  if (end.startedAtMs === null || end.finishedAtMs === null) return false;
  const failedAtMs = lastHappenedAtMs(probe);
  return end.startedAtMs <= failedAtMs && failedAtMs <= end.finishedAtMs;
}
