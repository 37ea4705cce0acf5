import type { DeleteOptions } from '../api/delete-options.ts';
import { type DeleteResult, deleteObject } from '../api/deletion.ts';
import type { Change } from '../api/store.ts';
import type { ApiServer } from '../api-server.ts';
import { controllerOf, type KubeObject, keyOf } from '../objects.ts';
import type { ResourceTypes } from '../workload-objects.ts';
import type { WorldClock } from '../world-clock.ts';

/** The model's own, typed way to the objects of the API server. */
export interface Database {
  readonly get: <K extends keyof ResourceTypes>(
    plural: K,
    namespace: string | undefined,
    name: string,
  ) => ResourceTypes[K] | undefined;
  readonly list: <K extends keyof ResourceTypes>(plural: K, namespace?: string) => readonly ResourceTypes[K][];
  readonly put: <K extends keyof ResourceTypes>(plural: K, object: ResourceTypes[K]) => ResourceTypes[K];
  /**
   * Replaces an object by what `change` makes of it; nothing is written when that is the same object, or when the
   * object is gone, or was replaced by a namesake with another uid.
   */
  readonly update: <K extends keyof ResourceTypes>(
    plural: K,
    object: ResourceTypes[K],
    change: (current: ResourceTypes[K]) => ResourceTypes[K],
  ) => ResourceTypes[K] | undefined;
  readonly delete: (plural: keyof ResourceTypes, object: KubeObject, options?: DeleteOptions) => DeleteResult;
  /** Removes an object at once, finalizers or not. */
  readonly remove: (plural: keyof ResourceTypes, object: KubeObject) => void;
  /** The pods, or ReplicaSets, that an owner controls. */
  readonly ownedBy: <K extends 'pods' | 'replicasets' | 'jobs'>(plural: K, uid: string) => readonly ResourceTypes[K][];
  readonly onNode: (node: string) => readonly ResourceTypes['pods'][];
  /** After every write of a resource, synchronously. */
  readonly onChange: <K extends keyof ResourceTypes>(
    plural: K,
    listener: (type: Change['type'], object: ResourceTypes[K], before: ResourceTypes[K] | undefined) => void,
  ) => void;
}

/** Keys of objects by something they have. */
function createIndex(): {
  readonly of: (value: string) => ReadonlySet<string>;
  readonly move: (key: string, from: string | undefined, to: string | undefined) => void;
} {
  const sets = new Map<string, Set<string>>();
  const none: ReadonlySet<string> = new Set();
  return {
    of: (value) => sets.get(value) ?? none,
    move: (key, from, to) => {
      if (from === to) return;
      if (from !== undefined) {
        sets.get(from)?.delete(key);
        if (sets.get(from)?.size === 0) sets.delete(from);
      }
      if (to === undefined) return;
      const set = sets.get(to) ?? new Set();
      set.add(key);
      sets.set(to, set);
    },
  };
}

export function createDatabase(api: ApiServer, world: WorldClock): Database {
  const { store } = api;
  const owners = createIndex();
  const nodes = createIndex();
  const pods = api.resource('pods');

  store.subscribe((change) => {
    const { plural } = change.resource;
    const after = change.type === 'DELETED' ? undefined : change.object;
    const key = keyOf(change.object);
    owners.move(
      `${plural} ${key}`,
      change.before && controllerOf(change.before)?.uid,
      after && controllerOf(after)?.uid,
    );
    if (change.resource === pods) {
      const nodeOf = (object: KubeObject | undefined): string | undefined =>
        (object as ResourceTypes['pods'] | undefined)?.spec.nodeName;
      nodes.move(key, nodeOf(change.before), nodeOf(after));
    }
  });

  const database: Database = {
    get: <K extends keyof ResourceTypes>(plural: K, namespace: string | undefined, name: string) =>
      store.get(api.resource(plural), namespace === undefined ? name : `${namespace}/${name}`) as
        | ResourceTypes[K]
        | undefined,
    list: <K extends keyof ResourceTypes>(plural: K, namespace?: string) => {
      const all = store.list(api.resource(plural)) as readonly ResourceTypes[K][];
      return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
    },
    put: <K extends keyof ResourceTypes>(plural: K, object: ResourceTypes[K]) =>
      store.put(api.resource(plural), object) as ResourceTypes[K],
    update: <K extends keyof ResourceTypes>(
      plural: K,
      object: ResourceTypes[K],
      change: (current: ResourceTypes[K]) => ResourceTypes[K],
    ) => {
      const current = database.get(plural, object.metadata.namespace, object.metadata.name);
      if (!current || current.metadata.uid !== object.metadata.uid) return undefined;
      const next = change(current);
      return next === current ? current : database.put(plural, next);
    },
    delete: (plural, object, options = {}) =>
      deleteObject(store, api.resource(plural), keyOf(object), options, world.wallMs()),
    remove: (plural, object) => {
      store.remove(api.resource(plural), keyOf(object));
    },
    ownedBy: <K extends 'pods' | 'replicasets' | 'jobs'>(plural: K, uid: string) => {
      const prefix = `${plural} `;
      return [...owners.of(uid)]
        .filter((entry) => entry.startsWith(prefix))
        .map((entry) => store.get(api.resource(plural), entry.slice(prefix.length)) as ResourceTypes[K])
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    },
    onNode: (node) => [...nodes.of(node)].map((key) => store.get(pods, key) as ResourceTypes['pods']),
    onChange: <K extends keyof ResourceTypes>(
      plural: K,
      listener: (type: Change['type'], object: ResourceTypes[K], before: ResourceTypes[K] | undefined) => void,
    ) => {
      const resource = api.resource(plural);
      store.subscribe((change) => {
        if (change.resource === resource && !change.loaded) {
          listener(change.type, change.object as ResourceTypes[K], change.before as ResourceTypes[K] | undefined);
        }
      });
    },
  };
  return database;
}
