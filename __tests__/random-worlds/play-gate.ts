import type { Fault } from '../../simulator/api/faults.ts';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import { sleep } from '../../src/clock.ts';
import type { Transport } from '../../src/cluster/transport.ts';
import { TIMING, type Timing } from '../../src/timing.ts';
import { type Inputs, type Played, start, type World } from '../harness.ts';
import { isCured } from './cure-rules.ts';
import { type Became, becameOf } from './delete-answer.ts';
import { judgeDelete } from './delete-rules.ts';
import { demandsOf } from './demands.ts';
import { whyNotHealthy } from './health-rules.ts';
import { whyNotWellEnded } from './run-rules.ts';
import type { Deleter, Sent } from './scene.ts';
import type { FaultPlot, GatePlot, Moment, Story } from './story.ts';
import type { Truth } from './truth.ts';

/** How a gate differs from the one that is played, so that the judges have something to say. */
export interface Flaw {
  /** Other inputs than the judges are told. */
  readonly inputs?: (inputs: Inputs) => Inputs;
  readonly timing?: Partial<Timing>;
  /** What stands between it and the API server. */
  readonly between?: (transport: Transport) => Transport;
  /** What it says of itself. */
  readonly says?: (played: Played) => Played;
}

/** Told that a moment of the story has come. */
export type Come = (moment: Moment, node: string | null) => void;

export interface Run {
  readonly played: Played;
  /** Found at the very moment of its end. */
  readonly problems: readonly string[];
}

/** A gate of a story, with all that is known of it outside of it. */
export interface Gate {
  readonly plot: GatePlot;
  readonly sent: readonly Sent[];
  /** It was cancelled in the middle of a DELETE. */
  readonly wasCut: () => boolean;
  readonly play: () => Promise<Run>;
  /** What is wrong with a DELETE that it sent. */
  readonly hear: (request: RequestSeen, fault: Fault | undefined) => readonly string[];
  /** What is wrong with the run as a whole. */
  readonly judge: (played: Played) => readonly string[];
}

/** For an answer and the next request, and for a look. */
const LEAST_LAG_MS = 1_000;
/** Lists that a decision waits for, one after another. */
const ROUNDS = 6;

/** Of lists with one object a page. */
const PAGES = 60;

/** How old what a gate decides by may be, so long after the first gate began. */
function lagAt({ faults, world: { latencyMs = 0, pageLimit } }: Story, sinceMs: number): number {
  const roundsMs = latencyMs * (ROUNDS + (pageLimit === undefined ? 0 : PAGES / pageLimit));
  const isOn = ({ duringMs, lagMs }: FaultPlot): boolean =>
    duringMs === undefined || (sinceMs >= duringMs[0] && sinceMs <= duringMs[1] + lagMs);
  return LEAST_LAG_MS + roundsMs + faults.filter(isOn).reduce((sum, { lagMs }) => sum + lagMs, 0);
}

export interface Setting {
  readonly story: Story;
  readonly world: World;
  readonly truth: Truth;
  readonly come: Come;
  readonly flaw: Flaw;
}

/** A gate that plays its part in a story, and is judged by what is true. */
export function createGate(plot: GatePlot, { story, world, truth, come, flaw }: Setting): Gate {
  const { sim, clock } = world;
  const storyBeganMs = sim.world.nowMs();
  const lagMs = (): number => lagAt(story, sim.world.nowMs() - storyBeganMs);
  const demands = demandsOf(plot.inputs);
  const sent: Sent[] = [];
  const told = (problems: readonly string[]): readonly string[] => problems.map((why) => `${plot.user}: ${why}`);
  let beganMs = sim.world.nowMs();
  let cancelledMs: number | null = null;
  let cancel = (): void => undefined;
  let wasCut = false;
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
    cancel = (): void => {
      cancelledMs ??= sim.world.nowMs();
      controller.abort(new Error('cancelled by SIGTERM'));
    };
    const stop = cancelledAfterMs === null ? (): void => undefined : clock.after(cancelledAfterMs, cancel);
    const token = plot.user === 'gate' ? 'gate-token' : `token-${plot.user}`;
    const played = await start(world, flaw.inputs?.(plot.inputs) ?? plot.inputs, {
      token,
      signal: controller.signal,
      seed: plot.seed,
      onEvent: ({ type }) => {
        if (type !== 'confirming') return;
        come('confirming', null);
        noteUnwell(true);
      },
      ...(plot.runsOnNode === null ? {} : { runsOnNode: plot.runsOnNode }),
      ...(flaw.timing === undefined ? {} : { timing: { ...TIMING, ...flaw.timing } }),
      ...(flaw.between === undefined ? {} : { transport: flaw.between(sim.transportFor(token)) }),
    }).then(flaw.says ?? ((unchanged) => unchanged));
    stop();
    if (played.report.verdict !== 'healthy') return { played, problems: [] };
    // Without a confirmation it was the first list, and that only where it decides at once.
    const isFromThen = unwell !== null && (unwell.isConfirmation || sim.world.nowMs() - unwell.atMs <= lagMs());
    const lasting = whyUnwell().filter((why) => !isFromThen || isAmong(why, unwell?.why ?? []));
    return { played, problems: told(lasting.map((why) => `healthy, but ${why}`)) };
  };

  /** How many requests there had been when it last sent a DELETE of a uid. */
  const requestsBy = new Map<string, number>();
  const hasLooked = (uid: string): boolean =>
    sim.requests.slice(requestsBy.get(uid) ?? 0).some(({ user, method, path }) => {
      return user === plot.user && method === 'GET' && /\/pods(\/[^/?]+)?(\?(?!.*watch=)|$)/.test(path);
    });

  const hear: Gate['hear'] = (request, fault) => {
    const gate: Deleter = {
      demands,
      beganMs,
      cancelledMs: () => cancelledMs,
      sent,
      lagMs,
      hasLooked,
      seesWitnesses: story.faults.length === 0 && sees('pods'),
    };
    const { problems, uid, node, voices } = judgeDelete(request, world, truth, gate);
    const atMs = sim.world.nowMs();
    const delayMs = fault?.kind === 'delay' ? fault.delayMs : 0;
    const became = (): Became => becameOf(request.status, fault, wasRemovedAt(atMs + delayMs, uid, truth));
    sent.push({
      atMs,
      uid,
      node,
      voices,
      carriedOut: () => became().carriedOut,
      wasAnswered: () => became().wasAnswered,
      elsewhere: () => became().elsewhere,
    });
    requestsBy.set(uid, sim.requests.length);
    if (sent.length === plot.cancelledUponDelete) {
      wasCut = true;
      cancel();
    }
    return told(problems.map((why) => `DELETE ${request.path}: ${why}`));
  };

  const judge = (played: Played): readonly string[] => {
    const requests = sim.requests.filter(({ user }) => user === plot.user);
    const cancelledAfterMs = cancelledMs === null ? null : cancelledMs - beganMs;
    return told([
      ...whyNotWellEnded({ played, demands, cancelledAfterMs, requests }),
      ...whyNotTrue(played, sent, world, truth),
      ...(story.kind === 'ordinary' ? whyNotOrdinary(played) : []),
    ]);
  };
  return { plot, sent, wasCut: () => wasCut, play, hear, judge };
}

/** What was wrong already when the confirmation began; what came since may be newer than the lists. */
function isAmong(why: string, before: readonly string[]): boolean {
  const plain = (text: string): string => text.replace(/\d+( old pods| of \d+)/, '…');
  return before.some((each) => plain(each) === plain(why));
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

  for (const node of restartedNodes) {
    // Who deletes what somebody else has deleted a moment ago, and is still ending, is told that it was done.
    const isTold = (each: Sent): boolean => each.wasAnswered() && each.elsewhere();
    if (sent.filter((each) => each.node === node).every(isTold)) {
      problems.push(`${node} is called restarted, and was not`);
    }
  }
  for (const each of sent) {
    if (each.carriedOut() && each.wasAnswered() && !restartedNodes.includes(each.node)) {
      problems.push(`${each.node} was restarted, and the report does not say so`);
    }
  }
  for (const { node, outcome } of report.calico.nodes) {
    // Where no answer came, a pod that is gone counts as this run's doing.
    const there = sent.filter((each) => each.node === node && !(each.elsewhere() && each.wasAnswered()));
    const restart = there.find((each) => each.carriedOut()) ?? there.at(-1);
    if (outcome === 'cured' && (restart === undefined || !isCured(restart, truth, world))) {
      problems.push(`${node} is called cured, and is not`);
    }
    if (outcome !== null && restart === undefined)
      problems.push(`${node} has an outcome, and this run did not restart it`);
  }
  return problems;
}

function whyNotOrdinary({ report }: Played): readonly string[] {
  return report.verdict === 'healthy' ? [] : [`an ordinary cluster is ${report.verdict}: ${report.reason}`];
}
