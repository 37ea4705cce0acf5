import type { LogSink } from './log.ts';
import type { Report } from './report.ts';

/** The secrets of a run, and texts without them. */
export interface Secrets {
  /** From now on it is hidden, whole, by its lines, and in the encodings in which it travels. */
  readonly add: (secret: string) => void;
  /** `text` with `***` in place of every secret so far. */
  readonly hide: (text: string) => string;
}

const HIDDEN = '***';
/** Shorter ones would also be hidden where they are part of ordinary words. */
const LEAST_SECRET_LENGTH = 6;
/** A line of a private key has 64 characters, its last one fewer; shorter ones are no use to anybody. */
const LEAST_LINE_LENGTH = 16;
/** Of something shorter, base64 in the middle of other base64 leaves too few characters to know it by. */
const LEAST_ENCODED_LENGTH = 8;
/** What is left of a secret where a text was cut. Fewer characters help nobody, and may be an ordinary word's. */
const LEAST_BEGINNING_LENGTH = 8;
/** No text that is told is longer, so no beginning either. */
const LONGEST_BEGINNING = 4096;
/** What `capText`, `cap` and `quote` put where they cut. */
const CUT_MARK = '…';
/** Texts of our own have a few, those of strangers as many as they like. */
const MOST_CUTS = 64;

/**
 * What a runner does for an action's log, and nobody does for a report, for GitLab, Jenkins and cron: a server's words
 * may repeat a credential, and what is printed is kept for years.
 */
export function createSecrets(): Secrets {
  let forms: readonly string[] = [];
  const endings = new Set<string>();
  return {
    add: (secret) => {
      // The longest first: of one that holds another nothing must be left.
      forms = [...new Set([...forms, ...formsOf(secret)])].sort((one, other) => other.length - one.length);
      for (const form of formsOf(secret)) for (const ending of endingsOf(form)) endings.add(ending);
    },
    hide: (text) =>
      withoutBeginnings(
        forms.reduce((hidden, form) => hidden.replaceAll(form, HIDDEN), text),
        forms,
        endings,
      ),
  };
}

/** The last characters of each beginning of `form`: what tells at once of nearly all texts that they end with none. */
function endingsOf(form: string): readonly string[] {
  const longest = Math.min(form.length, LONGEST_BEGINNING);
  const count = Math.max(0, longest - LEAST_BEGINNING_LENGTH + 1);
  return Array.from({ length: count }, (_, at) => form.slice(at, at + LEAST_BEGINNING_LENGTH));
}

/** `text` without what is left of a secret in front of the mark of a cut: texts are cut before they come here. */
function withoutBeginnings(text: string, forms: readonly string[], endings: ReadonlySet<string>): string {
  let hidden = text;
  let cuts = 0;
  for (let at = hidden.lastIndexOf(CUT_MARK); at > 0 && cuts < MOST_CUTS; at = hidden.lastIndexOf(CUT_MARK, at - 1)) {
    cuts += 1;
    if (!endings.has(hidden.slice(Math.max(0, at - LEAST_BEGINNING_LENGTH), at))) continue;
    const from = beginningOfSecret(hidden.slice(0, at), forms);
    if (from !== null) hidden = hidden.slice(0, from) + HIDDEN + hidden.slice(at);
  }
  return hidden;
}

/** Where the longest beginning of a form starts with which `text` ends; null: it ends with none. */
function beginningOfSecret(text: string, forms: readonly string[]): number | null {
  let first: number | null = null;
  for (const form of forms) {
    const start = form.slice(0, LEAST_BEGINNING_LENGTH);
    const earliest = Math.max(0, text.length - form.length);
    for (let at = text.indexOf(start, earliest); at >= 0; at = text.indexOf(start, at + 1)) {
      if (!form.startsWith(text.slice(at))) continue;
      first = Math.min(first ?? at, at);
      break;
    }
  }
  return first;
}

function formsOf(secret: string): readonly string[] {
  if (secret.trim().length < LEAST_SECRET_LENGTH) return [];
  const lines = secret
    .split(/\r\n|\r|\n/)
    .filter((line) => line.length >= LEAST_LINE_LENGTH && !line.startsWith('---'));
  return [...new Set([secret, secret.trim(), ...lines])].flatMap((text) => [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text.toWellFormed()),
    encodeURI(text.toWellFormed()),
    ...(text.length >= LEAST_ENCODED_LENGTH ? base64FormsOf(text) : []),
  ]);
}

/** As it stands in base64 of a longer text: behind 0, 1 or 2 other bytes of its group, in both alphabets. */
function base64FormsOf(text: string): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    // Only characters that its own bytes decide: not those that it shares with what stands before and behind it.
    const first = Math.ceil((before * 8) / 6);
    const end = Math.floor((bytes.byteLength * 8) / 6);
    const form = bytes.toString('base64').slice(first, end);
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** `sink`, without secrets. */
export function secretFreeSink(sink: LogSink, { hide }: Secrets): LogSink {
  return {
    line: (text) => sink.line(hide(text)),
    group: (title, lines) => sink.group(hide(title), lines.map(hide)),
    debug: (text) => sink.debug(hide(text)),
    status: (text) => sink.status(hide(text)),
  };
}

/** `report`, without secrets in what servers, plugins and programs said. Names stay: they are what others look up. */
export function secretFreeReport(report: Report, hide: Secrets['hide']): Report {
  return {
    ...report,
    reason: hide(report.reason),
    cluster: { ...report.cluster, kubernetesVersion: hide(report.cluster.kubernetesVersion) },
    findings: report.findings.map((finding) => ({ ...finding, message: hide(finding.message) })),
    calico: {
      ...report.calico,
      nodes: report.calico.nodes.map((node) => ({
        ...node,
        why: hide(node.why),
        evidence: node.evidence.map((event) => ({ ...event, message: hide(event.message) })),
      })),
    },
    timeline: report.timeline.map(({ at, what }) => ({ at, what: hide(what) })),
    warnings: report.warnings.map(hide),
  };
}
