import { formatDuration, formatSeconds } from '../duration.ts';
import type { Observation } from '../health/assessment.ts';
import type { Event } from '../objects/event.ts';
import { fullName } from '../objects/metadata.ts';
import { hasSandbox, type Pod } from '../objects/pod.ts';
import type { SandboxError, StuckPod } from './case.ts';
import type { Guard, GuardedTarget, Objection } from './guards.ts';
import { installOf } from './install-cni.ts';
import { gapMs, type Moment, onServerMs } from './moments.ts';
import type { NodeMemory } from './node-memory.ts';
import { comeback, couldBeForged, isOutvoted, namespacesOf } from './one-tenant.ts';
import { isFromItsKubelet } from './sandbox-errors.ts';

/** What to look at where a fresh token does not help (calico-node writes it, something else reads another file or refuses it). */
export const WHAT_TO_LOOK_AT =
  "check which kubeconfig the runtime's CNI configuration names, CALICO_MANAGE_CNI and the host path mounts of calico-node, CNI configuration left over from another installation, the service account keys of all API servers, and the node's clock";

/** When the `install-cni` of this calico-node pod last exited 0, by both clocks; null: it has not. */
export function installEndOf(pod: Pod, memory: NodeMemory | undefined, observation: Observation): Moment | null {
  const install = installOf(pod);
  if (install.state !== 'finished') return null;
  const trace = memory?.installs.get(pod.uid);
  const notBeforeMs = Math.max(pod.createdAtMs, trace?.lastUnfinishedAtMs ?? 0);
  const notAfterMs = Math.max(trace?.firstFinishedAtMs ?? observation.now.atMs, notBeforeMs);
  return { onNodeMs: install.atMs, notBeforeMs, notAfterMs };
}

/**
 * A kubelet tells of its pods one by one, and late when it is busy or the API server was away, which it tries again every
 * 10 s: calico-node may be seen in `install-cni` for so long after a pod is seen with the network that came of it.
 */
const LATE_REPORT_MS = 15_000;
/** The run reckons the API server's time to some two seconds (`moments.ts`). */
const CLOCK_ERROR_MS = 2_000;

/**
 * By how many ms a pod in need of a pod network got its sandbox after `end`, that of `install-cni` of this calico-node pod:
 * its token works, or did. null: none got one since.
 */
export function sandboxGapMs(end: Moment, pod: Pod, memory: NodeMemory | undefined): number | null {
  const sandbox = memory?.newestSandbox ?? null;
  if (sandbox === null) return null;
  // What was seen with its network before this pod was there has it from elsewhere, whatever its kubelet says later.
  const mayBeLate = sandbox.moment.notAfterMs > pod.createdAtMs + CLOCK_ERROR_MS;
  const notBeforeMs = mayBeLate ? Math.max(pod.createdAtMs, end.notBeforeMs - LATE_REPORT_MS) : end.notBeforeMs;
  const sinceMs = gapMs({ ...end, notBeforeMs }, sandbox.moment);
  return sinceMs < 0 ? null : sinceMs;
}

/**
 * Whether a pod that has lost its sandbox since ran in one that was made after that moment. After a roll-out these are all
 * that is left of the pods that a former restart healed: the kubelet sets `PodReadyToStartContainers` back when it ends
 * them. A container may also start late in an older sandbox (its image took long), so the pod must be younger, or have
 * been refused a sandbox at first. Good enough for whether the token ever worked, not for the proof of a cure.
 */
function ranSince(end: Moment, node: string, { snapshot, now }: Observation): boolean {
  return [snapshot.pods, snapshot.calico.pods, snapshot.witnesses].some((pods) =>
    pods.some((pod) => {
      if (pod.nodeName !== node || pod.hostNetwork || hasSandbox(pod) !== false) return false;
      const startedAtMs = firstStartOf(pod);
      if (startedAtMs === null) return false;
      const started: Moment = { onNodeMs: startedAtMs, notBeforeMs: pod.createdAtMs, notAfterMs: now.atMs };
      return gapMs(end, started) > 0 && (pod.createdAtMs > onServerMs(end) || wasRefusedSandbox(pod, snapshot.events));
    }),
  );
}

function wasRefusedSandbox(pod: Pod, events: readonly Event[]): boolean {
  return events.some((event) => event.reason === 'FailedCreatePodSandBox' && isFromItsKubelet(event, pod));
}

/** On the node's clock; null: it never ran, or its first start is forgotten. */
function firstStartOf({ containers }: Pod): number | null {
  const starts: number[] = [];
  for (const { state, restartCount } of containers) {
    if (restartCount > 0) return null;
    const startedAtMs = state.kind === 'running' || state.kind === 'terminated' ? state.startedAtMs : null;
    // Runtimes write 1970 where they do not know.
    if (startedAtMs !== null && startedAtMs > 0) starts.push(startedAtMs);
  }
  return starts.length === 0 ? null : Math.min(...starts);
}

/** `install-cni` ended just now: every pod must have had two retries with the new token before anything is said about it. */
export const guardJustInstalled: Guard = ({ pod, nodeCase, observation, memory }) => {
  const end = installEndOf(pod, memory.nodes.get(nodeCase.node), observation);
  if (end === null) return null;
  const sinceMs = observation.now.atMs - onServerMs(end);
  return sinceMs < observation.timing.justInstalledMs
    ? {
        kind: 'wait',
        why: `install-cni of ${fullName(pod)} ended ${formatSeconds(sinceMs)} ago: the kubelet's next retries decide`,
      }
    : null;
};

/**
 * A restart may have been a tenant's doing, who could do the same again as soon as calico-node is back. So a calico-node
 * pod that took another one's place is left alone for half an hour, unless more speaks of the failure than one tenant
 * could write (`couldBeForged`). It has taken another's place where node and DaemonSet are clearly older.
 */
function tooSoonAgain(
  { daemonSet, pod, nodeCase, observation }: GuardedTarget,
  speaking: readonly StuckPod[],
  sinceMs: number,
): Objection | null {
  const { timing, snapshot } = observation;
  if (sinceMs >= timing.newFailureMs) return null;
  const node = snapshot.nodes?.find(({ name }) => name === nodeCase.node);
  const placeSinceMs = Math.max(daemonSet.createdAtMs, node?.createdAtMs ?? 0);
  if (pod.createdAtMs - placeSinceMs < timing.newFailureMs) return null;
  const proven = speaking.filter((stuck) => stuck.proven);
  if (!couldBeForged(proven)) return null;
  // More speaks of it, and has not lasted for long enough yet.
  if (!couldBeForged(speaking)) return whyUnproven(speaking.filter((stuck) => !stuck.proven));
  const half = formatDuration(timing.newFailureMs);
  return {
    kind: 'refuse',
    why: `${fullName(pod)} replaced another one ${formatSeconds(sinceMs)} ago, and only pods of one namespace speak of a new failure: for ${half} that is not enough for another restart`,
    byHand: true,
  };
}

/**
 * Whether the present calico-node pod is itself a restart that did not help. The cluster is the memory: two gates at
 * once, or a sweep every ten minutes, see the same pod and the same failure, so a restart that cannot cure is not
 * repeated for ever.
 * - Stuck since before the present pod was created: that restart has its `restart-timeout`, then another is in vain; at
 *   once when the failure came back after it.
 * - Failing since: a new failure if the present pod's token ever worked (with more proof for half an hour, see
 *   `tooSoonAgain`), or long after its `install-cni`.
 * Says nothing about a case that is not proven.
 */
export const guardInVain: Guard = (target) => {
  const { pod, nodeCase, observation } = target;
  if (!nodeCase.proven) return null;
  const { settings, timing, now } = observation;
  const node = target.memory.nodes.get(nodeCase.node);
  const end = installEndOf(pod, node, observation) ?? unknownEnd(pod, now.atMs);
  const sinceMs = now.atMs - onServerMs(end);
  const worked = sandboxGapMs(end, pod, node) !== null || ranSince(end, nodeCase.node, observation);

  const before = nodeCase.stuckPods.filter(({ error }) => beganMs(error) < pod.createdAtMs);
  const later = nodeCase.stuckPods.filter((stuck) => !before.includes(stuck));
  // Attempts that began with the old token may report after `install-cni` has ended.
  const between = later.filter(({ error }) => gapMs(end, beginningOf(error)) <= timing.refuteAfterMs);
  const fresh = later.filter((stuck) => !between.includes(stuck));
  const old = isOutvoted(before, fresh) ? [] : before;

  if (worked && fresh.length > 0) return whyUnproven(fresh) ?? tooSoonAgain(target, fresh, sinceMs);
  if (old.length > 0 && comeback(end, node, namespacesOf(old), timing.refuteAfterMs) !== null) {
    return inVain(`the failure came back after ${fullName(pod)} had started`);
  }
  if ((old.length > 0 || between.length > 0) && sinceMs < settings.restartTimeoutMs) {
    return {
      kind: 'wait',
      why: `${fullName(pod)} was started ${formatSeconds(sinceMs)} ago and has ${formatSeconds(settings.restartTimeoutMs)} to help`,
    };
  }
  if (old.length > 0) {
    return inVain(
      `${nameOf(old)} has been stuck since before ${fullName(pod)} was started ${formatSeconds(sinceMs)} ago`,
    );
  }
  if (worked || sinceMs >= timing.newFailureMs) return tooSoonAgain(target, later, sinceMs);
  return inVain(`no pod got its network since ${fullName(pod)} was started ${formatSeconds(sinceMs)} ago`);
};

/** What the proof of the failure of these pods lacks; null: one of them is proven. */
export function whyUnproven(stuckPods: readonly StuckPod[]): Objection | null {
  if (stuckPods.some(({ proven }) => proven)) return null;
  return { kind: 'wait', why: stuckPods[0]?.lacks ?? 'the proof is not complete' };
}

function inVain(because: string): Objection {
  return { kind: 'refuse', why: `another restart would be in vain: ${because}; ${WHAT_TO_LOOK_AT}` };
}

function nameOf(stuckPods: readonly StuckPod[]): string {
  const first = stuckPods[0];
  return first === undefined ? 'a pod' : fullName(first.pod);
}

/** The earlier of the writer's word and the server's: an older failure is only waited for or refused. */
function beganMs(error: SandboxError): number {
  return Math.min(error.firstAtMs, error.event.createdAtMs);
}

function beginningOf(error: SandboxError): Moment {
  return { onNodeMs: error.firstAtMs, notBeforeMs: 0, notAfterMs: Math.max(error.event.seenAtMs, error.firstAtMs) };
}

/** A Ready pod whose `install-cni` nobody remembers: it ended some time after the pod was created. */
function unknownEnd(pod: Pod, nowMs: number): Moment {
  return { onNodeMs: null, notBeforeMs: pod.createdAtMs, notAfterMs: nowMs };
}
