import type { Clock, Now } from '../clock.ts';
import { type Gap, isLasting, type Resource } from '../objects/snapshot.ts';
import type { Timing } from '../timing.ts';
import type { Api } from './api.ts';
import { type Collection, createCollection } from './collection.ts';
import type { CollectionState } from './freshness.ts';
import { createJsonDecoder } from './json-decoder.ts';
import type { Projection } from './projection/metadata.ts';

/** What everything that reads the cluster shares. */
export interface ReadingContext {
  readonly api: Api;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'viewGapMs' | 'forbiddenRetryMs'>;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly onChange: () => void;
  /** Calls `distrust` whenever nothing is known to be true any more, until `signal` aborts. */
  readonly onDistrust: (distrust: (since: Now, message: string) => void, signal: AbortSignal) => void;
}

export interface ResourceViewOptions<T> {
  readonly resource: Resource;
  readonly project: Projection<T>;
  /** Empty: all namespaces, or a resource that has none. */
  readonly namespaces: readonly string[];
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly keepDeleted?: (item: T) => boolean;
}

/** One resource over several namespaces or all of them. */
export interface ResourceView<T> {
  /** May hold more than the namespaces that were asked for: whoever needs only those looks at the namespace. */
  readonly items: () => readonly T[];
  /** Grows with every change of the items. */
  readonly revision: () => number;
  readonly forgetDeleted: (isWanted: (item: T) => boolean) => void;
  /** What cannot be seen now, and why. */
  readonly gaps: (now: Now) => readonly Gap[];
  /** The server's time up to which all of it is known to be true; null while any part was never read. */
  readonly freshAtMs: (now: Now) => number | null;
  readonly gapsClosed: () => number;
  /** When a part of it came into sight again the last time, in the run's elapsed ms; null: it was never lost. */
  readonly regainedElapsedMs: () => number | null;
  /** Whether everything of that namespace is seen here, now. */
  readonly sees: (namespace: string, now: Now) => boolean;
  /** Whether it is one list for all namespaces. */
  readonly isClusterWide: () => boolean;
  /** Resolves when all of it was read or failed once. */
  readonly settled: Promise<void>;
  readonly refresh: (signal: AbortSignal) => Promise<boolean>;
  readonly close: () => void;
}

/** From so many named namespaces on, one list of all namespaces is cheaper than one for each. */
export const MANY_NAMESPACES = 5;

const GROUPS: Readonly<Record<Resource, string>> = {
  pods: '/api/v1',
  events: '/api/v1',
  nodes: '/api/v1',
  namespaces: '/api/v1',
  deployments: '/apis/apps/v1',
  statefulsets: '/apis/apps/v1',
  daemonsets: '/apis/apps/v1',
  jobs: '/apis/batch/v1',
};

const LIST_KINDS: Readonly<Record<Resource, string>> = {
  pods: 'PodList',
  events: 'EventList',
  nodes: 'NodeList',
  namespaces: 'NamespaceList',
  deployments: 'DeploymentList',
  statefulsets: 'StatefulSetList',
  daemonsets: 'DaemonSetList',
  jobs: 'JobList',
};

/** A collection, and the namespace that it covers; null: all. */
interface Part<T> {
  readonly namespace: string | null;
  readonly collection: Collection<T>;
  readonly end: AbortController;
}

/**
 * One list and watch for all namespaces or for each of up to four named ones. From five on: one for all namespaces, and
 * where that is forbidden, lists of each every few seconds instead of hundreds of watches. Begins at once.
 */
export function createResourceView<T>(context: ReadingContext, options: ResourceViewOptions<T>): ResourceView<T> {
  const { resource, namespaces } = options;
  const end = new AbortController();
  let switches = 0;

  const partOf = (namespace: string | null, mode: 'watch' | 'poll'): Part<T> => {
    const partEnd = new AbortController();
    const signal = AbortSignal.any([end.signal, partEnd.signal]);
    const collection = createCollection<T>({
      ...context,
      signal: AbortSignal.any([context.signal, signal]),
      path: pathOf(options, namespace),
      decoder: createJsonDecoder(LIST_KINDS[resource], options.project, () => context.api.now().atMs, namespace),
      mode,
      ...(options.keepDeleted === undefined ? {} : { keepDeleted: options.keepDeleted }),
    });
    context.onDistrust(collection.distrust, signal);
    return { namespace, collection, end: partEnd };
  };

  const isMany = namespaces.length >= MANY_NAMESPACES;
  const isWide = namespaces.length === 0 || isMany;
  let parts = isWide ? [partOf(null, 'watch')] : namespaces.map((namespace) => partOf(namespace, 'watch'));

  const settle = async (): Promise<void> => {
    await Promise.all(parts.map(({ collection }) => collection.settled));
    const [wide] = parts;
    const isForbidden = wide?.collection.state(context.api.now()).kind === 'forbidden';
    if (!isMany || wide === undefined || !isForbidden || end.signal.aborted) return;
    wide.end.abort();
    switches += 1;
    parts = namespaces.map((namespace) => partOf(namespace, 'poll'));
    await Promise.all(parts.map(({ collection }) => collection.settled));
  };

  const merged = memo<readonly T[]>();
  return {
    items: () => {
      const [only] = parts;
      if (only !== undefined && parts.length === 1) return only.collection.items();
      return merged(revisionsOf(parts), () => parts.flatMap(({ collection }) => collection.items()));
    },
    // Each switch begins the count of changes anew; no collection ever counts so far.
    revision: () => switches * 2 ** 40 + parts.reduce((sum, { collection }) => sum + collection.revision(), 0),
    forgetDeleted: (isWanted) => {
      for (const { collection } of parts) collection.forgetDeleted(isWanted);
    },
    gaps: (now) => parts.flatMap(({ namespace, collection }) => gapOf(resource, namespace, collection.state(now))),
    freshAtMs: (now) => {
      const times = parts.map(({ collection }) => freshAtMsOf(collection.state(now)));
      return times.includes(null) ? null : Math.min(...times.map((time) => time ?? 0));
    },
    gapsClosed: () => parts.reduce((sum, { collection }) => sum + collection.gapsClosed(), 0),
    regainedElapsedMs: () => {
      const times = parts.map(({ collection }) => collection.regainedElapsedMs()).filter((time) => time !== null);
      return times.length === 0 ? null : Math.max(...times);
    },
    sees: (namespace, now) =>
      parts.some(
        (part) =>
          (part.namespace === null || part.namespace === namespace) && part.collection.state(now).kind === 'live',
      ),
    isClusterWide: () => parts.length === 1 && parts[0]?.namespace === null,
    settled: settle(),
    refresh: async (signal) => {
      const refreshed = await Promise.all(parts.map(({ collection }) => collection.refresh(signal)));
      return refreshed.every((isFresh) => isFresh);
    },
    close: () => end.abort(),
  };
}

/** Fresh lists of all `views` that may be read: false when one of them failed. */
export async function refreshReadable(
  views: readonly ResourceView<unknown>[],
  signal: AbortSignal,
  now: () => Now,
): Promise<boolean> {
  const refreshed = await Promise.all(
    views.map(async (view) => (await view.refresh(signal)) || view.gaps(now()).some(({ why }) => isLasting(why))),
  );
  return refreshed.every((isFresh) => isFresh);
}

type Selection = Pick<ResourceViewOptions<unknown>, 'resource' | 'labelSelector' | 'fieldSelector'>;

function pathOf(options: Selection, namespace: string | null): string {
  const { resource, labelSelector = '', fieldSelector = '' } = options;
  const scope = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const query = [
    labelSelector === '' ? '' : `labelSelector=${encodeURIComponent(labelSelector)}`,
    fieldSelector === '' ? '' : `fieldSelector=${encodeURIComponent(fieldSelector)}`,
  ].filter((part) => part !== '');
  const path = `${GROUPS[resource]}${scope}/${resource}`;
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

function gapOf(resource: Resource, namespace: string | null, state: CollectionState): readonly Gap[] {
  if (state.kind === 'live') return [];
  const { kind, sinceMs, message } = state;
  return [{ resource, namespace, why: kind, sinceMs, message }];
}

function freshAtMsOf(state: CollectionState): number | null {
  switch (state.kind) {
    case 'live':
      return state.freshAtMs;
    case 'stale':
      return state.sinceMs;
    case 'forbidden':
    case 'refused':
      return state.wasRead ? state.sinceMs : null;
    case 'never-read':
      return null;
  }
}

function revisionsOf(parts: readonly Part<unknown>[]): readonly number[] {
  return parts.map(({ collection }) => collection.revision());
}

/** Computes again only when one of `inputs` is another than last time. */
export function memo<T>(): (inputs: readonly unknown[], compute: () => T) => T {
  let last: { readonly inputs: readonly unknown[]; readonly value: T } | null = null;
  return (inputs, compute) => {
    if (last?.inputs.length === inputs.length && last.inputs.every((input, index) => Object.is(input, inputs[index]))) {
      return last.value;
    }
    last = { inputs, value: compute() };
    return last.value;
  };
}
