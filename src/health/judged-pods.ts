import type { Event } from '../objects/event.ts';
import type { Node } from '../objects/node.ts';
import { isReady, type Pod } from '../objects/pod.ts';
import type { Observation } from './assessment.ts';
import type { EligibleNodes } from './eligible-nodes.ts';
import { isFresh } from './evidence.ts';
import { isActive, ownerOf, type PodOwner, type WorkloadFinder } from './owner.ts';
import { judgePod } from './pod.ts';
import { rememberPod } from './pod-memory.ts';
import type { Owner, PodCircumstances, PodMemory, PodState } from './pod-state.ts';
import { countSiblings, isSatisfiedWithout, type Siblings } from './siblings.ts';

/** A pod in scope, decided by itself: what its workload makes of it comes later. */
export interface JudgedPod {
  readonly state: PodState;
  readonly owner: PodOwner | null;
}

export interface JudgedPods {
  readonly pods: readonly JudgedPod[];
  readonly memory: ReadonlyMap<string, PodMemory>;
}

/** Decides every pod of the picture. Each is looked at once: owners and events are indexed before. */
export function judgePods(
  observation: Observation,
  before: ReadonlyMap<string, PodMemory>,
  finder: WorkloadFinder,
  eligible: EligibleNodes,
  events: EventIndex,
): JudgedPods {
  const { snapshot, sandboxErrors, now, timing, settings } = observation;
  const nodes = new Map((snapshot.nodes ?? []).map((node): [string, Node] => [node.name, node]));
  const isLive = liveNamespaces(observation);
  const owners = snapshot.pods.map((pod) => ownerOf(pod, finder));
  const siblingsOf = siblingIndex(snapshot.pods, owners);

  const memory = new Map<string, PodMemory>();
  const pods = snapshot.pods.map((pod, index): JudgedPod => {
    const owner = owners[index] ?? null;
    const circumstances: PodCircumstances = {
      owner: owner === null ? null : ownerFor(pod, owner, siblingsOf, settings.selector === null),
      sandboxError: sandboxErrors.get(pod.uid) ?? null,
      events: events.about(pod),
      node: pod.nodeName === null ? null : (nodes.get(pod.nodeName) ?? null),
      nodesReadable: snapshot.nodes !== null,
      eligibleNode: pod.controller?.kind !== 'DaemonSet' || eligible.counts(pod),
      now,
      timing,
      stuckAfterMs: settings.stuckAfterMs,
    };
    const remembered = rememberPod(before.get(pod.uid), pod, circumstances, isLive(pod.namespace));
    memory.set(pod.uid, remembered);
    return { state: judgePod(pod, { ...circumstances, memory: remembered }), owner };
  });
  return { pods, memory };
}

function liveNamespaces({ snapshot }: Observation): (namespace: string) => boolean {
  const { coverage } = snapshot;
  if (!coverage.gaps.some(({ resource }) => resource === 'pods')) return () => true;
  return (namespace) => isFresh(coverage, 'pods', namespace);
}

/** For a pod that is Ready itself nobody asks whether it could be done without. */
function ownerFor(
  pod: Pod,
  { kind, name, workload }: PodOwner,
  siblingsOf: (pod: Pod, owner: Pick<PodOwner, 'workload'>) => Siblings,
  wholeInScope: boolean,
): Owner {
  const isAsked = !isActive(pod) || !isReady(pod);
  const satisfied = isAsked && isSatisfiedWithout(pod, workload, siblingsOf(pod, { workload }), wholeInScope);
  return { kind, name, workload, satisfied };
}

function siblingIndex(
  pods: readonly Pod[],
  owners: readonly (PodOwner | null)[],
): (pod: Pod, owner: Pick<PodOwner, 'workload'>) => Siblings {
  const groups = new Map<string, Pod[]>();
  for (const [index, pod] of pods.entries()) {
    const owner = owners[index];
    if (owner === null || owner === undefined) continue;
    const key = keyOf(pod, owner);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [pod]);
    else group.push(pod);
  }
  const counted = new Map<string, Siblings>();
  return (pod, owner) => {
    const key = keyOf(pod, owner);
    const known = counted.get(key) ?? countSiblings(groups.get(key) ?? []);
    counted.set(key, known);
    return known;
  };
}

function keyOf(pod: Pod, owner: Pick<PodOwner, 'workload'>): string {
  return `${pod.namespace} ${owner.workload?.uid ?? pod.controller?.uid ?? ''}`;
}

/** Events by what they are about. The API server does not enforce that an event stands in its object's namespace. */
export interface EventIndex {
  readonly about: (object: { readonly namespace: string; readonly uid: string }) => readonly Event[];
}

const NO_EVENTS: readonly Event[] = [];

export function indexEvents(events: readonly Event[]): EventIndex {
  const byUid = new Map<string, Event[]>();
  for (const event of events) {
    if (event.about.uid === '' || event.namespace !== event.about.namespace) continue;
    const known = byUid.get(event.about.uid);
    if (known === undefined) byUid.set(event.about.uid, [event]);
    else known.push(event);
  }
  return {
    about: ({ namespace, uid }) => {
      const found = byUid.get(uid);
      if (found === undefined) return NO_EVENTS;
      return found.every((event) => event.namespace === namespace)
        ? found
        : found.filter((event) => event.namespace === namespace);
    },
  };
}
