import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PAGE_WIDTH, twoColumns, wrap } from '../../src/cli/columns.ts';

describe('wrap', () => {
  test.each([
    ['one two three', 7, ['one two', 'three']],
    ['one two three', 13, ['one two three']],
    ['a enormous b', 4, ['a', 'enormous', 'b']],
    ['', 10, ['']],
  ])('%j at %i', (text, width, lines) => {
    expect(wrap(text, width)).toEqual(lines);
  });

  test('loses no word and is too wide only where one word is', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 30 }), (given, width) => {
        const lines = wrap(given.join(' '), width);
        expect(lines.join(' ').split(' ')).toEqual(given);
        expect(lines.every((line) => line.length <= width || !line.includes(' '))).toBe(true);
      }),
    );
  });
});

describe('twoColumns', () => {
  test('a term that leaves no room has its description on the next line', () => {
    expect(
      twoColumns(
        [
          ['-a', 'short'],
          ['--much-too-long', 'below'],
        ],
        10,
      ),
    ).toBe('  -a      short\n  --much-too-long\n          below');
  });

  test('long descriptions go on beneath their beginning, within the page', () => {
    const lines = twoColumns([['-a', 'word '.repeat(50).trim()]], 20).split('\n');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines.slice(1)) expect(line).toMatch(/^ {20}word/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(PAGE_WIDTH);
  });
});
