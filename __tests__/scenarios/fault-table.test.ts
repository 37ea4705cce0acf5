import { beforeAll, describe, expect, test } from '@jest/globals';
import { problemsOf } from '../fault-table/check-row.ts';
import { playRow, playRows, playWithoutFault } from '../fault-table/play-row.ts';
import { FAULT_ROWS } from '../fault-table/table.ts';

const IN_MEMORY = FAULT_ROWS.filter(({ https }) => https === undefined);
const OVER_HTTPS = FAULT_ROWS.filter(({ https }) => https !== undefined);

/** The faults that have a number of their own; the letters behind are faces of the same. */
const NUMBERS = 73;

describe('the table of faults', () => {
  test.each(IN_MEMORY)('$id $fault', async (row) => {
    expect(await problemsOf(await playRow(row))).toEqual([]);
  });

  describe('over real connections', () => {
    const problems = new Map<string, readonly string[]>();

    beforeAll(async () => {
      await playRows(OVER_HTTPS, async ({ id }, played) => {
        problems.set(id, await problemsOf(await played));
      });
    }, 300_000);

    test.each(OVER_HTTPS)('$id $fault', ({ id }) => {
      expect(problems.get(id)).toEqual([]);
    });
  });

  // Else the row would show nothing: it would be as expected in a world where nothing goes wrong.
  test.each(FAULT_ROWS.filter(({ isTraceless }) => !isTraceless))(
    '$id leaves a trace: without the fault the run is another one',
    async (row) => {
      expect(await problemsOf(await playWithoutFault(row))).not.toEqual([]);
    },
  );

  test('gives every row a number of its own, and leaves none out', () => {
    const ids = FAULT_ROWS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const numbers = new Set(ids.map((id) => Number.parseInt(id, 10)));
    expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: NUMBERS }, (_, index) => index + 1));
  });
});
