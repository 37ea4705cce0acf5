import { type KubeObject, keyOf } from '../objects.ts';
import { shiftTimes } from '../timestamps.ts';
import type { Representation } from './representation.ts';
import { apiVersionOf, type Resource } from './resources.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One write, as the watch cache remembers it. */
export interface Change {
  readonly version: number;
  readonly atMs: number;
  readonly type: ChangeType;
  readonly resource: Resource;
  /** The new object; of a DELETED one the last, with the version of its deletion. */
  readonly object: KubeObject;
  readonly before: KubeObject | undefined;
  /** Was not written now, but loaded as it once was. */
  readonly loaded?: true;
}

/** Objects by resource, versioned as etcd does it: one counter over all. Objects are immutable. */
export interface Store {
  readonly version: () => number;
  readonly get: (resource: Resource, key: string) => KubeObject | undefined;
  /** All of a resource, sorted by key as etcd does. The array must not be changed. */
  readonly list: (resource: Resource) => readonly KubeObject[];
  readonly size: (resource: Resource) => number;
  /** Creates or replaces; the stored object carries the new resourceVersion. */
  readonly put: (resource: Resource, object: KubeObject) => KubeObject;
  /** Takes objects in as they are, with the versions they have; no watch hears of them. */
  readonly load: (resource: Resource, objects: readonly KubeObject[]) => void;
  readonly remove: (resource: Resource, key: string) => KubeObject | undefined;
  /** Called synchronously after every write, in order. The returned function ends it. */
  readonly subscribe: (listener: (change: Change) => void) => () => void;
  /** Writes newer than `version`, oldest first; `undefined` when some of them were compacted away. */
  readonly changesSince: (version: number) => readonly Change[] | undefined;
  /** Forgets writes up to `version` (default: all), as etcd's compaction does. */
  readonly compact: (version?: number) => void;
  readonly oldestVersion: () => number;
  /** Takes `ms` from every time in every object. */
  readonly age: (ms: number) => void;
  /** Continues the version counter from a recording's. */
  readonly raiseVersion: (version: number) => void;
}

interface Shelf {
  readonly objects: Map<string, KubeObject>;
  sorted: readonly KubeObject[] | undefined;
  /** Keys in order; kept over modifications, which are by far the most frequent writes. */
  keys: readonly string[] | undefined;
}

/** etcd sorts by bytes. */
function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** `nowMs` dates the writes; those older than `historyMs` may be forgotten. */
export function createStore(nowMs: () => number, historyMs: number): Store {
  const shelves = new Map<Resource, Shelf>();
  const listeners = new Set<(change: Change) => void>();
  let history: Change[] = [];
  let version = 1;
  let compacted = 0;

  const shelf = (resource: Resource): Shelf => {
    let found = shelves.get(resource);
    if (!found) {
      found = { objects: new Map(), sorted: undefined, keys: undefined };
      shelves.set(resource, found);
    }
    return found;
  };

  const trim = (): void => {
    const before = nowMs() - historyMs;
    let index = 0;
    while (index < history.length && (history[index] as Change).atMs < before) index += 1;
    // In large steps, since cutting copies.
    if (index < 256 || index < history.length / 2) return;
    compacted = (history[index - 1] as Change).version;
    history = history.slice(index);
  };

  const record = (type: ChangeType, resource: Resource, object: KubeObject, before: KubeObject | undefined): void => {
    const change: Change = { version, atMs: nowMs(), type, resource, object, before };
    history.push(change);
    if (history.length % 1024 === 0) trim();
    for (const listener of [...listeners]) listener(change);
  };

  const withVersion = (object: KubeObject): KubeObject => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  };

  return {
    version: () => version,
    get: (resource, key) => shelf(resource).objects.get(key),
    list: (resource) => {
      const { objects } = shelf(resource);
      const entry = shelf(resource);
      entry.keys ??= [...objects.keys()].sort(byBytes);
      entry.sorted ??= entry.keys.map((key) => objects.get(key) as KubeObject);
      return entry.sorted;
    },
    size: (resource) => shelf(resource).objects.size,
    put: (resource, object) => {
      const key = keyOf(object);
      const entry = shelf(resource);
      const before = entry.objects.get(key);
      const stored = withVersion(object);
      entry.objects.set(key, stored);
      entry.sorted = undefined;
      if (!before) entry.keys = undefined;
      record(before ? 'MODIFIED' : 'ADDED', resource, stored, before);
      return stored;
    },
    load: (resource, objects) => {
      const entry = shelf(resource);
      for (const object of objects) {
        entry.objects.set(keyOf(object), object);
        version = Math.max(version, Number(object.metadata.resourceVersion) || 0);
      }
      entry.sorted = undefined;
      entry.keys = undefined;
      compacted = version;
      history = [];
      for (const object of objects) {
        const change: Change = {
          version,
          atMs: nowMs(),
          type: 'ADDED',
          resource,
          object,
          before: undefined,
          loaded: true,
        };
        for (const listener of [...listeners]) listener(change);
      }
    },
    remove: (resource, key) => {
      const entry = shelf(resource);
      const before = entry.objects.get(key);
      if (!before) return undefined;
      const last = withVersion(before);
      entry.objects.delete(key);
      entry.sorted = undefined;
      entry.keys = undefined;
      record('DELETED', resource, last, before);
      return last;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    changesSince: (since) => {
      trim();
      if (since < compacted) return undefined;
      let low = 0;
      let high = history.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((history[middle] as Change).version <= since) low = middle + 1;
        else high = middle;
      }
      return history.slice(low);
    },
    compact: (upTo = version) => {
      compacted = Math.max(compacted, Math.min(upTo, version));
      history = history.filter((change) => change.version > compacted);
    },
    oldestVersion: () => compacted,
    age: (ms) => {
      for (const entry of shelves.values()) {
        for (const [key, object] of entry.objects) entry.objects.set(key, shiftTimes(object, -ms));
        entry.sorted = undefined;
      }
      // What was remembered carries times that never were: nobody has seen them, and nobody may.
      compacted = version;
      history = [];
    },
    raiseVersion: (to) => {
      version = Math.max(version, to);
      compacted = version;
      history = [];
    },
  };
}

const itemTexts = new WeakMap<KubeObject, string>();

/** An object as a list prints it. Kept, since objects never change and are printed for many requests. */
export function itemText(object: KubeObject): string {
  let text = itemTexts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    itemTexts.set(object, text);
  }
  return text;
}

/** An object as GET and watches print it: with kind and apiVersion. */
export function objectText(resource: Resource, object: KubeObject, representation: Representation = 'whole'): string {
  if (representation === 'metadata') return partialText(object);
  return `{"kind":"${resource.kind}","apiVersion":"${apiVersionOf(resource)}",${itemText(object).slice(1)}`;
}

/** What any object has, without what it is: `PartialObjectMetadata`. */
export function partialText({ metadata }: { readonly metadata: object }): string {
  return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });
}
