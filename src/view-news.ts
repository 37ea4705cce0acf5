import type { GateEvent } from './events.ts';
import { inOrder, placeOf, placesOf } from './objects/places.ts';
import type { Coverage, Gap, Resource } from './objects/snapshot.ts';

/**
 * What came out of sight since the look before (null: the first one), and what came back. One sentence each: an API
 * server that goes away takes everything with it. What was forbidden from the beginning is told as a missing right.
 */
export function viewNews(before: Coverage | null, after: Coverage): readonly GateEvent[] {
  const hadGap = new Set((before?.gaps ?? []).map(placeOf));
  const hasGap = new Set(after.gaps.map(placeOf));
  const lost = after.gaps.filter((gap) => !hadGap.has(placeOf(gap)) && (before !== null || gap.why !== 'forbidden'));
  const regained = (before?.gaps ?? []).filter((gap) => !hasGap.has(placeOf(gap)));

  const news: GateEvent[] = [];
  for (const wasSeen of [true, false]) {
    const gaps = inOrder(lost.filter(({ why }) => (why !== 'never-read') === wasSeen));
    const [first] = gaps;
    if (first !== undefined) news.push({ type: 'view-lost', what: placesOf(gaps), why: first.message, wasSeen });
  }
  for (const wasSeen of [true, false]) {
    const gaps = inOrder(regained.filter(({ why }) => (why === 'stale') === wasSeen));
    if (gaps.length > 0) news.push({ type: 'view-regained', what: placesOf(gaps), wasSeen });
  }
  return news;
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
