/**
 * Plays random worlds with real gates and says where one of them did what it must not: `npm run soak -- --help`. Every
 * problem is printed with its story, in as few parts as show it, and with the command that plays it again.
 */
import { parseArgs } from 'node:util';
import { playSeed, shrinkSeed } from '../__tests__/random-worlds/play-seed.ts';
import type { PlayedStory } from '../__tests__/random-worlds/play-story.ts';
import { STORY_KINDS, type StoryKind } from '../__tests__/random-worlds/story.ts';

const USAGE = `usage: npm run soak -- [options]
  --runs N        how many worlds; default 1000
  --from SEED     the first seed, the others follow; default a new one each time
  --seed SEED     only this one, with what its gates told
  --kind KIND     only worlds of this kind: ${STORY_KINDS.join(', ')}
  --minutes M     end after so long, however many there were`;

const MINUTE_MS = 60_000;
const SEEDS = 1_000_000_000;
const RUNS = 1_000;
/** More would bury the first, which is often the cause of the others. */
const MOST_FAILURES = 10;
const USAGE_EXIT_CODE = 64;

interface Options {
  readonly runs: number;
  readonly from: number;
  readonly kind: StoryKind | undefined;
  readonly untilMs: number;
  /** One seed was asked for: everything about it is wanted. */
  readonly isReplay: boolean;
}

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

function numberIn(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${name} is no number: ${text}`);
  return Number(text);
}

function kindIn(text: string | undefined): StoryKind | undefined {
  const kind = STORY_KINDS.find((each) => each === text);
  if (text !== undefined && kind === undefined) throw new Error(`--kind is none of ${STORY_KINDS.join(', ')}: ${text}`);
  return kind;
}

function optionsOf(args: readonly string[]): Options | null {
  const text = { type: 'string' } as const;
  const options = { runs: text, from: text, seed: text, kind: text, minutes: text, help: { type: 'boolean' } } as const;
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) return null;
  const seed = numberIn('seed', values.seed);
  const minutes = numberIn('minutes', values.minutes);
  return {
    runs: seed === null ? (numberIn('runs', values.runs) ?? RUNS) : 1,
    from: seed ?? numberIn('from', values.from) ?? Math.floor(Math.random() * SEEDS),
    kind: kindIn(values.kind),
    untilMs: minutes === null ? Number.POSITIVE_INFINITY : Date.now() + minutes * MINUTE_MS,
    isReplay: seed !== null,
  };
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

async function tellProblem(seed: number, kind: StoryKind | undefined, played: PlayedStory): Promise<void> {
  const { story, problems } = await shrinkSeed(seed, kind, played);
  say();
  for (const problem of played.problems) say(`FAILED: ${problem}`);
  say('in as few parts as show it:');
  for (const line of [...story, ...problems.map((problem) => `FAILED: ${problem}`)]) say(`  ${line}`);
  say(`again: npm run soak -- --seed ${seed}${kind === undefined ? '' : ` --kind ${kind}`}`);
}

function tellRuns({ story, runs }: PlayedStory): void {
  for (const line of story) say(line);
  for (const { log } of runs) {
    say();
    for (const line of log) say(line);
  }
}

/** How many of the worlds failed. */
async function soak({ runs, from, kind, untilMs, isReplay }: Options): Promise<number> {
  const counts = new Map<string, number>();
  let failures = 0;
  let played = 0;
  let restarts = 0;
  for (let seed = from; seed < from + runs && Date.now() < untilMs && failures < MOST_FAILURES; seed += 1) {
    const world = await playSeed(seed, kind);
    played += 1;
    restarts += world.restarts;
    for (const mark of [...world.marks, `kind: ${world.kind}`]) count(counts, mark);
    if (isReplay) tellRuns(world);
    if (world.problems.length === 0) continue;
    failures += 1;
    await tellProblem(seed, kind, world);
  }
  say();
  say('worlds in which there was');
  for (const [what, times] of [...counts].sort(([one], [other]) => (one < other ? -1 : 1))) {
    say(`${String(times).padStart(7)}  ${what}`);
  }
  say(`${played} worlds from seed ${from}, ${failures} failed; ${restarts} restarts`);
  return failures;
}

try {
  const options = optionsOf(process.argv.slice(2));
  if (options === null) say(USAGE);
  else process.exitCode = (await soak(options)) === 0 ? 0 : 1;
} catch (error) {
  // A world that cannot be played is a defect; a flag that cannot be read is not.
  const isUsage = error instanceof Error && /^(--|Unknown option|Unexpected argument|Option )/.test(error.message);
  if (!isUsage) throw error;
  process.stderr.write(`soak: ${error.message}\n${USAGE}\n`);
  process.exitCode = USAGE_EXIT_CODE;
}
