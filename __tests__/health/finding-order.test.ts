import { expect, test } from '@jest/globals';
import type { Finding } from '../../src/health/assessment.ts';
import { compareFindings } from '../../src/health/finding-order.ts';
import { aFinding, ago, MINUTE } from '../builders.ts';

/** Each pair differs in what it is about; everything that comes later in the order speaks for the second. */
const worse = { cause: 'CalicoUnauthorized', sinceMs: ago(9 * MINUTE), pod: 'a' } as const;

test.each<readonly [string, Partial<Finding>, Partial<Finding>]>([
  ['what holds back before what does not', { holdsBack: true }, { ...worse, holdsBack: false, fatal: true }],
  ['fatal before not', { fatal: true, derivedFrom: 'shop/x' }, { ...worse, fatal: false }],
  ['a cause before what follows from it', {}, { ...worse, derivedFrom: 'shop/x' }],
  ['the worse cause first', { cause: 'ImageNotFound' }, { cause: 'NotReady', sinceMs: ago(9 * MINUTE), pod: 'a' }],
  ['the oldest first', { sinceMs: ago(2 * MINUTE) }, { sinceMs: ago(MINUTE), pod: 'a' }],
  ['by name, so that one picture has one order', { pod: 'a' }, { pod: 'b' }],
])('%s', (_, first, second) => {
  const pair = [aFinding({ pod: 'z', ...second }), aFinding({ pod: 'z', ...first })];
  expect([...pair].sort(compareFindings)).toEqual([pair[1], pair[0]]);
  expect(pair.toReversed().sort(compareFindings)).toEqual([pair[1], pair[0]]);
});
