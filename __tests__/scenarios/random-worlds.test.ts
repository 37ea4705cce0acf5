import { describe, expect, test } from '@jest/globals';
import { playMany } from '../random-worlds/play-many.ts';
import type { StoryKind } from '../random-worlds/story.ts';

/*
 * Worlds that are drawn from a seed: clusters, what happens in them, what goes wrong with requests, other actors, one or
 * two gates. Whatever a gate sees, it is never healthy unless the cluster is, never sends a DELETE outside the rules, and
 * has always ended 5 s after its deadline with all outputs set. What is true is noted down beside the gate, from the
 * simulator alone (`random-worlds/`). With those of `random-restarts.test.ts` a thousand worlds; `npm run soak` plays more.
 */

/** The worlds of a test take half a minute; on a machine that is busy with others, many. */
const PATIENCE_MS = 1_800_000;

const FAULTS = [
  'fault: status',
  'fault: reset-before',
  'fault: reset-after',
  'fault: refuse',
  'fault: hang',
  'fault: delay',
  'fault: truncate',
  'fault: stall',
  'fault: slow',
  'fault: endless',
  'fault: rewrite',
  'fault: lines',
  'fault: cut',
  'fault: garbage',
  'fault of a watch',
  'fault of a page',
  'fault of a fresh list',
  'lists in many pages',
];

const VERDICTS = [
  'healthy by the first list',
  'healthy by a fresh list',
  'a fresh list shows that it is not healthy after all',
  'unhealthy',
  'blind at the end',
  'ended by its timeout',
  'cancelled',
];

const HAPPENINGS = [
  'a node is removed',
  'a node is lost',
  'a node is drained',
  'a node joins',
  'an eviction',
  'a quota',
  'controllers hang',
  'a right is lost',
  'credentials are revoked',
  'all watches are silent',
  'a young cluster',
  'two gates',
  'restarts',
  'a forged event about any pod',
  'what only resembles the failure',
];

describe('in random worlds', () => {
  test.each<[StoryKind, number, readonly string[]]>([
    ['ordinary', 60, ['healthy', 'healthy by the first list', 'a node is drained', 'fault of a watch']],
    ['troubled', 140, [...FAULTS, ...VERDICTS, ...HAPPENINGS]],
    ['broken', 150, [...FAULTS, ...VERDICTS, ...HAPPENINGS.filter((mark) => mark !== 'controllers hang')]],
    ['veiled', 330, [...VERDICTS, 'watches lie', 'all watches are silent', 'pods cannot leave a node']],
  ])(
    'that are %s, with all that may go wrong, a gate keeps to what is true and ends in time (%d seeds)',
    async (kind, seeds, wanted) => {
      const { problems, marks } = await playMany(kind, seeds);
      expect(problems).toEqual([]);
      // Worlds in which nothing happens and nothing goes wrong would show nothing.
      expect([...marks]).toEqual(expect.arrayContaining([...wanted]));
    },
    PATIENCE_MS,
  );
});
