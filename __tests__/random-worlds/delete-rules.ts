/** The rules for a DELETE, told once more from the design and held against what is true at the moment it arrives. */

import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { Pod } from '../../simulator/objects.ts';
import type { DaemonSet } from '../../simulator/workload-objects.ts';
import type { World } from '../harness.ts';
import { whyCureForbids } from './cure-rules.ts';
import { failingPods, voicesOn, whyNotProven } from './delete-proof.ts';
import { calicoSets, isLeaving, isOf, isReady, momentOf } from './pod-facts.ts';
import { type Deleter, type Scene, type Sent, SLACK_MS } from './scene.ts';
import type { PodTruth, Truth } from './truth.ts';

const SECOND = 1_000;
const JUST_INSTALLED_MS = 30 * SECOND;
const SIBLING_MS = 300 * SECOND;
const LEAST_LEFT_MS = 60 * SECOND;
/** The first look changes nothing. Two are 2 s apart by the server's clock, which a gate knows to a second. */
const SECOND_LOOK_MS = SECOND;
/** For a look that finds the failure, and the lists that it asks for. */
const FOUND_MS = 5 * SECOND;
/** Three times where it is turned away, twice where no answer comes, and once more after somebody else. */
const MOST_SENT = 6;

export interface JudgedDelete {
  readonly problems: readonly string[];
  readonly uid: string;
  readonly node: string;
  readonly voices: ReadonlySet<string>;
}

/** What is wrong with a request that would delete something. */
export function judgeDelete(request: RequestSeen, world: World, truth: Truth, gate: Deleter): JudgedDelete {
  const nowMs = world.sim.world.nowMs();
  const path = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/?]+)$/.exec(request.path);
  const uid = uidIn(request.body);
  const nobody = { uid: uid ?? '', node: truth.pod(uid ?? '')?.node ?? '', voices: new Set<string>() };
  if (path === null || uid === null) return { ...nobody, problems: ['it deletes no pod by its uid'] };

  const scene: Scene = { world, truth, gate, nowMs, seenMs: nowMs - gate.lagMs() };
  const problems = [...whyRunForbids(uid, scene)];
  const pod = world.sim.cluster.get('pods', path[1], path[2] ?? '');
  // The precondition refuses it: somebody else was faster.
  if (pod === undefined || pod.metadata.uid !== uid) return { ...nobody, problems };

  const node = pod.spec.nodeName ?? '';
  const failing = failingPods(node, scene);
  problems.push(...whyRestartsForbid(node, failing, scene));
  const set = calicoSets(world).find((each) => isOf(pod, each));
  if (set === undefined) problems.push('it is no calico-node pod');
  else {
    problems.push(
      ...whyPodForbids(pod, scene),
      ...whySetForbids(set, pod, scene),
      ...whyOthersForbid(set, failing, node, scene),
    );
    problems.push(...whyNotProven(node, failing, truth.pod(uid), scene));
  }
  return { problems, uid, node, voices: voicesOn(failing, scene) };
}

function uidIn(body: string | undefined): string | null {
  const options = JSON.parse(body ?? '{}') as { readonly preconditions?: { readonly uid?: string } };
  return options.preconditions?.uid ?? null;
}

/** Switches, time and cap: what holds whatever the pod is. */
function whyRunForbids(uid: string, { gate, nowMs }: Scene): readonly string[] {
  const { demands, sent, beganMs } = gate;
  const lagMs = gate.lagMs();
  const problems: string[] = [];
  if (!demands.restarts) problems.push('restarts are off');
  const leftMs = beganMs + demands.timeoutMs - nowMs;
  if (leftMs < Math.min(demands.restartTimeoutMs, LEAST_LEFT_MS) - lagMs)
    problems.push(`only ${Math.round(leftMs)} ms are left`);
  if (nowMs - beganMs < SECOND_LOOK_MS) problems.push('it was decided by the first look');
  const cancelledMs = gate.cancelledMs();
  if (cancelledMs !== null && cancelledMs < nowMs - lagMs) problems.push('the run was cancelled');
  const restarted = new Set(sent.filter((each) => each.carriedOut()).map((each) => each.uid));
  if (new Set([...restarted, uid]).size > demands.mostRestarts) {
    problems.push(`${restarted.size} nodes were restarted before, ${demands.mostRestarts} are allowed`);
  }
  const before = sent.filter((each) => each.uid === uid);
  if (before.length >= MOST_SENT) problems.push('it was sent too often before');
  if (before.length > 0 && !gate.hasLooked(uid)) problems.push('it was sent again without a look at what became of it');
  return problems;
}

/** What this run did before: never one node twice, one at a time, and none after a failed cure. */
function whyRestartsForbid(node: string, failing: readonly PodTruth[], scene: Scene): readonly string[] {
  const { gate } = scene;
  const problems: string[] = [];
  const voices = new Set(failing.map(({ namespace }) => namespace));
  for (const before of lastOfEach(gate.sent)) {
    if (before.node === node) {
      if (before.carriedOut()) problems.push(`${node} was restarted before in this run`);
      continue;
    }
    if (before.carriedOut() && isDownSince(before, scene)) {
      problems.push(`${before.node} has no Ready calico-node pod since this run restarted it`);
    }
    const why = whyCureForbids(before, voices, scene);
    if (why !== null) problems.push(why);
  }
  return problems;
}

/** Of each node the DELETE that counts: the one that was carried out, else the last. */
function lastOfEach(sent: readonly Sent[]): readonly Sent[] {
  const nodes = [...new Set(sent.map(({ node }) => node))];
  return nodes.flatMap((node) => {
    const there = sent.filter((each) => each.node === node);
    return there.find((each) => each.carriedOut()) ?? there.at(-1) ?? [];
  });
}

function isDownSince({ node, uid }: Sent, { world, truth, seenMs }: Scene): boolean {
  if (!isAlive(node, world)) return false;
  return !truth.podsOn(node).some((pod) => {
    return pod.uid !== uid && isCalicoNode(pod, world) && (isUp(pod) || (pod.readyMs ?? 0) > seenMs);
  });
}

/** The pod of a node that is gone or lost is not down by anybody's DELETE. */
function isAlive(name: string, { sim }: World): boolean {
  const node = sim.cluster.get('nodes', undefined, name);
  return node?.status.conditions.find(({ type }) => type === 'Ready')?.status === 'True';
}

function isCalicoNode({ pod }: PodTruth, world: World): boolean {
  return calicoSets(world).some((set) => isOf(pod, set));
}

function isUp({ pod, goneMs }: PodTruth): boolean {
  return goneMs === null && isReady(pod) && !isLeaving(pod);
}

function whyPodForbids(pod: Pod, { truth, nowMs, seenMs }: Scene): readonly string[] {
  const problems: string[] = [];
  const known = truth.pod(pod.metadata.uid);
  if (!isReady(pod) && (known?.readyMs ?? 0) < seenMs) problems.push('the calico-node pod is not Ready');
  if (known?.deletedMs != null && known.deletedMs < seenMs)
    problems.push('the calico-node pod is being deleted already');
  const installedMs = known?.installedMs ?? null;
  if (installedMs === null) problems.push('its install-cni has not ended');
  else if (nowMs - installedMs < JUST_INSTALLED_MS - SLACK_MS)
    problems.push('its install-cni ended less than 30 s ago');
  return problems;
}

function whySetForbids(set: DaemonSet, target: Pod, { world, truth, nowMs, seenMs }: Scene): readonly string[] {
  const problems: string[] = [];
  const { leavingMs, misscheduledMs, pendingMs } = truth.daemonSet(set.metadata.uid);
  const isKnown = (sinceMs: number | null): boolean => sinceMs !== null && sinceMs < seenMs;
  if (isKnown(leavingMs)) problems.push('the DaemonSet is being deleted');
  if (isKnown(misscheduledMs)) problems.push('pods of the DaemonSet are misscheduled');
  if (isKnown(pendingMs))
    problems.push(`the DaemonSet (${set.spec.updateStrategy.type}) has a template that is not rolled out`);
  for (const pod of world.sim.cluster.pods(set.metadata.namespace)) {
    if (pod.metadata.uid === target.metadata.uid || !isOf(pod, set)) continue;
    if (isReady(pod) && !isLeaving(pod)) continue;
    const known = truth.pod(pod.metadata.uid);
    const downSinceMs = known?.deletedMs ?? known?.readyMs ?? known?.createdMs ?? nowMs;
    const isKnownAndNew = downSinceMs < seenMs && nowMs - downSinceMs < SIBLING_MS - SLACK_MS;
    if (isKnownAndNew && !isOnNewNode(pod, world)) {
      problems.push(`${pod.metadata.name} on ${pod.spec.nodeName ?? '?'} is down as well`);
    }
  }
  return problems;
}

function isOnNewNode(pod: Pod, world: World): boolean {
  const node = world.sim.cluster.get('nodes', undefined, pod.spec.nodeName ?? '');
  if (node === undefined) return false;
  return world.sim.world.nowMs() - momentOf(node.metadata.creationTimestamp, world) < SIBLING_MS + SLACK_MS;
}

function whyOthersForbid(
  set: DaemonSet,
  failing: readonly PodTruth[],
  node: string,
  { world, truth, gate, nowMs, seenMs }: Scene,
): readonly string[] {
  // Calico's pods are read when the failure is found there; what was gone by then nobody can know of.
  const foundMs = Math.max(gate.beganMs, Math.min(...failing.map(({ firstFailureMs }) => firstFailureMs ?? nowMs)));
  const isJustGone = (goneMs: number): boolean =>
    goneMs > foundMs + FOUND_MS + gate.lagMs() && nowMs - goneMs < gate.demands.restartTimeoutMs - SLACK_MS;
  const isThere = (each: DaemonSet): boolean =>
    truth.podsOn(node).some(({ pod, createdMs, goneMs }) => {
      return isOf(pod, each) && createdMs < seenMs && (goneMs === null || isJustGone(goneMs));
    });
  const others = calicoSets(world).filter((each) => each !== set && isThere(each));
  const usual = [set, ...others].filter(({ metadata }) =>
    ['calico-system', 'kube-system'].includes(metadata.namespace ?? ''),
  );
  const isChosen = gate.demands.calicoNamespace === set.metadata.namespace || (usual.length === 1 && usual[0] === set);
  return others.length > 0 && !isChosen ? ['two installations have a pod there, and nothing says which is meant'] : [];
}
