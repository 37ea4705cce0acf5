import { describe, expect, test } from '@jest/globals';
import { playSeed } from '../random-worlds/play-seed.ts';
import type { PlayedStory } from '../random-worlds/play-story.ts';
import type { StoryKind } from '../random-worlds/story.ts';

/*
 * Worlds that are drawn from a seed: clusters, what happens in them, what goes wrong with requests, other actors, one or
 * two gates. Whatever a gate sees, it is never healthy unless the cluster is, never sends a DELETE outside the rules, and
 * has always ended 5 s after its deadline with all outputs set. What is true is noted down beside the gate, from the
 * simulator alone (`random-worlds/`). A few worlds here; `npm run soak` plays thousands.
 */

/** The worlds of a test take seconds; on a machine that is busy with others, many. */
const PATIENCE_MS = 300_000;

interface Worlds {
  readonly played: readonly PlayedStory[];
  /** What a gate did that it must not, with the way to see it again. */
  readonly problems: readonly string[];
}

async function playWorlds(kind: StoryKind, seeds: number): Promise<Worlds> {
  const played: PlayedStory[] = [];
  const problems: string[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const world = await playSeed(seed, kind);
    played.push(world);
    problems.push(...world.problems.map((problem) => `${problem} [npm run soak -- --seed ${seed} --kind ${kind}]`));
  }
  return { played, problems };
}

function verdictsOf({ played }: Worlds): ReadonlySet<string> {
  return new Set(played.flatMap(({ runs }) => runs.map(({ report }) => report.verdict)));
}

describe('in a random world', () => {
  test(
    'where nothing happens but what every cluster sees, every run is healthy',
    async () => {
      const worlds = await playWorlds('ordinary', 8);
      expect(worlds.problems).toEqual([]);
      expect([...verdictsOf(worlds)]).toEqual(['healthy']);
    },
    PATIENCE_MS,
  );

  test.each<[StoryKind, number]>([
    ['troubled', 5],
    ['broken', 5],
    ['veiled', 40],
  ])(
    'that is %s, with faults of the API server, the gate keeps to what is true and ends in time',
    async (kind, seeds) => {
      const worlds = await playWorlds(kind, seeds);
      expect(worlds.problems).toEqual([]);
      expect([...verdictsOf(worlds)]).toEqual(expect.arrayContaining(['healthy', 'unhealthy']));
    },
    PATIENCE_MS,
  );
});

describe('the restart, checked against a model', () => {
  test(
    'one at a time, never twice, within the cap, with proof, and none after a failed cure, whoever else acts',
    async () => {
      const worlds = await playWorlds('restarts', 12);
      expect(worlds.problems).toEqual([]);
      // Worlds in which nobody restarts, or nothing goes wrong, would show nothing.
      const outcomes = worlds.played.flatMap(({ runs }) =>
        runs.flatMap(({ report }) => report.calico.nodes.map(({ outcome, action }) => outcome ?? action)),
      );
      expect(outcomes).toEqual(expect.arrayContaining(['cured', 'not-cured', 'refused']));
      const restarts = worlds.played.reduce((sum, world) => sum + world.restarts, 0);
      expect(restarts).toBeGreaterThanOrEqual(5);
    },
    PATIENCE_MS,
  );
});
