import { hasEnded, isTerminating } from '../objects/pod.ts';
import type { NamespacePresence } from '../objects/snapshot.ts';
import type { Workload } from '../objects/workload.ts';
import { matchesSelector } from '../selector.ts';
import type { Settings } from '../settings.ts';
import type { PodOwner } from './owner.ts';
import type { PodState } from './pod-state.ts';

/**
 * The workloads that are judged: without a selector all of the namespaces in scope; else those whose pod template has
 * the labels, so that a roll-out without any pod yet is seen, and those that own a pod in scope.
 */
export function workloadsInScope(
  workloads: readonly Workload[],
  settings: Settings,
  owners: ReadonlySet<string>,
): readonly Workload[] {
  const { selector } = settings;
  if (selector === null) return workloads;
  return workloads.filter((workload) => owners.has(workload.uid) || matchesSelector(selector, workload.templateLabels));
}

/** The pods of the scope as `min-pods` counts them. */
export interface PodsForMin {
  readonly counted: number;
  /** How many do not count, by why: `terminating`, `superseded`, `failed`, `completed`. */
  readonly leftOut: ReadonlyMap<string, number>;
}

/**
 * How many pods count for `min-pods`: not the terminating, superseded and failed ones; completed ones only of a Job.
 * `ofJob` tells whether a pod belongs to one.
 */
export function countForMinPods(states: readonly PodState[], ofJob: (state: PodState) => boolean): PodsForMin {
  let counted = 0;
  const leftOut = new Map<string, number>();
  for (const state of states) {
    const why = whyLeftOut(state, ofJob);
    if (why === null) counted += 1;
    else leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
  }
  return { counted, leftOut };
}

function whyLeftOut(state: PodState, ofJob: (state: PodState) => boolean): string | null {
  if (isTerminating(state.pod) || state.class === 'terminating') return 'terminating';
  if (state.class === 'superseded') return 'superseded';
  if (state.pod.phase === 'Failed') return 'failed';
  return hasEnded(state.pod) && !ofJob(state) ? 'completed' : null;
}

/** What is wrong with the scope itself, before patience is applied. */
export interface ScopeTrouble {
  /** '' when it is about all of the scope. */
  readonly namespace: string;
  readonly message: string;
  /** The namespace does not exist; else there are too few pods. */
  readonly isMissing: boolean;
  /** How many pods there are too few. */
  readonly lacks: number;
}

/**
 * Namespaces that were named and do not exist, and too few pods. Where none of the named namespaces exists, that alone
 * is said: it is why there are no pods.
 */
export function scopeTroubles(
  namespaces: readonly NamespacePresence[],
  pods: PodsForMin,
  settings: Settings,
): readonly ScopeTrouble[] {
  const missing = namespaces.filter(({ presence }) => presence === 'missing');
  const troubles = missing.map(({ namespace }) => {
    return { namespace, message: `namespace ${namespace} does not exist`, isMissing: true, lacks: 0 };
  });
  if (pods.counted >= settings.minPods || (missing.length > 0 && missing.length === namespaces.length)) return troubles;
  const [first = ''] = settings.namespaces;
  const onlyNamespace = settings.namespaces.length === 1 ? first : '';
  const lacks = settings.minPods - pods.counted;
  return [...troubles, { namespace: onlyNamespace, message: tooFewMessage(pods, settings), isMissing: false, lacks }];
}

/** Names what does not count: a report that says `total: 3` and "0 pods" is hard to believe. */
function tooFewMessage({ counted, leftOut }: PodsForMin, settings: Settings): string {
  const found = `${counted} ${counted === 1 ? 'pod' : 'pods'}`;
  const matched = settings.selectorText === '' ? 'in scope' : `matched \`${settings.selectorText}\``;
  const others = [...leftOut].map(([why, count]) => `${count} ${why}`).sort();
  const besides = others.length === 0 ? '' : `; not counted: ${others.join(', ')}`;
  return `${found} ${matched}, expected at least ${settings.minPods} (min-pods)${whereOf(settings)}${besides}`;
}

function whereOf({ namespaces }: Settings): string {
  if (namespaces.length === 0) return '';
  if (namespaces.length > MOST_NAMESPACES_NAMED) return `, in ${namespaces.length} namespaces`;
  return `, in ${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.join(', ')}`;
}

/** More than a reader takes in at a glance. */
const MOST_NAMESPACES_NAMED = 3;

/** Anybody may write a reference to an owner of any kind; clusters have a few that matter. */
const MOST_KINDS_NAMED = 20;

/**
 * One sentence for each kind that owns pods in scope and is not judged, and one for all beyond `MOST_KINDS_NAMED`. Pods
 * that are about to go do not count: their owner may be gone already.
 */
export function unjudgedKindWarnings(
  pods: readonly { readonly state: PodState; readonly owner: PodOwner | null }[],
): readonly string[] {
  const byKind = new Map<string, Set<string>>();
  for (const { state, owner } of pods) {
    if (owner === null || owner.unjudged === null || isTerminating(state.pod) || hasEnded(state.pod)) continue;
    const kind = `${owner.unjudged.kind} (${owner.unjudged.apiVersion})`;
    const objects = byKind.get(kind);
    if (objects === undefined) byKind.set(kind, new Set([owner.unjudged.object]));
    else objects.add(owner.unjudged.object);
  }
  const sorted = [...byKind].sort(([a], [b]) => (a < b ? -1 : 1));
  const named = sorted.slice(0, MOST_KINDS_NAMED).map(([kind, objects]) => {
    const [first = ''] = [...objects].sort();
    const which = objects.size === 1 ? first : `${first} and ${objects.size - 1} more`;
    const hint = kind.startsWith('ReplicaSet ') ? ' without a Deployment' : '';
    return `${kind}${hint} owns pods in scope, which this gate judges; its own roll-out is not judged: ${which}`;
  });
  const more = sorted.length - named.length;
  return more === 0
    ? named
    : [
        ...named,
        `further kinds own pods in scope, which this gate judges; their roll-outs are not judged (${more} kinds)`,
      ];
}

/** One sentence for each namespace of which it cannot be told whether it exists. */
export function unknownNamespaceWarnings(
  namespaces: readonly NamespacePresence[],
  objects: readonly { readonly namespace: string }[],
): readonly string[] {
  const seen = new Set(objects.map(({ namespace }) => namespace));
  return namespaces
    .filter(({ namespace, presence }) => presence === 'unknown' && !seen.has(namespace))
    .map(
      ({ namespace }) =>
        `whether namespace ${namespace} exists is not known: it may not be read (get namespaces), and nothing was seen in it`,
    );
}
