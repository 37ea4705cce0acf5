import type { Now } from '../clock.ts';
import { formatSeconds } from '../duration.ts';
import type { GateEvent, Tell } from '../events.ts';
import type { Assessment } from '../health/assessment.ts';
import { causeOf, groupFindings } from './finding-groups.ts';
import { closingFindings, createFindingLines, MESSAGE_LIMIT_BYTES } from './finding-lines.ts';
import type { Report } from './report.ts';
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

/** A line at least every 30 s: looks are up to a second apart. */
const HEARTBEAT_MS = 29_000;
/** Numbers of pods are told this often while they change: a roll-out of hundreds changes them with every look. */
const COUNTS_GAP_MS = 5_000;

type Assessed = Extract<GateEvent, { type: 'assessed' }>;

/**
 * Tells a run to a person: one live line per change, prefixed with the time since the run began; a group per phase
 * for details; at least one line every 30 s while waiting.
 */
export function createLog(sink: LogSink): Tell {
  const findingLines = createFindingLines();
  const toldFindings: string[] = [];
  let lastCounts = '';
  let lastCountsMs = Number.NEGATIVE_INFINITY;
  let lastLineMs = 0;

  const say = (text: string, now: Now): void => {
    lastLineMs = now.elapsedMs;
    sink.line(logLine(`${stamp(now)} ${text}`));
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
    for (const line of findingLines(event, now)) {
      toldFindings.push(line);
      say(line, now);
    }
    if (now.elapsedMs - lastLineMs >= HEARTBEAT_MS) {
      say(`${waitingFor(event)}; ${left(deadlineInMs)}`, now);
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
      sayEnd(sink, event.report, toldFindings);
      return;
    }
    say(`${MARKS[event.type] ?? ' '}  ${sentenceOf(event)}`, now);
  };
}

const MARKS: Partial<Record<GateEvent['type'], string>> = {
  'missing-right': '!',
  warning: '!',
  'view-lost': '!',
  'calico-failure': '✗',
  restarting: '↻',
  outcome: '•',
};

/**
 * The verdict stands last, where people look first; what its reason has no room for stands folded above it, unless it is
 * one thing that was told before.
 */
function sayEnd(sink: LogSink, report: Report, told: readonly string[]): void {
  const findings = closingFindings(report);
  const message = cap(report.findings[0]?.message ?? '', MESSAGE_LIMIT_BYTES);
  const saidAll = findings.length === 1 && [report.reason, ...told].some((line) => line.includes(message));
  sink.line('');
  if (findings.length > 0 && !saidAll) sink.group(`What is wrong (${findings.length})`, findings);
  sink.line(logLine(`${report.verdict.toUpperCase()}: ${report.reason}`));
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

function waitingFor({ assessment, unseen }: Assessed): string {
  const worst = groupFindings(assessment.findings.filter((finding) => finding.holdsBack))[0];
  if (worst !== undefined) {
    const besides = unseen === null ? countsLine(assessment) : unseen.what;
    return `waiting: ${worst.subject}: ${causeOf(worst)}; ${besides}`;
  }
  if (unseen !== null) return `waiting: ${unseen.what}${unseen.why}`;
  const unstable = assessment.unstable[0];
  if (unstable !== undefined)
    return `waiting: ${unstable.name} has been complete for ${formatSeconds(unstable.completeForMs)}`;
  return `waiting; ${countsLine(assessment)}`;
}

function left(deadlineInMs: number): string {
  return deadlineInMs > 0 ? `${formatSeconds(deadlineInMs)} left` : 'time is up';
}

function stamp(now: Now): string {
  const seconds = Math.max(0, Math.floor(now.elapsedMs / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, ' ')}:${String(seconds % 60).padStart(2, '0')}`;
}
