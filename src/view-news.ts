import type { Now } from './clock.ts';
import type { GateEvent } from './events.ts';
import { inOrder, placeOf, placesOf } from './objects/places.ts';
import type { Coverage, Gap, Resource } from './objects/snapshot.ts';

/** What goes, or comes, one after another within so long is told together. */
const TOGETHER_MS = 1_000;

/** What was told of what is out of sight, and what is to be told. */
export interface ToldView {
  /** Out of sight, as far as it was told; null: there was no look yet. */
  readonly gaps: readonly Gap[] | null;
  /** What came out of sight since, and may be back already. */
  readonly untold: readonly Gap[];
  /** When the first of what is to be told happened, in the run's elapsed ms; null: nothing is. */
  readonly sinceElapsedMs: number | null;
  /** `Coverage.podsRegainedElapsedMs` of the last look. */
  readonly podsRegainedElapsedMs: number | null;
}

export const NOTHING_TOLD: ToldView = { gaps: null, untold: [], sinceElapsedMs: null, podsRegainedElapsedMs: null };

/**
 * What came out of sight since it was told the last time, and what came back. One sentence each: an API server that goes
 * away takes everything with it, piece by piece, and gives it back so; nothing is said before the pieces are together.
 * What was forbidden from the beginning is told as a missing right. An outage that was not told while it lasted is
 * told when it is over, for nothing is decided then. Pure.
 */
export function viewNews(
  before: ToldView,
  { gaps, podsRegainedElapsedMs }: Pick<Coverage, 'gaps' | 'podsRegainedElapsedMs'>,
  { elapsedMs }: Pick<Now, 'elapsedMs'>,
  catchUpLeftMs: number,
): { readonly told: ToldView; readonly news: readonly GateEvent[] } {
  const known = [...(before.gaps ?? []), ...before.untold];
  const hadGap = new Set(known.map(placeOf));
  const hasGap = new Set(gaps.map(placeOf));
  const isNew = (gap: Gap): boolean => !hadGap.has(placeOf(gap)) && (before.gaps !== null || gap.why !== 'forbidden');
  const untold = [...before.untold, ...gaps.filter(isNew)];
  const regained = known.filter((gap) => !hasGap.has(placeOf(gap)));
  const wasBlink =
    podsRegainedElapsedMs !== before.podsRegainedElapsedMs && !known.some(({ resource }) => resource === 'pods');
  const blink: readonly GateEvent[] =
    wasBlink && catchUpLeftMs > 0 ? [{ type: 'outage-over', catchUpMs: catchUpLeftMs }] : [];
  const isNews = untold.length > 0 || regained.length > 0;
  const sinceElapsedMs = isNews ? (before.sinceElapsedMs ?? elapsedMs) : null;
  const mayMoreFollow = before.gaps !== null && gaps.length > 0;
  if (sinceElapsedMs !== null && mayMoreFollow && elapsedMs - sinceElapsedMs < TOGETHER_MS) {
    return { told: { gaps: before.gaps, untold, sinceElapsedMs, podsRegainedElapsedMs }, news: blink };
  }

  const news: GateEvent[] = [...blink];
  for (const wasSeen of [true, false]) {
    const places = inOrder(untold.filter(({ why }) => (why !== 'never-read') === wasSeen));
    const [first] = places;
    if (first !== undefined) news.push({ type: 'view-lost', what: placesOf(places), why: first.message, wasSeen });
  }
  for (const wasSeen of [true, false]) {
    const places = inOrder(regained.filter(({ why }) => (why === 'stale') === wasSeen));
    if (places.length === 0) continue;
    const hasPods = places.some(({ resource }) => resource === 'pods');
    news.push({ type: 'view-regained', what: placesOf(places), wasSeen, catchUpMs: hasPods ? catchUpLeftMs : 0 });
  }
  return { told: { gaps, untold: [], sinceElapsedMs: null, podsRegainedElapsedMs }, news };
}

/**
 * Sentences for the report about what could not be seen to the end: one for each resource that is forbidden, wherever it
 * is, and one for all that the same happened to.
 */
export function describeGaps(gaps: readonly Gap[]): readonly string[] {
  const alike = Map.groupBy(inOrder(gaps), ({ why, resource, message }) => {
    // Each resource needs a rule of its own. Otherwise what happened stands behind the request that it happened to.
    return why === 'forbidden' ? `${why} ${resource}` : `${why}${message.slice(message.indexOf(': '))}`;
  });
  return [...alike.values()].map(describeAlike);
}

/** What lacks without touching the verdict: it is only less well explained. */
const COSTS: Readonly<Partial<Record<Resource, string>>> = {
  events: "Calico's failure cannot be recognised there and nothing is restarted",
  nodes: 'causes that lie in a node, and which nodes count for a DaemonSet, are not known',
};

function describeAlike(gaps: readonly Gap[]): string {
  const { why, resource, message } = gaps[0] as Gap;
  const what = placesOf(gaps);
  switch (why) {
    case 'forbidden': {
      const others = gaps.length === 1 ? '' : '; the same in the others';
      const costs = COSTS[resource];
      if (costs === undefined) return `may not see ${what}: ${message}${others}`;
      return `${what} may not be read: ${costs}; ${message}${others}`;
    }
    case 'refused':
      return `could not read ${what}: ${message}`;
    case 'never-read':
      return `never saw ${what}: ${message}`;
    case 'stale': {
      const sinceMs = Math.min(...gaps.map((gap) => gap.sinceMs));
      return `lost sight of ${what} at ${new Date(sinceMs).toISOString()}: ${message}`;
    }
  }
}
