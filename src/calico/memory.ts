import type { Observation } from '../health/assessment.ts';
import { conditionOf, fullName } from '../objects/metadata.ts';
import { hasSandbox, isReady, type Pod } from '../objects/pod.ts';
import { diagnose } from './diagnosis.ts';
import { installOf } from './install-cni.ts';
import { findInstallations, isPodOf } from './installation.ts';
import { gapMs, lastTimeOf, type Moment, onServerMs } from './moments.ts';
import type { CalicoMemory, Evidence, InstallTrace, NodeMemory, PodTrace, Sighting } from './node-memory.ts';
import { errorWithFailure, retriesOf, tracePods } from './pod-traces.ts';

export type { CalicoMemory } from './node-memory.ts';

export const EMPTY_CALICO_MEMORY: CalicoMemory = { foundAtMs: null, nodes: new Map(), readyAtMs: new Map() };

/**
 * The memory after one more look. Pure; where nothing of Calico's failure was ever found it costs nothing and gives back
 * the same memory. A node is remembered from the first look at which a pod of the scope is stuck with the failure there.
 */
export function rememberCalico(memory: CalicoMemory, observation: Observation): CalicoMemory {
  const stuckNow = podsStuckWithFailure(observation);
  if (stuckNow.length === 0 && memory.nodes.size === 0) return memory;

  const nowMs = observation.now.atMs;
  const names = new Set(memory.nodes.keys());
  for (const pod of stuckNow) if (pod.nodeName !== null) names.add(pod.nodeName);
  const podsByNode = networkPodsOn(names, observation);
  const calicoNodePods = podsOfInstallations(observation);
  const retries = retriesOf(new Set(stuckNow.map((pod) => pod.uid)), observation);

  const nodes = new Map<string, NodeMemory>();
  for (const name of names) {
    const known = memory.nodes.get(name) ?? newNode(nowMs);
    const there = podsByNode.get(name) ?? [];
    const sandboxes = sandboxesOf(there, known.pods, nowMs);
    const lastMatchOf = newestOfEach(known.lastMatchOf, matchesOn(there, observation));
    nodes.set(name, {
      ...known,
      evidence: addEvidence(known.evidence, stuckNow, name, observation),
      lastMatch: newest(known.lastMatch, matchesOn(there, observation)),
      lastMatchOf,
      newestSandbox: newest(known.newestSandbox, sandboxes),
      newestSandboxOf: newestOfEach(known.newestSandboxOf, sandboxes),
      firstSandboxOf: firstOfEach(known.firstSandboxOf, sandboxes, lastMatchOf, observation),
      pods: tracePods(known.pods, there, retries, observation),
      installs: traceInstalls(known.installs, calicoNodePods, name, nowMs),
    });
  }
  const next: CalicoMemory = {
    foundAtMs: memory.foundAtMs ?? nowMs,
    nodes,
    readyAtMs: readyTimes(memory.readyAtMs, calicoNodePods, nowMs),
  };
  return markProven(next, observation);
}

function newNode(nowMs: number): NodeMemory {
  return {
    foundAtMs: nowMs,
    provenAtMs: null,
    evidence: new Map(),
    lastMatch: null,
    lastMatchOf: new Map(),
    newestSandbox: null,
    newestSandboxOf: new Map(),
    firstSandboxOf: new Map(),
    pods: new Map(),
    installs: new Map(),
  };
}

/**
 * The proof needs the sandboxes and events that were just remembered; that it once held is worth remembering too. Unless
 * it held only because the pods of other namespaces were not read yet, which show that the node had been well all along.
 */
function markProven(memory: CalicoMemory, observation: Observation): CalicoMemory {
  const nodes = new Map(memory.nodes);
  for (const { node, proven, well } of diagnose(observation, memory)) {
    const known = nodes.get(node);
    if (known === undefined) continue;
    if (proven && known.provenAtMs === null) nodes.set(node, { ...known, provenAtMs: observation.now.atMs });
    if (well && wasWellBefore(known)) nodes.set(node, { ...known, provenAtMs: null });
  }
  return { ...memory, nodes };
}

function wasWellBefore({ newestSandbox, foundAtMs }: NodeMemory): boolean {
  return newestSandbox !== null && onServerMs(newestSandbox.moment) < foundAtMs;
}

function podsStuckWithFailure(observation: Observation): readonly Pod[] {
  if (observation.sandboxErrors.size === 0) return [];
  return observation.snapshot.pods.filter((pod) => errorWithFailure(pod, observation) !== null);
}

/** Pods in need of a pod network, by node: those in scope, Calico's own, and the witnesses. */
function networkPodsOn(nodes: ReadonlySet<string>, { snapshot }: Observation): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Map<string, Pod>>([...nodes].map((node) => [node, new Map()]));
  for (const pods of [snapshot.witnesses, snapshot.calico.pods, snapshot.pods]) {
    for (const pod of pods) {
      if (pod.nodeName !== null && !pod.hostNetwork) byNode.get(pod.nodeName)?.set(pod.uid, pod);
    }
  }
  return new Map([...byNode].map(([node, pods]) => [node, [...pods.values()]]));
}

function podsOfInstallations({ snapshot, settings }: Observation): readonly Pod[] {
  const { found } = findInstallations(snapshot.calico.daemonSets, settings.calicoNamespace);
  return snapshot.calico.pods.filter((pod) => found.some(({ daemonSet }) => isPodOf(pod, daemonSet)));
}

/**
 * A node runs some hundred pods; where pods come and go all the time, the first ones are proof enough, but for one of
 * each other namespace: nobody fills the list so that others do not get into it.
 */
const MAX_EVIDENCE_PER_NODE = 500;

function addEvidence(
  known: ReadonlyMap<string, Evidence>,
  stuckNow: readonly Pod[],
  node: string,
  observation: Observation,
): ReadonlyMap<string, Evidence> {
  const evidence = new Map(known);
  for (const pod of stuckNow) {
    const error = errorWithFailure(pod, observation);
    if (error === null || pod.nodeName !== node) continue;
    if (evidence.size >= MAX_EVIDENCE_PER_NODE && !evidence.has(pod.uid) && speaksFor(evidence, pod.namespace))
      continue;
    const { reason, message, count } = error.event;
    evidence.set(pod.uid, { pod: fullName(pod), reason, message, count, lastSeenMs: error.lastAtMs });
  }
  return evidence;
}

function speaksFor(evidence: ReadonlyMap<string, Evidence>, namespace: string): boolean {
  return [...evidence.values()].some(({ pod }) => pod.startsWith(`${namespace}/`));
}

function newest(known: Sighting | null, seen: readonly Sighting[]): Sighting | null {
  let best = known;
  for (const sighting of seen) if (best === null || isNewer(sighting.moment, best.moment)) best = sighting;
  return best;
}

/** Where the kubelet did not say when, the one that is certain to be later. */
function isNewer(one: Moment, other: Moment): boolean {
  if (one.onNodeMs !== null && other.onNodeMs !== null) return gapMs(other, one) > 0;
  return one.notBeforeMs > other.notBeforeMs;
}

function matchesOn(pods: readonly Pod[], observation: Observation): readonly Sighting[] {
  return pods.flatMap((pod) => {
    const error = errorWithFailure(pod, observation);
    return error === null
      ? []
      : [{ pod: fullName(pod), namespace: pod.namespace, uid: pod.uid, moment: lastTimeOf(error.event) }];
  });
}

function newestOfEach(known: ReadonlyMap<string, Sighting>, seen: readonly Sighting[]): ReadonlyMap<string, Sighting> {
  const ofEach = new Map(known);
  for (const sighting of seen) {
    const best = newest(ofEach.get(sighting.namespace) ?? null, [sighting]);
    if (best !== null) ofEach.set(sighting.namespace, best);
  }
  return ofEach;
}

/** See `NodeMemory.firstSandboxOf`. What a namespace's own pods report does not make a later one its first. */
function firstOfEach(
  known: ReadonlyMap<string, Sighting>,
  seen: readonly Sighting[],
  lastMatchOf: ReadonlyMap<string, Sighting>,
  { timing }: Observation,
): ReadonlyMap<string, Sighting> {
  const ofEach = new Map<string, Sighting>();
  for (const sighting of [...known.values(), ...seen]) {
    const { namespace, moment } = sighting;
    const first = ofEach.get(namespace);
    if (first !== undefined && !isNewer(first.moment, moment)) continue;
    const others = [...lastMatchOf].filter(([each]) => each !== namespace).map(([, match]) => match);
    const isAfter = others.every((match) => gapMs(match.moment, moment) > timing.wellSandboxAfterMs);
    if (others.length > 0 && isAfter) ofEach.set(namespace, sighting);
  }
  return ofEach;
}

function sandboxesOf(pods: readonly Pod[], traces: ReadonlyMap<string, PodTrace>, nowMs: number): readonly Sighting[] {
  return pods.flatMap((pod) => {
    if (hasSandbox(pod) !== true) return [];
    const trace = traces.get(pod.uid);
    const condition = conditionOf(pod.conditions, 'PodReadyToStartContainers');
    const notBeforeMs = Math.max(pod.createdAtMs, trace?.lastWithoutAtMs ?? 0);
    const moment = {
      onNodeMs: trace?.isSaidLate === true ? null : (condition?.lastTransitionAtMs ?? null),
      notBeforeMs,
      notAfterMs: Math.max(trace?.firstWithAtMs ?? nowMs, notBeforeMs),
    };
    return [{ pod: fullName(pod), namespace: pod.namespace, uid: pod.uid, moment }];
  });
}

function traceInstalls(
  known: ReadonlyMap<string, InstallTrace>,
  calicoNodePods: readonly Pod[],
  node: string,
  nowMs: number,
): ReadonlyMap<string, InstallTrace> {
  const traces = new Map(known);
  for (const pod of calicoNodePods) {
    if (pod.nodeName !== node) continue;
    traces.set(pod.uid, traceInstall(traces.get(pod.uid), pod, nowMs));
  }
  return traces;
}

function traceInstall(known: InstallTrace | undefined, pod: Pod, nowMs: number): InstallTrace {
  const install = installOf(pod);
  const daemonSetUid = pod.controller?.uid ?? '';
  if (install.state !== 'finished') {
    return {
      daemonSetUid,
      finishedAtMs: null,
      lastUnfinishedAtMs: nowMs,
      firstFinishedAtMs: null,
      lastSeenAtMs: nowMs,
    };
  }
  const again = known?.finishedAtMs !== install.atMs || known.firstFinishedAtMs === null;
  return {
    daemonSetUid,
    finishedAtMs: install.atMs,
    lastUnfinishedAtMs: known?.lastUnfinishedAtMs ?? null,
    firstFinishedAtMs: again ? nowMs : known.firstFinishedAtMs,
    lastSeenAtMs: nowMs,
  };
}

function readyTimes(
  known: ReadonlyMap<string, number>,
  calicoNodePods: readonly Pod[],
  nowMs: number,
): ReadonlyMap<string, number> {
  return new Map(
    calicoNodePods.flatMap((pod) => {
      const atMs = isReady(pod) ? nowMs : known.get(pod.uid);
      return atMs === undefined ? [] : [[pod.uid, atMs] as const];
    }),
  );
}
