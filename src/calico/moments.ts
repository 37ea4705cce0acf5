import { type Event, lastHappenedAtMs } from '../objects/event.ts';

/**
 * When something happened on a node, by both clocks. The node's own word is exact, but its clock may be wrong (a clock
 * that jumped is one cause of this very failure, calico#9235) and anybody may have written it; what the API server and
 * this run know only bounds it.
 */
export interface Moment {
  /** The node's word, whole seconds; null when it said nothing. */
  readonly onNodeMs: number | null;
  /** By the API server's clock: not before (it was not so yet) and not after (it was seen so). */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Times in objects have whole seconds, and the run knows the server's clock from a header that has them too. */
const SERVER_TIME_ERROR_MS = 2_000;

/**
 * By how many ms `later` came after `earlier` (negative: before), both on the same node. The node's clock decides within
 * what the API server's clock leaves open; where the node said nothing, the least that is certain.
 */
export function gapMs(earlier: Moment, later: Moment): number {
  const least = later.notBeforeMs - earlier.notAfterMs;
  if (earlier.onNodeMs === null || later.onNodeMs === null) return least;
  const most = later.notAfterMs - earlier.notBeforeMs;
  const said = later.onNodeMs - earlier.onNodeMs;
  return Math.min(Math.max(said, least - SERVER_TIME_ERROR_MS), most + SERVER_TIME_ERROR_MS);
}

/** The best guess on the API server's clock: the node's word within the bounds. */
export function onServerMs(moment: Moment): number {
  return Math.min(Math.max(moment.onNodeMs ?? moment.notBeforeMs, moment.notBeforeMs), moment.notAfterMs);
}

/** When `event` last happened. The API server stored it, so it was not before; this version of it was read by then. */
export function lastTimeOf(event: Event): Moment {
  return {
    onNodeMs: lastHappenedAtMs(event),
    // A version that counts again was written later than the first one, but nobody says when.
    notBeforeMs: event.createdAtMs,
    notAfterMs: Math.max(event.seenAtMs, event.createdAtMs),
  };
}
