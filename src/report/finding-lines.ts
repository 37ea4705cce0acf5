import type { Now } from '../clock.ts';
import { formatSeconds } from '../duration.ts';
import type { GateEvent } from '../events.ts';
import type { Finding } from '../health/assessment.ts';
import { causeOf, type FindingGroup, type Groupable, groupFindings, podsBesideSubject } from './finding-groups.ts';
import type { Report, ReportedFinding } from './report.ts';
import { cap } from './untrusted.ts';

type Assessed = Extract<GateEvent, { type: 'assessed' }>;

/** Most new lines about findings in one look: the rest is counted. A log is read by people. */
const LINES_PER_LOOK = 12;
/** More than this nobody reads in a log. */
const CLOSING_LINES = 200;
/** A line of the log is one glance; the whole text stands in the report. */
export const MESSAGE_LIMIT_BYTES = 600;
/**
 * What lasts shorter than this is not told: while a roll-out goes on, every pod is a moment without a sandbox, a moment
 * without an image, a moment not ready.
 */
const WORTH_TELLING_MS = 5_000;
/**
 * A container that runs again after an end is not cured by that: it may end in the next second, as it did before. It is
 * when its pod has been Ready for a while (without a readiness probe each start is Ready at once), or when it has run for
 * longer, ready or not.
 */
const READY_AGAIN_MS = 10_000;
const RUNS_AGAIN_MS = 60_000;

/** A group of findings as the log knows it. */
interface Known {
  readonly seenMs: number;
  readonly lastSeenMs: number;
  /** `left`: it was one too many, and only counted. */
  readonly told: 'no' | 'yes' | 'left';
  readonly fatal: boolean;
  readonly subject: string;
  readonly cause: string;
  /** `namespace/name` of the pods whose containers crash; empty for other groups. */
  readonly crashing: readonly string[];
}

/**
 * What a look says about findings that the looks before did not: one line when something is wrong for long enough, one
 * when waiting will not heal it any more, one when it is over. The function remembers what it said.
 */
export function createFindingLines(): (event: Assessed, now: Now) => readonly string[] {
  let known: ReadonlyMap<string, Known> | null = null;

  return ({ assessment, nodes }, now) => {
    const isFirst = known === null;
    const before = known ?? new Map<string, Known>();
    const after = new Map<string, Known>();
    // That it waits for something else is no new trouble.
    const told = new Map([...before.values()].map((one) => [topicOf(one), one]));
    const lines: string[] = [];
    let untold = 0;
    for (const group of groupFindings(assessment.findings)) {
      const topic = topicOf({ subject: group.subject, cause: causeOf(group) });
      const was = before.get(group.key) ?? (group.derivedFrom === null ? undefined : told.get(topic));
      // What was called hopeless is not called so again: a container that crashes runs between its ends.
      const wasCalledFatal = was?.told === 'yes' && was.fatal;
      const fatal = wasCalledFatal || (group.fatal && !isBeingCured(group, nodes));
      const is: Known = {
        seenMs: was?.seenMs ?? now.elapsedMs,
        lastSeenMs: now.elapsedMs,
        told: was?.told ?? 'no',
        fatal,
        subject: group.subject,
        cause: causeOf(group),
        crashing: crashingPods(group),
      };
      const line = newLine(group, was, is, isFirst, now);
      if (line !== null && lines.length < LINES_PER_LOOK) {
        lines.push(line);
        after.set(group.key, { ...is, told: 'yes' });
      } else {
        if (line !== null) untold += 1;
        after.set(group.key, line === null || is.told === 'yes' ? is : { ...is, told: 'left' });
      }
    }
    known = after;
    const lasting = new Set([...after.values()].map(topicOf));
    const gone = [...before].filter(([key, is]) => is.told === 'yes' && !after.has(key) && !lasting.has(topicOf(is)));
    const over = gone.filter(([, is]) => !runsAgain(is, assessment, now));
    for (const [key, is] of gone) if (runsAgain(is, assessment, now)) after.set(key, is);
    return [
      ...lines,
      ...(untold > 0 ? [`   … and ${untold} more; the end of this log lists all that is wrong then`] : []),
      ...over.map(([, { subject, cause }]) => `✓  ${subject}: no longer ${cause}`),
    ];
  };
}

/** The same trouble, whether it waits for another or not: it is not over when that changes. */
function topicOf({ subject, cause }: Pick<Known, 'subject' | 'cause'>): string {
  return `${subject}: ${cause}`;
}

function crashingPods({ stage, findings }: FindingGroup<Finding>): readonly string[] {
  if (stage !== 'crash') return [];
  return findings.flatMap(({ namespace, pod }) => (pod === null ? [] : [`${namespace}/${pod}`]));
}

/** What crashed does so no more, but not for long: the same may come again. */
function runsAgain({ crashing, lastSeenMs }: Known, assessment: Assessed['assessment'], now: Now): boolean {
  const isStable = assessment.complete && assessment.unstable.length === 0;
  if (crashing.length === 0 || isStable) return false;
  const isReady = !crashing.some((pod) => assessment.notReadyPods.includes(pod));
  return now.elapsedMs - lastSeenMs < (isReady ? READY_AGAIN_MS : RUNS_AGAIN_MS);
}

/** What only a restart can heal is not called hopeless while that is under way. */
function isBeingCured({ cause }: FindingGroup<Finding>, nodes: Assessed['nodes']): boolean {
  return cause === 'CalicoUnauthorized' && nodes.some(({ action }) => action === 'waiting' || action === 'restarted');
}

/** The line that `group` is worth now; null for none. */
function newLine(
  group: FindingGroup<Finding>,
  was: Known | undefined,
  is: Known,
  isFirstLook: boolean,
  now: Now,
): string | null {
  // What waits for something else does not become worse by itself.
  const turnsFatal = was !== undefined && !was.fatal && is.fatal && group.derivedFrom === null;
  if (was?.told === 'yes') return turnsFatal ? `✗  ${is.subject}: ${is.cause}: waiting will not heal it` : null;
  if (was?.told === 'left' && !turnsFatal) return null;
  const isDue =
    is.fatal ||
    group.cause === 'CalicoUnauthorized' ||
    now.elapsedMs - is.seenMs >= WORTH_TELLING_MS ||
    (isFirstLook && now.atMs - oldestSinceMs(group) >= WORTH_TELLING_MS);
  return isDue ? wholeLine(group, is.fatal, now) : null;
}

function oldestSinceMs({ findings }: FindingGroup<Finding>): number {
  return Math.min(...findings.map(({ sinceMs }) => sinceMs));
}

function wholeLine(group: FindingGroup<Finding>, fatal: boolean, now: Now): string {
  const first = group.findings[0] as Finding;
  return described(group, fatal, now.atMs - first.sinceMs);
}

/** One line for each group of findings of a finished run, worst first. */
export function closingFindings({ findings, finishedAt }: Report): readonly string[] {
  const groups = groupFindings(findings);
  const lines = groups.slice(0, CLOSING_LINES).map((group) => {
    const first = group.findings[0] as ReportedFinding;
    return described(group, group.fatal, Date.parse(finishedAt) - Date.parse(first.since));
  });
  return groups.length > lines.length ? [...lines, `and ${groups.length - lines.length} more`] : lines;
}

function described(group: FindingGroup<Groupable>, fatal: boolean, ageMs: number): string {
  const milder = group.derivedFrom === null ? '·' : '↳';
  const pods = podsBesideSubject(group);
  const about = pods === '' ? '' : ` (${pods})`;
  const waits = group.derivedFrom === null ? '' : `, waits for ${group.derivedFrom}`;
  const since = ageMs >= 1000 ? `, for ${formatSeconds(ageMs)}` : '';
  const message = cap(group.findings[0]?.message ?? '', MESSAGE_LIMIT_BYTES);
  return `${fatal ? '✗' : milder}  ${group.subject}${about}: ${causeOf(group)}${waits}${since}: ${message}`;
}
