import type { RequestSeen } from '../../simulator/api/request-log.ts';
import { sleep } from '../../src/clock.ts';
import { aWorld, type Played, start, type World } from '../harness.ts';
import { isCured } from './cure-rules.ts';
import { judgeDelete } from './delete-rules.ts';
import { demandsOf } from './demands.ts';
import { whyNotHealthy } from './health-rules.ts';
import { whyNotWellEnded } from './run-rules.ts';
import type { Deleter, Sent } from './scene.ts';
import { type GatePlot, type Step, type Story, tellStory } from './story.ts';
import { recordTruth, type Truth } from './truth.ts';

/** What became of a story. */
export interface PlayedStory {
  /** What a gate did that it must not; empty when all is well. */
  readonly problems: readonly string[];
  readonly story: readonly string[];
  readonly runs: readonly Played[];
  /** DELETEs that removed a pod. */
  readonly restarts: number;
}

/** Longest that a step of a story takes. */
const STEP_MS = 201_000;
/** More than the timeouts of all gates of a story one after the other. */
const LONGEST_MS = 4 * 3_600_000;

/** Plays a story with real gates, and holds everything that they do against what is true. */
export async function playStory(story: Story): Promise<PlayedStory> {
  const world = aWorld(story.world);
  const { sim, clock } = world;
  const problems: string[] = [];
  const truth = recordTruth(world);
  for (const step of story.before) perform(step, world);

  const gates = story.gates.map((plot) => createGate(plot, story, world, truth));
  sim.api.faults = (request) => {
    const fault = story.faults.map((each) => each.fault(request)).find((each) => each !== undefined);
    if (request.method !== 'DELETE') return fault;
    const gate = gates.find(({ plot }) => plot.user === request.user);
    problems.push(...(gate?.hear(request, fault?.kind === 'delay' ? fault.delayMs : 0) ?? []));
    return fault;
  };
  for (const { atMs, ...step } of story.during) clock.after(atMs, () => perform(step, world));
  const toldMs = clock.monotonicMs() + Math.max(0, ...story.during.map(({ atMs }) => atMs)) + STEP_MS;

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
  // What waits when the story is told was left behind by a gate.
  await clock.advance(Math.max(0, toldMs - clock.monotonicMs()));
  if (clock.pending() > 0) problems.push(`${clock.pending()} timers are left`);
  return {
    problems,
    story: tellStory(story),
    runs: runs.map(({ played }) => played),
    restarts: gates.reduce((sum, { sent }) => sum + sent.filter((each) => each.carriedOut()).length, 0),
  };
}

/** Steps may come too late: what they are about may be gone. */
function perform({ act }: Step, world: World): void {
  try {
    act(world);
  } catch (error) {
    const isLate =
      error instanceof Error && /^the simulated cluster has no|was made by this simulator/.test(error.message);
    if (!isLate) throw error;
  }
}

interface Run {
  readonly played: Played;
  /** Found at the very moment of its end. */
  readonly problems: readonly string[];
}

/** A gate of a story, with all that is known of it outside of it. */
interface Gate {
  readonly plot: GatePlot;
  readonly sent: readonly Sent[];
  readonly play: () => Promise<Run>;
  /** What is wrong with a DELETE that it sent. */
  readonly hear: (request: RequestSeen, delayMs: number) => readonly string[];
  /** What is wrong with the run as a whole. */
  readonly judge: (played: Played) => readonly string[];
}

/** For an answer and the next request, and for a look. */
const LEAST_LAG_MS = 1_000;
/** Lists that a decision waits for, one after another. */
const ROUNDS = 6;

function lagOf({ faults, world }: Story): number {
  const roundsMs = (world.latencyMs ?? 0) * ROUNDS;
  return LEAST_LAG_MS + roundsMs + faults.reduce((sum, { lagMs }) => sum + lagMs, 0);
}

function createGate(plot: GatePlot, story: Story, world: World, truth: Truth): Gate {
  const { sim, clock } = world;
  const demands = demandsOf(plot.inputs);
  const sent: Sent[] = [];
  const told = (problems: readonly string[]): readonly string[] => problems.map((why) => `${plot.user}: ${why}`);
  let beganMs = sim.world.nowMs();
  let cancelledMs: number | null = null;
  /** What was not healthy when the lists began that a verdict is taken from. */
  let unwell: { readonly atMs: number; readonly isConfirmation: boolean; readonly why: readonly string[] } | null =
    null;

  const maySee = (resource: string): boolean =>
    sim.api.permissions({ user: plot.user, verb: 'list', group: '', resource });
  // A right that comes back is not noticed at once.
  let lacked: readonly string[] = [];
  const sees = (resource: string): boolean => maySee(resource) && !lacked.includes(resource);
  const whyUnwell = (): readonly string[] => {
    const seesEvents = sees('events') && story.faults.length === 0;
    return whyNotHealthy(world, truth, { demands, beganMs, seesNodes: sees('nodes'), seesEvents });
  };
  const noteUnwell = (isConfirmation: boolean): void => {
    unwell = { atMs: sim.world.nowMs(), isConfirmation, why: whyUnwell() };
  };
  const play = async (): Promise<Run> => {
    await sleep(clock, plot.beginsAtMs);
    beganMs = sim.world.nowMs();
    lacked = ['nodes', 'events', 'pods'].filter((resource) => !maySee(resource));
    noteUnwell(false);
    const controller = new AbortController();
    const { cancelledAfterMs } = plot;
    const cancel = (): void => {
      cancelledMs = sim.world.nowMs();
      controller.abort(new Error('cancelled by SIGTERM'));
    };
    const stop = cancelledAfterMs === null ? (): void => undefined : clock.after(cancelledAfterMs, cancel);
    const played = await start(world, plot.inputs, {
      token: plot.user === 'gate' ? 'gate-token' : `token-${plot.user}`,
      signal: controller.signal,
      seed: plot.seed,
      onEvent: ({ type }) => {
        if (type === 'confirming') noteUnwell(true);
      },
      ...(plot.runsOnNode === null ? {} : { runsOnNode: plot.runsOnNode }),
    });
    stop();
    if (played.report.verdict !== 'healthy') return { played, problems: [] };
    // Without a confirmation it was the first list, and that only where it decides at once.
    const isFromThen = unwell !== null && (unwell.isConfirmation || sim.world.nowMs() - unwell.atMs <= lagOf(story));
    const lasting = whyUnwell().filter((why) => !isFromThen || isAmong(why, unwell?.why ?? []));
    return { played, problems: told(lasting.map((why) => `healthy, but ${why}`)) };
  };

  const hear: Gate['hear'] = (request, delayMs) => {
    const gate: Deleter = {
      demands,
      beganMs,
      cancelledMs: () => cancelledMs,
      sent,
      lagMs: lagOf(story),
      seesWitnesses: story.faults.length === 0 && sees('pods'),
    };
    const { problems, uid, node, voices } = judgeDelete(request, world, truth, gate);
    const atMs = sim.world.nowMs();
    sent.push({
      atMs,
      uid,
      node,
      voices,
      carriedOut: () => isAnswerOfDoing(request) && wasRemovedAt(atMs + delayMs, uid, truth),
      wasAnswered: () => request.status === 200,
      elsewhere: () => request.status === 404 || request.status === 409,
    });
    return told(problems.map((why) => `DELETE ${request.path}: ${why}`));
  };

  const judge = (played: Played): readonly string[] => {
    const requests = sim.requests.filter(({ user }) => user === plot.user);
    const { cancelledAfterMs } = plot;
    return told([
      ...whyNotWellEnded({ played, demands, cancelledAfterMs, requests }),
      ...whyNotTrue(played, sent, world, truth),
      ...(story.kind === 'ordinary' ? whyNotOrdinary(played) : []),
    ]);
  };
  return { plot, sent, play, hear, judge };
}

/** What was wrong already when the confirmation began; what came since may be newer than the lists. */
function isAmong(why: string, before: readonly string[]): boolean {
  const plain = (text: string): string => text.replace(/\d+( old pods| of \d+)/, '…');
  return before.some((each) => plain(each) === plain(why));
}

/** Answered so, or not at all. */
function isAnswerOfDoing({ status }: RequestSeen): boolean {
  return status === 200 || status === undefined;
}

function wasRemovedAt(atMs: number, uid: string, truth: Truth): boolean {
  const known = truth.pod(uid);
  const removedMs = known?.deletedMs ?? known?.goneMs ?? null;
  return removedMs !== null && Math.abs(removedMs - atMs) < 1;
}

/** What the report says of Calico, against what there was. */
function whyNotTrue(
  { report, restartedNodes }: Played,
  sent: readonly Sent[],
  world: World,
  truth: Truth,
): readonly string[] {
  const problems: string[] = [];
  const accused = truth.everAccused();
  for (const { node } of report.calico.nodes)
    if (!accused.has(node)) problems.push(`${node} is called affected, and never was`);
  if (report.calico.detected && accused.size === 0) problems.push("Calico's failure was found, and never was there");

  const asked = new Set(sent.map(({ node }) => node));
  for (const node of restartedNodes) if (!asked.has(node)) problems.push(`${node} is called restarted, and was not`);
  for (const each of sent) {
    if (each.carriedOut() && each.wasAnswered() && !restartedNodes.includes(each.node)) {
      problems.push(`${each.node} was restarted, and the report does not say so`);
    }
  }
  for (const { node, outcome } of report.calico.nodes) {
    const there = sent.filter((each) => each.node === node && !each.elsewhere());
    // Where no answer came, a pod that is gone counts as this run's doing.
    const restart = there.find((each) => each.carriedOut()) ?? there.at(-1);
    if (outcome === 'cured' && (restart === undefined || !isCured(restart, truth, world))) {
      problems.push(`${node} is called cured, and is not`);
    }
  }
  return problems;
}

function whyNotOrdinary({ report }: Played): readonly string[] {
  return report.verdict === 'healthy' ? [] : [`an ordinary cluster is ${report.verdict}: ${report.reason}`];
}
