import type { Now } from '../clock.ts';
import { type Event, firstHappenedAtMs, lastHappenedAtMs } from '../objects/event.ts';
import { conditionOf } from '../objects/metadata.ts';
import { hasEnded, isOverdue, isPastItsSandbox, type Pod, waitsForSandbox } from '../objects/pod.ts';
import type { Snapshot } from '../objects/snapshot.ts';
import type { Timing } from '../timing.ts';
import type { SandboxError } from './case.ts';
import { readSandboxText, type SandboxText } from './signature.ts';
import { isAggregated } from './wrapper.ts';

/**
 * Whether a pod network that could not be made or removed can be what holds the pod now: bound to its node and waiting
 * for its sandbox, or overdue without another reason to stay. A finalizer keeps a pod whatever its sandbox does, a pod
 * that has ended is past its sandbox (kubelet `SyncTerminatedPod`), and one whose container still runs is not there yet
 * (`killPodWithSyncResult`: containers first). Nobody but the kubelet writes these, so a tenant whose container hangs
 * on purpose cannot make an event about the end of its pod believed. A kubelet that pulls an image or runs a postStart hook
 * does not come to the deletion before that is over (kubernetes#113606), and its status is as it was before: only that it
 * has seen the deletion shows that it is about to end the pod.
 */
export function isStuck(pod: Pod, atMs: number, timing: Pick<Timing, 'overdueSlackMs'>): boolean {
  if (isPastItsSandbox(pod)) return false;
  if (waitsForSandbox(pod)) return true;
  return (
    isOverdue(pod, atMs, timing.overdueSlackMs) &&
    pod.observed !== false &&
    pod.nodeName !== null &&
    !pod.hostNetwork &&
    pod.finalizers.length === 0 &&
    !hasEnded(pod) &&
    !pod.containers.some(({ state }) => state.kind === 'running') &&
    !pod.isDebugged
  );
}

/**
 * Since when the kubelet has said that the pod is without its sandbox, on the API server's clock; null: it does not say,
 * or its clock is ahead. A pod can lose its sandbox for a moment (a tenant may end its own), and an event about it may be
 * as old as somebody likes: both must have lasted.
 */
export function heldSinceMs(pod: Pod, nowMs: number): number | null {
  if (pod.deletionAtMs !== null) return pod.deletionAtMs;
  const condition = conditionOf(pod.conditions, 'PodReadyToStartContainers');
  if (condition === null) {
    const isFirst = pod.containers.every(({ restartCount, lastEnd }) => restartCount === 0 && lastEnd === null);
    return isFirst ? pod.createdAtMs : null;
  }
  const { lastTransitionAtMs } = condition;
  if (lastTransitionAtMs === null || lastTransitionAtMs > nowMs) return null;
  return Math.max(lastTransitionAtMs, pod.createdAtMs);
}

/**
 * For each pod that is stuck now (in scope, of Calico, or a witness), by uid: what its newest authentic sandbox event
 * says. A pod without one is not in the map. Events that the pod's kubelet cannot have written count for nothing: anybody
 * who may create events can write the text, and the API server checks neither the object nor the source.
 */
export function readSandboxErrors(
  snapshot: Snapshot,
  now: Now,
  timing: Pick<Timing, 'overdueSlackMs'>,
): ReadonlyMap<string, SandboxError> {
  const stuck = new Map<string, Pod>();
  for (const pods of [snapshot.pods, snapshot.calico.pods, snapshot.witnesses]) {
    for (const pod of pods) if (isStuck(pod, now.atMs, timing)) stuck.set(pod.uid, pod);
  }
  if (stuck.size === 0) return new Map();

  const eventsByUid = new Map<string, Event[]>();
  for (const event of snapshot.events) {
    const pod = stuck.get(event.about.uid);
    if (pod === undefined || !isAuthenticSandboxEvent(event, pod)) continue;
    const known = eventsByUid.get(pod.uid);
    if (known === undefined) eventsByUid.set(pod.uid, [event]);
    else known.push(event);
  }

  const errors = new Map<string, SandboxError>();
  for (const [uid, events] of eventsByUid) {
    const pod = stuck.get(uid);
    const error = pod === undefined ? null : newestError(pod, events, now);
    if (error !== null) errors.set(uid, error);
  }
  return errors;
}

/**
 * Written as `pod`'s own kubelet writes about it: about this very pod (uid, and the namespaces of event, object and pod
 * are one: the API server does not enforce that), from the kubelet of its node with the legacy recorder.
 */
export function isFromItsKubelet(event: Event, pod: Pod): boolean {
  return (
    event.about.uid === pod.uid &&
    event.about.kind === 'Pod' &&
    event.namespace === pod.namespace &&
    event.about.namespace === pod.namespace &&
    event.component === 'kubelet' &&
    event.host === pod.nodeName &&
    event.eventAtMs === null
  );
}

/** `FailedPodSandBoxStatus` is none: it tells of the runtime's answer, not of the network. */
function isAuthenticSandboxEvent(event: Event, pod: Pod): boolean {
  switch (event.reason) {
    case 'FailedCreatePodSandBox':
      return isFromItsKubelet(event, pod);
    case 'FailedKillPod':
      // Without the uid it is about containers that do not end: the kubelet names the pod where its sandbox fails.
      return event.message.includes(pod.uid) && isFromItsKubelet(event, pod);
    default:
      return false;
  }
}

/** Sandbox error and sandbox status are written by two goroutines of the kubelet, a second apart in the recordings. */
const STATUS_LAG_MS = 5_000;

/**
 * Whether the event speaks of the sandbox that is missing now and not of a former one: a pod that got its network after
 * a first failure keeps that event for an hour. Event and condition are both the kubelet's words, on one clock.
 */
function isAboutPresentSandbox(event: Event, pod: Pod): boolean {
  const condition = conditionOf(pod.conditions, 'PodReadyToStartContainers');
  if (condition === null || condition.lastTransitionAtMs === null) return true;
  const sinceChangeMs = lastHappenedAtMs(event) - condition.lastTransitionAtMs;
  return condition.status === 'True' ? sinceChangeMs > 0 : sinceChangeMs >= -STATUS_LAG_MS;
}

/**
 * Of one pod the newest so many are read. Kubelets count what repeats itself, or write one event in 11-15 s for an hour
 * at most; whoever may create events can write thousands, each of them as long as a request may be.
 */
export const MOST_READ_OF_A_POD = 300;

/** A text is read once: an event that has not changed is the same object at every look. */
const TEXTS = new WeakMap<Event, SandboxText>();

function textOf(event: Event): SandboxText {
  const known = TEXTS.get(event);
  if (known !== undefined) return known;
  const text = readSandboxText(event.message, event.reason);
  TEXTS.set(event, text);
  return text;
}

function newestError(pod: Pod, events: readonly Event[], now: Now): SandboxError | null {
  const newestFirst = events
    .filter((event) => isAboutPresentSandbox(event, pod))
    .map((event) => ({ event, lastAtMs: safeTimeMs(lastHappenedAtMs(event), event, pod, now) }))
    .sort((one, other) => other.lastAtMs - one.lastAtMs || byOwnWords(one.event, other.event))
    .slice(0, MOST_READ_OF_A_POD)
    .map((each) => ({ ...each, text: textOf(each.event) }))
    .filter(({ text }) => text.killedUid === null || text.killedUid === pod.uid);
  const newest = newestFirst[0];
  if (newest === undefined) return null;

  // Runtimes that ignore the failed clean-up write a new event with every attempt: the first of them began it.
  let firstAtMs = newest.lastAtMs;
  let storedAtMs = now.atMs;
  let otherAtMs = Number.NEGATIVE_INFINITY;
  for (const [index, { event, text, lastAtMs }] of newestFirst.entries()) {
    if (text.cause !== newest.text.cause) {
      // An event that counts since long ago says nothing about what came in between.
      otherAtMs = lastAtMs;
      break;
    }
    // What an event that stands for several said at first, only those before it tell.
    if (isAggregated(event.message) && newestFirst[index + 1]?.text.cause !== text.cause) break;
    storedAtMs = Math.min(storedAtMs, event.createdAtMs);
    firstAtMs = Math.min(firstAtMs, safeTimeMs(firstHappenedAtMs(event), event, pod, now));
  }
  return {
    cause: newest.text.cause,
    verb: newest.text.verb,
    plugin: newest.text.plugin,
    text: newest.text.innerError,
    event: newest.event,
    firstAtMs: Math.max(firstAtMs, otherAtMs),
    lastAtMs: newest.lastAtMs,
    storedAtMs: Math.max(storedAtMs, otherAtMs),
  };
}

/** Newest first by the kubelet's own words, where safe times do not tell them apart; then the one that was stored later. */
function byOwnWords(one: Event, other: Event): number {
  return lastHappenedAtMs(other) - lastHappenedAtMs(one) || other.createdAtMs - one.createdAtMs;
}

/**
 * Times in an event are its writer's words: one before the pod's creation or after now is replaced by the event's
 * `creationTimestamp`, which the API server set.
 */
function safeTimeMs(saidMs: number, event: Event, pod: Pod, now: Now): number {
  return saidMs < pod.createdAtMs || saidMs > now.atMs ? Math.min(event.createdAtMs, now.atMs) : saidMs;
}
