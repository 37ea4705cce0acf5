import { describe, expect, test } from '@jest/globals';
import { gapMs, lastTimeOf, type Moment, onServerMs } from '../../src/calico/moments.ts';
import { ago, anEvent, aPod, HOUR, MINUTE, NOW_MS, SECOND } from '../builders.ts';

/** A moment of which the API server knows nothing but that it was between an hour ago and now. */
function said(onNodeMs: number | null): Moment {
  return { onNodeMs, notBeforeMs: ago(HOUR), notAfterMs: NOW_MS };
}

describe('the gap between two moments on a node', () => {
  test('is what the node’s clock says, right or wrong', () => {
    expect(gapMs(said(ago(30 * SECOND)), said(ago(10 * SECOND)))).toBe(20 * SECOND);
    expect(gapMs(said(ago(10 * SECOND)), said(ago(30 * SECOND)))).toBe(-20 * SECOND);
    expect(gapMs(said(ago(-5 * MINUTE)), said(ago(-6 * MINUTE)))).toBe(MINUTE);
  });

  test('is no longer than the API server’s clock allows: a clock that jumped ahead proves nothing', () => {
    const before: Moment = { onNodeMs: ago(MINUTE), notBeforeMs: ago(MINUTE), notAfterMs: ago(MINUTE) };
    const jumped: Moment = { onNodeMs: NOW_MS + 24 * HOUR, notBeforeMs: ago(2 * MINUTE), notAfterMs: ago(90 * SECOND) };
    expect(gapMs(before, jumped)).toBeLessThan(0);
  });

  test('is no shorter than the API server’s clock allows: a clock that was set back hides nothing', () => {
    const before: Moment = { onNodeMs: ago(MINUTE), notBeforeMs: ago(MINUTE), notAfterMs: ago(MINUTE) };
    const setBack: Moment = { onNodeMs: ago(HOUR), notBeforeMs: ago(30 * SECOND), notAfterMs: ago(20 * SECOND) };
    expect(gapMs(before, setBack)).toBeGreaterThan(25 * SECOND);
  });

  test('is the least that is certain, where the node said nothing', () => {
    const before: Moment = { onNodeMs: null, notBeforeMs: ago(MINUTE), notAfterMs: ago(50 * SECOND) };
    const after: Moment = { onNodeMs: ago(SECOND), notBeforeMs: ago(30 * SECOND), notAfterMs: NOW_MS };
    expect(gapMs(before, after)).toBe(20 * SECOND);
  });
});

describe('a moment on the API server’s clock', () => {
  test.each<[string, number | null, number]>([
    ['is the node’s word within the bounds', ago(30 * SECOND), ago(30 * SECOND)],
    ['is never later than it was seen', NOW_MS + HOUR, NOW_MS],
    ['is never earlier than it can have been', ago(2 * HOUR), ago(HOUR)],
    ['is the earliest one without a word', null, ago(HOUR)],
  ])('%s', (_, onNodeMs, expected) => {
    expect(onServerMs(said(onNodeMs))).toBe(expected);
  });
});

test('an event last happened by its writer’s words, between being stored and being read', () => {
  const event = anEvent(aPod(), { lastAtMs: ago(20 * SECOND), createdAtMs: ago(MINUTE), seenAtMs: ago(SECOND) });
  expect(lastTimeOf(event)).toEqual({ onNodeMs: ago(20 * SECOND), notBeforeMs: ago(MINUTE), notAfterMs: ago(SECOND) });
});
