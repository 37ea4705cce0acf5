import { describe, expect, test } from '@jest/globals';
import { isLabelKey, isLabelValue, isNamespaceName } from '../src/label-syntax.ts';

const long = (length: number): string => 'a'.repeat(length);

describe('isLabelKey', () => {
  test.each([
    'app',
    'App',
    'a',
    '1',
    'app.kubernetes.io/name',
    'k8s-app',
    'a_b.c-d',
    'in',
    long(63),
    `${long(63)}.${long(63)}/${long(63)}`,
  ])('takes %s', (key) => {
    expect(isLabelKey(key)).toBe(true);
  });

  test.each([
    '',
    '-app',
    'app-',
    '.app',
    'a b',
    'a/b/c',
    '/a',
    'a/',
    'Prefix/a',
    'a_b/c',
    'a..b/c',
    'ä',
    long(64),
    `${`${long(63)}.`.repeat(4)}b/c`,
  ])('refuses %j', (key) => {
    expect(isLabelKey(key)).toBe(false);
  });
});

describe('isLabelValue', () => {
  test.each(['', 'shop', 'Shop_1.2-x', '1', long(63)])('takes %j', (value) => {
    expect(isLabelValue(value)).toBe(true);
  });

  test.each(['-', 'a-', '_a', 'a/b', 'a b', 'a\n', long(64)])('refuses %j', (value) => {
    expect(isLabelValue(value)).toBe(false);
  });
});

describe('isNamespaceName', () => {
  test.each(['shop', 'kube-system', '1', 'a--b', long(63)])('takes %s', (name) => {
    expect(isNamespaceName(name)).toBe(true);
  });

  test.each(['', 'Shop', 'a_b', 'a.b', '-a', 'a-', '*', 'shop\n', long(64)])('refuses %j', (name) => {
    expect(isNamespaceName(name)).toBe(false);
  });
});
