import { formatSeconds } from '../duration.ts';
import { isReady, isTerminating, type Pod } from '../objects/pod.ts';
import type { Coverage, Snapshot } from '../objects/snapshot.ts';
import type { Finding } from './assessment.ts';
import type { EligibleNodes } from './eligible-nodes.ts';
import { nodeClockAheadMs } from './node-clock.ts';

/** A pod that is stuck for so long has been written about, where events are kept at all. */
const EVENTS_DUE_MS = 60_000;
/** More names than these are counted instead. */
const MOST_NAMES = 3;

/** Silence where there should be words. What may not be seen is said with the rule to add, where all gaps are. */
export function sightWarnings(snapshot: Snapshot, findings: readonly Finding[], nowMs: number): readonly string[] {
  return snapshot.events.length === 0 && isEventsDue(snapshot.coverage, findings, nowMs)
    ? ['there are no events at all while pods are stuck: events may be disabled or expired']
    : [];
}

function isEventsDue(coverage: Coverage, findings: readonly Finding[], nowMs: number): boolean {
  if (coverage.gaps.some(({ resource }) => resource === 'events')) return false;
  return findings.some(
    ({ stage, sinceMs, holdsBack }) =>
      holdsBack && (stage === 'sandbox' || stage === 'terminating') && nowMs - sinceMs >= EVENTS_DUE_MS,
  );
}

/** For the log: why pods of DaemonSets are in the total only. */
export function excusedNotes(pods: readonly Pod[], nodes: EligibleNodes): readonly string[] {
  if (nodes.guessed) return [];
  const excused = pods.filter((pod) => pod.controller?.kind === 'DaemonSet' && !nodes.counts(pod));
  if (excused.length === 0) return [];
  const names = someOf([...new Set(excused.map(({ nodeName }) => nodeName ?? ''))]);
  const are = excused.length === 1 ? 'is' : 'are';
  return [
    `DaemonSets are not measured on nodes that are younger than 5m, not Ready or being deleted (${names}): ${excused.length} of their pods ${are} in the total only`,
  ];
}

/** Pods of DaemonSets that are not counted on a guess. */
export function guessWarnings(pods: readonly Pod[], nodes: EligibleNodes): readonly string[] {
  if (!nodes.guessed) return [];
  const excused = pods.filter((pod) => {
    return pod.controller?.kind === 'DaemonSet' && !isTerminating(pod) && !isReady(pod) && !nodes.counts(pod);
  });
  if (excused.length === 0) return [];
  const names = someOf(excused.map((pod) => `${pod.namespace}/${pod.name}`));
  return [
    `nodes may not be read, so it is guessed that these pods of DaemonSets are on nodes that do not count (too young, or lost): ${names}`,
  ];
}

/**
 * Nodes whose clock is ahead of the API server's, by how much at most. `changed`: the pods that are not the same as at
 * the look before; only those can tell anything new.
 */
export function clocksAhead(
  before: ReadonlyMap<string, number>,
  changed: readonly Pod[],
  nowMs: number,
): ReadonlyMap<string, number> {
  let after: Map<string, number> | null = null;
  for (const pod of changed) {
    const aheadMs = pod.nodeName === null ? 0 : nodeClockAheadMs(pod, nowMs);
    if (pod.nodeName === null || aheadMs <= (before.get(pod.nodeName) ?? 0)) continue;
    after ??= new Map(before);
    after.set(pod.nodeName, Math.max(aheadMs, after.get(pod.nodeName) ?? 0));
  }
  return after ?? before;
}

export function clockWarnings(ahead: ReadonlyMap<string, number>): readonly string[] {
  return [...ahead]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, aheadMs]) => {
      return `the clock of node ${node} is ahead of the API server's (by ${formatSeconds(aheadMs)} or more): times from there count as now, and tokens may be refused`;
    });
}

/** In the order of names: the order of a list says nothing. */
function someOf(names: readonly string[]): string {
  const first = names.toSorted().slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${first} and ${names.length - MOST_NAMES} more` : first;
}
