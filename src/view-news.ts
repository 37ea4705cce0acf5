import type { GateEvent } from './events.ts';
import type { Coverage, Gap, Resource } from './objects/snapshot.ts';

/** What verdicts need first, then what explains them. */
const ORDER: readonly Resource[] = [
  'pods',
  'deployments',
  'statefulsets',
  'daemonsets',
  'jobs',
  'namespaces',
  'events',
  'nodes',
];
/** More namespaces in a row are counted instead. */
const MOST_NAMESPACES = 3;

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
    if (first !== undefined) news.push({ type: 'view-lost', what: whatOf(gaps), why: first.message, wasSeen });
  }
  for (const wasSeen of [true, false]) {
    const gaps = inOrder(regained.filter(({ why }) => (why === 'stale') === wasSeen));
    if (gaps.length > 0) news.push({ type: 'view-regained', what: whatOf(gaps), wasSeen });
  }
  return news;
}

function placeOf({ resource, namespace }: Gap): string {
  return namespace === null ? resource : `${resource} in namespace ${namespace}`;
}

function inOrder(gaps: readonly Gap[]): readonly Gap[] {
  return gaps.toSorted((a, b) => ORDER.indexOf(a.resource) - ORDER.indexOf(b.resource));
}

/** `pods, jobs and events in namespace shop, nodes`. */
function whatOf(gaps: readonly Gap[]): string {
  const places = new Map<string | null, Set<Resource>>();
  for (const { resource, namespace } of gaps) {
    const resources = places.get(namespace);
    if (resources === undefined) places.set(namespace, new Set([resource]));
    else resources.add(resource);
  }
  const named = [...places].map(([namespace, resources]) => {
    return namespace === null ? listOf([...resources]) : `${listOf([...resources])} in namespace ${namespace}`;
  });
  const first = named.slice(0, MOST_NAMESPACES).join(', ');
  return named.length > MOST_NAMESPACES ? `${first} and in ${named.length - MOST_NAMESPACES} more namespaces` : first;
}

function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
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
