import type { Now } from '../clock.ts';
import { formatSeconds } from '../duration.ts';
import type { Observation } from '../health/assessment.ts';
import { arePodsLost } from '../objects/catching-up.ts';
import { fullName } from '../objects/metadata.ts';
import { isPastItsSandbox, isTerminating, type Pod, waitsForSandbox } from '../objects/pod.ts';
import { whyPodsUnseen } from '../objects/snapshot.ts';
import type { Settings } from '../settings.ts';
import type { Outcome, Restart } from './case.ts';
import { installEndOf, sandboxGapMs, WHAT_TO_LOOK_AT } from './in-vain.ts';
import { installOf } from './install-cni.ts';
import { INSTALL_CNI } from './installation.ts';
import { gapMs, type Moment, onServerMs } from './moments.ts';
import type { CalicoMemory, NodeMemory, PodTrace, Sighting } from './node-memory.ts';
import { comeback } from './one-tenant.ts';
import { isPending, whyNotDone } from './restart-state.ts';
import { isStuck } from './sandbox-errors.ts';

/**
 * What became of a restarted node, as far as this look can tell; a restart that is settled already is given back as it
 * is. Pure.
 * - Cured: after `install-cni` of the new pod exited 0, a pod in need of a pod network got its sandbox there, or a pod
 *   that was held by the failing DEL was ended by the kubelet and is gone. A Ready calico-node proves nothing: it was
 *   Ready all the time.
 * - Not cured: none of these, and an event with the failure that is clearly newer than that end (of each namespace that
 *   spoke of the node, see `comeback`); or `install-cni` itself fails again and again, not only while the API server was
 *   away.
 * - Else `restart-timeout` decides: pods that were stuck already write no new event. Where the deleted pod is still the
 *   same by then, and not being deleted, nothing was restarted, whatever the answer to the DELETE said.
 * A restart by somebody else is judged in the same way, but has no outcome of its own.
 */
export function judgeCure(before: Restart, observation: Observation, memory: CalicoMemory): Restart {
  if (!isPending(before)) return before;
  const restart = reckoned(before, observation);
  if (restart.answer === 'lost') return judgeLost(restart, observation, memory);

  const { now, settings, timing } = observation;
  const node = memory.nodes.get(restart.node);
  const pod = newPodOf(restart, observation);
  const end = pod === null ? null : installEndOf(pod, node, observation);
  const failing = pod === null ? null : installFailure(pod);
  // Without an API server it gets no token, whichever pod it runs in.
  const failedInOutage = isOutage(observation) ? (failing?.ends ?? 0) : (restart.failedInOutage ?? 0);
  const seen: Restart = { ...restart, after: afterOf(pod, end), failedInOutage };

  if (end !== null && pod !== null) {
    const proof = proofOfCure(end, pod, node);
    if (proof !== null) return settle(seen, 'cured', proof, now.elapsedMs);
    const match = comeback(end, node, restart.namespaces, timing.refuteAfterMs);
    if (match !== null) {
      const refuted: Restart = { ...seen, refutedBy: match.namespaces };
      return settle(refuted, 'not-cured', refutation(end, pod, match.sighting), now.elapsedMs);
    }
  }
  if (failing !== null && pod !== null && failing.ends >= timing.crashLoopEnds && failing.ends > failedInOutage) {
    const log = `kubectl logs -n ${pod.namespace} ${pod.name} -c ${INSTALL_CNI} --previous`;
    return settle(
      seen,
      'not-cured',
      `${failing.words}; another restart will not help: read its log (${log}), and ${WHAT_TO_LOOK_AT}`,
      now.elapsedMs,
    );
  }

  const stuck = stuckPodsOf(restart, observation);
  const isOver = seenForMs(restart, now) >= settings.restartTimeoutMs;
  const sinceMs = now.elapsedMs - restart.elapsedMs;
  if (isOver && isUntouched(restart, observation)) {
    return {
      ...seen,
      answer: 'failed',
      why: whyNotDone(restart.before, 'with success', `${formatSeconds(sinceMs)} later `),
    };
  }
  const retriedEnough = end !== null && now.atMs - onServerMs(end) >= timing.wellSandboxWaitMs;
  if (stuck.length === 0 && (retriedEnough || isOver)) {
    return settle(
      seen,
      'unknown',
      `no pod is stuck on the node any more, and none got its network there since${hintOf(end, node, stuck)}; ${WHAT_TO_LOOK_AT}`,
      now.elapsedMs,
    );
  }
  if (isOver) {
    const after = `${formatSeconds(sinceMs)} after the restart${unseenPart(restart)}${hintOf(end, node, stuck)}`;
    return settle(
      { ...seen, refutedBy: refutersAmong(stuck) },
      'timed-out',
      describeStuck(stuck, after),
      now.elapsedMs,
    );
  }
  return { ...seen, why: failing?.words ?? waitingFor(pod, end, now.atMs) + hintOf(end, node, stuck) };
}

/** At the end of a run: what is not known by then stays unknown. */
export function closeRestarts(restarts: readonly Restart[]): readonly Restart[] {
  return restarts.map((restart) =>
    isPending(restart) ? settle(restart, 'unknown', `the run ended first: ${restart.why}`, null) : restart,
  );
}

function settle(restart: Restart, settled: Outcome, why: string, settledElapsedMs: number | null): Restart {
  return { ...restart, settled, settledElapsedMs, outcome: restart.answer === 'deleted' ? settled : null, why };
}

/** A picture may lag by some seconds, and a request whose connection broke may be carried out late. */
const LATE_DELETE_MS = 10_000;

/**
 * Whether lists have to be read before this restart is judged again. Watches may be silent and the pod be long gone: then
 * a restart would be called none, and another node have its turn.
 */
export function needsLists(
  restart: Restart,
  now: Now,
  { restartTimeoutMs }: Pick<Settings, 'restartTimeoutMs'>,
): boolean {
  if (!isPending(restart) || restart.seenBy !== null) return false;
  if (restart.answer === 'lost') return now.elapsedMs - restart.elapsedMs >= LATE_DELETE_MS;
  return restart.answer === 'deleted' && seenForMs(restart, now) >= restartTimeoutMs;
}

/**
 * The DELETE was sent and nothing came back: the view shows whether the pod with that uid is gone. If it is still there it
 * may be restarted anew, but what cannot be seen for a whole `restart-timeout` is given up.
 */
function judgeLost(restart: Restart, observation: Observation, memory: CalicoMemory): Restart {
  const { now, settings, snapshot } = observation;
  const old = snapshot.calico.pods.find(({ uid }) => uid === restart.before.uid);
  const isSeen = whyPodsUnseen(snapshot.calico, restart.before.namespace) === null;
  if (isSeen && (old === undefined || isTerminating(old))) {
    return judgeCure({ ...restart, answer: 'deleted' }, observation, memory);
  }
  const waitedMs = seenForMs(restart, now);
  const unanswered = `the DELETE of ${restart.before.namespace}/${restart.before.pod} was not answered`;
  if (isSeen && restart.seenBy === 'listed') {
    return { ...restart, answer: 'undone', why: `${unanswered}, and the pod is still there` };
  }
  if (waitedMs < settings.restartTimeoutMs) return restart;
  const why = `${unanswered}, and for ${formatSeconds(waitedMs)} nothing showed whether the pod is gone`;
  return { ...restart, answer: 'failed', why };
}

/**
 * The restart with the time reckoned in which nothing could be seen: an outage of the API server, or of the way to it. No
 * kubelet gets a token for the new pod without it, or tells of a network, so that time is none of `restart-timeout`.
 */
function reckoned(restart: Restart, observation: Observation): Restart {
  const { now, snapshot } = observation;
  const { unseenMs = 0, reckonedElapsedMs = restart.elapsedMs, before } = restart;
  const isUnseen = isOutage(observation) || whyPodsUnseen(snapshot.calico, before.namespace) === 'stale';
  const sinceMs = isUnseen ? Math.max(0, now.elapsedMs - reckonedElapsedMs) : 0;
  return { ...restart, unseenMs: unseenMs + sinceMs, reckonedElapsedMs: now.elapsedMs };
}

/** How much of `restart-timeout` has passed. */
function seenForMs({ elapsedMs, unseenMs = 0 }: Restart, now: Now): number {
  return now.elapsedMs - elapsedMs - unseenMs;
}

function unseenPart({ unseenMs = 0 }: Restart): string {
  return unseenMs === 0 ? '' : `, ${formatSeconds(unseenMs)} of which nothing could be seen`;
}

/** The view is lost, or was a moment ago. */
function isOutage({ snapshot, catchUpLeftMs }: Observation): boolean {
  return catchUpLeftMs > 0 || arePodsLost(snapshot.coverage);
}

/** What was said to be deleted and could not be read again stands there as it did before. */
function isUntouched({ answer, seenBy, before }: Restart, { snapshot }: Observation): boolean {
  if (answer !== 'deleted' || seenBy !== 'listed' || whyPodsUnseen(snapshot.calico, before.namespace) !== null)
    return false;
  const old = snapshot.calico.pods.find(({ uid }) => uid === before.uid);
  return old !== undefined && !isTerminating(old);
}

/** The pod of the same DaemonSet that took the old one's place; the newest, should that have been restarted again. */
function newPodOf(restart: Restart, { snapshot }: Observation): Pod | null {
  let newest: Pod | null = null;
  for (const pod of snapshot.calico.pods) {
    if (pod.nodeName !== restart.node || pod.controller?.uid !== restart.before.daemonSetUid) continue;
    if (pod.uid === restart.before.uid || pod.createdAtMs < restart.before.createdAtMs || isTerminating(pod)) continue;
    if (newest === null || pod.createdAtMs > newest.createdAtMs) newest = pod;
  }
  return newest;
}

function afterOf(pod: Pod | null, end: Moment | null): Restart['after'] {
  if (pod === null) return null;
  return {
    pod: pod.name,
    createdAtMs: pod.createdAtMs,
    installedAtMs: end === null ? null : (end.onNodeMs ?? onServerMs(end)),
  };
}

function proofOfCure(end: Moment, pod: Pod, node: NodeMemory | undefined): string | null {
  if (node === undefined) return null;
  const afterMs = sandboxGapMs(end, pod, node);
  if (afterMs !== null && node.newestSandbox !== null) {
    return `${node.newestSandbox.pod} got its network ${formatSeconds(afterMs)} after install-cni had ended`;
  }
  const ended = [...node.pods.values()].find((trace) => wasReleased(trace, end));
  return ended === undefined ? null : `${ended.pod}, which could not end before, was ended by the kubelet and is gone`;
}

/** A force delete takes a pod away while it is Running; only the kubelet writes Succeeded or Failed, after its DEL. */
function wasReleased({ endedAtMs, goneAtMs }: PodTrace, end: Moment): boolean {
  return endedAtMs !== null && goneAtMs !== null && endedAtMs >= end.notBeforeMs;
}

function refutation(end: Moment, pod: Pod, match: Sighting): string {
  return `${match.pod} reported the failure ${formatSeconds(gapMs(end, match.moment))} after install-cni of ${fullName(pod)} had ended; ${WHAT_TO_LOOK_AT}`;
}

function installFailure(pod: Pod): { readonly ends: number; readonly words: string } | null {
  const install = installOf(pod);
  if (install.state !== 'failing') return null;
  const { exitCode, message, reason } = install.end;
  const said = message === '' ? reason : message;
  const times = `${install.ends} ${install.ends === 1 ? 'time' : 'times'}`;
  return {
    ends: install.ends,
    words: `install-cni of ${fullName(pod)} failed ${times} with exit code ${exitCode}${said === '' ? '' : `: ${said}`}`,
  };
}

/** Pods of the node that could still prove or refute: those that were stuck at the restart, and new ones. */
function stuckPodsOf(restart: Restart, { snapshot, sandboxErrors, now, timing }: Observation): readonly Pod[] {
  const uids = new Set(restart.stuckUids);
  return snapshot.pods.filter(
    (pod) =>
      pod.nodeName === restart.node &&
      // One that Calico has given its address may be pulling its image: until its kubelet says so, nothing is proven.
      (isStuck(pod, now.atMs, timing) || waitsForSandbox(pod)) &&
      (uids.has(pod.uid) || sandboxErrors.get(pod.uid)?.cause === 'CalicoUnauthorized'),
  );
}

/** Of pods that Calico has given their address nobody knows what they wait for. */
function refutersAmong(stuck: readonly Pod[]): readonly string[] {
  return [...new Set(stuck.filter((pod) => !isPastItsSandbox(pod)).map(({ namespace }) => namespace))];
}

/** Pods that Calico has given their address do not wait for it: nothing is proven, but nothing of Calico is to be looked at. */
function describeStuck(stuck: readonly Pod[], after: string): string {
  const [pods, have, are] = stuck.length === 1 ? ['pod', 'has', 'is'] : ['pods', 'have', 'are'];
  if (!stuck.every(isPastItsSandbox)) return `${stuck.length} ${pods} ${are} still stuck ${after}; ${WHAT_TO_LOOK_AT}`;
  return `${stuck.length} ${pods} ${have} an address of Calico's, and no container that has started ${after}; an image that takes long, or a postStart hook, may keep the kubelet from saying more: read "kubectl describe pod"`;
}

function waitingFor(pod: Pod | null, end: Moment | null, nowMs: number): string {
  if (pod === null) return 'waiting for the new calico-node pod';
  if (end === null) return `waiting for install-cni of ${fullName(pod)}`;
  return `install-cni of ${fullName(pod)} ended ${formatSeconds(nowMs - onServerMs(end))} ago: waiting for a pod to get its network`;
}

/** One `SandboxChanged` is written by the very retry that heals; from the second on they are a hint, no more. */
const TELLING_RETRIES = 2;

/** What points to an outcome without proving it, for the reason's end. */
function hintOf(end: Moment | null, node: NodeMemory | undefined, stuck: readonly Pod[]): string {
  if (end === null || node === undefined) return '';
  for (const { uid } of stuck) {
    const trace = node.pods.get(uid);
    const retries = trace === undefined ? 0 : retriesSince(end, trace);
    if (trace !== undefined && retries >= TELLING_RETRIES)
      return ` (${trace.pod} was tried again ${retries} times in vain)`;
  }
  const touched = [...node.pods.values()].find((trace) => (trace.addressChangedAtMs ?? 0) > end.notAfterMs);
  return touched === undefined
    ? ''
    : ` (Calico has changed the address of ${touched.pod} since, so it has access again)`;
}

function retriesSince(end: Moment, { retries }: PodTrace): number {
  const last = retries.at(-1);
  if (last === undefined || gapMs(end, last.moment) <= 0) return 0;
  const before = retries.findLast(({ moment }) => gapMs(end, moment) <= 0);
  const first = retries.find(({ moment }) => gapMs(end, moment) > 0);
  return last.count - (before?.count ?? (first?.count ?? last.count) - 1);
}
