import type { NodePlan, Restart } from '../calico/case.ts';
import type { Now } from '../clock.ts';
import { formatDuration, formatSeconds } from '../duration.ts';
import { type Coverage, type Gap, isLasting } from '../objects/snapshot.ts';
import type { Verdict } from '../report/report.ts';
import type { Settings } from '../settings.ts';
import type { Timing } from '../timing.ts';
import type { Assessment, Finding } from './assessment.ts';
import { describeBlindness, describeSilence, isBlind, neededGaps } from './blindness.ts';
import { doneAndLeft } from './done-and-left.ts';
import { type Evidence, isFresh, resourceOf } from './evidence.ts';
import { compareFindings } from './finding-order.ts';
import { describeUnstable, type ReasonContext, reasonOfHealth, reasonOfTrouble, titleOf } from './reason.ts';

/** Everything that the verdict may look at. */
export interface JudgeInput {
  readonly assessment: Assessment;
  /** What the run remembers of trouble that it can no longer see. */
  readonly memory: { readonly evidence: readonly Evidence[] };
  readonly coverage: Coverage;
  readonly settings: Settings;
  readonly timing: Timing;
  readonly now: Now;
  /** The view was lost a moment ago, and what happened meanwhile may not have been reported yet: for how long. */
  readonly catchUpLeftMs: number;
  /** `timeout` is over: the judgement is an end, whatever it is. */
  readonly deadlineReached: boolean;
  /**
   * `restart-calico-node` is on, and a node waits, may still be restarted, was restarted without an outcome yet, or was
   * cured a moment ago and has pods that are about to follow.
   */
  readonly cureInProgress: boolean;
  readonly nodes: readonly NodePlan[];
  readonly restarts: readonly Restart[];
  /** By what (`SIGTERM`), or null. */
  readonly cancelled: string | null;
  /** The API server cannot be asked any more (two 401s with new credentials, an unknown CA …), with the fix. */
  readonly apiFailure: { readonly message: string } | null;
  /** The picture was read anew, list by list, after a judgement `confirm`. */
  readonly confirmed: boolean;
}

export type Judgement =
  /** Look again when something changes, or at the next tick; `why` for the log. */
  | { readonly kind: 'wait'; readonly why: string }
  /**
   * Read everything anew and judge that picture with `confirmed: true`. Never at the deadline. `verdict`: what it may end
   * with; `withEvents`: it hangs on what events say, too.
   */
  | { readonly kind: 'confirm'; readonly verdict: 'healthy' | 'unhealthy'; readonly withEvents: boolean }
  | { readonly kind: 'end'; readonly verdict: Verdict; readonly reason: string };

/**
 * Whether the run ends, and how. Pure: a function of the picture and of what was remembered. What it promises:
 * `healthy` only when everything in scope was seen fresh, is complete, stayed so for `stable-for` and a fresh list
 * confirmed it (`stable-for: 0s`: the first complete list is its own confirmation); positive evidence of trouble beats
 * blindness; an error of measurement is neither a failure nor a pass; at the deadline it is an end.
 *
 * With `fail-fast` a fatal finding ends the run when a fresh list still shows it: a watch that says nothing, and a list
 * of some seconds ago, hide that it healed. Where no complete list can be had, what was seen has to do.
 *
 * After the view was lost neither is said before the kubelets had time to report what happened meanwhile.
 *
 * Where a resource that the verdict needs is forbidden, or refused for good, waiting cannot make it healthy. With
 * `fail-fast` the run then ends as soon as nothing else in sight holds back; trouble elsewhere keeps its patience, because
 * it decides between unhealthy and inconclusive. Without a right to see any pod at all it ends at once, with `fail-fast` or without.
 */
export function judge(input: JudgeInput): Judgement {
  const { assessment, settings, coverage } = input;
  if (input.cancelled !== null) return inconclusive(cancelledReason(input, input.cancelled));
  if (input.apiFailure !== null) return endBlind(input, input.apiFailure.message);

  const blind = isBlind(coverage);
  const isCaughtUp = input.catchUpLeftMs === 0;
  const isSteady = !blind && isCaughtUp && assessment.complete && assessment.unstable.length === 0;
  const withEvents = hangsOnEvents(assessment);
  const isOwnConfirmation = settings.stableForMs === 0 && !withEvents;
  if (isSteady && (input.confirmed || isOwnConfirmation) && mayEnd(input)) {
    return end('healthy', reasonOfHealth(reasonContext(input)));
  }
  if (input.deadlineReached) return atDeadline(input, blind);

  const holdingBack = assessment.findings.filter(({ holdsBack }) => holdsBack);
  if (holdingBack.some(({ fatal }) => fatal) && settings.failFast && !input.cureInProgress && isCaughtUp) {
    if (!input.confirmed && !blind) return { kind: 'confirm', verdict: 'unhealthy', withEvents: false };
    // The fatal ones are the worst; the reason counts what else is wrong, as the report lists it.
    return unhealthy(input, holdingBack, blind);
  }
  if (isUselessToWait(input)) return endBlind(input, describeBlindness(coverage, input.now.atMs));
  if (isSteady && !input.cureInProgress) return { kind: 'confirm', verdict: 'healthy', withEvents };
  return { kind: 'wait', why: whyWaiting(input, blind) };
}

/**
 * Pods that are starting, or cannot end, are harmless or have Calico's failure, and only an event tells which. A watch of
 * events may be silent for as long as it likes: they have no bookmarks.
 */
function hangsOnEvents({ counts, findings }: Assessment): boolean {
  return counts.starting > 0 || findings.some(({ stage }) => stage === 'terminating');
}

/** A cure that goes on is never cut short: only the deadline or a cancellation ends the run. */
function mayEnd(input: JudgeInput): boolean {
  return !input.cureInProgress || input.deadlineReached;
}

/** The end of a run that can see no more: only what was fatal by then makes it unhealthy. */
function endBlind(input: JudgeInput, why: string): Judgement {
  const fatal = input.memory.evidence.map(({ finding }) => finding).filter((finding) => finding.fatal);
  if (fatal.length === 0) return inconclusive(`${why}${lastSeenOf(input)}`);
  return end('unhealthy', `${reasonOfTrouble(fatal, reasonContext(input))}; besides, ${why}`);
}

/** What was wrong in what cannot be seen any more: too little or too old for a verdict, and still the place to look at. */
function lastSeenOf({ memory }: JudgeInput): string {
  const [worst] = memory.evidence.map(({ finding }) => finding).sort(compareFindings);
  return worst === undefined ? '' : `; when last seen, ${titleOf(worst)}`;
}

/** Evidence counts if it was seen within the last minute or was fatal already; else a lost view is only that. */
function atDeadline(input: JudgeInput, blind: boolean): Judgement {
  const { assessment, settings, now, timing, coverage } = input;
  const counts = ({ finding, seenAtMs }: Evidence): boolean =>
    finding.fatal || now.atMs - seenAtMs <= timing.recentEvidenceMs;
  const evidence = input.memory.evidence.filter(counts).map(({ finding }) => finding);
  const timeout = formatDuration(settings.timeoutMs);
  if (evidence.length > 0) return unhealthy(input, evidence, blind, `; the timeout of ${timeout} is over`);

  if (blind) {
    const blindness = describeBlindness(coverage, now.atMs);
    return inconclusive(`no verdict within ${timeout}: ${blindness}${lastSeenOf(input)}`);
  }
  if (assessment.unstable.length > 0) {
    const stable = formatDuration(settings.stableForMs);
    const open = describeUnstable(assessment.unstable);
    const flaps = assessment.unstable.some(({ begunAnew }) => begunAnew > 1);
    const advice = flaps ? 'find out why it does not stay ready' : 'raise timeout';
    return inconclusive(
      `everything was ready at the timeout of ${timeout}, but not yet for ${stable} (stable-for): ${open}; ${advice}`,
    );
  }
  if (input.catchUpLeftMs > 0) {
    return inconclusive(
      `everything was ready at the timeout of ${timeout}, but the API server had just come back into sight, and kubelets need up to ${formatSeconds(timing.catchUpMs)} to report what happened meanwhile; raise timeout`,
    );
  }
  return inconclusive(
    `everything was ready at the timeout of ${timeout}, but no fresh list had confirmed it; raise timeout`,
  );
}

/**
 * Lasting blindness that no waiting ends, with nothing else in sight to wait for. A view that was only lost, or has
 * not been read yet, may still come.
 */
function isUselessToWait({ assessment, settings, coverage, cureInProgress }: JudgeInput): boolean {
  const gaps = neededGaps(coverage);
  const lasting = gaps.filter(({ why }) => isLasting(why));
  if (lasting.length === 0 || cureInProgress) return false;
  if (isNoPodSeen(lasting, settings.namespaces)) return true;
  const isRestSeen = lasting.length === gaps.length;
  return settings.failFast && isRestSeen && !assessment.findings.some(isTroubleInSight);

  function isTroubleInSight(finding: Finding): boolean {
    return finding.holdsBack && isFresh(coverage, resourceOf(finding), finding.namespace);
  }
}

/** Pods may be read in no namespace of the scope. */
function isNoPodSeen(lasting: readonly Gap[], namespaces: readonly string[]): boolean {
  const unseen = new Set(lasting.filter(({ resource }) => resource === 'pods').map(({ namespace }) => namespace));
  return unseen.has(null) || (namespaces.length > 0 && namespaces.every((namespace) => unseen.has(namespace)));
}

function unhealthy(input: JudgeInput, findings: readonly Finding[], blind: boolean, ending = ''): Judgement {
  const { coverage, now } = input;
  const unseen = [describeSilence(findings, coverage, now.atMs), blind ? describeBlindness(coverage, now.atMs) : ''];
  const besides = unseen.map((clause) => (clause === '' ? '' : `; besides, ${clause}`)).join('');
  return end('unhealthy', `${reasonOfTrouble(findings, reasonContext(input))}${ending}${besides}`);
}

function inconclusive(reason: string): Judgement {
  return end('inconclusive', reason);
}

function end(verdict: Verdict, reason: string): Judgement {
  return { kind: 'end', verdict, reason };
}

function cancelledReason({ assessment, now, nodes, restarts, settings }: JudgeInput, by: string): string {
  const { ready, total } = assessment.counts;
  const after = formatSeconds(now.elapsedMs);
  const [worst] = assessment.findings.filter(({ holdsBack }) => holdsBack);
  const state =
    total === 0 ? '' : `: ${ready} of ${total} pods were ready${worst === undefined ? '' : `; ${titleOf(worst)}`}`;
  const work = doneAndLeft(nodes, restarts, settings.restartCalicoNode);
  return [`cancelled by ${by} after ${after}${state}`, ...work].join('; ');
}

function whyWaiting(input: JudgeInput, blind: boolean): string {
  const { assessment, coverage, now, cureInProgress } = input;
  if (blind) return describeBlindness(coverage, now.atMs);
  if (input.catchUpLeftMs > 0) return 'kubelets have to report what happened while nothing could be seen';
  if (cureInProgress) return 'a cure is under way';
  const [worst] = assessment.findings.filter(({ holdsBack }) => holdsBack);
  if (worst !== undefined) return titleOf(worst);
  if (assessment.unstable.length > 0) return `ready, and has to stay so: ${describeUnstable(assessment.unstable)}`;
  return 'not everything in scope is complete yet';
}

function reasonContext(input: JudgeInput): ReasonContext {
  const { assessment, nodes, restarts, now, settings } = input;
  return {
    assessment,
    nodes,
    restarts,
    nowMs: now.atMs,
    mayRestart: settings.restartCalicoNode,
    stableForMs: settings.stableForMs,
  };
}
