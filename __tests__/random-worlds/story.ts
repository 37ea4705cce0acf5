import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { aWorld, Inputs, World } from '../harness.ts';

/** Something that happens in a world, and how to tell it. */
export interface Step {
  readonly what: string;
  readonly act: (world: World) => void;
}

/** Something that happens in the very moment in which a gate does something, before the server takes note of it. */
export interface UponStep {
  readonly what: string;
  /** A DELETE arrives, or a gate begins to read everything anew before it says that all is healthy. */
  readonly moment: Moment;
  /** The first such moment of the story is 1. */
  readonly nth: number;
  /** `node`: of the pod that is to be deleted; null where nothing is. */
  readonly act: (world: World, node: string | null) => void;
}

export type Moment = 'delete' | 'confirming';

/** When what happened last in the story, on the world's clock. */
export type Past = ReadonlyMap<Moment, number>;

/** A step, so long after the first gate began. */
export interface TimedStep extends Step {
  readonly atMs: number;
}

/** A gate that runs in the world. */
export interface GatePlot {
  /** The user that its requests come from. */
  readonly user: string;
  readonly inputs: Inputs;
  readonly beginsAtMs: number;
  readonly runsOnNode: string | null;
  /** How long after its beginning it is cancelled; null: never. */
  readonly cancelledAfterMs: number | null;
  /** It is cancelled when its DELETE of this number arrives; null: not by that. */
  readonly cancelledUponDelete: number | null;
  readonly seed: number;
}

/** What goes wrong with requests. */
export interface FaultPlot {
  readonly what: string;
  readonly fault: (request: RequestSeen, past: Past) => Fault | undefined;
  /** By how much a picture may lag behind because of them. */
  readonly lagMs: number;
  /** Since the first gate began, as long as anything goes wrong; left out: it may at any time. */
  readonly duringMs?: readonly [fromMs: number, untilMs: number];
}

/** Everything about a random world that is decided before it runs. */
export interface Story {
  readonly seed: number;
  readonly kind: StoryKind;
  readonly world: NonNullable<Parameters<typeof aWorld>[0]>;
  readonly before: readonly Step[];
  readonly during: readonly TimedStep[];
  readonly upon: readonly UponStep[];
  readonly gates: readonly GatePlot[];
  readonly faults: readonly FaultPlot[];
}

/** What happens in a story before its gates come and while they are there, and what requests meet. */
export interface Plot {
  readonly before: readonly Step[];
  readonly during: readonly TimedStep[];
  readonly upon?: readonly UponStep[];
  readonly faults?: readonly FaultPlot[];
}

/**
 * `ordinary`: nothing happens but what every cluster sees, so no run may end unhealthy. `broken`: Calico's failure and its
 * look-alikes. `restarts`: Calico's failure on some nodes and gates that may restart, beside all others who act on Calico.
 * `troubled`: anything that deploys go wrong with. `veiled`: a healthy cluster that is so no more, behind a veil.
 */
export type StoryKind = 'ordinary' | 'broken' | 'restarts' | 'troubled' | 'veiled';

export const STORY_KINDS: readonly StoryKind[] = ['ordinary', 'broken', 'restarts', 'troubled', 'veiled'];

/** The parts of a story that can be left out one by one: `before 3`, `during 0`, `gate 1`, `fault 0`. */
export function partsOf({ before, during, upon, gates, faults }: Story): readonly string[] {
  return [
    ...faults.map((_, index) => `fault ${index}`),
    ...gates.slice(1).map((_, index) => `gate ${index + 1}`),
    ...upon.map((_, index) => `upon ${index}`),
    ...during.map((_, index) => `during ${index}`),
    ...before.map((_, index) => `before ${index}`),
  ];
}

export function without(story: Story, parts: ReadonlySet<string>): Story {
  const rest = <T>(name: string, all: readonly T[]): readonly T[] =>
    all.filter((_, index) => !parts.has(`${name} ${index}`));
  return {
    ...story,
    before: rest('before', story.before),
    during: rest('during', story.during),
    upon: rest('upon', story.upon),
    gates: rest('gate', story.gates),
    faults: rest('fault', story.faults),
  };
}

/** The story in lines, for whoever looks into a seed. */
export function tellStory({ seed, kind, world, before, during, upon, gates, faults }: Story): readonly string[] {
  return [
    `seed ${seed}: ${kind}, ${JSON.stringify(world)}`,
    ...before.map(({ what }) => `  before: ${what}`),
    ...gates.map(
      ({ user, inputs, beginsAtMs, ...plot }) =>
        `  ${seconds(beginsAtMs)}: ${user} begins with ${JSON.stringify(inputs)}${tellCancellation(plot)}`,
    ),
    ...during.toSorted((a, b) => a.atMs - b.atMs).map(({ atMs, what }) => `  ${seconds(atMs)}: ${what}`),
    ...upon.map(({ what, moment, nth }) => `  upon ${moment} ${nth}: ${what}`),
    ...faults.map(({ what }) => `  faults: ${what}`),
  ];
}

function tellCancellation({
  cancelledAfterMs,
  cancelledUponDelete,
}: Pick<GatePlot, 'cancelledAfterMs' | 'cancelledUponDelete'>): string {
  const after = cancelledAfterMs === null ? '' : `, cancelled after ${seconds(cancelledAfterMs)}`;
  return cancelledUponDelete === null ? after : `${after}, cancelled when its DELETE ${cancelledUponDelete} arrives`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)}s`;
}
