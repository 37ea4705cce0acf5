import type { Gap, Resource } from './snapshot.ts';

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
/** More places in a row are counted instead. */
const MOST_PLACES = 3;

/** `pods in namespace shop`, `nodes`. */
export function placeOf({
  resource,
  namespace,
}: {
  readonly resource: string;
  readonly namespace: string | null;
}): string {
  if (resource === 'namespaces') return `whether namespace ${namespace} exists`;
  return namespace === null ? resource : `${resource} in namespace ${namespace}`;
}

/** `gaps`, those of what verdicts need first. */
export function inOrder(gaps: readonly Gap[]): readonly Gap[] {
  return gaps.toSorted((a, b) => ORDER.indexOf(a.resource) - ORDER.indexOf(b.resource));
}

/** `pods, jobs and events in namespace shop, nodes`: all places of `gaps`, in their order. */
export function placesOf(gaps: readonly Gap[]): string {
  const groups = new Map<string, { readonly first: Gap; readonly resources: Set<Resource> }>();
  for (const gap of gaps) {
    const key = `${gap.resource === 'namespaces' ? '?' : ''}${gap.namespace ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: gap, resources: new Set([gap.resource]) });
    else group.resources.add(gap.resource);
  }
  const places = [...groups.values()].map(({ first, resources }) => {
    return resources.size === 1 ? placeOf(first) : placeOf({ ...first, resource: listOf([...resources]) });
  });
  const named = places.slice(0, MOST_PLACES).join(', ');
  const more = places.length - MOST_PLACES;
  return more > 0 ? `${named} and in ${more} more ${more === 1 ? 'namespace' : 'namespaces'}` : named;
}

function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
