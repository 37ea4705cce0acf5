import { playSeed } from './play-seed.ts';
import type { PlayedStory } from './play-story.ts';
import type { StoryKind } from './story.ts';

/** What became of the worlds of many seeds. */
export interface ManyWorlds {
  /** What a gate did that it must not, with the way to see it again. */
  readonly problems: readonly string[];
  /** All that there was in any of them. */
  readonly marks: ReadonlySet<string>;
}

/** Plays the worlds of one kind with the seeds from 1 to `seeds`. */
export async function playMany(kind: StoryKind, seeds: number): Promise<ManyWorlds> {
  const marks = new Set<string>();
  const problems: string[] = [];
  const add = (seed: number, world: PlayedStory): void => {
    for (const mark of world.marks) marks.add(mark);
    problems.push(...world.problems.map((problem) => `${problem} [npm run soak -- --seed ${seed} --kind ${kind}]`));
  };
  for (let seed = 1; seed <= seeds; seed += 1) add(seed, await playSeed(seed, kind));
  return { problems, marks };
}
