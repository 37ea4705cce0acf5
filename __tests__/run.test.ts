import { expect, test } from '@jest/globals';
import { createVirtualClock } from '../simulator/virtual-clock.ts';
import { beginRun } from '../src/run.ts';
import { aSettings } from './builders.ts';

test('a run that tells more than anybody keeps still ends with what it told last, and begins with what it told first', () => {
  const told = 20_000;
  const run = beginRun(aSettings(), {
    env: {},
    tell: () => undefined,
    mask: () => undefined,
    signal: new AbortController().signal,
    warnings: [],
    clock: createVirtualClock(),
  });
  for (let index = 0; index < told; index += 1)
    run.tell({ type: 'note', message: `${index}` }, { atMs: index, elapsedMs: index });
  const kept = run.timeline().map(({ what }) => what);
  run.close();
  expect(kept.length).toBeLessThan(told);
  expect([kept[0], kept.at(-1)]).toEqual(['0', `${told - 1}`]);
  expect(kept.map(Number)).toEqual([...kept.map(Number)].sort((one, other) => one - other));
});
