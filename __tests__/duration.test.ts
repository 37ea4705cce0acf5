import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, MAX_DURATION_MS, parseDuration } from '../src/duration.ts';

describe('parseDuration', () => {
  test.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['500ms', 500],
    ['2m500ms', 120_500],
    ['1.5h', 5_400_000],
    ['0.001s', 1],
    ['1.1s', 1_100],
    ['90', 90_000],
    ['1.5', 1_500],
    ['0', 0],
    ['0s', 0],
    ['0h0m', 0],
    ['007s', 7_000],
    [' 10m\n', 600_000],
    ['168h', MAX_DURATION_MS],
  ])('%j is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ['', 'nothing'],
    ['s', 'a unit without a number'],
    ['10 m', 'a number apart from its unit'],
    ['10M', 'a capital unit'],
    ['5d', 'a unit that is not offered'],
    ['10min', 'a longer word'],
    ['-5m', 'a sign'],
    ['+5m', 'a sign'],
    ['1h30', 'a number without a unit behind one with a unit'],
    ['1m1h', 'units in the wrong order'],
    ['1m2m', 'a unit twice'],
    ['1.5ms', 'less than a millisecond'],
    ['1.0001s', 'less than a millisecond'],
    ['.5s', 'a fraction without a whole'],
    ['1e3', 'an exponent'],
    ['0x10', 'a hexadecimal number'],
    ['１０m', 'digits that are not ASCII'],
    ['1:30', 'a time of day'],
    ['Infinity', 'a word'],
    ['168h1ms', 'more than the longest'],
    ['9'.repeat(400), 'more than a number holds'],
  ])('%j is refused: %s', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test('never gives anything but a whole number within the limits, whatever the text', () => {
    const likely = fc.string({ unit: fc.constantFrom('0', '1', '9', '.', 'h', 'm', 's', ' ', '-', 'e') });
    fc.assert(
      fc.property(fc.oneof(fc.string(), likely), (text) => {
        const ms = parseDuration(text);
        expect(ms === null || (Number.isInteger(ms) && ms >= 0 && ms <= MAX_DURATION_MS)).toBe(true);
      }),
    );
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [500, '500ms'],
    [90_000, '1m30s'],
    [600_000, '10m'],
    [5_400_000, '1h30m'],
    [3_600_001, '1h1ms'],
  ])('%i ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('is read back as the same duration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_DURATION_MS }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
