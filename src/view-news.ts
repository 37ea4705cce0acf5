import type { GateEvent } from './events.ts';
import { inOrder, placeOf, placesOf } from './objects/places.ts';
import type { Coverage, Gap } from './objects/snapshot.ts';

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

/** A sentence for the report about what could not be seen to the end. */
export function describeGap(gap: Gap): string {
  switch (gap.why) {
    case 'forbidden':
      return `may not see ${placeOf(gap)}: ${gap.message}`;
    case 'never-read':
      return `never saw ${placeOf(gap)}: ${gap.message}`;
    case 'stale':
      return `lost sight of ${placeOf(gap)} at ${new Date(gap.sinceMs).toISOString()}: ${gap.message}`;
  }
}
