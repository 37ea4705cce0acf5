import { formatSeconds } from '../duration.ts';
import type { Observation } from '../health/assessment.ts';
import { type Event, firstHappenedAtMs } from '../objects/event.ts';
import type { Pod } from '../objects/pod.ts';
import type { NodeCase, SandboxError, StuckPod } from './case.ts';
import { gapMs, lastTimeOf, onServerMs } from './moments.ts';
import type { CalicoMemory, NodeMemory, PodTrace, Sighting } from './node-memory.ts';
import { heldSinceMs, isFromItsKubelet } from './sandbox-errors.ts';
import { isAggregated } from './wrapper.ts';

/**
 * The nodes on which pods of the scope are stuck with Calico's authorization failure now, each with what its
 * proof still lacks. An event alone is never enough: the pod must be stuck at this look (`readSandboxErrors`), for
 * `calicoStuckMs`, not waiting for a volume, on a node that shows no sign of being well.
 */
export function diagnose(observation: Observation, memory: CalicoMemory): readonly NodeCase[] {
  const { snapshot, sandboxErrors } = observation;
  if (sandboxErrors.size === 0) return [];
  const stuck = snapshot.pods.filter((pod) => sandboxErrors.get(pod.uid)?.cause === 'CalicoUnauthorized');
  if (stuck.length === 0) return [];

  const eventsByUid = eventsAbout(new Set(stuck.map((pod) => pod.uid)), snapshot.events);
  const byNode = new Map<string, { readonly stuckPod: StuckPod; readonly well: boolean }[]>();
  for (const pod of stuck) {
    const error = sandboxErrors.get(pod.uid);
    if (error === undefined || pod.nodeName === null) continue;
    const events = eventsByUid.get(pod.uid) ?? [];
    const node = memory.nodes.get(pod.nodeName);
    const sign = signOfHealth(pod, events, node, observation);
    const lacks =
      tooEarly(heldForMs(pod, error, node?.pods.get(pod.uid), observation.now.atMs), observation) ??
      waitsForVolume(pod, events, observation) ??
      sign?.words ??
      null;
    const judged = { stuckPod: { pod, error, proven: lacks === null, lacks }, well: sign?.lasting === true };
    const there = byNode.get(pod.nodeName);
    if (there === undefined) byNode.set(pod.nodeName, [judged]);
    else there.push(judged);
  }
  return [...byNode].map(([node, judged]) => {
    const stuckPods = judged.map(({ stuckPod }) => stuckPod);
    return {
      node,
      stuckPods,
      firstAtMs: Math.min(...stuckPods.map(({ error }) => error.firstAtMs)),
      lastAtMs: Math.max(...stuckPods.map(({ error }) => error.lastAtMs)),
      proven: stuckPods.some(({ proven }) => proven),
      lacks: stuckPods.some(({ proven }) => proven) ? null : (stuckPods[0]?.lacks ?? null),
      well: judged.every(({ well }) => well),
    };
  });
}

function eventsAbout(uids: ReadonlySet<string>, events: readonly Event[]): ReadonlyMap<string, readonly Event[]> {
  const byUid = new Map<string, Event[]>();
  for (const event of events) {
    if (!uids.has(event.about.uid)) continue;
    const known = byUid.get(event.about.uid);
    if (known === undefined) byUid.set(event.about.uid, [event]);
    else known.push(event);
  }
  return byUid;
}

/**
 * For how long the failure and the pod's being stuck have lasted, whichever is less. What its event and its kubelet leave
 * open (an event that stands for several with different texts, a clock that is ahead), this run's looks decide.
 */
function heldForMs(pod: Pod, { storedAtMs, event }: SandboxError, trace: PodTrace | undefined, nowMs: number): number {
  const seenSinceMs = trace?.failingSinceMs ?? nowMs;
  const failingSinceMs = isAggregated(event.message) ? Math.min(storedAtMs, seenSinceMs) : storedAtMs;
  const stuckSinceMs = Math.min(heldSinceMs(pod, nowMs) ?? seenSinceMs, seenSinceMs);
  return nowMs - Math.max(failingSinceMs, stuckSinceMs);
}

function tooEarly(stuckForMs: number, { timing }: Observation): string | null {
  if (stuckForMs >= timing.calicoStuckMs) return null;
  return `stuck for ${formatSeconds(stuckForMs)}, which counts after ${formatSeconds(timing.calicoStuckMs)}`;
}

/**
 * The kubelet mounts volumes before it makes the sandbox, and tries a mount again at least every 2 min 2 s
 * (`nestedpendingoperations`), so a pod that waits for a volume has one of these events. Whoever wrote it, it can only
 * hold a restart back.
 */
function waitsForVolume(pod: Pod, events: readonly Event[], { now, timing }: Observation): string | null {
  for (const event of events) {
    if (event.reason !== 'FailedMount' && event.reason !== 'FailedAttachVolume') continue;
    if (event.namespace !== pod.namespace) continue;
    const agoMs = now.atMs - latestMs(event);
    if (agoMs < timing.volumeEventMs) {
      return `the pod reported ${event.reason} ${formatSeconds(agoMs)} ago: it may be a volume that it waits for`;
    }
  }
  return null;
}

/**
 * The latest moment at which it may have happened last: the clock of a node that is behind shows in an event that was
 * stored later than it says to have begun.
 */
function latestMs(event: Event): number {
  const last = lastTimeOf(event);
  const behindMs = Math.max(0, event.createdAtMs - firstHappenedAtMs(event));
  return Math.min(onServerMs(last) + behindMs, last.notAfterMs);
}

interface SignOfHealth {
  readonly words: string;
  readonly lasting: boolean;
}

/**
 * A pod that got its sandbox on the node clearly after the last failure (tokens are cached for a while) shows that the
 * node's token is good. Then `pod` heals with one of its next retries; if it goes on retrying in vain after three of
 * them, that sandbox proved nothing about it. Of each other namespace only the first such sandbox is waited for: kubelets
 * before 1.36 say late that a pod has one, and a tenant's registry may see to it that another one is told of all the time.
 */
function signOfHealth(
  pod: Pod,
  events: readonly Event[],
  node: NodeMemory | undefined,
  observation: Observation,
): SignOfHealth | null {
  if (node === undefined) return null;
  const own = node.newestSandboxOf.get(pod.namespace);
  const others = [...node.firstSandboxOf.values()].filter(({ namespace }) => namespace !== pod.namespace);
  const signs = [...(own === undefined ? [] : [own]), ...others].map((sandbox) =>
    signIn(sandbox, pod, events, node, observation),
  );
  // What passes by itself is waited for.
  return signs.find((sign) => sign?.lasting === false) ?? signs.find((sign) => sign !== null) ?? null;
}

function signIn(
  sandbox: Sighting,
  pod: Pod,
  events: readonly Event[],
  { lastMatch }: NodeMemory,
  { now, timing }: Observation,
): SignOfHealth | null {
  const afterMs = lastMatch === null ? 0 : gapMs(lastMatch.moment, sandbox.moment);
  if (afterMs <= timing.wellSandboxAfterMs) return null;

  const words = `${sandbox.pod} got its network on the node ${formatSeconds(afterMs)} after the last failure`;
  const sinceMs = now.atMs - onServerMs(sandbox.moment);
  if (sinceMs < timing.wellSandboxWaitMs) {
    return {
      words: `${words}: the pod has ${formatSeconds(timing.wellSandboxWaitMs - sinceMs)} to follow`,
      lasting: false,
    };
  }
  const triedSince = events.some(
    (event) =>
      event.reason === 'SandboxChanged' && isFromItsKubelet(event, pod) && gapMs(sandbox.moment, lastTimeOf(event)) > 0,
  );
  return triedSince ? null : { words: `${words}, so the node is well`, lasting: true };
}
