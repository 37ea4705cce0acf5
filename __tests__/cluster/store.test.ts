import { describe, expect, test } from '@jest/globals';
import type { Entry } from '../../src/cluster/decoder.ts';
import { createStore } from '../../src/cluster/store.ts';

function entry(key: string, version: string, item: string | null = `${key}@${version}`): Entry<string> {
  return { key, version, item };
}

describe('a store', () => {
  test('recalls an object only in the version that it has', () => {
    const store = createStore<string>();
    store.put(entry('a', '1'));
    expect(store.recall('a', '1')).toBe('a@1');
    expect(store.recall('a', '2')).toBeUndefined();
    expect(store.recall('b', '1')).toBeUndefined();
  });

  test('gives the same array until something changes, and then another', () => {
    const store = createStore<string>();
    store.put(entry('a', '1'));
    const before = store.items();
    const revision = store.revision();
    store.put(entry('a', '1'));
    store.remove('unknown');
    store.replace([entry('a', '1')]);
    expect(store.items()).toBe(before);
    expect(store.revision()).toBe(revision);
    store.put(entry('a', '2'));
    expect(store.items()).toEqual(['a@2']);
    expect(before).toEqual(['a@1']);
    expect(store.revision()).toBeGreaterThan(revision);
  });

  test('drops what a fresh list does not have, and what is not wanted any more', () => {
    const store = createStore<string>();
    store.replace([entry('a', '1'), entry('b', '1'), entry('c', '1', null)]);
    expect(store.items()).toEqual(['a@1', 'b@1']);
    store.put(entry('a', '2', null));
    store.replace([entry('b', '1')]);
    expect(store.items()).toEqual(['b@1']);
  });

  test('notices a list of the same size with another object', () => {
    const store = createStore<string>();
    store.replace([entry('a', '1')]);
    const revision = store.revision();
    store.replace([entry('b', '1')]);
    expect(store.items()).toEqual(['b@1']);
    expect(store.revision()).toBeGreaterThan(revision);
  });

  test('keeps the newest ten thousand deleted objects', () => {
    const store = createStore<string>(() => true);
    for (let index = 0; index < 10_005; index += 1) {
      store.put(entry(`k${index}`, '1'));
      store.remove(`k${index}`);
    }
    expect(store.items()).toHaveLength(10_000);
    expect(store.items()).not.toContain('k4@1');
    expect(store.items()).toContain('k5@1');
  });

  test('has a kept object only once when it comes back', () => {
    const store = createStore<string>(() => true);
    store.put(entry('a', '1'));
    store.remove('a');
    store.replace([entry('a', '2')]);
    expect(store.items()).toEqual(['a@2']);
  });
});
