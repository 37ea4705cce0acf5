import { findInstallations } from '../../src/calico/installation.ts';
import type { Clock } from '../../src/clock.ts';
import type { Api } from '../../src/cluster/api.ts';
import { isApiError } from '../../src/cluster/api-error.ts';
import { createJsonDecoder } from '../../src/cluster/json-decoder.ts';
import { readList } from '../../src/cluster/pages.ts';
import { projectDaemonSet } from '../../src/cluster/projection/daemon-set.ts';
import type { Raw } from '../../src/cluster/projection/raw.ts';
import { readKubernetesVersion } from '../../src/cluster/version.ts';
import { type Forbidden, forEach, type List, type Recording } from './recording.ts';
import { listTypeOf, pathOf, RECORDED, type Recorded } from './resources.ts';
import { recordChanges } from './watch-streams.ts';

export interface ReadOptions {
  readonly api: Api;
  readonly clock: Clock;
  /** Ends the lists with an error, and the watches early. */
  readonly signal: AbortSignal;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** null: find it. */
  readonly calicoNamespace: string | null;
  /** 0: no watches. */
  readonly watchMs: number;
  /** Told what is going on, in sentences. */
  readonly tell: (sentence: string) => void;
}

/** Where the operator and the manifest put Calico: looked at where nobody says more. */
const USUAL_CALICO_NAMESPACES = ['calico-system', 'kube-system'] as const;

/**
 * Reads all lists, one after the other, then watches. Only pods have to be readable: what else is forbidden is noted.
 * Rejects with ApiError, or with an Error that says what to do.
 */
export async function readRecording(options: ReadOptions): Promise<Recording> {
  const { api, tell, signal } = options;
  const kubernetesVersion = await readKubernetesVersion(api, {
    signal,
    onTrouble: ({ message }) => tell(`${message}; trying again`),
  });
  const forbidden: Forbidden[] = [];
  const scope = await scopeOf(options);
  const lists = {} as Record<Recorded, List>;
  const versions = forEach(() => new Map<string | null, string>());
  for (const resource of RECORDED) {
    const items: Raw[] = [];
    let resourceVersion = '0';
    for (const namespace of resource === 'nodes' ? [null] : scope) {
      const list = await listOrNull(options, resource, namespace);
      if (list === null) {
        forbidden.push({ resource, namespace });
        continue;
      }
      items.push(...list.items);
      // Versions are opaque but for playing them back, where the newest counts.
      if (Number(list.resourceVersion) > Number(resourceVersion)) resourceVersion = list.resourceVersion;
      versions[resource].set(namespace, list.resourceVersion);
    }
    lists[resource] = { resourceVersion, items };
    tell(`${items.length} ${resource}${missing(forbidden, resource)}`);
  }
  if (versions.pods.size === 0) throw new Error(noPods(options));

  const nowMs = api.now().atMs;
  const { changes, gaps } = await recordChanges(options, versions);
  return {
    nowMs,
    kubernetesVersion,
    namespaces: options.namespaces,
    lists,
    changes,
    forbidden,
    gaps,
  };
}

function missing(forbidden: readonly Forbidden[], resource: Recorded): string {
  const places = forbidden.filter((each) => each.resource === resource).map(({ namespace }) => namespace);
  if (places.length === 0) return '';
  return places.includes(null) ? ' (they may not be listed)' : ` (they may not be listed in ${places.join(', ')})`;
}

function noPods({ namespaces }: ReadOptions): string {
  return namespaces.length === 0
    ? 'pods may not be listed in all namespaces; name the namespaces to record with --namespaces'
    : `pods may be listed in none of the namespaces ${namespaces.join(', ')}; the credentials need the right to list pods there`;
}

/** The namespaces to read, Calico's among them; [null]: all at once. */
async function scopeOf(options: ReadOptions): Promise<readonly (string | null)[]> {
  const { namespaces, calicoNamespace, tell } = options;
  if (namespaces.length === 0) return [null];
  if (calicoNamespace !== null) return [...new Set([...namespaces, calicoNamespace])];
  const everywhere = await listOrNull(options, 'daemonsets', null);
  if (everywhere === null) {
    tell(`daemonsets may not be listed in all namespaces; looking for Calico in ${USUAL_CALICO_NAMESPACES.join(', ')}`);
    return [...new Set([...namespaces, ...USUAL_CALICO_NAMESPACES])];
  }
  const daemonSets = everywhere.items.flatMap((item) => projectDaemonSet(item, 0) ?? []);
  const { found } = findInstallations(daemonSets, null);
  return [...new Set([...namespaces, ...found.map(({ daemonSet }) => daemonSet.namespace)])];
}

/** null: it may not be listed. */
async function listOrNull(
  { api, signal, tell }: ReadOptions,
  resource: Recorded,
  namespace: string | null,
): Promise<List | null> {
  try {
    const { entries, resourceVersion } = await readList<Raw>({
      api,
      path: pathOf(resource, namespace),
      decoder: createJsonDecoder<Raw>(
        listTypeOf(resource).kind,
        (raw) => raw,
        () => 0,
      ),
      recall: () => undefined,
      signal,
      onTrouble: ({ message }) => tell(`${message}; trying again`),
    });
    return { resourceVersion, items: entries.flatMap(({ item }) => (item === null ? [] : [item])) };
  } catch (error) {
    if (isApiError(error) && error.kind === 'forbidden') return null;
    throw error;
  }
}
