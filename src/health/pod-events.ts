import { type Event, lastHappenedAtMs } from '../objects/event.ts';

/** The event with one of `reasons` that happened last (in its writer's words), optionally of those that `matches`. */
export function newestEvent(
  events: readonly Event[],
  reasons: readonly string[],
  matches: (event: Event) => boolean = () => true,
): Event | null {
  let newest: Event | null = null;
  for (const event of events) {
    if (!reasons.includes(event.reason) || !matches(event)) continue;
    if (newest === null || lastHappenedAtMs(event) > lastHappenedAtMs(newest)) newest = event;
  }
  return newest;
}

/** When it last happened, but not after this run read it: a writer's clock may be ahead. */
export function happenedAtMs(event: Event): number {
  return Math.min(lastHappenedAtMs(event), event.seenAtMs);
}
