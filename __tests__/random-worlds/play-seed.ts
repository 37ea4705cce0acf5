import type { Flaw } from './play-gate.ts';
import { type PlayedStory, playStory } from './play-story.ts';
import { partsOf, type StoryKind, without } from './story.ts';
import { writeStory } from './write-story.ts';

const NOTHING: ReadonlySet<string> = new Set();

/** Plays the story of a seed, without some of its parts. */
export async function playSeed(
  seed: number,
  kind?: StoryKind,
  leftOut: ReadonlySet<string> = NOTHING,
  flaw: Flaw = {},
): Promise<PlayedStory> {
  // Written anew each time: what faults remember belongs to one playing.
  return await playStory(without(writeStory(seed, kind), leftOut), flaw);
}

/** The same problem in as few parts of the story as possible; `played` is what the whole of it came to. */
export async function shrinkSeed(seed: number, kind: StoryKind | undefined, played: PlayedStory): Promise<PlayedStory> {
  const wanted = new Set(played.problems.map(gist));
  let leftOut = NOTHING;
  let least = played;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const part of partsOf(writeStory(seed, kind))) {
      if (leftOut.has(part)) continue;
      const fewer = new Set([...leftOut, part]);
      const again = await playSeed(seed, kind, fewer).catch(() => null);
      if (again === null || !again.problems.some((problem) => wanted.has(gist(problem)))) continue;
      leftOut = fewer;
      least = again;
      shrunk = true;
    }
  }
  return least;
}

/** A problem without the names and numbers of one story. */
function gist(problem: string): string {
  return problem.replace(/\S*[/\d]\S*/g, '…');
}
