import type { RequestSeen } from '../../simulator/api/request-log.ts';
import { aWorld, type Played, type World } from '../harness.ts';
import { type Course, type MetFault, marksOf } from './marks.ts';
import { type Come, createGate, type Flaw } from './play-gate.ts';
import { type Moment, type Story, type StoryKind, tellStory } from './story.ts';
import { recordTruth } from './truth.ts';

/** What became of a story. */
export interface PlayedStory {
  readonly kind: StoryKind;
  /** What a gate did that it must not; empty when all is well. */
  readonly problems: readonly string[];
  readonly story: readonly string[];
  readonly runs: readonly Played[];
  /** DELETEs that removed a pod. */
  readonly restarts: number;
  /** What it was about. */
  readonly marks: ReadonlySet<string>;
}

/** More than the timeouts of all gates of a story one after the other. */
const LONGEST_MS = 4 * 3_600_000;

/** Plays a story with real gates, and holds everything that they do against what is true. */
export async function playStory(story: Story, flaw: Flaw = {}): Promise<PlayedStory> {
  const world = aWorld(story.world);
  const { sim, clock } = world;
  const problems: string[] = [];
  const truth = recordTruth(world);
  const happened: string[] = [];
  // A step may begin as a gate ends, and take minutes.
  let toldMs = clock.monotonicMs();
  const after: typeof clock.after = (delayMs, run) => {
    toldMs = Math.max(toldMs, clock.monotonicMs() + delayMs);
    return clock.after(delayMs, run);
  };
  const stage: World = { ...world, clock: { ...clock, after } };
  const perform = (what: string, act: () => void): void => {
    if (isPerformed(act)) happened.push(what);
  };
  for (const { what, act } of story.before) perform(what, () => act(stage));

  const past = new Map<Moment, number>();
  const times = new Map<Moment, number>();
  const come: Come = (moment, node) => {
    const nth = (times.get(moment) ?? 0) + 1;
    times.set(moment, nth);
    past.set(moment, sim.world.nowMs());
    for (const step of story.upon) {
      if (step.moment === moment && step.nth === nth) perform(step.what, () => step.act(stage, node));
    }
  };
  const gates = story.gates.map((plot) => createGate(plot, { story, world, truth, come, flaw }));
  const faults: MetFault[] = [];
  sim.api.faults = (request) => {
    const gate = gates.find(({ plot }) => plot.user === request.user);
    if (request.method === 'DELETE') come('delete', nodeIn(request, world));
    const fault = story.faults.map((each) => each.fault(request, past)).find((each) => each !== undefined);
    if (fault !== undefined) {
      const confirmingMs = past.get('confirming');
      const sinceConfirmingMs = confirmingMs === undefined ? null : request.atMs - confirmingMs;
      faults.push({ request, kind: fault.kind, sinceConfirmingMs });
    }
    if (request.method === 'DELETE') problems.push(...(gate?.hear(request, fault) ?? []));
    return fault;
  };
  for (const { atMs, what, act } of story.during) after(atMs, () => perform(what, () => act(stage)));

  const runs = await clock
    .run(Promise.all(gates.map((gate) => gate.play())), { limitMs: LONGEST_MS })
    .catch((error: unknown) => {
      problems.push(`the run failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return [];
    });
  for (const [index, run] of runs.entries()) {
    const gate = gates[index];
    if (gate !== undefined) problems.push(...run.problems, ...gate.judge(run.played));
  }
  sim.close();
  while (toldMs > clock.monotonicMs()) await clock.advance(toldMs - clock.monotonicMs());
  // What ends at this very moment may still be on its way; what waits after that was left behind by a gate.
  await clock.advance(0);
  if (clock.pending() > 0) problems.push(`${clock.pending()} timers are left`);
  const course: Course = {
    story,
    happened,
    faults,
    gates: runs.flatMap(({ played }, index) =>
      gates.slice(index, index + 1).map((gate) => ({ ...gate, played, wasCut: gate.wasCut() })),
    ),
  };
  return {
    kind: story.kind,
    problems,
    marks: marksOf(course),
    story: tellStory(story),
    runs: runs.map(({ played }) => played),
    restarts: gates.reduce((sum, { sent }) => sum + sent.filter((each) => each.carriedOut()).length, 0),
  };
}

/** Steps may come too late: what they are about may be gone. */
function isPerformed(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    const isLate =
      error instanceof Error && /^the simulated cluster has no|was made by this simulator/.test(error.message);
    if (!isLate) throw error;
    return false;
  }
}

/** The node of the pod that a DELETE is about. */
function nodeIn({ path }: RequestSeen, { sim }: World): string | null {
  const [, namespace, name = ''] = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/?]+)$/.exec(path) ?? [];
  return sim.cluster.get('pods', namespace, name)?.spec.nodeName ?? null;
}
