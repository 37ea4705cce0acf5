import type { Now } from '../clock.ts';
import { formatDuration } from '../duration.ts';
import type { GateEvent, Tell } from '../events.ts';
import type { Assessment, Finding } from '../health/assessment.ts';
import { causeOf, type FindingGroup, groupFindings, podsBesideSubject } from './finding-groups.ts';
import { sentenceOf } from './sentences.ts';
import { cap, logLine } from './untrusted.ts';

/** Where log lines go. Every line has gone through `logLine` before. */
export interface LogSink {
  readonly line: (text: string) => void;
  /** A foldable section; details only, nothing that a reader must see. */
  readonly group: (title: string, lines: readonly string[]) => void;
  readonly debug: (text: string) => void;
  /** The state in one short line, rewritten in place on a terminal; other sinks ignore it. */
  readonly status: (text: string) => void;
}

/** Most new lines about findings in one look: the rest is counted. A log is read by people. */
const LINES_PER_LOOK = 12;
/** A line of the log is one glance; the whole text stands in the report. */
const MESSAGE_LIMIT_BYTES = 600;
/** A line at least every 30 s: looks are up to a second apart. */
const HEARTBEAT_MS = 29_000;
/** Numbers of pods are told this often while they change: a roll-out of hundreds changes them with every look. */
const COUNTS_GAP_MS = 5_000;
/**
 * What lasts shorter than this is not told: while a roll-out goes on, every pod is a moment without a sandbox, a moment
 * without an image, a moment not ready.
 */
const WORTH_TELLING_MS = 5_000;

type Assessed = Extract<GateEvent, { type: 'assessed' }>;

/** A group of findings as the log knows it. */
interface Known {
  readonly seenMs: number;
  /** `left`: it was one too many, and only counted. */
  readonly told: 'no' | 'yes' | 'left';
  readonly fatal: boolean;
  /** `Deployment shop/web: no longer ImageNotFound` is told with what was told at first. */
  readonly what: string;
}

/**
 * Tells a run to a person: one live line per change, prefixed with the time since the run began; a group per phase
 * for details; at least one line every 30 s while waiting.
 */
export function createLog(sink: LogSink): Tell {
  const known = new Map<string, Known>();
  let lastCounts = '';
  let lastCountsMs = Number.NEGATIVE_INFINITY;
  let lastLineMs = 0;
  let looked = false;

  const say = (text: string, now: Now): void => {
    lastLineMs = now.elapsedMs;
    sink.line(logLine(`${stamp(now)} ${text}`));
  };

  const sayChanges = ({ assessment, nodes }: Assessed, now: Now): void => {
    const groups = groupFindings(assessment.findings);
    const isFirst = !looked;
    looked = true;
    let lines = 0;
    let untold = 0;
    for (const group of groups) {
      const before = known.get(group.key);
      const { cause } = group;
      // What only a restart can heal is not called hopeless while that is under way.
      const fatal = group.fatal && !(cause === 'CalicoUnauthorized' && nodes.some(isBeingCured));
      const what = `${group.subject}: ${causeOf(group)}`;
      const seenMs = before?.seenMs ?? now.elapsedMs;
      // What waits for something else does not become worse by itself.
      const turnsFatal = before !== undefined && !before.fatal && fatal && group.derivedFrom === null;
      const isNews = before === undefined || before.told === 'no' || turnsFatal;
      const isDue =
        fatal ||
        cause === 'CalicoUnauthorized' ||
        now.elapsedMs - seenMs >= WORTH_TELLING_MS ||
        (isFirst && ageMs(group, now) >= WORTH_TELLING_MS);
      let told = before?.told ?? 'no';
      if (isNews && isDue) {
        const isKnown = told === 'yes';
        if (lines < LINES_PER_LOOK) {
          say(isKnown ? `✗  ${what}: waiting will not heal it` : findingLine(group, now), now);
          told = 'yes';
        } else {
          told = isKnown ? 'yes' : 'left';
          untold += 1;
        }
        lines += 1;
      }
      known.set(group.key, { seenMs, told, fatal, what });
    }
    if (untold > 0) say(`   … and ${untold} more; all of them are in the report`, now);
    const present = new Set(groups.map(({ key }) => key));
    for (const [key, before] of known) {
      if (present.has(key)) continue;
      known.delete(key);
      if (before.told === 'yes') say(`✓  ${before.what}: no longer`, now);
    }
  };

  const sayAssessment = (event: Assessed, now: Now): void => {
    const { assessment, unseen, deadlineInMs } = event;
    // Nothing was read yet: that it holds no pods would be a wrong thing to say.
    const isUnread = unseen !== null && assessment.counts.total === 0;
    const counts = isUnread ? 'nothing was seen yet' : countsLine(assessment);
    const isDue = assessment.counts.notReady === 0 || now.elapsedMs - lastCountsMs >= COUNTS_GAP_MS;
    if (counts !== lastCounts && isDue && !isUnread) {
      lastCounts = counts;
      lastCountsMs = now.elapsedMs;
      say(counts, now);
    }
    sayChanges(event, now);
    if (now.elapsedMs - lastLineMs >= HEARTBEAT_MS) {
      say(`${waitingFor(assessment, unseen)}; ${left(deadlineInMs)}`, now);
    }
    sink.status(logLine(`${stamp(now)} ${counts}; ${left(deadlineInMs)}`));
  };

  return (event: GateEvent, now: Now): void => {
    if (event.type === 'assessed') {
      sayAssessment(event, now);
      return;
    }
    if (event.type === 'started') {
      sink.line(logLine(sentenceOf(event)));
      return;
    }
    if (event.type === 'debug') {
      sink.debug(logLine(`${stamp(now)} ${event.message}`));
      return;
    }
    if (event.type === 'finished') {
      sink.status('');
      for (const line of closingLines(event.report)) sink.line(logLine(line));
      return;
    }
    say(`${MARKS[event.type] ?? ' '}  ${sentenceOf(event)}`, now);
  };
}

function isBeingCured({ action }: Assessed['nodes'][number]): boolean {
  return action === 'waiting' || action === 'restarted';
}

const MARKS: Partial<Record<GateEvent['type'], string>> = {
  'missing-right': '!',
  warning: '!',
  'view-lost': '!',
  'calico-failure': '✗',
  restarting: '↻',
  outcome: '•',
};

function closingLines(report: Extract<GateEvent, { type: 'finished' }>['report']): readonly string[] {
  return ['', `${report.verdict.toUpperCase()}: ${report.reason}`];
}

/** For how long the oldest of them has been not ready: what a run that has just begun knows. */
function ageMs(group: FindingGroup<Finding>, now: Now): number {
  return now.atMs - Math.min(...group.findings.map((finding) => finding.sinceMs));
}

function findingLine(group: FindingGroup<Finding>, now: Now): string {
  const first = group.findings[0] as Finding;
  const milder = group.derivedFrom === null ? '·' : '↳';
  const mark = group.fatal ? '✗' : milder;
  const pods = podsBesideSubject(group);
  const about = pods === '' ? '' : ` (${pods})`;
  const waits = group.derivedFrom === null ? '' : `, waits for ${group.derivedFrom}`;
  const age = Math.max(0, now.atMs - first.sinceMs);
  const since = age >= 1000 ? `, for ${coarse(age)}` : '';
  return `${mark}  ${group.subject}${about}: ${causeOf(group)}${waits}${since}: ${cap(first.message, MESSAGE_LIMIT_BYTES)}`;
}

function countsLine(assessment: Assessment): string {
  const { counts } = assessment;
  const rest = [
    [counts.notReady, 'not ready'],
    [counts.starting, 'starting'],
    [counts.terminating, 'terminating'],
    [counts.completed, 'completed'],
    [counts.superseded, 'superseded'],
  ] as const;
  const others = rest.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`);
  const of = `${counts.ready} of ${counts.total} pods ready`;
  return others.length === 0 ? of : `${of} (${others.join(', ')})`;
}

function waitingFor(assessment: Assessment, unseen: string | null): string {
  const worst = groupFindings(assessment.findings.filter((finding) => finding.holdsBack))[0];
  const besides = unseen === null ? '' : `; ${unseen}`;
  if (worst !== undefined) return `waiting: ${worst.subject}: ${causeOf(worst)}; ${countsLine(assessment)}${besides}`;
  if (unseen !== null) return `waiting: ${unseen}`;
  const unstable = assessment.unstable[0];
  if (unstable !== undefined)
    return `waiting: ${unstable.name} has been complete for ${coarse(unstable.completeForMs)}`;
  return `waiting; ${countsLine(assessment)}`;
}

function left(deadlineInMs: number): string {
  return deadlineInMs > 0 ? `${coarse(deadlineInMs)} left` : 'time is up';
}

/** `1m30s`: whole seconds are enough for a reader. */
export function coarse(durationMs: number): string {
  return formatDuration(Math.max(0, Math.floor(durationMs / 1000)) * 1000);
}

function stamp(now: Now): string {
  const seconds = Math.max(0, Math.floor(now.elapsedMs / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, ' ')}:${String(seconds % 60).padStart(2, '0')}`;
}
