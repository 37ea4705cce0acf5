import type { Entry, Recall } from './decoder.ts';

/** Slim objects by key. What has not changed stays the same object, and `items()` the same array. */
export interface Store<T> {
  readonly recall: Recall<T>;
  /** A complete list: what is not in it is gone. */
  readonly replace: (entries: readonly Entry<T>[]) => void;
  readonly put: (entry: Entry<T>) => void;
  readonly remove: (key: string) => void;
  /** Everything stored; immutable, and another array after every change. */
  readonly items: () => readonly T[];
  /** Forgets those kept objects (`keepDeleted`) for which `isWanted` is false. */
  readonly forgetDeleted: (isWanted: (item: T) => boolean) => void;
  /** Grows with every change. */
  readonly revision: () => number;
}

/** Deleted objects that are kept, at most: the oldest go first. */
const MOST_KEPT = 10_000;

/** `keepDeleted`: objects that stay in the picture after the cluster forgot them, until `forgetDeleted`. */
export function createStore<T>(keepDeleted: (item: T) => boolean = () => false): Store<T> {
  let live = new Map<string, Entry<T>>();
  const kept = new Map<string, T>();
  let items: readonly T[] | null = null;
  let revision = 0;

  const changed = (): void => {
    items = null;
    revision += 1;
  };
  const keep = ({ key, item }: Entry<T>): void => {
    if (item === null || !keepDeleted(item)) return;
    kept.set(key, item);
    if (kept.size <= MOST_KEPT) return;
    const [oldest] = kept.keys();
    if (oldest !== undefined) kept.delete(oldest);
  };

  return {
    recall: (key, version) => {
      const entry = live.get(key);
      return entry?.version === version && entry.item !== null ? entry.item : undefined;
    },
    replace: (entries) => {
      const next = new Map<string, Entry<T>>();
      for (const entry of entries) {
        if (entry.item !== null) next.set(entry.key, entry);
      }
      const isSame =
        next.size === live.size && entries.every(({ key, item }) => (live.get(key)?.item ?? null) === item);
      for (const [key, entry] of live) if (!next.has(key)) keep(entry);
      for (const key of next.keys()) kept.delete(key);
      live = next;
      if (!isSame) changed();
    },
    put: (entry) => {
      const before = live.get(entry.key)?.item ?? null;
      if (entry.item === null) live.delete(entry.key);
      else live.set(entry.key, entry);
      kept.delete(entry.key);
      if (before !== entry.item) changed();
    },
    remove: (key) => {
      const entry = live.get(key);
      if (entry === undefined) return;
      live.delete(key);
      keep(entry);
      changed();
    },
    items: () => {
      items ??= [...[...live.values()].map(({ item }) => item as T), ...kept.values()];
      return items;
    },
    forgetDeleted: (isWanted) => {
      for (const [key, item] of kept) {
        if (isWanted(item)) continue;
        kept.delete(key);
        changed();
      }
    },
    revision: () => revision,
  };
}
