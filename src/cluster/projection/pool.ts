/** Bounds a pool; then it begins anew, and what it gave so far stays what it is. */
const MOST_POOLED = 50_000;

/**
 * Keeps one object for all that are the same: pods of one roll-out share most of what is kept of them. `key` must tell
 * everything that `make` depends on, and what is made must be immutable.
 */
export function createPool<T>(): (key: string, make: () => T) => T {
  const pool = new Map<string, T>();
  return (key, make) => {
    const known = pool.get(key);
    if (known !== undefined) return known;
    if (pool.size >= MOST_POOLED) pool.clear();
    const made = make();
    pool.set(key, made);
    return made;
  };
}
