import type { Observation } from '../health/assessment.ts';
import { lastHappenedAtMs } from '../objects/event.ts';
import { conditionOf, fullName } from '../objects/metadata.ts';
import { hasEnded, hasSandbox, isOverdue, isPastItsSandbox, type Pod } from '../objects/pod.ts';
import type { SandboxError } from './case.ts';
import { lastTimeOf } from './moments.ts';
import type { PodTrace, Retry } from './node-memory.ts';
import { isFromItsKubelet } from './sandbox-errors.ts';

/** The failure that holds the pod at this look; null: it is not stuck, or with something else. */
export function errorWithFailure(pod: Pod, observation: Observation): SandboxError | null {
  const error = observation.sandboxErrors.get(pod.uid);
  return error?.cause === 'CalicoUnauthorized' ? error : null;
}

/** What is known of each pod in need of a pod network after one more look; `there`: those that are on the node now. */
export function tracePods(
  known: ReadonlyMap<string, PodTrace>,
  there: readonly Pod[],
  retries: ReadonlyMap<string, Retry>,
  observation: Observation,
): ReadonlyMap<string, PodTrace> {
  const nowMs = observation.now.atMs;
  const traces = new Map<string, PodTrace>();
  for (const pod of there) {
    const failing = errorWithFailure(pod, observation) !== null;
    const held = failing && isOverdue(pod, nowMs, observation.timing.overdueSlackMs);
    traces.set(pod.uid, tracePod(known.get(pod.uid), pod, { failing, held }, retries.get(pod.uid), nowMs));
  }
  for (const [uid, trace] of known) {
    if (traces.has(uid) || trace.endedAtMs === null) continue;
    traces.set(uid, { ...trace, goneAtMs: trace.goneAtMs ?? nowMs });
  }
  return traces;
}

function tracePod(
  known: PodTrace | undefined,
  pod: Pod,
  { failing, held }: { readonly failing: boolean; readonly held: boolean },
  retry: Retry | undefined,
  nowMs: number,
): PodTrace {
  // The kubelet may say it minutes after the fact.
  const sandbox = isPastItsSandbox(pod) || hasSandbox(pod);
  const heldByDel = held || known?.heldByDel === true;
  const ended = heldByDel && hasEnded(pod) && !isLeftBehind(pod);
  const moved = known !== undefined && known.calicoPodIp !== pod.calicoPodIp;
  return {
    pod: fullName(pod),
    lastWithoutAtMs: sandbox === false ? nowMs : (known?.lastWithoutAtMs ?? null),
    firstWithAtMs: sandbox === true ? (known?.firstWithAtMs ?? nowMs) : null,
    isSaidLate: known?.isSaidLate === true || (sandbox === true && hasSandbox(pod) !== true),
    failingSinceMs: failing ? (known?.failingSinceMs ?? nowMs) : null,
    heldByDel,
    endedAtMs: ended ? (known?.endedAtMs ?? nowMs) : null,
    goneAtMs: null,
    calicoPodIp: pod.calicoPodIp,
    addressChangedAtMs: moved ? nowMs : (known?.addressChangedAtMs ?? null),
    retries: addRetry(known?.retries ?? [], retry),
  };
}

/** The pod collector writes Failed on pods whose node is gone (`pkg/controller/podgc`): no kubelet has ended those. */
function isLeftBehind(pod: Pod): boolean {
  return conditionOf(pod.conditions, 'DisruptionTarget')?.reason === 'DeletionByPodGC';
}

/** More than a node's pods can write in the longest usual `restart-timeout` (11-15 s apart). */
const MAX_RETRIES_PER_POD = 64;

function addRetry(known: readonly Retry[], retry: Retry | undefined): readonly Retry[] {
  if (retry === undefined || known.at(-1)?.count === retry.count) return known;
  return [...known, retry].slice(-MAX_RETRIES_PER_POD);
}

/** The newest `SandboxChanged` of each of these pods. */
export function retriesOf(uids: ReadonlySet<string>, { snapshot }: Observation): ReadonlyMap<string, Retry> {
  if (uids.size === 0) return new Map();
  const pods = new Map(snapshot.pods.filter((pod) => uids.has(pod.uid)).map((pod) => [pod.uid, pod]));
  const latest = new Map<string, { readonly retry: Retry; readonly atMs: number }>();
  for (const event of snapshot.events) {
    if (event.reason !== 'SandboxChanged') continue;
    const pod = pods.get(event.about.uid);
    if (pod === undefined || !isFromItsKubelet(event, pod)) continue;
    const atMs = lastHappenedAtMs(event);
    if (atMs <= (latest.get(pod.uid)?.atMs ?? Number.NEGATIVE_INFINITY)) continue;
    latest.set(pod.uid, { retry: { count: event.count, moment: lastTimeOf(event) }, atMs });
  }
  return new Map([...latest].map(([uid, { retry }]) => [uid, retry]));
}
