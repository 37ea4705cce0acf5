import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backOffMs, parseRetryAfter, retryAfterWaitMs } from '../../src/cluster/back-off.ts';

describe('Retry-After', () => {
  const atMs = Date.parse('2026-11-22T16:00:00Z');
  test.each<[string | undefined, number | null]>([
    ['3', 3_000],
    [' 0 ', 0],
    ['Sun, 22 Nov 2026 16:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 15:00:00 GMT', 0],
    [undefined, null],
    ['', null],
    ['soon', null],
    ['-1', null],
    ['1.5', null],
    ['12345678901', null],
  ])('%j is %j ms', (header, expected) => {
    expect(parseRetryAfter(header, atMs)).toBe(expected);
  });

  test('is waited out with at most a second more, and never believed beyond a minute', () => {
    expect(retryAfterWaitMs(3_000, () => 0)).toBe(3_000);
    expect(retryAfterWaitMs(3_000, () => 0.999)).toBeLessThan(4_000);
    expect(retryAfterWaitMs(86_400_000, () => 0)).toBe(60_000);
  });
});

test('back-off spreads over all of a doubling bound, however often it failed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (failures, luck) => {
        const bound = Math.min(30_000, 800 * 2 ** Math.min(failures - 1, 20));
        expect(backOffMs(failures, () => luck)).toBeCloseTo(luck * bound, 6);
      },
    ),
  );
});
