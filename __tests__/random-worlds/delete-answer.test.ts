import { expect, test } from '@jest/globals';
import type { Fault } from '../../simulator/api/faults.ts';
import { type Became, becameOf } from './delete-answer.ts';

/* Who deleted a pod, and whether the gate that asked for it can know: what later DELETEs are judged by. */

const CUT: Fault = { kind: 'truncate', afterBytes: 0 };
const OPEN: Fault = { kind: 'stall', afterBytes: 10 };

const NOTHING: Became = { carriedOut: false, wasAnswered: false, elsewhere: false };
const DONE: Became = { ...NOTHING, carriedOut: true, wasAnswered: true };
const DONE_IN_SILENCE: Became = { ...NOTHING, carriedOut: true };
const ELSEWHERE: Became = { ...NOTHING, wasAnswered: true, elsewhere: true };
const ELSEWHERE_IN_SILENCE: Became = { ...NOTHING, elsewhere: true };

test.each<readonly [string, number | undefined, Fault | undefined, Became]>([
  ['was done, and said so', 200, undefined, DONE],
  ['was done, and the answer was cut off', 200, CUT, DONE_IN_SILENCE],
  ['was done, and the answer never ended', 200, OPEN, DONE_IN_SILENCE],
  ['was done, and the connection broke', undefined, { kind: 'reset-after' }, DONE_IN_SILENCE],
  ['was late, and said so', 404, undefined, ELSEWHERE],
  ['was about another one', 409, undefined, ELSEWHERE],
  ['was late, and all but the status was cut off', 404, CUT, ELSEWHERE],
  ['was late, and the answer never ended', 404, OPEN, ELSEWHERE_IN_SILENCE],
  ['was refused', 403, undefined, { ...NOTHING, wasAnswered: true }],
  ['never came to the server', undefined, { kind: 'reset-before' }, NOTHING],
  ['was refused at connecting', undefined, { kind: 'refuse' }, NOTHING],
  ['was never answered', undefined, { kind: 'hang' }, NOTHING],
  ['was answered by a proxy', 200, { kind: 'garbage' }, NOTHING],
  ['was answered in place of the server', 404, { kind: 'status', status: 404 }, NOTHING],
])('a DELETE that %s, while the pod was deleted at that moment', (_, status, fault, became) => {
  expect(becameOf(status, fault, true)).toEqual(became);
});

test('a DELETE that was done, of a pod that is there as before, is not carried out', () => {
  expect(becameOf(200, undefined, false)).toEqual({ ...DONE, carriedOut: false });
});
