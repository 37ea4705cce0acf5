import type { Pod } from '../objects/pod.ts';

/** Clocks of machines that agree are this close, with the way of a status update to the API server. */
export const CLOCK_TOLERANCE_MS = 10_000;

/** Conditions that somebody else than the kubelet writes. */
const NOT_THE_KUBELETS: readonly string[] = ['PodScheduled', 'DisruptionTarget'];

/**
 * How far ahead of the API server the clock of the pod's node is, at least, by the newest time that its kubelet wrote
 * into the pod's status; 0 when none lies in the future. A clock that jumped is one cause of Calico's authorization
 * failure (projectcalico/calico#9235), so people are told.
 */
export function nodeClockAheadMs(pod: Pod, nowMs: number): number {
  const conditions = pod.conditions.filter(
    ({ type }) => !NOT_THE_KUBELETS.includes(type) && !pod.readinessGates.includes(type),
  );
  const times = [...conditions.map(({ lastTransitionAtMs }) => lastTransitionAtMs), ...pod.containers.flatMap(timesOf)];
  const newestMs = times.reduce<number>((newest, time) => Math.max(newest, time ?? 0), 0);
  const aheadMs = newestMs - nowMs;
  return aheadMs > CLOCK_TOLERANCE_MS ? aheadMs : 0;
}

function timesOf({ state, lastEnd }: Pod['containers'][number]): readonly (number | null)[] {
  const ended = lastEnd === null ? [] : [lastEnd.startedAtMs, lastEnd.finishedAtMs];
  switch (state.kind) {
    case 'running':
      return [state.startedAtMs, ...ended];
    case 'terminated':
      return [state.startedAtMs, state.finishedAtMs, ...ended];
    case 'waiting':
    case 'none':
      return ended;
  }
}
